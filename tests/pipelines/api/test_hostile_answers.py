"""Test a hostile API and hostile names: no secret leaks, and no data is executed."""

import base64
import gzip
import json
import socket
import zlib
from pathlib import Path
from traceback import format_exception
from urllib.parse import quote

import pytest
from starlette.requests import Request
from starlette.responses import Response

from pipelines.common.errors import InputError
from pipelines.metronome_api.endpoints import ENDPOINTS
from sandbox.api.server import HOST, listen, serving
from tests.pipelines.api.wire import Connect, connecting
from tests.pipelines.conftest import TOKEN, Lists, Wire, Workspace

fault = pytest.mark.fault

CUSTOMER = {"/v1/customers": ['[{"id": "c1", "created_at": "2024-04-01T00:00:00Z"}]']}
INVOICES = "/v1/customers/c1/invoices"


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    return connecting(monkeypatch)


# The token


def written(workspace: Workspace) -> list[bytes]:
    """Return all that a run has left on the disk, unpacked: files, and the rows of all tables."""
    folder = workspace.database.parent
    texts = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    texts += [gzip.decompress(text) for text in texts if text.startswith(b"\x1f\x8b")]
    schemas = "select schema_name from duckdb_tables() where table_name = '_dlt_pipeline_state'"
    for schema in workspace.column(schemas):
        states = workspace.column(f"select state from {schema}._dlt_pipeline_state")
        texts += [zlib.decompress(base64.b64decode(state)) for state in states]
    tables = workspace.column(
        "select string_agg(format('select to_json(t) from {}.{} as t', schema_name, table_name), "
        "' union all ') from duckdb_tables()"
    )
    return [*texts, *(row.encode() for row in workspace.column(*tables))]


def echo(request: Request) -> Response | None:
    """Repeat the token in every part of an answer that can contain text."""
    match request.url.path:
        case "/v1/plans":
            return Response(f'{{"message": "{TOKEN} may not"}}', 403)
        case "/v1/credit-types/list" if "next_page" in request.query_params:
            return Response('{"data": []}')
        case "/v1/credit-types/list":
            row = f'{{"id": "unit", "name": "it is {TOKEN}", "{TOKEN}": 1}}'
            return Response(f'{{"data": [{row}], "next_page": "after {TOKEN}"}}')
    return None


ECHOES = {
    "in a refusal": Response(f'{{"message": "no {TOKEN}", "code": "{TOKEN}"}}', 400),
    "in a redirect": Response(status_code=302, headers={"Location": f"https://x.test/?{TOKEN}"}),
    "in what is no page": Response(f"<html>{TOKEN}</html>"),
    "in what cannot be loaded": Response(f'{{"data": [{{"id": {{"{TOKEN}": []}}}}]}}'),
}


@fault("hostile", "an API that repeats the token", "it is in no file, table, log or message")
def test_the_token_is_in_nothing_that_runs_leave(workspace: Workspace):
    """Runs with all logs on: one that succeeds, and some that fail."""
    settings = {"METRONOME_BEARER_TOKEN": TOKEN, "RUNTIME__LOG_LEVEL": "DEBUG"}
    with serving(Wire(Lists(CUSTOMER), echo)) as url:
        done = workspace.dlt("pipeline", "metronome_api", "run", METRONOME_BASE_URL=url, **settings)
    assert done.returncode == 0, done.stderr
    said = [done.stdout, done.stderr]
    for answer in ECHOES.values():
        wire = Wire(Lists(CUSTOMER), lambda r, a=answer: a if r.url.path == INVOICES else echo(r))
        with serving(wire) as url, pytest.raises(InputError) as caught:
            workspace.load_api(url, "invoices", "plans", RUNTIME__LOG_LEVEL="DEBUG")
        said.append("".join(format_exception(caught.value)))
    assert "/v1/plans with params" in done.stderr, "requests are in the log"
    assert workspace.query("select id, name from raw_api.pricing_units") == [("unit", "it is …")]
    texts = [*written(workspace), *(text.encode() for text in said)]
    assert any(b"metronome_api" in text for text in texts)
    assert not [text[:200] for text in texts if TOKEN.encode() in text]


@fault("hostile", "user and password in METRONOME_BASE_URL", "refused, and not repeated")
@pytest.mark.parametrize(
    "address", ["http://me:pa55word@{}", "{}?key=pa55word", "http://{}#pa55word", "me:pa55word@{}"]
)
def test_an_address_with_a_secret_is_refused(workspace: Workspace, address: str):
    wire = Wire(Lists(CUSTOMER))
    with serving(wire) as url, pytest.raises(InputError, match="METRONOME_BASE_URL") as caught:
        workspace.load_api(address.format(url.removeprefix("http://")), "invoices")
    assert wire.requests == []
    assert "pa55word" not in str(caught.value)
    assert not [text for text in written(workspace) if b"pa55word" in text]


