"""Generate the usage events of customers."""

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import md5

from sandbox.core.metering import is_known
from sandbox.core.records import Event
from sandbox.scenario.catalog import IMAGE_SIZES, INSTANCE_TYPES, MODELS
from sandbox.scenario.customers import CustomerScenario, customer_id
from sandbox.scenario.timeline import day

_REGIONS = ("eu-west-1", "us-east-1", "ap-south-1")
_USERS = ("mira", "tomas", "yuki", "ada")

# Pixel Forge has an image event at each of these instants. If a date range is cut wrongly,
# one of them changes sides.
BOUNDARIES = [
    datetime(2024, 3, 9, 23, 59, 59, 999000, tzinfo=UTC),
    day(3, 10),
    datetime(2024, 3, 25, 23, 59, 59, 999000, tzinfo=UTC),
    day(3, 26),
    datetime(2024, 3, 31, 23, 59, 59, 999000, tzinfo=UTC),
    day(4, 1),
]


Pick = Callable[[int], int]
"""A function that draws a whole number from 0 up to but not including its argument."""

_QUARTERS = [str(Decimal(number) / 4) for number in range(1, 97)]
_LARGEST_SIZE = IMAGE_SIZES[2]


def _picker(rng: random.Random) -> Pick:
    """Return a function that draws like `random.randrange`, in a third of the time."""
    bits = rng.getrandbits

    def pick(count: int) -> int:
        length = count.bit_length()
        number = bits(length)
        while number >= count:
            number = bits(length)
        return number

    return pick


def _image_size(rng: random.Random, pick: Pick) -> str:
    size = IMAGE_SIZES[pick(3)]
    # Some clients send the multiplication sign, but never for the largest size.
    return size.replace("x", "×") if size != _LARGEST_SIZE and rng.random() < 0.1 else size


_FAMILIES: dict[str, tuple[str, Callable[[random.Random, Pick], dict[str, str]]]] = {
    "compute": (
        "compute_usage",
        lambda rng, pick: {
            "instance_type": INSTANCE_TYPES[pick(4)],
            "cpu_hours": _QUARTERS[pick(96)],
            "region": _REGIONS[pick(3)],
        },
    ),
    "storage": (
        "storage_usage",
        lambda rng, pick: {
            "tier": "standard",
            "gb_hours": str(100 + pick(8901)),
            "region": _REGIONS[pick(3)],
        },
    ),
    "images": (
        "image_modeler",
        lambda rng, pick: {
            "image_size": _image_size(rng, pick),
            "num_images": str(1 + pick(12)),
            "user_id": _USERS[pick(4)],
        },
    ),
    "words": (
        "language_modeler",
        lambda rng, pick: {"model": MODELS[pick(2)], "words": str(50 + pick(3951))},
    ),
    "tuning": (
        "fine_tuning",
        lambda rng, pick: {"model": MODELS[pick(2)], "words": str(20 + pick(881))},
    ),
    "api": (
        "api_call",
        lambda rng, pick: {"version": ("v1", "v2")[pick(2)], "calls": str(10 + pick(691))},
    ),
    "heartbeat": ("heartbeat", lambda rng, pick: {"host": f"node-{1 + pick(9)}"}),
}
"""The type and the properties of the events of each family."""


def events_of(scenario: CustomerScenario, seed: int, now: datetime) -> list[Event]:
    """Return all events of one customer received by `now`, oldest first within a family."""
    events: list[Event] = []
    until = min(scenario.end or now, now)
    days = math.ceil((until - scenario.start) / timedelta(days=1))
    for family, per_day in scenario.uses.items():
        rng = random.Random(f"{seed}:{scenario.key}:{family}")
        for number in range(days):
            midnight = scenario.start + timedelta(days=number)
            moments = [
                midnight + timedelta(0, second)
                for second in sorted(rng.sample(range(86400), per_day))
            ]
            events += _events(scenario, family, rng, moments)
    rng = random.Random(f"{seed}:{scenario.key}:extra")
    if scenario.key == "pixel_forge":
        events += _events(scenario, "images", rng, BOUNDARIES)
    if scenario.key == "halcyon_labs":
        # Late usage: the reason for voiding and regenerating the March invoice.
        moments = [day(3, 28) + timedelta(hours=6 * number) for number in range(8)]
        events += _events(scenario, "compute", rng, moments, delay=timedelta(days=10))
    return [event for event in events if is_known(event, now)]


def stray_events(seed: int, now: datetime) -> list[Event]:
    """Return events from senders that are not customers of the account."""
    ghost = CustomerScenario(
        "ghost_tenant", "", {"api": 1, "compute": 1}, ("ghost_tenant",), start=day(3, 1)
    )
    return events_of(ghost, seed, now)


def _events(
    scenario: CustomerScenario,
    family: str,
    rng: random.Random,
    moments: list[datetime],
    delay: timedelta = timedelta(0),
) -> Iterator[Event]:
    pick = _picker(rng)
    event_type, properties_of = _FAMILIES[family]
    senders = scenario.aliases or (customer_id(scenario),)
    for moment in moments:
        properties = properties_of(rng, pick)
        # A customer without aliases sends its id, without a draw.
        sender = senders[pick(len(senders))] if scenario.aliases else senders[0]
        digest = md5(f"{scenario.key}/{family}/{moment}/{properties}".encode()).hexdigest()
        received_at = moment + delay if delay else moment
        yield Event(digest, sender, moment, event_type, properties, received_at)
