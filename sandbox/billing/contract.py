"""Derive a contract's ids and records from its terms."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sandbox.core.account import Catalog
from sandbox.core.metering import Usage
from sandbox.core.records import Price, Record, make_id, plain
from sandbox.scenario.catalog import unit
from sandbox.scenario.contract_terms import CommitOrCredit, Segment, Subscription, Terms
from sandbox.scenario.customers import CustomerScenario


@dataclass(frozen=True)
class Contract:
    """A contract of a customer at an instant."""

    scenario: CustomerScenario
    terms: Terms
    catalog: Catalog
    usage: Usage
    now: datetime

    @property
    def id(self) -> str:
        """Return the contract's id."""
        return self.contract_id(self.terms.key)

    def contract_id(self, key: str) -> str:
        """Return the id of a contract of the same customer."""
        return make_id("contract", self.scenario.key, *filter(None, [key]))

    @property
    def start(self) -> datetime:
        """Return the start of the contract."""
        return self.terms.start or self.scenario.start

    @property
    def signed_at(self) -> datetime:
        """Return the instant at which the contract was created."""
        return self.terms.signed_at or self.start

    @property
    def end(self) -> datetime | None:
        """Return the end of the contract, if it is known at `now`."""
        known = self.terms.ended_by is None or self.terms.ended_by <= self.now
        return self.terms.end if known else None

    @property
    def is_archived(self) -> bool:
        """Return whether the contract has been archived."""
        return self.has_passed(self.terms.archived_at)

    @property
    def fiat(self) -> Record:
        """Return the pricing unit of the contract's invoices."""
        return next(
            card["fiat_credit_type"]
            for card in self.catalog.rate_cards
            if card["name"] == self.terms.rate_card
        )

    def has_passed(self, moment: datetime | None) -> bool:
        """Return whether an instant, if there is one, has passed."""
        return moment is not None and moment <= self.now

    def unit(self, name: str) -> Record:
        """Return the short form of a pricing unit."""
        return unit(self.catalog.credit_types[name])

    def price(self, product: str, at: datetime) -> Price:
        """Return the price of a product in the billing period that begins at an instant."""
        listed = self.catalog.prices[self.terms.rate_card][product]
        for override in self.terms.overrides:
            if override.product == product and override.start <= at:
                amount = override.price or listed.amount * (override.multiplier or Decimal(1))
                return Price(plain(amount), listed.unit)
        return listed

    def product(self, name: str) -> Record:
        """Return the short form of a product."""
        product = self.catalog.contract_products[name]
        return {"id": product["id"], "name": product["current"]["name"]}

    def scheduled_invoice_id(self, charge: str) -> str:
        """Return the id of the invoice for a scheduled charge."""
        return make_id("invoice", self.scenario.key, "scheduled", charge)

    def commit_id(self, commit: CommitOrCredit) -> str:
        """Return the id of a commit or credit."""
        return make_id("fund", self.scenario.key, commit.name)

    def segment_id(self, commit: CommitOrCredit, segment: Segment) -> str:
        """Return the id of an access segment."""
        return make_id("segment", self.commit_id(commit), segment.start.date())

    def subscription_id(self, subscription: Subscription) -> str:
        """Return the id of a subscription. A contract's only subscription needs no name."""
        name = [subscription.product] if len(self.terms.subscriptions) > 1 else []
        return make_id("subscription", self.scenario.key, *name)

    def quantities(self, subscription: Subscription) -> list[tuple[datetime, datetime | None, int]]:
        """Return the start, end and quantity of each period of seats. The last has no end."""
        changes = dict(subscription.quantities)
        seats = [seat for seat in subscription.seats if seat.start <= self.now]
        for seat in seats:
            for at in filter(self.has_passed, (seat.start, seat.end)):
                changes[at] = sum(
                    other.start <= at and (other.end is None or at < other.end) for other in seats
                )
        starts = sorted(changes)
        return [
            (start, end, changes[start])
            for start, end in zip(starts, [*starts[1:], None], strict=True)
        ]
