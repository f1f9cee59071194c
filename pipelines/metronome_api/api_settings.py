"""Read the settings of the API: section `[sources.metronome_api]` of dlt's configuration."""

from dataclasses import field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from dlt.common.configuration import configspec, resolve_configuration
from dlt.common.configuration.specs import BaseConfiguration

from pipelines.common.errors import InputError
from pipelines.metronome_api.endpoints import ENDPOINT_OF, ENDPOINTS
from pipelines.metronome_api.extract import ExtractWindow
from pipelines.metronome_api.transport import Limits


@configspec
class ApiSettings(BaseConfiguration):
    """The settings of a run: which resources to read, how fast, and how far back.

    Attributes:
        select: Resources to read, by the names of their raw tables; `default` or `all`.
        requests_per_second: The limit for the whole account.
        requests_in_flight: The limit of requests at the same time.
        endpoint_requests_per_second: Lower limits of single endpoints, by path.
        customers_per_batch: Customers in memory. Each load has half of them. A killed run reads at
            most so many again.
        invoice_lookback_days: Days after its issue in which an invoice can still be voided or paid.
        usage_lookback_days: Days before the last run whose usage and breakdowns are read again.
        history_start: The first day of usage and breakdowns to read.
        as_of: The instant of the run, RFC 3339. Default: now.
    """

    select: list[str] = field(default_factory=lambda: ["default"])
    requests_per_second: float = 7.5
    requests_in_flight: int = 8
    endpoint_requests_per_second: dict[str, float] = field(default_factory=dict)
    customers_per_batch: int = 100
    invoice_lookback_days: int = 90
    usage_lookback_days: int = 34
    history_start: str = "2015-01-01"
    as_of: str | None = None

    @property
    def limits(self) -> Limits:
        """Return the limits of requests."""
        return Limits(
            self.requests_per_second, self.requests_in_flight, self.endpoint_requests_per_second
        )

    def window(self) -> ExtractWindow:
        """Return the resources and the time that a run reads.

        Raises:
            InputError: If a selected resource does not exist, or a date or number is not valid.
        """
        for setting in ("requests_per_second", "requests_in_flight", "customers_per_batch"):
            if getattr(self, setting) <= 0:
                raise InputError(f"sources.metronome_api.{setting} must be greater than 0.")
        if self.usage_lookback_days > self.invoice_lookback_days:
            raise InputError(
                "sources.metronome_api.usage_lookback_days must not be greater than "
                "invoice_lookback_days: days would be deleted whose invoice is not read again."
            )
        return ExtractWindow(
            as_of=_instant("as_of", self.as_of) if self.as_of else now(),
            resources=selected(self.select),
            invoice_lookback=timedelta(days=self.invoice_lookback_days),
            usage_lookback=timedelta(days=self.usage_lookback_days),
            history_start=_instant("history_start", self.history_start),
        )


def api_settings() -> ApiSettings:
    """Return the settings that dlt finds in the environment and in .dlt/config.toml."""
    return resolve_configuration(ApiSettings(), sections=("sources", "metronome_api"))


def selected(names: list[str]) -> frozenset[str]:
    """Return the selected resources with their parents.

    Raises:
        InputError: If a resource does not exist.
    """
    found: set[str] = {"customers"}
    for name in names:
        if name in ("default", "all"):
            found |= {
                endpoint.table
                for endpoint in ENDPOINTS.values()
                if name == "all" or endpoint.selected
            }
        elif name in ENDPOINTS:
            found.add(name)
        else:
            raise InputError(
                f"There is no resource {name!r} to select. Give default, all or names of "
                f"{', '.join(sorted(ENDPOINTS))}."
            )
    while needed := {parent for name in found for parent in _parents(name)} - found:
        found |= needed
    return frozenset(found)


def _parents(name: str) -> set[str]:
    endpoint = ENDPOINTS[name]
    parents = {ENDPOINT_OF[endpoint.parent].table} if endpoint.parent else set()
    if endpoint.window == "invoiced":
        parents.add("invoices")
    if endpoint.needs_metrics:
        parents.add("billable_metrics")
    return parents


def _instant(setting: str, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"sources.metronome_api.{setting} is {text!r}: give an instant, such as "
            "2024-04-15T00:00:00Z, or a day."
        ) from None
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)


def now() -> datetime:
    """Return the current time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def host(base_url: str) -> str:
    """Return the host that identifies an API, or `sandbox` for an API on this machine.

    Raises:
        InputError: If it is not an address, or if it contains a secret. The message omits the
            secret.
    """
    try:
        parts = urlsplit(base_url)
        name = parts.hostname if parts.scheme in ("http", "https") else None
    except ValueError:
        name = None
    if name is None:
        raise InputError(
            "METRONOME_BASE_URL is not an address. Give one that starts with https:// and a host."
        )
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InputError(
            "METRONOME_BASE_URL holds more than the address of the API. Leave out user, password "
            "and everything after a ? or #. The API needs only the token."
        )
    return "sandbox" if name in ("127.0.0.1", "localhost") else name
