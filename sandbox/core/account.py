"""Hold the account: its catalog, and the state of its two environments at an instant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sandbox.core.metering import Usage
from sandbox.core.records import NOW, PRODUCTION, Event, Price, Record, Version


@dataclass(frozen=True)
class Catalog:
    """The records that all customers of an environment share: units, metrics, plans, prices.

    `plan_charges` holds API charges with two internal keys the API leaves out: `plan_id` and
    `billable_metric` (the metric's record or None). `prices` maps a rate card's name and a
    product's name to the list price; `rates` are the API's rates by rate card id.
    """

    credit_types: dict[str, Record]
    metrics: dict[str, Record]
    plan_products: dict[str, Record]
    plans: dict[str, Record]
    plan_charges: list[Record]
    contract_products: dict[str, Record]
    prices: dict[str, dict[str, Price]]
    rates: dict[str, list[Record]]
    rate_cards: list[Record]
    packages: list[Record]


@dataclass(frozen=True)
class AccountState:
    """One environment of an account at `now`. All lists hold API objects unless noted.

    `*_versions` are the exported states by id, oldest first. The last one is the current record. A
    record without an entry was exported once. `billing_provider` maps a
    customer id to [provider, id there]. Both exist in the export only.

    `contract_edits` are the entries of a contract's edit history, by contract id and oldest
    first. `subscription_seats` are, by subscription id, the named seats as
    {seat_id, starting_at, ending_before?}.
    """

    environment: str
    catalog: Catalog
    now: datetime
    usage: Usage
    customers: list[Record] = field(default_factory=list)
    customer_plans: dict[str, list[Record]] = field(default_factory=dict)
    contracts: dict[str, list[Record]] = field(default_factory=dict)
    balances: dict[str, list[Record]] = field(default_factory=dict)
    grants: list[Record] = field(default_factory=list)
    ledgers: list[Record] = field(default_factory=list)
    invoices: list[Record] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    customer_versions: dict[str, list[Version]] = field(default_factory=dict)
    invoice_versions: dict[str, list[Version]] = field(default_factory=dict)
    billing_provider: dict[str, list[str]] = field(default_factory=dict)
    contract_edits: dict[str, list[Record]] = field(default_factory=dict)
    subscription_seats: dict[str, list[Record]] = field(default_factory=dict)

    @cached_property
    def invoices_by_customer(self) -> dict[str, list[Record]]:
        """Return the invoices by customer id."""
        groups: dict[str, list[Record]] = {}
        for invoice in self.invoices:
            groups.setdefault(invoice["customer_id"], []).append(invoice)
        return groups

    def metered_as(self, customer_id: str) -> str:
        """Return the id under which `usage` counts a customer."""
        return customer_id

    def customer(self, name: str) -> Record:
        """Return the first customer with this name.

        Raises:
            StopIteration: There is none.
        """
        return next(customer for customer in self.customers if customer["name"] == name)


@dataclass(frozen=True, eq=False)
class Account:
    """The simulated account at `now`, by environment.

    Nothing later than `now` has happened. Agreements about later times are included.
    """

    seed: int
    states: dict[str, AccountState]
    now: datetime = NOW

    @property
    def production(self) -> AccountState:
        """Return the environment that the API serves by default."""
        return self.states[PRODUCTION]

    def parts(self, environment: str) -> Sequence[AccountState]:
        """Return the parts of an environment. This account has one, a replicated account many."""
        return [self.states[environment]]
