"""Literal answers of the API: one customer with every dialect of a list."""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.requests import Request

from tests.pipelines.conftest import (
    Workspace,
)

INVOICES = "/v1/customers/c1/invoices"
BALANCES = "/v1/contracts/customerBalances/list"
CONTRACTS = "/v2/contracts/list"
GRANTS = "/v1/credits/listGrants"
SEATS = "/v1/contracts/getSubscriptionSeatsHistory"
SEAT_BALANCES = "/v1/contracts/seatBalances/list"
ONE_CUSTOMER = {"/v1/customers": ['[{"id": "c1", "name": "One"}]']}
ONE_INVOICE = {
    INVOICES: [
        """[{
            "id": "i1", "customer_id": "c1", "type": "USAGE", "net_payment_terms_days": null,
            "total": 12345678901234567890.123456789012345678, "subtotal": 0.1, "issued_at": null,
            "external_invoice": {"invoice_id": "in_1", "invoiced_total": 70},
            "custom_fields": {"a": 883406386745030.3, "b": [0.1234567890123456, 9007199254740993]},
            "line_items": [
                {"name": "first", "total": 0.000000000000000001, "sub_line_items": [
                    {"charge_id": "a", "quantity": 0.3, "subtotal": 1e-18},
                    {"charge_id": "b", "quantity": 3, "subtotal": -2.5}
                ]},
                {"name": "second", "total": 7, "sub_line_items": [{"charge_id": "c"}]}
            ],
            "constituent_invoices": [
                {"invoice_id": "i8", "contract_id": "k", "customer_id": "c8"},
                {"invoice_id": "i9", "contract_id": "k", "customer_id": "c9"}
            ],
            "brand_new_text": "kept", "brandNewAmount": 0.123456789012345678,
            "brand_new_object": {"depth": {"amount": 1.25}}, "brand_new_list": [{"amount": 0.1}]
        }]"""
    ]
}


TWO_PAGES = ['[{"id": "first"}]', '[{"id": "second"}]']
DETAILS = (
    ONE_CUSTOMER
    | ONE_INVOICE
    | dict.fromkeys(("/v1/plans", GRANTS, BALANCES, SEATS, SEAT_BALANCES), TWO_PAGES)
    | {CONTRACTS: ['[{"id": "first", "subscriptions": [{"id": "s"}]}]', '[{"id": "second"}]']}
)
"""One customer with every dialect's list in two pages, and the invoice of `ONE_INVOICE`."""


@dataclass(frozen=True)
class Loaded:
    """A workspace, and the requests that filled it."""

    workspace: Workspace
    requests: list[Request]


JUNE = datetime(2024, 6, 1, tzinfo=UTC)


def customers_of(*dates: str) -> dict[str, list[str]]:
    """Return a list of customers, each with a JSON text of its dates."""
    rows = [f'{{"id": "c{number}", {text}}}' for number, text in enumerate(dates, start=1)]
    return {"/v1/customers": [f"[{', '.join(rows)}]"]}
