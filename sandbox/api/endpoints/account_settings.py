"""Endpoints for the account itself: audit log, custom field keys, the vendor's addresses."""

from sandbox.api.arguments import ApiError, Arguments
from sandbox.api.endpoint import Endpoint
from sandbox.api.paging import LOG, QUERY_WITHOUT_LIMIT
from sandbox.api.view import View
from sandbox.core.records import Record

# Entity: its keys, and whether a value may occur once only.
_CUSTOM_FIELD_KEYS = {
    "customer": {"segment": False, "crm_account": True},
    "contract": {"sales_region": False},
    "invoice": {"cost_center": False},
    "rate_card": {"owner": False},
}

_SERVICES = [
    {"name": "webhooks", "usage": "makes_connections_from", "ips": ["203.0.113.10/32"]},
    {"name": "api", "usage": "accepts_connections_at", "ips": ["198.51.100.0/28", "203.0.113.64"]},
]


def list_audit_log(view: View, call: Arguments) -> list[Record]:
    """List the entries for one record or for all, oldest first. Paging applies the dates."""
    if ("resource_id" in call) != ("resource_type" in call):
        raise ApiError(400, "resource_type and resource_id need each other")
    return [
        entry
        for entry in view.audit_log
        if call.get("resource_id") in (None, entry["resource_id"])
        and call.get("resource_type") in (None, entry["resource_type"])
    ]


def list_custom_field_keys(view: View, call: Arguments) -> list[Record]:
    """List the custom field keys of all or some entities."""
    return [
        {"entity": entity, "key": key, "enforce_uniqueness": unique}
        for entity, keys in _CUSTOM_FIELD_KEYS.items()
        if entity in call.get("entities", [entity])
        for key, unique in keys.items()
    ]


def list_services(view: View, call: Arguments) -> list[Record]:
    """List the IP addresses of the vendor's services."""
    return _SERVICES


_ENTITIES = (
    "alert|billable_metric|charge|commit|contract_credit|contract_product|contract|customer|"
    "discount|invoice|professional_service|product|rate_card|scheduled_charge|subscription|"
    "package_commit|package_credit|package_subscription|package_scheduled_charge"
)

ENDPOINTS = [
    Endpoint(
        "GET",
        "/v1/auditLogs",
        list_audit_log,
        LOG,
        query={
            "starting_on": "time",
            "ending_before": "time",
            "sort": "date_asc|date_desc",
            "resource_type": "text",
            "resource_id": "text",
        },
    ),
    Endpoint(
        "POST",
        "/v1/customFields/listKeys",
        list_custom_field_keys,
        QUERY_WITHOUT_LIMIT._replace(default=2),
        body={"entities": [_ENTITIES]},
    ),
    Endpoint("GET", "/v1/services", list_services, None, key="services"),
]
