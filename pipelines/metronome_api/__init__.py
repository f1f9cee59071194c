"""Load one account of Metronome's API into raw tables: the dlt pipeline `metronome_api`.

`metronome_api_source` is the dlt source. `load_account` is the pipeline, which reads incrementally
and resumes. Both read the endpoints of `endpoints.py` into the tables of `api_tables.py`.
"""

from typing import TYPE_CHECKING, Any

from pipelines.metronome_api.api_tables import DATASET, RAW_TABLES

if TYPE_CHECKING:
    from pipelines.metronome_api.source import metronome_api_source

NAME = "metronome_api"

__all__ = ["DATASET", "NAME", "RAW_TABLES", "metronome_api_source"]


def __getattr__(name: str) -> Any:
    """Import the dlt source when it is used. Importing dlt takes a second."""
    if name == "metronome_api_source":
        from pipelines.metronome_api.source import metronome_api_source

        return metronome_api_source
    raise AttributeError(name)
