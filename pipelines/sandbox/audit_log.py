"""The audit log: what people did to an account, read off its records."""

from collections.abc import Iterator
from datetime import datetime

from pipelines.sandbox.account import Books, Record, make_id, to_text, to_time

_ACTORS = {
    "person": {"id": make_id("actor", "Priya Raman"), "name": "Priya Raman"},
    "token": {"id": make_id("actor", "Billing sync"), "name": "Billing sync"},
}

# Who does it, from where: a person in a browser has an address, a token's requests have none.
_BROWSER = {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}


def audit_log(books: Books, now: datetime) -> list[Record]:
    """The entries of one block up to `now`, oldest first.

    An entry's id depends on what happened alone, so that a later log begins with an earlier one.
    """
    entries = []
    for at, action, kind, record_id in _events(books):
        if to_time(at) > now:
            continue
        key = make_id("audit", action, at, record_id)
        person = action in ("archive", "void")
        actor = _ACTORS["person" if person else "token"]
        entries.append(
            {
                "id": key,
                "timestamp": to_text(to_time(at), ".000Z"),
                "actor": {**actor, "email": "priya@example.com"} if person else actor,
                "request": {"id": make_id("request", key), **(_BROWSER if person else {})},
                "resource_type": kind,
                "resource_id": record_id,
                "action": action,
                "status": "success",
                "description": f"{action.capitalize()} {kind.replace('_', ' ')}",
            }
        )
    return sorted(entries, key=lambda entry: (entry["timestamp"], entry["id"]))


def _events(books: Books) -> Iterator[tuple[str, str, str, str]]:
    """Time, action, kind of record and its id, in no order."""
    for customer in books.customers:
        yield customer["created_at"], "create", "customer", customer["id"]
        if customer["archived_at"]:
            yield customer["archived_at"], "archive", "customer", customer["id"]
    for plans in books.customer_plans.values():
        for plan in plans:
            yield plan["starting_on"], "create", "customer_plan", plan["id"]
    for contracts in books.contracts.values():
        for contract in contracts:
            yield contract["created_at"], "create", "contract", contract["id"]
            if contract.get("archived_at"):
                yield contract["archived_at"], "archive", "contract", contract["id"]
    for contract_id, edits in books.contract_edits.items():
        for edit in edits:
            yield edit["timestamp"], "edit", "contract", contract_id
    for grant in books.grants:
        yield grant["effective_at"], "create", "credit_grant", grant["id"]
    for invoice in books.invoices:
        if invoice["status"] == "VOID":
            voided_at = books.invoice_versions[invoice["id"]][-1].updated_at
            yield to_text(voided_at), "void", "invoice", invoice["id"]
