"""Usage: the events customers send, and the quantities the billable metrics make of them."""

import hashlib
import math
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandbox.core.metering import is_known
from sandbox.core.records import Event
from sandbox.scenario.catalog import IMAGE_SIZES, INSTANCE_TYPES, MODELS
from sandbox.scenario.customers import Member, customer_id
from sandbox.scenario.timeline import day

_REGIONS = ("eu-west-1", "us-east-1", "ap-south-1")
_USERS = ("mira", "tomas", "yuki", "ada")

# Pixel Forge has an image event at each of these instants: where a date range is cut wrongly,
# one of them changes sides.
BOUNDARIES = [
    datetime(2024, 3, 9, 23, 59, 59, 999000, tzinfo=UTC),
    day(3, 10),
    datetime(2024, 3, 25, 23, 59, 59, 999000, tzinfo=UTC),
    day(3, 26),
    datetime(2024, 3, 31, 23, 59, 59, 999000, tzinfo=UTC),
    day(4, 1),
]


def _image_size(rng: random.Random) -> str:
    size = rng.choice(IMAGE_SIZES)
    # Some clients send the multiplication sign, but never for the largest size.
    return size.replace("x", "×") if size != IMAGE_SIZES[2] and rng.random() < 0.1 else size


_FAMILIES: dict[str, Callable[[random.Random], tuple[str, dict[str, str]]]] = {
    "compute": lambda rng: (
        "compute_usage",
        {
            "instance_type": rng.choice(INSTANCE_TYPES),
            "cpu_hours": str(Decimal(rng.randint(1, 96)) / 4),
            "region": rng.choice(_REGIONS),
        },
    ),
    "storage": lambda rng: (
        "storage_usage",
        {
            "tier": "standard",
            "gb_hours": str(rng.randint(100, 9000)),
            "region": rng.choice(_REGIONS),
        },
    ),
    "images": lambda rng: (
        "image_modeler",
        {
            "image_size": _image_size(rng),
            "num_images": str(rng.randint(1, 12)),
            "user_id": rng.choice(_USERS),
        },
    ),
    "words": lambda rng: (
        "language_modeler",
        {"model": rng.choice(MODELS), "words": str(rng.randint(50, 4000))},
    ),
    "tuning": lambda rng: (
        "fine_tuning",
        {"model": rng.choice(MODELS), "words": str(rng.randint(20, 900))},
    ),
    "api": lambda rng: (
        "api_call",
        {"version": rng.choice(("v1", "v2")), "calls": str(rng.randint(10, 700))},
    ),
    "heartbeat": lambda rng: ("heartbeat", {"host": f"node-{rng.randint(1, 9)}"}),
}


def member_events(member: Member, seed: int, now: datetime) -> list[Event]:
    """All events of one customer received by `now`, oldest first within a family."""
    events = []
    until = min(member.end or now, now)
    for family, per_day in member.uses.items():
        rng = random.Random(f"{seed}:{member.key}:{family}")
        days = math.ceil((until - member.start) / timedelta(days=1))
        events += [
            _event(member, family, rng, member.start + timedelta(days=number, seconds=second))
            for number in range(days)
            for second in sorted(rng.sample(range(86400), per_day))
        ]
    rng = random.Random(f"{seed}:{member.key}:extra")
    if member.key == "pixel_forge":
        events += [_event(member, "images", rng, moment) for moment in BOUNDARIES]
    if member.key == "halcyon_labs":
        # Late usage: the reason for voiding and regenerating the March invoice.
        delay = timedelta(days=10)
        days = [day(3, 28) + timedelta(hours=6 * number) for number in range(8)]
        events += [_event(member, "compute", rng, moment, delay) for moment in days]
    return [event for event in events if is_known(event, now)]


def stray_events(seed: int, now: datetime) -> list[Event]:
    """Events of senders that are no customer of the account."""
    ghost = Member("ghost_tenant", "", {"api": 1, "compute": 1}, ("ghost_tenant",), start=day(3, 1))
    return member_events(ghost, seed, now)


def _event(
    member: Member,
    family: str,
    rng: random.Random,
    moment: datetime,
    delay: timedelta = timedelta(0),
) -> Event:
    event_type, properties = _FAMILIES[family](rng)
    customer = rng.choice(member.aliases) if member.aliases else customer_id(member)
    digest = hashlib.md5(f"{member.key}/{family}/{moment}/{properties}".encode()).hexdigest()
    return Event(digest, customer, moment, event_type, properties, moment + delay)
