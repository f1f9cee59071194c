"""Contracts: their edits, rates, subscriptions and seats."""

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.endpoints.balances import SHOW, accessible, shown
from sandbox.api.endpoints.pricing import covers
from sandbox.api.paging import CONTRACTS, SEAT_BALANCES, SEATS
from sandbox.api.rates import chosen, contract_rates
from sandbox.api.seat_balances import is_of_seats, seat_balance, seat_history
from sandbox.api.view import View, find
from sandbox.core.records import Record, plain, to_time

MOST_PARTS = 100
"""The most commits and credits on a page of seat balances, unless one seat has more."""


def list_contracts(view: View, call: Arguments) -> list[Record]:
    """List a customer's contracts by start. An unknown customer is a 400."""
    customer_id, covering = call["customer_id"], call.get("covering_date")
    if customer_id not in view.customers:
        raise ApiError(400, f"Customer {customer_id} not found", "CustomerNotFound")
    if covering and "starting_at" in call:
        raise ApiError(400, "covering_date excludes starting_at", "InvalidArgument")
    found = [
        contract
        for contract in view.state(customer_id).contracts.get(customer_id, [])
        if (call.get("include_archived", False) or not contract.get("archived_at"))
        and (covering is None or covers(contract, covering))
        and ("starting_at" not in call or to_time(contract["starting_at"]) >= call["starting_at"])
    ]
    found.sort(key=lambda item: to_time(item["starting_at"]))
    return [
        {
            **contract,
            "commits": [shown(balance, call) for balance in contract["commits"]],
            "credits": [shown(balance, call) for balance in contract["credits"]],
        }
        for contract in found
    ]


def list_edits(view: View, call: Arguments) -> list[Record]:
    """List the edits of a contract, oldest first."""
    contract = view.contract(call)
    return view.state(call["customer_id"]).contract_edits.get(contract["id"], [])


def list_contract_rates(view: View, call: Arguments) -> list[Record]:
    """List the rates of a contract at an instant, by default now."""
    contract = view.contract(call)
    if "rate_card_id" not in contract:
        return []
    at = call.get("at", view.now)
    card = find(view.catalog.rate_cards, contract["rate_card_id"], "Rate card")
    rates = [rate for rate in view.catalog.rates[card["id"]] if covers(rate, at)]
    selectors = call.get("selectors")
    return contract_rates(chosen(rates, selectors), contract, at)


def quantity_history(view: View, call: Arguments) -> Record:
    """List the quantities of a subscription up to now, with their price per billing period."""
    contract, subscription = _subscription(view, call)
    card = find(view.catalog.rate_cards, contract["rate_card_id"], "Rate card")
    product_id = subscription["subscription_rate"]["product"]["id"]
    rates = chosen(view.catalog.rates[card["id"]], [{"product_id": product_id}])

    def costs(item: Record) -> Record:
        (rate,) = contract_rates(rates, contract, to_time(item["starting_at"]))
        price = rate.get("override_rate", rate["list_rate"])["price"]
        amount = plain(item["quantity"] * price)
        return {"quantity": item["quantity"], "unit_price": price, "total": amount}

    return {
        "subscription_id": subscription["id"],
        "fiat_credit_type_id": card["fiat_credit_type"]["id"],
        "history": [
            {"starting_at": item["starting_at"], "data": [costs(item)]}
            for item in subscription["quantity_schedule"]
            if to_time(item["starting_at"]) <= view.now
        ],
    }


def list_seats(view: View, call: Arguments) -> list[Record]:
    """List the past and present holders of a subscription's seats, in order of time."""
    _, subscription = _subscription(view, call)
    covering, after, before = (
        call.get(name) for name in ("covering_date", "starting_at", "ending_before")
    )
    if covering and (after or before):
        raise ApiError(
            400, "covering_date excludes starting_at and ending_before", "InvalidArgument"
        )
    seats = view.state(call["customer_id"]).subscription_seats.get(subscription["id"], [])
    return [
        item
        for item in seat_history(seats, view.now)
        if (covering is None or covers(item, covering))
        and (after is None or not item["ending_before"] or to_time(item["ending_before"]) > after)
        and (before is None or to_time(item["starting_at"]) < before)
    ]


