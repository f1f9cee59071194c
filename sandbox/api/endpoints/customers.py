"""Endpoints for customers, their billing providers, metrics and alerts."""

from sandbox.api.arguments import Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.endpoints.pricing import list_metrics
from sandbox.api.paging import QUERY_WITHOUT_LIMIT
from sandbox.api.view import View
from sandbox.billing.alerts import customer_alerts
from sandbox.core.records import Record, make_id


def list_customers(view: View, call: Arguments) -> list[Record]:
    """List active customers, or only archived customers."""
    archived = call.get("only_archived", False)
    ids = call.get("customer_ids")
    accounts = call.get("salesforce_account_ids")
    return [
        customer
        for customer, _, _ in view.customers.values()
        if bool(customer["archived_at"]) == archived
        and (ids is None or customer["id"] in ids)
        and (accounts is None or customer["customer_config"]["salesforce_account_id"] in accounts)
        and ("ingest_alias" not in call or call["ingest_alias"] in customer["ingest_aliases"])
    ]


def get_customer(view: View, call: Arguments) -> Record:
    """Return one customer, archived or not."""
    return view.customer(call["customer_id"])


def list_customer_metrics(view: View, call: Arguments) -> list[Record]:
    """List all metrics, or those that the customer's current plans charge for."""
    customer_id = call["customer_id"]
    state = view.state(customer_id)
    metrics = list_metrics(view, call)
    if not call.get("on_current_plan", False):
        return metrics
    plans = {plan["plan_id"] for plan in state.customer_plans.get(customer_id, [])}
    charged = {
        charge["billable_metric"]["id"]
        for charge in view.catalog.plan_charges
        if charge["plan_id"] in plans and charge["billable_metric"]
    }
    return [metric for metric in metrics if metric["id"] in charged]


def list_billing_configurations(view: View, call: Arguments) -> list[Record]:
    """List a customer's billing provider settings, with archived settings if requested."""
    customer = view.customer(call["customer_id"])
    state = view.state(customer["id"])
    if customer["id"] not in state.billing_provider:
        return []
    if customer["archived_at"] and not call.get("include_archived", False):
        return []
    provider, reference = state.billing_provider[customer["id"]]
    return [
        {
            "id": make_id("billing configuration", customer["id"]),
            "archived_at": customer["archived_at"],
            "billing_provider": provider,
            "configuration": {
                f"{provider}_customer_id": reference,
                f"{provider}_collection_method": "charge_automatically",
            },
            "customer_id": customer["id"],
            "delivery_method": "direct_to_billing_provider",
            "delivery_method_configuration": {},
            "delivery_method_id": make_id("delivery method", provider),
        }
    ]


def list_alerts(view: View, call: Arguments) -> list[Record]:
    """List the status of each alert for a customer. By default only enabled alerts are listed."""
    customer = view.customer(call["customer_id"])
    wanted = [status.lower() for status in call.get("alert_statuses", ["enabled"])]
    alerts = customer_alerts(customer, view.state(customer["id"]), view.now)
    return [item for item in alerts if item["alert"]["status"] in wanted]


_CUSTOMER = "/v1/customers/{customer_id}"

ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/customers",
        list_customers,
        query={
            "customer_ids": "ids",
            "ingest_alias": "text",
            "salesforce_account_ids": "texts",
            "only_archived": "flag",
        },
    ),
    Endpoint("GET", _CUSTOMER, get_customer, None),
    Endpoint(
        "GET",
        f"{_CUSTOMER}/billable-metrics",
        list_customer_metrics,
        query={"on_current_plan": "flag", "include_archived": "flag"},
    ),
    Endpoint(
        "POST",
        "/v1/getCustomerBillingProviderConfigurations",
        list_billing_configurations,
        None,
        body={"customer_id!": "id", "include_archived": "flag"},
    ),
    Endpoint(
        "POST",
        "/v1/customer-alerts/list",
        list_alerts,
        QUERY_WITHOUT_LIMIT._replace(default=2),
        body={"customer_id!": "id", "alert_statuses": ["ENABLED|DISABLED|ARCHIVED"]},
    ),
]
