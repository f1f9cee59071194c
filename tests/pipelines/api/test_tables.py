"""Every record of the account is in its raw table, in full and exact."""

import json
from collections import Counter

import pytest

from pipelines.metronome_api.api_tables import RAW_TABLES
from pipelines.metronome_api.endpoints import ENDPOINTS
from sandbox.api.server import create_app, serving
from sandbox.core.account import Account
from sandbox.core.records import NOW, Record
from tests.pipelines.api.oracle import (
    LISTED_APART,
    OF_THE_RUN,
    Asked,
    answers_of_the_api,
    canonical,
    field_of,
    fields_of,
    records_of_the_account,
)
from tests.pipelines.conftest import (
    TOKEN,
    Workspace,
)


@pytest.fixture(scope="module")
def records(account: Account) -> dict[str, list[Record]]:
    """Return every raw table's rows as the API has them, nested and in its spelling."""
    books = account.production
    with serving(create_app(account, TOKEN)) as url:
        return {**records_of_the_account(books), **answers_of_the_api(books, Asked(url))}


def test_every_table_is_compared(records: dict[str, list[Record]]):
    assert records.keys() == RAW_TABLES.keys() - OF_THE_RUN
    empty = {table for table, rows in records.items() if not rows}
    assert empty <= {"contract_discounts", "contract_recurring_commits"}, "has no examples"


@pytest.mark.parametrize("table", sorted(RAW_TABLES.keys() - OF_THE_RUN))
def test_every_list_is_loaded_in_full_and_exact(
    loaded_api: Workspace, records: dict[str, list[Record]], table: str
):
    types = dict(
        loaded_api.query(
            "select column_name, data_type from information_schema.columns "
            f"where table_schema = 'raw_api' and table_name = '{table}' "
            "and not starts_with(column_name, '_dlt')"
        )
    )
    types.pop("breakdown_number", None)  # a position in an answer without pages
    columns = ", ".join(f'"{column}"' for column in types)
    rows = loaded_api.query(f"select {columns} from raw_api.{table}")
    loaded = [
        {
            column: canonical(json.loads(value) if kind == "JSON" and value else value)
            for (column, kind), value in zip(types.items(), row, strict=True)
        }
        for row in rows
    ]
    expected = [
        {column: canonical(field_of(record, column)) for column in types}
        for record in records[table]
    ]
    found, wanted = Counter(map(repr, loaded)), Counter(map(repr, expected))
    assert ([*(found - wanted)][:1], [*(wanted - found)][:1]) == ([], [])
    missing = {name for record in records[table] for name in fields_of(record, set(types))}
    assert missing - types.keys() <= LISTED_APART


def test_a_table_has_no_columns_of_another(loaded_api: Workspace, empty: Workspace):
    """Besides the declared columns, a table has only columns of the account's records."""
    columns = (
        "select table_name, column_name from information_schema.columns "
        "where table_schema = 'raw_api' and table_name in ({})"
    ).format(", ".join(f"'{table}'" for table in RAW_TABLES))
    added = set(loaded_api.query(columns)) - set(empty.query(columns))
    assert {column for _, column in added} == {
        "revenue_recognition__schedule",
        "sustainability_score",
    }


def test_a_run_records_what_it_requested_and_received(loaded_api: Workspace):
    (run,) = loaded_api.query(
        "select host, as_of, customers, full_refresh, finished_at >= started_at from raw_api.runs"
    )
    assert run == ("sandbox", NOW, 44, False, True)
    selected = json.loads(loaded_api.value("select selected from raw_api.runs"))
    assert selected == sorted(ENDPOINTS)
    asked = "select resource, sum(rows), sum(customers) from raw_api.run_resources group by all"
    sums = {resource: (rows, customers) for resource, rows, customers in loaded_api.query(asked)}
    counts = loaded_api.counts("raw_api")
    assert sums["customers"] == (44, 0)
    assert sums["balances"] == (
        sum(counts[table] for table in counts if "balance_" in table and "seat" not in table)
        + counts["balances"],
        44,
    )
    reads = "select count(*), count(distinct run_id) from raw_api.reads where status = 'read'"
    per_customer = {name for name, (_, customers) in sums.items() if customers}
    assert loaded_api.query(reads) == [(44 * len(per_customer) + len(sums) - len(per_customer), 1)]
