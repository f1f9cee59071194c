"""What the account sells: pricing units, metrics, plans with charges, rate cards, packages."""

from collections.abc import Callable
from decimal import Decimal

from pipelines.sandbox.account import USD_ID, Catalog, Record, make_id

USD, EUR, AI_CREDITS = "USD (cents)", "EUR", "AI Credits"
MINIMUM_CHARGE = "Monthly minimum ($1,000)"

INSTANCE_TYPES = ("c6.large", "m6.xlarge", "r6.2xlarge", "g5.xlarge")
IMAGE_SIZES = ("256x256", "512x512", "1024x1024")
MODELS = ("atlas-1", "atlas-2")

CREATED = "2023-11-20T09:30:00.000Z"

# Metric name: event type, filtered property, its accepted values, summed property, group keys.
# Clients write image sizes with a letter or with the multiplication sign, and both must count.
_METRICS: dict[str, tuple[str, str, list[str], str, list[str]]] = {
    **{
        f"CPU hours ({kind})": ("compute_usage", "instance_type", [kind], "cpu_hours", ["region"])
        for kind in INSTANCE_TYPES
    },
    "Storage GB-hours": ("storage_usage", "tier", ["standard"], "gb_hours", ["region"]),
    **{
        f"Images ({size})": (
            "image_modeler",
            "image_size",
            sorted({size, size.replace("x", "×")}),
            "num_images",
            ["user_id"],
        )
        for size in IMAGE_SIZES
    },
    **{
        f"Language model ({model})": ("language_modeler", "model", [model], "words", [])
        for model in MODELS
    },
    **{
        f"Fine tuning ({model})": ("fine_tuning", "model", [model], "words", []) for model in MODELS
    },
    "API calls": ("api_call", "version", ["v1", "v2"], "calls", []),
    "Sessions": ("session_start", "kind", ["browser"], "sessions", []),
}
_ARCHIVED_METRICS = {"Sessions": "2024-01-31T12:00:00.000Z"}

# Price lists: product, then metric and price per unit (in the plan's pricing unit); a list of
# (first unit, price) pairs is a tiered price.
_Identity = Callable[..., str]
_Price = str | list[tuple[int, str]]
_COMPUTE: dict[str, _Price] = {
    "CPU hours (c6.large)": "4.25",
    "CPU hours (m6.xlarge)": "9.6",
    "CPU hours (r6.2xlarge)": "25.2",
    "CPU hours (g5.xlarge)": "110.0125",
}
_IMAGES: dict[str, _Price] = {
    "Images (256x256)": "1.6",
    "Images (512x512)": "1.8",
    "Images (1024x1024)": "2",
}
_WORDS: dict[str, _Price] = {
    "Language model (atlas-1)": "0.0125",
    "Language model (atlas-2)": "0.04",
}
_TUNING: dict[str, _Price] = {"Fine tuning (atlas-1)": "0.13", "Fine tuning (atlas-2)": "0.275"}
_CALLS: dict[str, _Price] = {"API calls": [(0, "0.5"), (20000, "0.3125"), (50000, "0.2")]}

# Plan: pricing unit of each product, and its prices. The last plan mixes two units.
_PLANS: dict[str, list[tuple[str, str, dict[str, _Price]]]] = {
    "Infra Pay-as-you-go": [
        ("Compute", USD, _COMPUTE),
        ("Storage", USD, {"Storage GB-hours": "0.0125"}),
    ],
    "Infra Europe": [
        ("Compute", EUR, {"CPU hours (c6.large)": "0.04", "CPU hours (m6.xlarge)": "0.09"}),
        ("Storage", EUR, {"Storage GB-hours": "0.000125"}),
    ],
    "Image Studio": [
        ("Images", USD, _IMAGES),
        ("Language model", USD, _WORDS),
        ("Fine tuning", USD, _TUNING),
    ],
    "Image Studio Credits": [
        (
            "Images",
            AI_CREDITS,
            {
                "Images (256x256)": "1",
                "Images (512x512)": "2.5",
                "Images (1024x1024)": "6",
            },
        ),
    ],
    "API Growth": [("API", USD, _CALLS)],
    "API Committed": [("API", USD, _CALLS)],
    "Hybrid": [
        ("API", USD, _CALLS),
        ("Images", AI_CREDITS, {"Images (256x256)": "1", "Images (512x512)": "2.5"}),
    ],
}
_PLANS_WITH_MINIMUM = {"API Committed": Decimal(100000)}

# Contract products: type, metric of a usage product, rate in cents.
_CONTRACT_PRODUCTS: dict[str, tuple[str, str | None, str]] = {
    **{f"Compute {kind}": ("USAGE", f"CPU hours ({kind})", "") for kind in INSTANCE_TYPES},
    "API requests": ("USAGE", "API calls", "0.375"),
    "Seats": ("SUBSCRIPTION", None, "2500"),
    "Onboarding": ("FIXED", None, "150000"),
    "Annual support": ("FIXED", None, "1200000"),
    "Prepaid usage": ("FIXED", None, ""),
    "Promotional credit": ("FIXED", None, ""),
}


