"""Show the part of the account that the token of an environment can read."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cached_property
from typing import Any

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.audit_log import audit_log
from sandbox.billing.breakdowns import breakdown
from sandbox.core.account import Account, AccountState
from sandbox.core.records import Record
from sandbox.core.usage_index import Quantities, UsageIndex

_REMEMBERED = 512
"""The most responses and breakdowns in memory."""


class View:
    """One environment of the account, over all its parts.

    Attributes:
        customers: Customers by id, each with the number of its part and its id in `usage`.
    """

    def __init__(self, account: Account, environment: str) -> None:
        """Serve one environment of `account`."""
        self.account, self.environment = account, environment
        self.catalog = account.states[environment].catalog
        self.parts = account.parts(environment)
        self.customers: dict[str, tuple[Record, int, str]] = {
            customer["id"]: (customer, number, state.metered_as(customer["id"]))
            for number, state in enumerate(self.parts)
            for customer in state.customers
        }
        self._made: OrderedDict[tuple[str, str], Any] = OrderedDict()

    @property
    def now(self) -> datetime:
        """Return the instant of the account."""
        return self.account.now

    @cached_property
    def grants(self) -> list[Record]:
        """Return all credit grants."""
        return [grant for state in self.parts for grant in state.grants]

    @cached_property
    def ledgers(self) -> list[Record]:
        """Return the credit ledgers of all customers with a ledger."""
        return [row for state in self.parts for row in state.ledgers]

    @cached_property
    def audit_log(self) -> list[Record]:
        """Return the audit log, oldest first."""
        entries = [entry for state in self.parts for entry in audit_log(state, self.now)]
        return sorted(entries, key=lambda entry: (entry["timestamp"], entry["id"]))

    @cached_property
    def usage(self) -> UsageIndex:
        """Return the usage of the environment's customers."""
        return UsageIndex(self.account.states[self.environment])

    def metric_of(self, line: Record) -> str | None:
        """Return the id of the metric of an invoice's line or sub-line, if any."""
        return self._metrics.get(line.get("charge_id") or line.get("product_id"))

    def breakdown(self, invoice: Record, size: str) -> list[Record]:
        """Return the breakdowns of an invoice by HOUR or DAY. Later calls return the same rows.

        Late usage counts only in a regenerated invoice.
        """
        customer_id = self.metered_as(invoice["customer_id"])
        late = "regenerated_from_invoice_id" in invoice

        def measure(line: Record) -> Quantities | None:
            metric_id = self.metric_of(line)
            return self.usage.windows(customer_id, metric_id, size, late) if metric_id else None

        key = (invoice["id"], size)
        return self._kept(key, lambda: breakdown(invoice, size, self.now, measure))

    @cached_property
    def _metrics(self) -> dict[str, str]:
        """Return metric ids by plan charge and by contract product."""
        products = self.catalog.contract_products.values()
        by_product = {item["id"]: item["current"].get("billable_metric_id") for item in products}
        by_charge = {
            charge["id"]: charge["billable_metric"]["id"]
            for charge in self.catalog.plan_charges
            if charge["billable_metric"]
        }
        return {key: metric for key, metric in (by_product | by_charge).items() if metric}

    def customer(self, customer_id: str) -> Record:
        """Return a customer.

        Raises:
            ApiError: 404, there is no such customer.
        """
        if customer_id not in self.customers:
            raise ApiError(404, f"Customer {customer_id} not found")
        return self.customers[customer_id][0]

    def metered_as(self, customer_id: str) -> str:
        """Return the id under which the usage counts a customer."""
        return self.customers[customer_id][2]

    def state(self, customer_id: str) -> AccountState:
        """Return the state with a customer.

        Raises:
            ApiError: 404, there is no such customer.
        """
        self.customer(customer_id)
        return self.parts[self.customers[customer_id][1]]

    def invoices(self, customer_id: str) -> list[Record]:
        """Return the invoices of a customer, VOID invoices included."""
        return self.state(customer_id).invoices_by_customer.get(customer_id, [])

    def contract(self, call: Arguments, status: int = 400) -> Record:
        """Return the contract with a `customer_id` and `contract_id`.

        Raises:
            ApiError: With `status`, there is no such customer, or it has no such contract.
        """
        customer_id = call["customer_id"]
        if customer_id not in self.customers:
            raise ApiError(status, f"Customer {customer_id} not found", "CustomerNotFound")
        for contract in self.state(customer_id).contracts.get(customer_id, []):
            if contract["id"] == call["contract_id"]:
                return contract
        raise ApiError(status, f"Contract {call['contract_id']} not found", "ContractNotFound")

    def recall(self, handler: Callable[..., Any], call: Arguments) -> Any:
        """Return a handler's result for a call. It is kept for the next pages."""
        key = (handler.__name__, repr(sorted(call.items())))
        return self._kept(key, lambda: handler(self, call))

    def _kept(self, key: tuple[str, str], make: Callable[[], Any]) -> Any:
        """Return the value of a key. Makes it if it is not among the last values used."""
        if key in self._made:
            self._made.move_to_end(key)
        else:
            self._made[key] = make()
            if len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        return self._made[key]


def find(records: Iterable[Record], record_id: str, what: str) -> Record:
    """Return the record with an id.

    Raises:
        ApiError: 404, there is none. `what` names it in the message.
    """
    for record in records:
        if record["id"] == record_id:
            return record
    raise ApiError(404, f"{what} {record_id} not found")
