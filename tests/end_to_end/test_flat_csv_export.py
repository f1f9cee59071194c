"""Test the reports of a flat CSV export against figures derived from its files alone.

The sandbox writes such an export like Metronome's. If a folder with Metronome's sample is given
(`SAMPLE_EXPORT`, as in CI), its reports are checked in the same way.
"""

import csv
import os
import re
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from tests.end_to_end.conftest import NewRun
from tests.end_to_end.project import Run

AS_OF = "2024-04-03"
FROM_DAY, TO_DAY = "2024-03-10", "2024-03-25"
FOLDERS = ["sandbox", *filter(None, [os.environ.get("SAMPLE_EXPORT")])]


class FlatExport:
    """The tables of a folder of CSVs, as texts, and the figures derived from them."""

    def __init__(self, folder: Path) -> None:
        self.tables = {
            path.stem.rpartition(" - ")[2]: self._read(path) for path in folder.glob("*.csv")
        }
        environments = {row["environment_type"] for row in self.tables["customer"]}
        self.environment = "PRODUCTION" if len(environments) > 1 else environments.pop()

    @staticmethod
    def _read(path: Path) -> list[dict[str, str]]:
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def rows(self, table: str) -> list[dict[str, str]]:
        """Return the rows of the reported environment, and those that name none."""
        return [
            row
            for row in self.tables[table]
            if row.get("environment_type", self.environment) == self.environment
        ]

    def finalized(self) -> list[dict[str, str]]:
        return [row for row in self.rows("invoice") if row["status"] == "FINALIZED"]

    def billed_on_plans(self) -> dict[tuple[str, str, str], Decimal]:
        """(month, plan, unit) -> billed in the major unit."""
        billed: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
        for invoice in self.finalized():
            if invoice["plan_id"]:
                month = invoice["start_timestamp"][:7]
                unit = invoice["credit_type_name"].removesuffix(" (cents)")
                billed[month, invoice["plan_id"], unit] += major(invoice, "total")
        return dict(billed)

    def lines(self, customer_name: str, month: str) -> set[tuple[str, str, Decimal, Decimal]]:
        """(invoice, charge, quantity, subtotal) of a customer's month, on plans."""
        (customer_id,) = (
            row["id"] for row in self.rows("customer") if row["name"] == customer_name
        )
        invoices = {
            row["id"]: row
            for row in self.finalized()
            if row["customer_id"] == customer_id and row["start_timestamp"].startswith(month)
        }
        lines = {row["id"]: row for row in self.rows("line_item") if row["invoice_id"] in invoices}
        return {
            (
                lines[row["line_item_id"]]["invoice_id"],
                row["name"],
                Decimal(row["quantity"]),
                major(lines[row["line_item_id"]] | row, "subtotal"),
            )
            for row in self.rows("sub_line_item")
            if row["line_item_id"] in lines
        }

    def images_by_size(self) -> dict[str, tuple[int, Decimal]]:
        """Size -> events and images between the two days."""
        seen: set[str] = set()
        images: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
        for event in self.rows("events"):
            asked = event["event_type"] == "image_modeler"
            if not asked or not FROM_DAY <= event["timestamp"][:10] <= TO_DAY:
                continue
            if event["transaction_id"] in seen:
                continue
            seen.add(event["transaction_id"])
            properties = dict(re.findall(r"([\w-]+)=([^,}]*)", event["properties"]))
            size = properties["image_size"].replace("×", "x").lower()
            events, quantity = images[size]
            images[size] = events + 1, quantity + Decimal(properties["num_images"])
        return dict(images)

    def metered(self) -> list[str]:
        """Return the metric of each usage charge of a finalized invoice."""
        invoices = {row["id"] for row in self.finalized()}
        lines = {row["id"] for row in self.rows("line_item") if row["invoice_id"] in invoices}
        return [
            row["billable_metric_name"]
            for row in {row["id"]: row for row in self.rows("sub_line_item")}.values()
            if row["line_item_id"] in lines and row["billable_metric_id"]
        ]


