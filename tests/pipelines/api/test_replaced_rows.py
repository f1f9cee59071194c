"""A later run replaces the rows of an earlier one, and those of no other account."""

from decimal import Decimal

import pytest

from pipelines.common.errors import InputError
from sandbox.api.server import serving
from tests.pipelines.api.answers import DETAILS, INVOICES, ONE_CUSTOMER, Loaded
from tests.pipelines.conftest import (
    Lists,
    NewWorkspace,
    Workspace,
)


def load_again(workspace: Workspace, pages: dict[str, list[str]], *select: str) -> dict[str, int]:
    """Load an API that has changed. Return the numbers of rows by table."""
    with serving(Lists(pages)) as url:
        workspace.load_api(url, *select)
    return workspace.counts("raw_api")


def test_no_number_is_refused_and_a_run_replaces_what_an_earlier_one_loaded(
    details: Loaded, new_workspace: NewWorkspace
):
    """A failed load changes no table and does not block the next run."""
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match=r"/v1/customers/c1/invoices .*: NaN is not a number"):
        load_again(workspace, DETAILS | {INVOICES: ['[{"id": "i1", "total": NaN}]']})
    assert workspace.facts() == details.workspace.facts()

    without_lines = '[{"id": "i1", "total": 5}, {"id": "i2", "total": 0.0033333333333333335}]'
    counts = load_again(workspace, DETAILS | {INVOICES: [without_lines]})
    assert {table: counts[table] for table in counts if table.startswith("invoice")} == {
        "invoices": 2
    }
    invoices = "select id, total, subtotal from raw_api.invoices order by id"
    dust = Decimal("0.003333333333333334")  # to the 18th decimal
    assert workspace.query(invoices) == [("i1", 5, None), ("i2", dust, None)]


def test_lists_that_are_empty_now_empty_their_tables(details: Loaded, new_workspace: NewWorkspace):
    workspace = new_workspace(details.workspace)
    assert workspace.counts("raw_api")["invoice_sub_line_items"] == 3
    counts = load_again(workspace, ONE_CUSTOMER, "all")
    assert counts == {"customers": 1}


def test_lines_that_a_killed_load_left_without_their_invoice_go(
    details: Loaded, new_workspace: NewWorkspace
):
    workspace = new_workspace(details.workspace)
    with workspace.connect() as connection:
        connection.execute(
            "insert into raw_api.invoice_line_items by name "
            "select * replace ('gone' as invoice_id) from raw_api.invoice_line_items"
        )
    load_again(workspace, DETAILS)
    assert workspace.facts() == details.workspace.facts()


def test_a_token_of_another_account_does_not_replace_the_customers(
    details: Loaded, new_workspace: NewWorkspace
):
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match="other customers than those"):
        load_again(workspace, {"/v1/customers": ['[{"id": "c2", "name": "Two"}]']})
    assert workspace.facts() == details.workspace.facts()


def test_an_api_does_not_replace_what_another_showed(details: Loaded, new_workspace: NewWorkspace):
    workspace = new_workspace(details.workspace)
    with pytest.raises(InputError, match=r"holds the data of sandbox, not of api\.example\.test"):
        workspace.load_api("https://api.example.test")
    assert workspace.facts() == details.workspace.facts()
