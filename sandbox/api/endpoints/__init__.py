"""Answer the API's endpoints. Each module has one group and ends with its declarations."""

from sandbox.api.endpoint import Endpoint
from sandbox.api.endpoints import (
    account_settings,
    balances,
    contracts,
    customers,
    invoices,
    plans,
    pricing,
    usage,
)

_GROUPS = (customers, invoices, contracts, balances, pricing, usage, account_settings, plans)

ENDPOINTS: list[Endpoint] = [endpoint for group in _GROUPS for endpoint in group.ENDPOINTS]
