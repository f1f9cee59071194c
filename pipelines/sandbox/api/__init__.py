"""The API's reads: a module per group, each ending in a table of how its endpoints are called."""

from pipelines.sandbox.api import (
    balances,
    contracts,
    customers,
    invoices,
    plans,
    pricing,
    settings,
    usage,
)
from pipelines.sandbox.api.endpoint import Endpoint

_GROUPS = (customers, invoices, contracts, balances, pricing, usage, settings, plans)

ENDPOINTS: list[Endpoint] = [endpoint for group in _GROUPS for endpoint in group.ENDPOINTS]