def list_seat_balances(view: View, call: Arguments) -> list[Record]:
    """List the balances of each seat of a contract in commits and credits allocated per seat."""
    contract = view.contract(call, status=404)
    if "covering_date" in call and ("starting_at" in call or "effective_before" in call):
        raise ApiError(400, "covering_date excludes starting_at and effective_before")
    state = view.state(call["customer_id"])
    own = {
        item["id"]: state.subscription_seats[item["id"]]
        for item in contract.get("subscriptions", [])
        if item["id"] in state.subscription_seats
    }
    wanted = call.get("subscription_ids", list(own))
    if set(wanted) - set(own):
        raise ApiError(400, "subscription_ids must name SEAT_BASED subscriptions")
    present = {
        key: sorted(seat["seat_id"] for seat in own[key] if covers(seat, view.now))
        for key in wanted
    }
    known = {seat_id for seats in present.values() for seat_id in seats}
    asked = set(call.get("seat_ids", known))
    if asked - known and not call.get("skip_missing_seat_ids", False):
        raise ApiError(400, "seat_ids must name seats of the contract")
    balances = [
        balance
        for balance in state.balances.get(call["customer_id"], [])
        if accessible(balance, call)
    ]
    return [
        seat_balance(seat_id, seats, [item for item in balances if is_of_seats(item, key)], call)
        for key, seats in present.items()
        for seat_id in seats
        if seat_id in asked
    ]


def seats_per_page(call: Arguments, rows: list[Record]) -> int:
    """Return how many seats fill a page of commits and credits."""
    parts = 0
    for number, row in enumerate(rows):
        if parts >= MOST_PARTS:
            return number
        parts += len(row.get("commits", [])) + len(row.get("credits", []))
    return len(rows)


def _subscription(view: View, call: Arguments) -> tuple[Record, Record]:
    """Return the requested contract and subscription."""
    contract = view.contract(call)
    for subscription in contract.get("subscriptions", []):
        if subscription["id"] == call["subscription_id"]:
            return contract, subscription
    message = f"Subscription {call['subscription_id']} not found"
    raise ApiError(400, message, "SubscriptionNotFound")


_V1 = "/v1/contracts"
_CONTRACT = {"customer_id!": "id", "contract_id!": "id"}
_SUBSCRIPTION = {**_CONTRACT, "subscription_id!": "id"}

ENDPOINTS = [
    Endpoint(
        "POST",
        "/v2/contracts/list",
        list_contracts,
        CONTRACTS,
        body={"customer_id!": "id", "covering_date": "time", "starting_at": "time", **SHOW},
    ),
    Endpoint("POST", "/v2/contracts/getEditHistory", list_edits, None, body=_CONTRACT),
    Endpoint(
        "POST",
        f"{_V1}/getContractRateSchedule",
        list_contract_rates,
        body={
            **_CONTRACT,
            "at": "time",
            "selectors": [
                {
                    "billing_frequency": "MONTHLY|QUARTERLY|ANNUAL|WEEKLY",
                    "product_id": "id",
                    "product_tags": "texts",
                    "pricing_group_values": "map",
                    "partial_pricing_group_values": "map",
                }
            ],
        },
    ),
    Endpoint(
        "POST",
        f"{_V1}/getSubscriptionQuantityHistory",
        quantity_history,
        None,
        body=_SUBSCRIPTION,
    ),
    Endpoint(
        "POST",
        f"{_V1}/getSubscriptionSeatsHistory",
        list_seats,
        SEATS,
        body={
            **_SUBSCRIPTION,
            "covering_date": "time",
            "starting_at": "time",
            "ending_before": "time",
        },
    ),
    Endpoint(
        "POST",
        f"{_V1}/seatBalances/list",
        list_seat_balances,
        SEAT_BALANCES,
        body={
            **_CONTRACT,
            "subscription_ids": "ids",
            "seat_ids": "texts",
            "skip_missing_seat_ids": "flag",
            "include_credits_and_commits": "flag",
            "include_ledgers": "flag",
            "starting_at": "time",
            "effective_before": "time",
            "covering_date": "time",
        },
        fits=seats_per_page,
    ),
]
