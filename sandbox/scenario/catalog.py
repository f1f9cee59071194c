"""Build the catalog: pricing units, metrics, plans with charges, rate cards, packages."""

from collections.abc import Callable
from decimal import Decimal

from sandbox.core.account import Catalog
from sandbox.core.records import USD_ID, Price, Record, make_id

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

# Contract products: type, and metric of a usage product.
_CONTRACT_PRODUCTS: dict[str, tuple[str, str | None]] = {
    **{f"Compute {kind}": ("USAGE", f"CPU hours ({kind})") for kind in INSTANCE_TYPES},
    "API requests": ("USAGE", "API calls"),
    "Seats": ("SUBSCRIPTION", None),
    "Onboarding": ("FIXED", None),
    "Annual support": ("FIXED", None),
    "Prepaid usage": ("FIXED", None),
    "Promotional credit": ("FIXED", None),
    **{f"Words ({model})": ("USAGE", f"Language model ({model})") for model in MODELS},
    "Platform seats": ("SUBSCRIPTION", None),
    "Named seats": ("SUBSCRIPTION", None),
    "Committed usage": ("FIXED", None),
}

# Rate cards: description, fiat unit, and the prices of products in that unit or in AI Credits.
# Prices of seats divide by the 30 days of April, so that part of a month costs an exact amount.
_SEATS = {"Platform seats": "3000", "Named seats": "4500"}
_RATE_CARDS: dict[str, tuple[str | None, str, dict[str, dict[str, str]]]] = {
    "Standard rates": (
        "List prices in US dollars",
        USD,
        {
            USD: {
                **{
                    f"Compute {kind}": str(_COMPUTE[f"CPU hours ({kind})"])
                    for kind in INSTANCE_TYPES
                },
                "API requests": "0.375",
                "Seats": "2500",
                "Onboarding": "150000",
                "Annual support": "1200000",
                **_SEATS,
            }
        },
    ),
    "AI rates": (
        None,
        USD,
        {AI_CREDITS: {"Words (atlas-1)": "0.01", "Words (atlas-2)": "0.025"}, USD: _SEATS},
    ),
    "Euro rates": (
        "List prices in euros",
        EUR,
        {
            EUR: {
                "Compute c6.large": "0.04",
                "Compute m6.xlarge": "0.09",
                "API requests": "0.00375",
                "Onboarding": "1200",
            }
        },
    ),
}
CENTS_PER_AI_CREDIT = Decimal("1.25")


def build_catalog(environment: str) -> Catalog:
    """Build the catalog of one environment. The environments share only pricing units."""

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
        for name, (kind, metric) in _CONTRACT_PRODUCTS.items()
    }
    prices = {
        card: {
            product: Price(Decimal(amount), unit_name)
            for unit_name, amounts in by_unit.items()
            for product, amount in amounts.items()
        }
        for card, (_, _, by_unit) in _RATE_CARDS.items()
    }
    rate_cards = [_rate_card(identity, name, credit_types) for name in _RATE_CARDS]
    return Catalog(
        credit_types=credit_types,
        metrics=metrics,
        plan_products=plan_products,
        plans=plans,
        plan_charges=plan_charges,
        contract_products=contract_products,
        prices=prices,
        rates={
            card["id"]: [
                _rate(contract_products[product], price, credit_types)
                for product, price in prices[card["name"]].items()
                if contract_products[product]["type"] != "FIXED"
            ]
            for card in rate_cards
        },
        rate_cards=rate_cards,
        packages=[_package(identity, rate_cards[0]["id"])],
    )


def unit(credit_type: Record) -> Record:
    """Return the short form `{id, name}` of a pricing unit."""
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
    """Return an API plan charge, with the plan's name and the metric's record."""
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


def _rate_card(identity: _Identity, name: str, credit_types: dict[str, Record]) -> Record:
    description, fiat, by_unit = _RATE_CARDS[name]
    card: Record = {"id": identity("rate card", name), "name": name}
    if description:
        card["description"] = description
    card["fiat_credit_type"] = unit(credit_types[fiat])
    if name == "Standard rates":
        card["aliases"] = [{"name": "standard"}]
    if AI_CREDITS in by_unit:
        conversion = {
            "custom_credit_type": unit(credit_types[AI_CREDITS]),
            "fiat_per_custom_credit": str(CENTS_PER_AI_CREDIT),
        }
        card["credit_type_conversions"] = [conversion]
    return card | {"created_at": CREATED, "created_by": "Priya Raman", "custom_fields": {}}


def _rate(product: Record, price: Price, credit_types: dict[str, Record]) -> Record:
    """Return a list price in the API's form."""
    rate: Record = {
        "product_id": product["id"],
        "product_name": product["current"]["name"],
        "product_tags": product["current"]["tags"],
        "product_custom_fields": {},
        "starting_at": CREATED,
        "entitled": True,
        "rate": {
            "rate_type": "FLAT",
            "price": price.amount,
            "credit_type": unit(credit_types[price.unit]),
        },
    }
    if product["type"] == "SUBSCRIPTION":
        rate["rate"] |= {"rate_type": "SUBSCRIPTION", "quantity": 1}
        rate["billing_frequency"] = "MONTHLY"
    return rate


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
