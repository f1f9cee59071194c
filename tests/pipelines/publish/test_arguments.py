"""The arguments of a run: their forms, and customers that no raw row names."""

import subprocess

import duckdb
import pytest

from pipelines.common.errors import InputError
from pipelines.publish.arguments import ARGUMENTS, arguments, check_forms, main, variable
from pipelines.publish.customer import check_customer
from tests.pipelines.conftest import ROOT


@pytest.fixture
def customers() -> duckdb.DuckDBPyConnection:
    """Return a database with the customers of both sources, and two versions of one."""
    connection = duckdb.connect()
    connection.execute(
        "create schema raw_export; create schema raw_api;"
        "create table raw_export.customer as select * from (values ('1', 'A1 Company'), "
        "('1', 'A1 Limited'), ('2', null)) as rows (id, name);"
        "create table raw_api.customers as select '3' as id, ' Zweite GmbH ' as name"
    )
    return connection


@pytest.mark.parametrize(
    ("argument", "text", "message"),
    [
        ("as_of", "yesterday", "as_of: 'yesterday' is not an instant such as 2024-04-03"),
        ("as_of", "2024-02-30", "as_of: '2024-02-30' is not an instant"),
        ("month", "2024-3", "month: '2024-3' is not a month. Give one such as 2024-03."),
        ("month", "2024-13", "month: '2024-13' is not a month"),
        ("usage_from", "20240310", "usage_from: '20240310' is not a day. Give one such as"),
        ("usage_to", "2024-04-31", "usage_to: '2024-04-31' is not a day such as 2024-03-10"),
        ("environment", "staging", "environment: 'staging' is not an environment"),
    ],
)
def test_a_wrong_form_is_refused_by_the_name_of_the_argument(
    argument: str, text: str, message: str
):
    with pytest.raises(InputError) as error:
        check_forms(dict.fromkeys(ARGUMENTS, "") | {argument: text})
    assert str(error.value).startswith(message)


def test_days_in_the_wrong_order_are_refused():
    days = {"usage_from": "2024-03-10", "usage_to": "2024-03-09"}
    with pytest.raises(InputError, match="usage_to: 2024-03-09 is before usage_from, 2024-03-10"):
        check_forms(dict.fromkeys(ARGUMENTS, "") | days)


@pytest.mark.parametrize("as_of", ["2024-04-03", "2024-04-03T12:00:00Z", "2024-04-03 12:00+02:00"])
def test_right_forms_pass(as_of: str):
    given = {
        "as_of": as_of,
        "month": "2024-02",
        "usage_from": "2024-02-29",
        "environment": "Sandbox",
    }
    check_forms(dict.fromkeys(ARGUMENTS, "") | given)


def test_arguments_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ARGUMENTS:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("REPORT_CUSTOMER", " {{ A1 }} ")
    assert arguments() == dict.fromkeys(ARGUMENTS, "") | {"customer": "{{ A1 }}"}
    assert main() == 0
    monkeypatch.setenv("REPORT_MONTH", "March")
    assert main() == 1
    assert capsys.readouterr().err.startswith("month: 'March' is not a month")


@pytest.mark.parametrize("customer", ["", "1", "A1 Company", "a1 LIMITED", "zweite gmbh", "2"])
def test_a_customer_of_either_source_is_found(customers: duckdb.DuckDBPyConnection, customer: str):
    check_customer(customers, customer)


def test_an_unknown_customer_is_refused_with_similar_names(customers: duckdb.DuckDBPyConnection):
    with pytest.raises(InputError) as error:
        check_customer(customers, "A1 Compny")
    assert "customer: no customer has the name or id 'A1 Compny'." in str(error.value)
    assert "1  A1 Company" in str(error.value)
    with pytest.raises(InputError, match="No name is similar"):
        check_customer(customers, "Xenon")


@pytest.mark.parametrize("given", ["MONHT=2024-03", "CUSTOMR=A1"])
def test_make_refuses_an_unknown_variable_before_it_runs_anything(given: str):
    done = subprocess.run(["make", "help", given], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"Unknown: {given.partition('=')[0]}" in done.stderr
    assert done.stdout == ""
