"""What an account is made of: plain records, and the few rules every part of the sandbox shares."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pipelines.sandbox.usage import Usage

NOW = datetime(2024, 4, 15, tzinfo=UTC)
"""The account's clock unless another is asked for, see `Account.now`."""

GRACE = timedelta(days=1)
"""A usage invoice stays a draft for a day after its period, then it is finalized and issued."""

PRODUCTION, SANDBOX = "PRODUCTION", "SANDBOX"
USD_ID = "2714e483-4ff1-48e4-9e25-ac732e8f24f2"  # the same on every Metronome account

Record = dict[str, Any]
"""A JSON object: text, numbers as `Decimal` or `int`, times as RFC 3339 text."""

_NAMESPACE = uuid.UUID("6f1d7a52-2f0e-5c0b-9a55-5d0c8f2b7e11")


class Event(NamedTuple):
    """One usage event as received; `customer` is an ingest alias or a customer id."""

    transaction_id: str
    customer: str
    timestamp: datetime
    event_type: str
    properties: dict[str, str]
    received_at: datetime


class Version(NamedTuple):
    """An exported state of a record: since when, and what differed from the final record."""

    updated_at: datetime
    changes: Record


def make_id(*parts: object) -> str:
    """Derive a UUID from `parts`, the same in every run."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, parts))))


def to_text(moment: datetime, suffix: str = "Z") -> str:
    """Write a UTC time with one of the API's spellings: `Z`, `.000Z` or `+00:00`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + suffix


def to_time(text: str | None) -> datetime | None:
    """Read any RFC 3339 spelling; a text without an offset counts as UTC.

    Raises:
        ValueError: The text is not a time.
    """
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def plain(number: Decimal) -> Decimal:
    """Drop trailing zeros without falling into exponent notation: 1E+2 becomes 100."""
    number = number.normalize()
    return number.quantize(Decimal(1)) if number.as_tuple().exponent > 0 else number


def total(numbers: Iterable[Decimal]) -> Decimal:
    """Add amounts exactly."""
    return plain(sum(numbers, Decimal(0)))


class Price(NamedTuple):
    """A price per unit of a product, in the pricing unit of that name."""

    amount: Decimal
    unit: str


@dataclass(frozen=True)
class Catalog:
    """What can be sold: the records shared by all customers of one environment.

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

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of everything in the catalog."""
        return frozenset(_identities([vars(self)]))


@dataclass(frozen=True)
class Books:
    """One environment of the account at `now`. All lists hold API objects unless said otherwise.

    `*_versions` are the exported states by id, oldest first, the last one being the record as it
    is; a record without an entry was exported once. `billing_provider` maps a
    customer id to [provider, id there]. Both exist in the export only.

    `contract_edits` are the entries of a contract's edit history, by contract id and oldest
    first. `subscription_seats` are, by subscription id, the named seats as
    {seat_id, starting_at, ending_before?}. `usage` is that of block 0, see `original`.
    """

    environment: str
    catalog: Catalog
    now: datetime
    usage: "Usage"
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
    originals: dict[str, str] = field(default_factory=dict)

    @cached_property
    def invoices_by_customer(self) -> dict[str, list[Record]]:
        """Invoices grouped by customer id."""
        groups: dict[str, list[Record]] = {}
        for invoice in self.invoices:
            groups.setdefault(invoice["customer_id"], []).append(invoice)
        return groups

    def original(self, customer_id: str) -> str:
        """The id in block 0 of a customer, by which `usage` knows it."""
        return self.originals.get(customer_id, customer_id)

    def customer(self, name: str) -> Record:
        """The first customer with this name.

        Raises:
            StopIteration: There is none.
        """
        return next(customer for customer in self.customers if customer["name"] == name)


@dataclass(frozen=True, eq=False)
class Account:
    """The simulated account: the books of both environments, and how often they are repeated.

    It is as it stood at `now`: nothing later has happened, but what is agreed for later is there.

    Block 0 is the simulation itself. Block n repeats it under other ids, names and aliases, so
    that a large account needs neither the time nor the memory of a large simulation.
    """

    seed: int
    books: dict[str, Books]
    now: datetime = NOW
    scale: int = 1

    @property
    def production(self) -> Books:
        """Block 0 of the environment the API serves by default."""
        return self.books[PRODUCTION]

    def blocks(self, environment: str) -> Iterator[Books]:
        """Yield the books of every block, one at a time."""
        return (self.block(environment, number) for number in range(self.scale))

    @lru_cache(maxsize=8)  # noqa: B019 - an account lives as long as its process
    def block(self, environment: str, number: int) -> Books:
        """The books of one block; the repeated ones have no events."""
        books = self.books[environment]
        return relabelled(books, number) if number else books


def copied_reference(reference: str, block: int) -> str:
    """The id or alias that stands for `reference` in a block."""
    if len(reference) == 36 and _is_identity(reference):
        return f"{block:08x}{reference[8:]}"
    return f"{reference}_{block}"


def relabelled(books: Books, block: int) -> Books:
    """Repeat books under new identities; amounts and times stay, the catalog is shared."""
    shared = books.catalog.ids

    def copy(value: Any) -> Any:
        if isinstance(value, str):
            own = _is_identity(value) and value not in shared
            return copied_reference(value, block) if own else value
        if isinstance(value, dict):
            return {key: copy(item) for key, item in value.items()}
        if isinstance(value, list):
            return [copy(item) for item in value]
        if isinstance(value, Version):
            return Version(value.updated_at, copy(value.changes))
        return value

    def by_id(groups: dict[str, Any]) -> dict[str, Any]:
        return {copy(key): copy(items) for key, items in groups.items()}

    customers = []
    for customer in copy(books.customers):
        aliases = [copied_reference(alias, block) for alias in customer["ingest_aliases"]]
        external = aliases[0] if aliases else customer["id"]
        name = f"{customer['name']} ({block})"
        customers.append(
            {**customer, "name": name, "ingest_aliases": aliases, "external_id": external}
        )
    return Books(
        environment=books.environment,
        catalog=books.catalog,
        now=books.now,
        usage=books.usage,
        customers=customers,
        customer_plans=by_id(books.customer_plans),
        contracts=by_id(books.contracts),
        balances=by_id(books.balances),
        grants=copy(books.grants),
        ledgers=copy(books.ledgers),
        invoices=copy(books.invoices),
        customer_versions=by_id(books.customer_versions),
        invoice_versions=by_id(books.invoice_versions),
        billing_provider=by_id(books.billing_provider),
        contract_edits=by_id(books.contract_edits),
        subscription_seats=by_id(books.subscription_seats),
        originals={copy(customer["id"]): customer["id"] for customer in books.customers},
    )


def _is_identity(text: str) -> bool:
    """Whether a text is a UUID or a billing provider's id."""
    if len(text) == 36:
        return text[8] == text[13] == text[18] == text[23] == "-"
    return text.startswith(("in_", "cus_"))


def _identities(value: Any) -> Iterator[str]:
    """All identities anywhere in a nested value."""
    if isinstance(value, str) and _is_identity(value):
        yield value
    elif isinstance(value, dict):
        yield from _identities(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _identities(item)
