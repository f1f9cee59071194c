"""Calls of the API, and what the tests read of the answers."""

import json
from decimal import Decimal

import httpx

from sandbox.api.server import TOKEN
from sandbox.core.account import Account
from sandbox.core.records import Record

HEADER = {"Authorization": f"Bearer {TOKEN}"}
BALANCES = "/v1/contracts/customerBalances"


def ids(items: object) -> list[str]:
    return [item["id"] if isinstance(item, dict) else item.id for item in items]


def customer_id(account: Account, name: str) -> str:
    return account.production.customer(name)["id"]


def answer(response: httpx.Response) -> Record:
    return json.loads(response.content, parse_float=Decimal)


def post(http: httpx.Client, path: str, **body: object) -> Record:
    """Return the `data` of a POST that must succeed."""
    response = http.post(path, json=body)
    assert response.status_code == 200, response.text
    return answer(response)["data"]


def post_all(http: httpx.Client, path: str, **body: object) -> list[Record]:
    """Return the records of all pages of a POST that takes `next_page` in its body."""
    page = answer(http.post(path, json=body))
    found = page["data"]
    while page["next_page"]:
        page = answer(http.post(path, json={**body, "next_page": page["next_page"]}))
        found += page["data"]
    return found
