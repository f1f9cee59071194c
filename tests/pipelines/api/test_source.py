"""The dlt source: its resources can be selected and loaded into any destination."""

import json
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import dlt
import duckdb
import pyarrow.parquet as pq
import pytest
from dlt.extract import DltSource
from dlt.pipeline.exceptions import PipelineStepFailed
from starlette.requests import Request
from starlette.responses import Response

from pipelines.metronome_api import metronome_api_source
from pipelines.metronome_api.api_tables import RAW_TABLES
from pipelines.metronome_api.endpoints import ENDPOINTS, tables
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from sandbox.core.records import NOW, to_text
from tests.pipelines.api.few_customers import few
from tests.pipelines.conftest import TOKEN, Lists, NewWorkspace, Wire

SELECTED = (
    *("customers", "invoices", "contracts", "contract_edits", "subscription_quantities"),
    *("balances", "net_balances", "rates", "usage_groups", "audit_logs"),
)


@pytest.fixture(scope="module")
def wire(account: Account) -> Wire:
    """Return some customers of the account, in short pages."""
    return Wire(create_app(few(account), TOKEN), page_size=3)


@pytest.fixture(scope="module")
def url(wire: Wire) -> Iterator[str]:
    with serving(wire) as url:
        yield url


def source(url: str) -> DltSource:
    return metronome_api_source(
        base_url=url,
        bearer_token=TOKEN,
        as_of=to_text(NOW),
        history_start="2024-04-13",
        requests_per_second=1000,
    )


def into_duckdb(folder: Path, *sources: DltSource) -> Path:
    """Load sources like a user's script. Return the database."""
    database = folder / "mine.duckdb"
    pipeline = dlt.pipeline(
        "mine",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="metronome",
    )
    for each in sources:
        pipeline.run(each)
    return database


def test_there_is_a_resource_for_each_list():
    resources = source("http://127.0.0.1:1").resources
    assert resources.keys() == ENDPOINTS.keys()
    default = {name for name, endpoint in ENDPOINTS.items() if endpoint.selected}
    assert resources.selected.keys() == default


def test_a_user_gets_the_rows_of_the_pipeline_in_another_dataset(
    url: str, new_workspace: NewWorkspace, tmp_path: Path
):
    database = into_duckdb(tmp_path, source(url).with_resources(*SELECTED))
    workspace = new_workspace()
    workspace.load_api(url, *SELECTED, SOURCES__METRONOME_API__HISTORY_START="2024-04-13")
    selected = {part.table for name in SELECTED for part in tables(ENDPOINTS[name])}
    filled = selected & workspace.counts("raw_api").keys()
    with workspace.connect() as connection:
        connection.execute(f"attach '{database}' as mine (read_only)")
        for table in filled:
            columns = ", ".join(f'"{column}"' for column in RAW_TABLES[table])
            expected, found = (
                connection.execute(
                    f"select {columns} from {schema}.{table} order by all"
                ).fetchall()
                for schema in ("raw_api", "mine.metronome")
            )
            assert found == expected, table
    assert {"net_balances", "contract_edits", "rates", "usage_groups"} <= filled


def test_only_what_is_selected_is_requested_and_loaded(wire: Wire, url: str, tmp_path: Path):
    begun = len(wire.requests)
    database = into_duckdb(tmp_path, source(url).with_resources("invoices"))
    paths = {item.url.path.split("/")[-1] for item in wire.requests[begun:]}
    assert paths == {"customers", "invoices"}
    with duckdb.connect(str(database)) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'metronome' "
            "and not starts_with(table_name, '_dlt')"
        ).fetchall()
    assert {table for (table,) in tables} == {
        *("invoices", "invoice_line_items", "invoice_sub_line_items"),
        *("invoice_adjustments", "invoice_constituents"),
    }


def test_a_list_that_is_empty_now_empties_its_table(tmp_path: Path):
    lists = {"/v1/plans": ['[{"id": "a"}, {"id": "b"}]']}
    with serving(Lists(lists)) as url:
        into_duckdb(tmp_path, source(url).with_resources("plans"))
    with serving(Lists({})) as url:
        database = into_duckdb(tmp_path, source(url).with_resources("plans"))
    with duckdb.connect(str(database)) as connection:
        assert connection.execute("select count(*) from metronome.plans").fetchall() == [(0,)]


def test_a_parent_that_is_empty_now_empties_the_tables_of_its_children(tmp_path: Path):
    customers = [json.dumps([{"id": "c", "created_at": "2024-04-01T00:00:00Z"}])]
    lists = {"/v1/customers": customers, "/v1/customers/c/plans": ['[{"id": "p"}]']}
    for pages, count in ((lists, 1), ({}, 0)):
        with serving(Lists(pages)) as url:
            database = into_duckdb(tmp_path, source(url).with_resources("customer_plans"))
        with duckdb.connect(str(database)) as connection:
            found = connection.execute("select count(*) from metronome.customer_plans")
            assert found.fetchall() == [(count,)]


def test_a_source_that_runs_twice_reads_everything_again(wire: Wire, url: str, tmp_path: Path):
    twice = source(url).with_resources("net_balances", "usage_groups")
    requests = []
    for _ in range(2):
        begun = len(wire.requests)
        into_duckdb(tmp_path, twice)
        requests.append(Counter(str(item.url) for item in wire.requests[begun:]))
    assert requests[0] == requests[1]
    assert any(address.endswith("getNetBalance") for address in requests[0])


def test_files_have_exact_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # this project's own setting is for databases
    monkeypatch.setenv("DESTINATION__REPLACE_STRATEGY", "truncate-and-insert")
    card = (
        '{"id": "c", "credit_type_conversions": [{"fiat_per_custom_credit": 0.123456789012345678}]}'
    )
    pipeline = dlt.pipeline(
        "files",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=dlt.destinations.filesystem(str(tmp_path / "lake")),
        dataset_name="metronome",
    )
    with serving(Lists({"/v1/contract-pricing/rate-cards/list": [f"[{card}]"]})) as url:
        pipeline.run(source(url).with_resources("rate_cards"), loader_file_format="parquet")
    (file,) = (tmp_path / "lake" / "metronome" / "rate_card_conversions").glob("*.parquet")
    (row,) = pq.read_table(file).to_pylist()
    assert row["rate_card_id"] == "c"
    assert row["fiat_per_custom_credit"] == Decimal("0.123456789012345678")


def test_a_resource_that_the_token_may_not_read_is_named(tmp_path: Path):
    def refuse(request: Request) -> Response | None:
        return Response('{"message": "no"}', 403) if request.url.path == "/v1/plans" else None

    with serving(Wire(Lists({}), refuse)) as url, pytest.raises(PipelineStepFailed) as caught:
        into_duckdb(tmp_path, source(url).with_resources("plans"))
    assert "GET /v1/plans answered 403: no. Select other resources" in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_customer_that_is_gone_is_left_out(tmp_path: Path):
    rows = [{"id": key, "created_at": "2024-04-01T00:00:00Z"} for key in ("c1", "c2")]
    lists = {
        "/v1/customers": [json.dumps(rows)],
        "/v1/customers/c2/plans": ['[{"id": "p"}]'],
    }

    def gone(request: Request) -> Response | None:
        return Response("{}", 404) if "/c1/" in request.url.path else None

    with serving(Wire(Lists(lists), gone)) as url:
        database = into_duckdb(tmp_path, source(url).with_resources("customer_plans"))
    with duckdb.connect(str(database)) as connection:
        found = connection.execute("select customer_id, id from metronome.customer_plans")
        assert found.fetchall() == [("c2", "p")]
