"""Some customers of the simulated account, so that loads are short."""

from dataclasses import replace
from datetime import UTC, datetime

from sandbox.core.account import Account
from sandbox.core.records import PRODUCTION

EARLIER = datetime(2024, 4, 5, 12, tzinfo=UTC)
LATER = datetime(2024, 5, 3, tzinfo=UTC)


NAMES = (
    *("A1 Company", "Kestrel Media", "Dual Horizon", "Blank Slate Holdings", "Halcyon Labs"),
    *("Northwind Robotics", "Twin Peaks Outfitters", "Consolidated Mills", "Hundred Acre Energy"),
    *("Seat Pocket Travel", "Ledger Lane Books", "Token Harbor", "Danube Shipping SE"),
    *("Atlas Freight & Sons", "Europa Verkehr GmbH", "Polaris Biotech", "Globex"),
)


def few(account: Account) -> Account:
    """Return some of the account's customers, so that loads are short."""
    books = account.production
    customers = [item for item in books.customers if item["name"] in NAMES]
    kept = {item["id"] for item in customers}
    plans = {key: items for key, items in books.customer_plans.items() if key in kept}
    contracts = {key: items for key, items in books.contracts.items() if key in kept}
    invoices = [item for item in books.invoices if item["customer_id"] in kept]
    cut = {"customers": customers, "customer_plans": plans, "contracts": contracts}
    own = replace(books, **cut, invoices=invoices)
    return Account(account.seed, {PRODUCTION: own}, account.now)
