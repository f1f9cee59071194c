"""Return why a figure is unknown, and which facts each source carries, from `run.json`."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fact:
    """A fact of the pages, the export's tables and the API's lists that carry it.

    Attributes:
        label: What a reader calls it.
        tables: Tables of the export; empty if no table has it.
        lists: Lists of the API; empty if it has none.
        otherwise: Why it may be unknown although the sources carry it.
    """

    label: str
    tables: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    otherwise: str = "It could not be read for every customer."


FACTS = {
    "invoices": Fact("Invoices and their lines", ("invoice", "line_item"), ("invoices",)),
    "drafts": Fact("Open invoices (drafts)", ("draft_invoice",), ("invoices",)),
    "credit": Fact(
        "Credit balances",
        ("contracts_balances", "credit_grant"),
        ("balances", "credit_grants", "credit_ledgers"),
    ),
    "days": Fact(
        "Usage and credit burned by day",
        ("breakdowns_invoices", "breakdowns_line_items"),
        ("invoice_breakdowns_daily",),
    ),
    "terms": Fact(
        "Payment terms, so due dates",
        ("breakdowns_invoices", "contracts_contracts"),
        ("contracts", "customer_plans", "plan_details"),
        "Neither the invoices nor their contracts and plans state any.",
    ),
    "alerts": Fact("Alerts", ("alert", "customer_alert_history"), ("customer_alerts",)),
    "accrued": Fact("Accrued revenue of a day", ("draft_invoice",), ("invoices",)),
    "events": Fact("Usage events", ("events",)),
}


def reason(run: dict[str, Any], fact: str) -> str:
    """Return why a fact is not known, as one sentence."""
    sources = run.get("sources")
    if not sources:
        return "No loaded source carries it."
    wanted = FACTS[fact]
    export, api = sources.get("export"), sources.get("api")
    parts = []
    if export is None:
        parts.append("no export was loaded")
    else:
        missing = [name for name in wanted.tables if name in export["tables_not_loaded"]]
        if missing == list(wanted.tables):
            parts.append("the export does not carry it")
        elif missing:
            parts.append(f"the export has no {' and no '.join(missing)}")
    if wanted.lists:
        if api is None:
            parts.append("the API was not read")
        else:
            refused = [
                f"{item['resource']} (HTTP {item['http_status']})"
                for item in api["lists_not_available"]
                if item["resource"] in wanted.lists
            ]
            if refused:
                parts.append(f"the API did not give {', '.join(refused)}")
    else:
        parts.append("the API never carries it")
    text = " and ".join(parts)
    return f"{text[0].upper()}{text[1:]}." if text else wanted.otherwise


def coverage(run: dict[str, Any]) -> list[dict[str, str]]:
    """Return what each source carries, one row per fact: `yes`, `no`, `in part` or `not loaded`."""
    sources = run.get("sources") or {}
    export, api = sources.get("export"), sources.get("api")
    rows = []
    for fact in FACTS.values():
        if export is None:
            in_export = "not loaded"
        else:
            missing = [name for name in fact.tables if name in export["tables_not_loaded"]]
            in_export = (
                "yes" if not missing else "no" if len(missing) == len(fact.tables) else "in part"
            )
        if not fact.lists:
            in_api = "no"
        elif api is None:
            in_api = "not read"
        else:
            refused = [
                item["resource"]
                for item in api["lists_not_available"]
                if item["resource"] in fact.lists
            ]
            in_api = "in part" if refused else "yes"
        rows.append({"fact": fact.label, "export": in_export, "api": in_api})
    return rows