def build_catalog(environment: str) -> Catalog:
    """Build the catalog of one environment; the environments share pricing units only."""

    def identity(*parts: object) -> str:
        return make_id(environment, *parts)

    credit_types = {
        USD: {"id": USD_ID, "name": USD, "is_currency": True},
        EUR: {"id": make_id("credit type", EUR), "name": EUR, "is_currency": True},
        AI_CREDITS: {
            "id": make_id("credit type", AI_CREDITS),
            "name": AI_CREDITS,
            "is_currency": False,
        },
    }
    metrics = {
        name: _metric(identity("metric", name), name, *definition)
        for name, definition in _METRICS.items()
    }
    products = sorted({product for plan in _PLANS.values() for product, _, _ in plan})
    plan_products = {name: {"id": identity("product", name), "name": name} for name in products}
    plans = {
        name: {
            "id": identity("plan", name),
            "name": name,
            "description": f"{name}, billed monthly in arrears",
            "custom_fields": {"tier": name.split()[0].lower()},
        }
        for name in _PLANS
    }
    plan_charges = [
        _charge(identity, plan, plan_products[product], credit_types[unit], metrics[metric], price)
        for plan, parts in _PLANS.items()
        for product, unit, prices in parts
        for metric, price in prices.items()
    ]
    for plan, amount in _PLANS_WITH_MINIMUM.items():
        plan_charges.append(
            _charge(
                identity,
                plan,
                plan_products[_PLANS[plan][0][0]],
                credit_types[_PLANS[plan][0][1]],
                None,
                str(amount),
            )
        )
    for charge in plan_charges:
        charge["plan_id"] = plans[charge.pop("plan")]["id"]
    contract_products = {
        name: _contract_product(identity("contract product", name), name, kind, metrics.get(metric))
        for name, (kind, metric, _) in _CONTRACT_PRODUCTS.items()
    }
    rates = {
        name: Decimal(rate or str(_COMPUTE.get(metric or "", 0)))
        for name, (_, metric, rate) in _CONTRACT_PRODUCTS.items()
    }
    rate_cards = _rate_cards(identity, credit_types)
    return Catalog(
        credit_types=credit_types,
        metrics=metrics,
        plan_products=plan_products,
        plans=plans,
        plan_charges=plan_charges,
        contract_products=contract_products,
        rates=rates,
        rate_cards=rate_cards,
        packages=[_package(identity, rate_cards[0]["id"])],
    )


def unit(credit_type: Record) -> Record:
    """The short form `{id, name}` in which amounts name their pricing unit."""
    return {"id": credit_type["id"], "name": credit_type["name"]}


def _metric(
    metric_id: str,
    name: str,
    event_type: str,
    filtered: str,
    accepted: list[str],
    summed: str,
    group_keys: list[str],
) -> Record:
    metric: Record = {
        "id": metric_id,
        "name": name,
        "aggregation_type": "SUM",
        "aggregation_key": summed,
        "event_type_filter": {"in_values": [event_type]},
        "property_filters": [
            {"name": summed, "exists": True},
            {"name": filtered, "exists": True, "in_values": accepted},
        ],
        "custom_fields": {},
    }
    if group_keys:
        metric["group_keys"] = [[key] for key in group_keys]
    if name in _ARCHIVED_METRICS:
        metric["archived_at"] = _ARCHIVED_METRICS[name]
    return metric


def _charge(
    identity: _Identity,
    plan: str,
    product: Record,
    credit_type: Record,
    metric: Record | None,
    price: _Price,
) -> Record:
    """An API plan charge, with the plan's name and the metric's record beside it."""
    name = metric["name"] if metric else MINIMUM_CHARGE
    tiers = price if isinstance(price, list) else [(0, price)]
    return {
        "id": identity("charge", plan, name),
        "name": name,
        "product_id": product["id"],
        "product_name": product["name"],
        "charge_type": "usage" if metric else "minimum",
        "credit_type": unit(credit_type),
        "start_period": 0,
        "prices": [{"tier": Decimal(tier), "value": Decimal(value)} for tier, value in tiers],
        "custom_fields": {},
        "plan": plan,
        "billable_metric": metric,
    }


def _contract_product(product_id: str, name: str, kind: str, metric: Record | None) -> Record:
    state = {"name": name, "created_at": CREATED, "created_by": "Priya Raman", "tags": ["core"]}
    if metric:
        state["billable_metric_id"] = metric["id"]
    product: Record = {"id": product_id, "type": kind, "initial": state, "current": state}
    product |= {"updates": [], "custom_fields": {}}
    if name == "Compute g5.xlarge":  # renamed once: the display name is `current.name`
        product["initial"] = {**state, "name": "Compute g5"}
        update = {"created_at": "2024-01-10T10:00:00Z", "created_by": "Priya Raman", "name": name}
        product["updates"] = [update]
    return product


def _rate_cards(identity: _Identity, credit_types: dict[str, Record]) -> list[Record]:
    common = {"created_at": CREATED, "created_by": "Priya Raman", "custom_fields": {}}
    conversion = {
        "custom_credit_type": unit(credit_types[AI_CREDITS]),
        "fiat_per_custom_credit": "1.25",
    }
    return [
        {
            "id": identity("rate card", "Standard rates"),
            "name": "Standard rates",
            "description": "List prices in US dollars",
            "fiat_credit_type": unit(credit_types[USD]),
            "aliases": [{"name": "standard"}],
            **common,
        },
        {
            "id": identity("rate card", "AI rates"),
            "name": "AI rates",
            "fiat_credit_type": unit(credit_types[USD]),
            "credit_type_conversions": [conversion],
            **common,
        },
    ]


def _package(identity: _Identity, rate_card_id: str) -> Record:
    return {
        "id": identity("package", "Starter"),
        "name": "Starter",
        "contract_name": "Starter contract",
        "rate_card_id": rate_card_id,
        "created_at": CREATED,
        "created_by": "Priya Raman",
        "usage_statement_schedule": {"frequency": "MONTHLY"},
        "commits": [],
        "overrides": [],
        "scheduled_charges": [],
    }
