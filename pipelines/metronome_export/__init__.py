"""Load the files of Metronome's data export into raw tables: the dlt pipeline `metronome_export`.

`metronome_export_source` is the dlt source. `load_export` is the pipeline, which appends new files.
Both read the files by the plans of `read_plan.py` into the tables of `export_tables.py`.
"""

from typing import TYPE_CHECKING, Any

from pipelines.metronome_export.export_tables import (
    DATASET,
    NAME,
    RAW_TABLES,
    SELECTED_TABLES,
    TABLES,
)

if TYPE_CHECKING:
    from pipelines.metronome_export.source import metronome_export_source

__all__ = [
    "DATASET",
    "NAME",
    "RAW_TABLES",
    "SELECTED_TABLES",
    "TABLES",
    "metronome_export_source",
]


def __getattr__(name: str) -> Any:
    """Import the dlt source when it is used. Importing dlt takes a second."""
    if name == "metronome_export_source":
        from pipelines.metronome_export.source import metronome_export_source

        return metronome_export_source
    raise AttributeError(name)
