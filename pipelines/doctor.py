"""Check the requirements of a run. Prints one line per check. The exit code is 1 if one fails."""

import os
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from urllib.parse import urlsplit

import requests
from packaging.requirements import Requirement

from pipelines.common.database import check_name, connect
from pipelines.common.errors import InputError
from pipelines.common.settings import (
    api_token,
    api_url,
    database_file,
    database_setting,
    export_url,
)
from pipelines.metronome_export.files import list_files
from pipelines.metronome_export.storage import open_location

LOCK = Path(__file__).parents[1] / "requirements.lock"
PYTHON = (3, 11)
FREE_BYTES = 2 * 1024**3
"""Disk space that a run needs for spilled results, in addition to a second copy of the database."""

TIMEOUT = 10
"""Seconds to connect to the API, and to wait for its answer."""


def main() -> int:
    """Print the result of each check. Return 1 if one failed, else 0."""
    failed = False
    for name, check in _checks().items():
        try:
            state, result = "ok", check()
        except InputError as error:
            state, result = "FIX", str(error)
            failed = True
        print(f"{state:<4}{name:<11}{result}")
    return int(failed)


def _checks() -> dict[str, Callable[[], str]]:
    return {
        "python": _python,
        "packages": _packages,
        "sources": _sources,
        **({"export": _export} if export_url() else {}),
        **({"api": _api} if api_token() else {}),
        "database": _database,
        "disk": _disk,
        "reports": _reports,
    }


def _python() -> str:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        raise InputError(f"{found} is too old: install Python {'.'.join(map(str, PYTHON))}.")
    return found


def _packages() -> str:
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    locked = [
        requirement
        for line in lines
        if line[:1].isalnum()
        for requirement in [Requirement(line.partition(" --hash")[0].rstrip(" \\"))]
        if requirement.marker is None or requirement.marker.evaluate()
    ]
    wrong = [
        f"{requirement.name} {installed or 'is missing'}"
        for requirement in locked
        for installed in [_installed(requirement.name)]
        if installed is None or not requirement.specifier.contains(installed, prereleases=True)
    ]
    if wrong:
        raise InputError(
            f"not as in requirements.lock: {', '.join(wrong)}. Run `pip install --no-deps -r "
            "requirements.lock`, or `make clean` and the command again."
        )
    return f"{len(locked)} as in requirements.lock"


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _sources() -> str:
    export, token = export_url(), api_token()
    if not export and not token:
        raise InputError(
            "none is set: give EXPORT=<folder> to make (SOURCES__METRONOME_EXPORT__BUCKET_URL to "
            "dlt), METRONOME_BEARER_TOKEN, or both."
        )
    return f"export: {'set' if export else 'not set'}; API token: {'set' if token else 'not set'}"


def _export() -> str:
    try:
        files, _ = list_files(open_location(export_url() or ""))
    except OSError as error:
        raise InputError(f"the folder cannot be read: {error}") from error
    size = sum(file.size_bytes for file in files)
    tables = {file.table for file in files}
    return f"{len(files)} files of {len(tables)} tables, {size / 1024**2:,.1f} MB"


def _api() -> str:
    url = api_url()
    host = urlsplit(url).hostname
    try:
        answer = requests.get(
            f"{url.rstrip('/')}/v1/customers",
            params={"limit": 1},
            headers={"Authorization": f"Bearer {api_token()}"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        raise InputError(
            f"{host} cannot be reached ({type(error).__name__}): check METRONOME_BASE_URL and the "
            "network."
        ) from None
    if answer.status_code == 401:
        raise InputError(f"{host} refuses the token: set METRONOME_BEARER_TOKEN to a valid one.")
    if answer.status_code != 200:
        raise InputError(
            f"{host} answers {answer.status_code} to a list of customers: is METRONOME_BASE_URL "
            "right, and may the token read customers?"
        )
    return f"{host} answers and accepts the token"


def _database() -> str:
    check_name(database_setting(), set())
    path = database_file()
    if not path.exists():
        _writable(path.parent)
        return f"{path} will be created"
    connect(path).close()  # fails as a run would, if another process has it open
    return f"{path} opens, {path.stat().st_size / 1024**2:,.1f} MB"


def _disk() -> str:
    path = database_file()
    needed = FREE_BYTES + (path.stat().st_size if path.exists() else 0)
    free = shutil.disk_usage(_existing(path.parent)).free
    if free < needed:
        raise InputError(
            f"{free / 1024**3:.1f} GB are free on the disk of the database, and a run may need "
            f"{needed / 1024**3:.1f} GB. Make room, or use another disk: DB=<file>."
        )
    return f"{free / 1024**3:.1f} GB free"


def _reports() -> str:
    path = Path(os.environ.get("OUT", "reports"))
    _writable(path)
    return f"{path} can be written to"


def _writable(folder: Path) -> None:
    existing = _existing(folder)
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise InputError(
            f"{existing} cannot be written to. Change its permissions, or name another folder."
        )


def _existing(folder: Path) -> Path:
    """Return the folder, or its nearest parent that exists."""
    return folder if folder.exists() else _existing(folder.absolute().parent)


if __name__ == "__main__":
    sys.exit(main())
