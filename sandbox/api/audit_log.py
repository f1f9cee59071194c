"""Derive the audit log from the account's records."""

from collections.abc import Iterator
from datetime import datetime

from sandbox.core.account import AccountState
from sandbox.core.records import Record, make_id, to_text, to_time

# A person in a browser has a mail address and an IP address, a token has neither.
_PERSON = {
    "id": make_id("actor", "Priya Raman"),
    "name": "Priya Raman",
    "email": "priya@example.com",
}
_TOKEN = {"id": make_id("actor", "Billing sync"), "name": "Billing sync"}
_BROWSER = {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"}

_ACTORS = {"archive": _PERSON, "edit": _PERSON, "void": _PERSON, "create": _TOKEN}
"""The actor of each kind of action. Metronome performs the others, which have no actor."""


def audit_log(state: AccountState, now: datetime) -> list[Record]:
    """Return the entries of an environment up to `now`, oldest first.

    An entry's id depends only on the action, so a later log begins with an earlier one.
    """
    entries = []
    for at, action, kind, record_id in _events(state):
        if to_time(at) > now:
            continue
        key = make_id("audit", action, at, record_id)
        actor = _ACTORS.get(action)
        entry = {
            "id": key,
            "timestamp": to_text(to_time(at), ".000Z"),
            "request": {"id": make_id("request", key), **(_BROWSER if actor is _PERSON else {})},
            "resource_type": kind,
            "resource_id": record_id,
            "action": action,
            "status": "success",
            "description": f"{action.capitalize()} {kind.replace('_', ' ')}",
        }
        entries.append({**entry, "actor": actor} if actor else entry)
    return sorted(entries, key=lambda entry: (entry["timestamp"], entry["id"]))


def _events(state: AccountState) -> Iterator[tuple[str, str, str, str]]:
    """Yield the time, action, record type and record id of each action, unordered."""
    for customer in state.customers:
        yield customer["created_at"], "create", "customer", customer["id"]
        if customer["archived_at"]:
            yield customer["archived_at"], "archive", "customer", customer["id"]
    for plans in state.customer_plans.values():
        for plan in plans:
            yield plan["starting_on"], "create", "customer_plan", plan["id"]
    for contracts in state.contracts.values():
        for contract in contracts:
            yield contract["created_at"], "create", "contract", contract["id"]
            if contract.get("archived_at"):
                yield contract["archived_at"], "archive", "contract", contract["id"]
    for contract_id, edits in state.contract_edits.items():
        for edit in edits:
            yield edit["timestamp"], "edit", "contract", contract_id
    for grant in state.grants:
        yield grant["effective_at"], "create", "credit_grant", grant["id"]
    for invoice in state.invoices:
        if invoice["status"] != "DRAFT":
            yield invoice["issued_at"], "finalize", "invoice", invoice["id"]
        if invoice["status"] == "VOID":
            voided_at = state.invoice_versions[invoice["id"]][-1].updated_at
            yield to_text(voided_at), "void", "invoice", invoice["id"]
