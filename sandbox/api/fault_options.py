"""Parse the options for faults. The module does not import the web server."""

from dataclasses import dataclass

RATE_LIMIT_TYPES = ("client", "customer")
RETRY_AFTER = ("none", "seconds", "date")


@dataclass(frozen=True)
class Faults:
    """The faults to inject. A share is the fraction of requests with the fault, 0 to 1.

    Attributes:
        rate_limit: Requests per second. More are answered with 429. 0 is no limit.
        rate_limit_type: `client` or `customer`, sent in a header of the 429.
        retry_after: The form of the Retry-After header of a 429: `none`, `seconds` or `date`.
        latency: Milliseconds before every response.
        errors: Share answered with an error that can be retried, see `ERRORS`.
        drop: Share whose connection is closed without a response.
        truncate: Share whose body ends halfway.
        drip: Share whose body is sent slowly in small pieces.
        gone: Paths answered with 404, see `path_pattern`.
        seed: Decides which requests have a fault.
    """

    rate_limit: float = 0
    rate_limit_type: str = "client"
    retry_after: str = "none"
    latency: float = 0
    errors: float = 0
    drop: float = 0
    truncate: float = 0
    drip: float = 0
    gone: tuple[str, ...] = ()
    seed: int = 7