# Names and ids


IDS = [
    "'); drop table raw_api.invoices; --",
    '"; select 1',
    "../../v1/customers",
    "c1?limit=1#x",
    "50%25 of {customer_id}",
    "a b\tc",
    "Zoë ☃",
    "%2e%2e",
]


@fault("hostile", "SQL and path tricks in names and ids", "they are data, in rows and in paths")
def test_names_and_ids_are_only_data(workspace: Workspace):
    customers = [
        {"id": id_, "name": f"name {id_}", "created_at": "2024-04-01T00:00:00Z"} for id_ in IDS
    ]
    invoices = [{"id": f"i {id_}", "status": id_, "line_items": [{"name": id_}]} for id_ in IDS]
    lists = {"/v1/customers": customers} | {
        f"/v1/customers/{id_}/invoices": [invoice]
        for id_, invoice in zip(IDS, invoices, strict=True)
    }

    def answer(request: Request) -> Response:
        return Response(json.dumps({"data": lists[request.scope["path"]]}))

    wire = Wire(Lists({}), answer)
    for _ in range(2):
        with serving(wire) as url:
            workspace.load_api(url, "invoices")
        assert sorted(workspace.query("select id, name from raw_api.customers")) == sorted(
            (id_, f"name {id_}") for id_ in IDS
        )
        found = workspace.query(
            "select i.customer_id, i.id, status, name from raw_api.invoices as i "
            "inner join raw_api.invoice_line_items as l on l.invoice_id = i.id"
        )
        assert sorted(found) == sorted((id_, f"i {id_}", id_, id_) for id_ in IDS)
    asked = {item.scope["raw_path"].decode() for item in wire.requests}
    assert asked == {
        "/v1/customers",
        *(f"/v1/customers/{quote(id_, safe='')}/invoices" for id_ in IDS),
    }


@fault("hostile", "an id that is a step up in a path", "the run stops with one line")
@pytest.mark.parametrize("id_", ["..", ".", "", None])
def test_an_id_cannot_change_the_path(connect: Connect, id_: str | None):
    wire = Wire(Lists({}))
    with serving(wire) as url, pytest.raises(InputError, match=r"customer_id is ('|None)"):
        connect(url).walk(ENDPOINTS["invoices"], customer_id=id_)
    assert wire.requests == []


@fault("hostile", "terminal escapes in an error's text or an id", "printed as �")
@pytest.mark.parametrize("status", [400, 403])
def test_terminal_escapes_are_not_printed(workspace: Workspace, status: int):
    clear = r"\u001b[2J\u0007\r\u202e"
    lists = {"/v1/customers": [f'[{{"id": "c{clear}", "created_at": "2024-04-01T00:00:00Z"}}]']}

    def answer(request: Request) -> Response | None:
        is_list = request.url.path.endswith("/invoices")
        return Response(f'{{"message": "no {clear}\\n!"}}', status) if is_list else None

    with serving(Wire(Lists(lists), answer)) as url:
        if status == 403:
            line = workspace.load_api(url, "invoices")
            said = line + workspace.value("select reason from raw_api.reads where status <> 'read'")
        else:
            with pytest.raises(InputError) as caught:
                workspace.load_api(url, "invoices")
            said = str(caught.value)
    assert "no �[2J���" in said
    assert said.replace("\n", "").isprintable()


def test_halves_of_characters_become_marks(workspace: Workspace):
    """JSON can spell what no text can hold."""
    invoice = r'[{"id": "i1", "status": "\ud83d\ude00 \ud83d \\ud83d"}]'
    with serving(Lists(CUSTOMER | {INVOICES: [invoice]})) as url:
        workspace.load_api(url, "invoices")
    assert workspace.value("select status from raw_api.invoices") == "😀 � \\ud83d"


# The sandbox


@fault("hostile", "a request to the sandbox from another machine", "it listens on loopback only")
def test_the_sandbox_listens_on_loopback_only():
    assert HOST == "127.0.0.1"
    with listen(0) as listener:
        port = listener.getsockname()[1]
        socket.create_connection((HOST, port), timeout=5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), timeout=5)
    main = Path("sandbox/__main__.py").read_text()
    assert "--host" not in main
