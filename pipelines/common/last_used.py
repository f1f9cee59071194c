"""Let `dbt` and `dlt` without `make` find the database that `make` used last.

`data/metronome.duckdb` and `data/metronome.duckdb.dlt` are links to it and to dlt's working folder.
dbt's profile and the `dlt` command use them if the environment names no other. The link needs the
name of the file, because dbt derives the name of the catalog from it.
"""

import os
import sys
from pathlib import Path

import duckdb

DATABASE = "data/metronome.duckdb"
"""The database if DESTINATION__DUCKDB__CREDENTIALS names none. dbt's profile has the same."""

WORKING_FOLDER = f"{DATABASE}.dlt"
"""dlt's working folder if DLT_DATA_DIR names none."""


def remember() -> None:
    """Link the database and the working folder of this process's environment.

    Creates no link for a database with another file name, or if a database with tables is at the
    link's path. Then it prints the setting that `dbt` and `dlt` need.
    """
    link = Path(DATABASE)
    link.parent.mkdir(exist_ok=True)
    database = Path(os.environ.get("DESTINATION__DUCKDB__CREDENTIALS") or DATABASE).resolve()
    if database == link.absolute():
        return
    if database.name != link.name or (
        link.exists() and not link.is_symlink() and _has_tables(link)
    ):
        print(f"For dbt and dlt without make: export DESTINATION__DUCKDB__CREDENTIALS={database}")
        return
    working_folder = Path(os.environ.get("DLT_DATA_DIR", WORKING_FOLDER)).absolute()
    for path, target in ((link, database), (Path(WORKING_FOLDER), working_folder)):
        new = path.with_name(f"{path.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(os.path.relpath(target, path.parent))
        if path.is_dir() and not path.is_symlink():
            continue
        new.replace(path)


def _has_tables(file: Path) -> bool:
    with duckdb.connect(str(file), read_only=True) as connection:
        return bool(connection.execute("select 1 from duckdb_tables() limit 1").fetchall())


if __name__ == "__main__":
    remember()
    sys.exit(0)
