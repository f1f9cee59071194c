"""Define the dlt source `metronome_api`: the API's lists as resources, for any destination.

    import dlt
    from pipelines.metronome_api import metronome_api_source

    source = metronome_api_source().with_resources("customers", "invoices")
    dlt.pipeline("metronome", destination="duckdb", dataset_name="metronome").run(source)

Each run reads the selected lists in full. `dlt pipeline metronome_api run` reads the same lists.
Its later runs read only what can have changed, see `load_account.py`.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import dlt
from dlt.common import logger
from dlt.common.typing import TSecretStrValue
from dlt.extract import DltResource
from dlt.extract.hints import make_hints

from pipelines.common.errors import InputError
from pipelines.common.settings import BASE_URL
from pipelines.metronome_api.api_settings import ApiSettings, host
from pipelines.metronome_api.api_tables import TABLES
from pipelines.metronome_api.client import MetronomeClient, UnavailableError
from pipelines.metronome_api.endpoints import ENDPOINT_OF, ENDPOINTS, Endpoint, Row, tables
from pipelines.metronome_api.extract import Extractor
from pipelines.metronome_api.rows import by_table


@dlt.source(name="metronome_api", section="metronome_api")
def metronome_api_source(
    bearer_token: TSecretStrValue = dlt.secrets.value,
    base_url: str = BASE_URL,
    as_of: str | None = None,
    history_start: str = "2015-01-01",
    requests_per_second: float = 7.5,
    requests_in_flight: int = 8,
    endpoint_requests_per_second: dict[str, float] | None = None,
) -> Iterable[DltResource]:
    """Read one account.

    Args:
        bearer_token: The token of the API, `sources.metronome_api.bearer_token` in dlt's secrets.
        base_url: The API's address.
        as_of: The instant of the read, RFC 3339. Default: now.
        history_start: The first day of usage and breakdowns to read.
        requests_per_second: The limit for the whole account.
        requests_in_flight: The limit of requests at the same time.
        endpoint_requests_per_second: Lower limits of single endpoints, by path.

    Returns:
        A resource per list of the API, named after its table. Each resource gets its objects from
        an inner resource `<table>_objects`, which sends the requests, loads no table and cannot be
        selected. Objects of one customer come from a transformer of `customers_objects`, and so
        on. Resources that take many requests are not selected by default. Nested lists go to
        separate tables, see `api_tables.py`.

    Raises:
        InputError: If a setting cannot be used, or the API refuses a request.
    """
    settings = ApiSettings(
        as_of=as_of,
        history_start=history_start,
        requests_per_second=requests_per_second,
        requests_in_flight=requests_in_flight,
        endpoint_requests_per_second=endpoint_requests_per_second or {},
    )
    host(base_url)
    client = MetronomeClient(base_url, bearer_token, settings.limits)
    return _resources(Extractor(client, settings.window(), set()))


def _resources(extractor: Extractor) -> Iterator[DltResource]:
    """Yield a resource for each endpoint, parents before their children."""
    objects: dict[str, DltResource] = {}
    for endpoint in ENDPOINTS.values():
        parent = ENDPOINT_OF[endpoint.parent] if endpoint.parent else None
        if parent is None:
            objects[endpoint.table] = _of_the_account(extractor, endpoint)
        else:
            objects[endpoint.table] = _of_a_parent(
                extractor, endpoint, parent, objects[parent.table]
            )
        yield _rows(endpoint, objects[endpoint.table])


def _of_the_account(extractor: Extractor, endpoint: Endpoint) -> DltResource:
    """Return a resource that yields the pages of a list, with the nested lists of its objects."""

    def read() -> Iterator[list[Row]]:
        yield from _readable(extractor.read_all(endpoint), endpoint)

    return dlt.resource(read, name=f"{endpoint.table}_objects", parallelized=True)


def _of_a_parent(
    extractor: Extractor, endpoint: Endpoint, parent: Endpoint, objects: DltResource
) -> DltResource:
    """Return a transformer that yields the whole list of each of its parent's rows."""

    def read(parents: list[Row]) -> Iterator[list[Row]]:
        yield []  # a parent without rows empties the table, too
        owners = dict(by_table(parent, _copied(parents)))[endpoint.parent]
        metrics: list[Row] = []
        if endpoint.needs_metrics:
            metrics = _whole(extractor.read_all(ENDPOINTS["billable_metrics"]))
        # `each` gets all parents of a customer together, and returns each key once
        together = endpoint.each is not None and endpoint.window is None
        for asked in [owners] if together else [[owner] for owner in owners]:
            yield _whole(_readable(extractor.read_all(endpoint, asked, metrics), endpoint))

    return dlt.transformer(
        read, data_from=objects, name=f"{endpoint.table}_objects", parallelized=True
    )


def _whole(pages: Iterable[list[Row]]) -> list[Row]:
    return [row for page in pages for row in page]


def _rows(endpoint: Endpoint, objects: DltResource) -> DltResource:
    """Return the resource of an endpoint: its rows and the rows of its nested lists."""
    hints = {
        part.table: make_hints(
            table_name=part.table,
            columns=TABLES[part.table],
            write_disposition="replace",
            file_format="parquet",  # INSERT VALUES truncates decimals to nine places
        )
        for part in tables(endpoint)
    }

    def rows(items: list[Row]) -> Iterator[Any]:
        for table, part_rows in by_table(endpoint, _copied(items)):
            found = part_rows or dlt.mark.materialize_table_schema()
            yield dlt.mark.with_hints(found, hints[table], create_table_variant=True)

    return dlt.transformer(rows, data_from=objects, name=endpoint.table, selected=endpoint.selected)


def _copied(page: list[Row]) -> list[Row]:
    """Copy objects, two levels deep: `by_table` removes nested lists, which others also read."""
    return [
        {key: dict(value) if isinstance(value, dict) else value for key, value in row.items()}
        for row in page
    ]


def _readable(pages: Iterator[list[Row]], endpoint: Endpoint) -> Iterator[list[Row]]:
    """Yield the pages of a list. Warn and end if the API does not find the owner or its list.

    Raises:
        InputError: If the token may not read the list, or the API does not find a list of the
            account.
    """
    try:
        yield from pages
    except UnavailableError as error:
        if error.status == 403 or endpoint.parent is None:
            raise InputError(
                f"{error.reason} Select other resources: source.with_resources(...)."
            ) from error
        logger.warning(f"{endpoint.table}: {error.reason} Its rows are left out.")
