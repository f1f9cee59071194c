"""Share databases in temporary folders, files and a breakable network with the tests.

No code of the pipelines is mocked. A `Workspace` loads through `pipelines.load.run`, in this
process or with the `dlt` command. Faults are put on the disk or on the network.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pipelines.load import run
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from sandbox.core.records import NOW, to_text
from tests.conftest import Once

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "tok3n-that-nobody-may-see"
SETTINGS = ("METRONOME_", "SOURCES__", "DESTINATION__", "DLT_", "RUNTIME__")
"""How the environment variables begin that decide what is loaded, and where to."""

HISTORY_START = datetime(2024, 4, 13, tzinfo=UTC)
"""Of the usage and breakdowns in `loaded_api`: there are hours among them, and so many rows."""

OWN_TABLES = (
    "loaded_files",
    "load_notes",
    "read_from",
    "runs",
    "run_resources",
    "reads",
    "_delete_scope",
)
"""Tables of the pipelines themselves: how and when rows came, not what they say."""

Rows = list[tuple[Any, ...]]


@cache
def _opened(database: str, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Open a database once in this process: to open one takes DuckDB 20 ms."""
    return duckdb.connect(database, read_only=read_only)


@contextmanager
def in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection to a database in memory, without tables, which all tests share."""
    with _opened(":memory:", False).cursor() as connection:
        connection.execute("set timezone = 'UTC'")
        yield connection


@dataclass(frozen=True)
class Workspace:
    """A database, and the folder that dlt works in.

    Attributes:
        read_only: Tests share the database. Several test workers can read it at the same time.
    """

    database: Path
    dlt_folder: Path
    read_only: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables, with settings that lead to this workspace."""
        others = {name: os.environ[name] for name in os.environ if not name.startswith(SETTINGS)}
        return others | {
            "DLT_DATA_DIR": str(self.dlt_folder),
            "DESTINATION__DUCKDB__CREDENTIALS": str(self.database),
            "SOURCES__METRONOME_API__REQUESTS_PER_SECOND": "1000",
        }

    def run(
        self,
        *names: str,
        select: list[str] | None = None,
        full_refresh: bool = False,
        **settings: str,
    ) -> list[str]:
        """Load in this process. Return the printed lines."""
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(ROOT)
            for name in os.environ.keys() - self.environment.keys():
                patch.delenv(name)
            for name, value in (self.environment | settings).items():
                patch.setenv(name, value)
            return list(run(list(names), select, full_refresh))

    def dlt(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run the real `dlt` command, in a folder with this project's settings and no secrets."""
        process = self.start(*words, **settings)
        stdout, stderr = process.communicate()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def start(
        self, *words: str, by: tuple[str | Path, ...] = (), **settings: str
    ) -> "subprocess.Popen[str]":
        """Start the real `dlt` command, or what runs it."""
        project = self.dlt_folder.parent / "project"
        (project / ".dlt").mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / ".dlt" / "config.toml", project / ".dlt")
        return subprocess.Popen(
            [*by, Path(sys.executable).with_name("dlt"), *words],
            cwd=project,
            env=self.environment | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def load_export(self, folder: Path | str, **settings: str) -> str:
        """Load an export. Return the printed lines."""
        lines = self.run(
            "metronome_export",
            SOURCES__METRONOME_EXPORT__BUCKET_URL=str(folder),
            LOAD__RAISE_ON_MAX_RETRIES="1",  # a file that cannot be loaded is not tried five times
            **settings,
        )
        return "\n".join(lines)

    def load_api(
        self,
        url: str,
        *select: str,
        as_of: datetime = NOW,
        full_refresh: bool = False,
        **settings: str,
    ) -> str:
        """Read the API as of an instant. Settings that are not given have their defaults."""
        (line,) = self.run(
            "metronome_api",
            select=list(select),
            full_refresh=full_refresh,
            SOURCES__METRONOME_API__BASE_URL=url,
            SOURCES__METRONOME_API__BEARER_TOKEN=TOKEN,
            SOURCES__METRONOME_API__AS_OF=to_text(as_of),
            **settings,
        )
        return line

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        file = str(self.database)
        with _opened(file, True).cursor() if self.read_only else duckdb.connect(file) as connection:
            connection.execute("set timezone = 'UTC'")
            yield connection

    def query(self, sql: str) -> Rows:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()

    def column(self, sql: str) -> list[Any]:
        """Return the first column of a query's rows."""
        return [row[0] for row in self.query(sql)]

    def value(self, sql: str) -> Any:
        """Return the single value of a query."""
        ((value,),) = self.query(sql)
        return value

    def contents(self, schema: str) -> dict[str, Rows]:
        """Return all rows of all tables of a schema, without dlt's own tables and columns."""
        columns = "columns(name -> not starts_with(name, '_dlt'))"
        with self.connect() as connection:
            tables = connection.execute(
                "select table_name from information_schema.tables "
                f"where table_schema = '{schema}' and not starts_with(table_name, '_dlt')"
            ).fetchall()
            return {
                table: connection.execute(
                    f"select {columns} from {schema}.{table} order by all"
                ).fetchall()
                for (table,) in tables
            }

    def facts(self, schema: str = "raw_api") -> dict[str, Rows]:
        """Return the rows of a schema, without the pipelines' own tables."""
        contents = self.contents(schema)
        return {table: rows for table, rows in contents.items() if table not in OWN_TABLES}

    def counts(self, schema: str) -> dict[str, int]:
        """Return the numbers of rows by table. Excludes empty tables and those of the pipelines."""
        return {table: len(rows) for table, rows in self.facts(schema).items() if rows}


@dataclass
class Wire:
    """An API in front of another API. It records requests, and can answer in its place.

    Attributes:
        answer: Called with each request. Its response is sent, or the app answers if it is None.
        page_size: The largest `limit`, so that short lists have pages.
        paged: A pattern of the paths with this limit.
    """

    app: ASGIApp
    answer: Callable[[Request], Response | None] = lambda request: None
    page_size: int | None = None
    paged: str = ".*"
    requests: list[Request] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        self.requests.append(request)
        if response := self.answer(request):
            await response(scope, receive, send)
            return
        if self.page_size and re.fullmatch(self.paged, request.url.path):
            scope, body = self._cut(request, body)

        async def receive_again() -> dict[str, Any]:
            return {"type": "http.request", "body": body}

        await self.app(scope, receive_again, send)

    def _cut(self, request: Request, body: bytes) -> tuple[Scope, bytes]:
        sent = json.loads(body or b"{}")
        if "limit" in sent:
            limit = min(self.page_size, sent["limit"])
            return request.scope, json.dumps(sent | {"limit": limit}).encode()
        if "limit" not in request.query_params:
            return request.scope, body
        query = request.url.include_query_params(limit=self.page_size).query
        return {**request.scope, "query_string": query.encode()}, body


@dataclass
class Lists:
    """An API of literal answers: the pages of a list by its path, each a JSON text.

    Other lists are empty. The cursor of a page is its number.
    """

    pages: dict[str, list[str]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        sent = json.loads(await request.body() or b"{}") | dict(request.query_params)
        pages = self.pages.get(request.url.path, ["[]"])
        number = int(sent.get("cursor", sent.get("next_page", 0)))
        following = f'"{number + 1}"' if number + 1 < len(pages) else "null"
        data = "services" if request.url.path == "/v1/services" else "data"
        cursor = {
            "/v2/contracts/list": f'"cursor": {following}',
            "/v1/contracts/seatBalances/list": f'"pagination": {{"next_page": {following}}}',
        }.get(request.url.path, f'"next_page": {following}')
        page = f'{{"{data}": {pages[number]}, {cursor}}}'
        await Response(page)(scope, receive, send)


def write_parquet(
    root: Path, table: str, day: str = "2024-01-01", part: int = 0, **columns: Any
) -> Path:
    """Write a file of an export in the object-storage layout."""
    path = root / table / f"dt={day}" / f"{part}_{day.replace('-', '')}060000.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    return path


def write_csv(root: Path, table: str, *lines: str) -> Path:
    """Write a flat file of an export: UTF-8, lines ended by CRLF."""
    root.mkdir(parents=True, exist_ok=True)
    path = root / f"Sandbox Egress Data - {table}.csv"
    path.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    return path


@pytest.fixture(scope="session")
def export(export_folder: Path) -> Path:
    """Return the account's export in the object-storage layout."""
    return export_folder


def workspace_in(folder: Path, read_only: bool = False) -> Workspace:
    return Workspace(folder / "metronome.duckdb", folder / "dlt", read_only)


@pytest.fixture(scope="session")
def empty(once: Once) -> Workspace:
    """Return a database after a run that had nothing to load, read-only. Change a copy of it."""
    return workspace_in(once("empty", lambda folder: workspace_in(folder).run()), read_only=True)


NewWorkspace = Callable[..., Workspace]


@pytest.fixture(scope="session")
def new_workspace(empty: Workspace, tmp_path_factory: pytest.TempPathFactory) -> NewWorkspace:
    """Makes workspaces with raw tables, empty or as another has them: faster than a first run."""

    def copy(model: Workspace = empty) -> Workspace:
        folder = tmp_path_factory.mktemp("workspace")
        shutil.copy(model.database, folder)
        return Workspace(folder / model.database.name, folder / "dlt")

    return copy


@pytest.fixture
def workspace(new_workspace: NewWorkspace) -> Workspace:
    return new_workspace()


@pytest.fixture(scope="session")
def loaded_export(export: Path, empty: Workspace, once: Once) -> Workspace:
    """Return the account's export, loaded once, read-only."""

    def load(folder: Path) -> None:
        shutil.copy(empty.database, folder)
        workspace_in(folder).load_export(export)

    return workspace_in(once("loaded_export", load), read_only=True)


@pytest.fixture(scope="session")
def loaded_api(account: Account, empty: Workspace, once: Once) -> Workspace:
    """Return all of the account's API, loaded once, in short pages, read-only."""

    def load(folder: Path) -> None:
        shutil.copy(empty.database, folder)
        with serving(Wire(create_app(account, TOKEN), page_size=20)) as url:
            workspace_in(folder).load_api(
                url, "all", SOURCES__METRONOME_API__HISTORY_START=f"{HISTORY_START:%Y-%m-%d}"
            )

    return workspace_in(once("loaded_api", load), read_only=True)
