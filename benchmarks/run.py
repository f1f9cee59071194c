"""Measure `make reports`, as ratios to a fixed reference in the same run.

The reference is the hand-written DuckDB script (`reference.sql`) on the sandbox's export. Each run
is `make reports` in a copy of this checkout that shares its environment, so the install is not
measured. `--install` also measures a fresh clone with its own environment.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measuring import ROOT, Cost, hand_written, measure, row

EXPORT_ALONE = ("ACCOUNT=account", "EXPORT=data/sandbox/export", "DB=data/alone/metronome.duckdb")
ARGUMENTS = ("AS_OF=2024-04-15", "MONTH=2024-03", "CUSTOMER=A1 Company")


def main() -> None:
    """Measure, and print a Markdown table, line by line."""
    options = _parser().parse_args()
    os.environ.setdefault("DUCKDB_MEMORY_LIMIT", "4GB")
    print(
        f"{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}\n\n"
        "| Run | Cost | Ratio |\n|---|---|---|",
    )
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "metronome"
        subprocess.run(["git", "clone", "-q", ROOT, checkout], check=True)
        if options.install:
            fresh = Path(folder) / "fresh"
            shutil.copytree(checkout, fresh)
            installed = measure(["make", "reports"], folder=fresh)
        (checkout / ".venv").mkdir()
        for part in Path(sys.prefix).glob("[!.]*"):
            (checkout / ".venv" / part.name).symlink_to(part)
        (checkout / ".venv" / ".installed").touch()
        first = _make(checkout)
        script = _reference(checkout / "data" / "sandbox" / "export", Path(folder))
        row("hand-written script", script)
        if options.install:
            row("fresh clone, with install", installed, installed.per(script, "scripts"))
        row("first run", first, first.per(script, "scripts"))
        runs = {
            "nothing changed": (),
            "another customer": ("CUSTOMER=Pixel Forge",),
            "another month": ("MONTH=2024-02",),
        }
        for name, given in runs.items():
            cost = _make(checkout, *given)
            row(name, cost, cost.per(script, "scripts"))
        first = _make(checkout, *EXPORT_ALONE, *ARGUMENTS)
        row("export alone, first run", first, first.per(script, "scripts"))
        for name, given in runs.items():
            cost = _make(checkout, *EXPORT_ALONE, *ARGUMENTS, *given)
            row(f"export alone, {name}", cost, cost.per(script, "scripts"))


def _make(checkout: Path, *given: str) -> Cost:
    """Run `make reports` with the code of the checkout, also if an installed version differs."""
    return measure(["make", "reports", *given], {"PYTHONPATH": str(checkout)}, folder=checkout)


def _reference(export: Path, folder: Path) -> Cost:
    with tempfile.TemporaryDirectory(dir=folder) as left:
        return hand_written(export, Path(left))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--install", action="store_true", help="also measure a fresh clone")
    return parser


if __name__ == "__main__":
    main()
