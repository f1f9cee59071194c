"""Command line: build the pages of a built database into a folder."""

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from pages.build import build
from pages.pdf import PdfUnavailableError
from pages.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Build the pages and return 0; or print what is wrong and return 1."""
    options = _parser().parse_args(arguments)
    started = monotonic()
    try:
        if not options.database.is_file():
            raise FileNotFoundError(f"{options.database} does not exist: run `make reports` first.")
        given = {"pdf": options.pdf or None, "seller": options.seller}
        settings = dataclasses.replace(
            Settings.from_environment(),
            **{name: value for name, value in given.items() if value is not None},
        )
        options.folder.mkdir(parents=True, exist_ok=True)
        run = _run(options.run or options.folder / "run.json")
        with duckdb.connect(str(options.database), read_only=True) as connection:
            written = build(connection, options.folder, run, settings)
    except duckdb.CatalogException as error:
        print(f"{options.database} is not built completely: {error}", file=sys.stderr)
        return 1
    except (PdfUnavailableError, duckdb.Error, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    pdfs = f", {written['pdfs']:,} PDFs" if written["pdfs"] else ""
    print(
        f"{options.folder / 'index.html'}: with {written['documents']:,} invoices{pdfs} "
        f"({monotonic() - started:.1f} s)"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pages", description=__doc__)
    parser.add_argument("database", type=Path, help="a DuckDB file that `make reports` built")
    parser.add_argument("folder", type=Path, help="where the pages go; it is created")
    parser.add_argument("--run", type=Path, help="run.json of the set (the folder's own)")
    parser.add_argument("--pdf", action="store_true", help="write the invoices asked for as PDF")
    parser.add_argument("--seller", help="name and address of the seller, one per line")
    return parser


def _run(path: Path) -> dict[str, Any]:
    """Read `run.json`. Without one, which is an empty dict, the pages lack tests and sources."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from error


if __name__ == "__main__":
    sys.exit(main())