def major(row: dict[str, str], column: str) -> Decimal:
    """Return an amount in the major unit: only US dollars are stated in cents."""
    scale = Decimal("0.01") if row["credit_type_name"] == "USD (cents)" else Decimal(1)
    return Decimal(row[column]) * scale


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: Path(folder).name)
def built(
    request: pytest.FixtureRequest,
    csv_folder: Path,
    new_run: NewRun,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[FlatExport, Run]:
    folder = csv_folder if request.param == "sandbox" else Path(request.param).absolute()
    settings = {"SOURCES__METRONOME_EXPORT__BUCKET_URL": str(folder)}
    run = new_run(tmp_path_factory.mktemp("run"), settings)
    run.load()
    run.build("--selector", "reports", "--exclude-resource-type", "unit_test", as_of=AS_OF)
    return FlatExport(folder), run


def test_billings_by_plan(built: tuple[FlatExport, Run]) -> None:
    export, run = built
    reported = {
        (row["month"], row["plan_id"], row["pricing_unit"]): Decimal(row["billed_amount"])
        for row in run.report("billings_by_plan")
        if row["plan_kind"] == "plan"
    }
    assert reported == export.billed_on_plans()
    assert {month for month, _, _ in reported} >= {"2024-02", "2024-03"}


def test_invoice_lines(built: tuple[FlatExport, Run]) -> None:
    export, run = built
    lines = run.report("invoice_lines")
    reported = {
        (row["invoice_id"], row["description"], Decimal(row["quantity"]), Decimal(row["total"]))
        for row in lines
    }
    assert reported == export.lines("A1 Company", "2024-03")
    assert reported
    for row in lines:
        assert Decimal(row["quantity"]) * Decimal(row["unit_price"]) == Decimal(row["total"])


def test_usage_by_property(built: tuple[FlatExport, Run]) -> None:
    export, run = built
    reported = {
        row["property_value"]: (int(row["events"]), Decimal(row["quantity"]))
        for row in run.report("usage_by_property")
    }
    assert reported == export.images_by_size()
    assert set(reported) == {"256x256", "512x512", "1024x1024"}


def test_customer_summary(built: tuple[FlatExport, Run]) -> None:
    export, run = built
    rows = run.report("customer_summary")
    assert {row["customer_id"] for row in rows} == {row["id"] for row in export.rows("customer")}
    issued = [row for row in export.finalized() if row["issued_at"][:10] < AS_OF]
    latest = {}
    by_id = sorted(issued, key=lambda row: row["id"], reverse=True)  # of two at once, the first id
    for invoice in sorted(by_id, key=lambda row: (row["end_timestamp"], row["issued_at"])):
        unit = invoice["credit_type_name"].removesuffix(" (cents)")
        latest[invoice["customer_id"], unit] = invoice["id"], major(invoice, "total")
    reported = {
        (row["customer_id"], row["pricing_unit"]): (
            row["last_finalized_invoice_id"],
            Decimal(row["last_finalized_total"]),
        )
        for row in rows
        if row["last_finalized_invoice_id"]
    }
    assert reported == latest
    assert reported


def test_usage_adds_up_to_every_charge_that_names_its_events(built: tuple[FlatExport, Run]) -> None:
    """All of the vendor's sample, whose metrics are named `Images (256x256)`."""
    export, run = built
    outcomes = dict(
        run.query(
            "select outcome, count(*) from marts.fct_reconciliation_usage "
            "inner join marts.report_parameters using (environment_type) where charge_id in "
            "(select sub_line_item_id from staging.stg_metronome_export__sub_line_items) "
            "group by outcome"
        )
    )
    metrics = export.metered()
    named = [metric for metric in metrics if metric.endswith(")")]
    assert outcomes["equal"] == len(named) > 0
    assert sum(outcomes.values()) == len(metrics)
    assert "different" not in outcomes
