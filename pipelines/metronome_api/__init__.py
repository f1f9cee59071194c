"""Load one account of Metronome's API into raw tables: the dlt pipeline `metronome_api`.

`metronome_api_source` is the dlt source. `load_account` is the pipeline, which reads incrementally
and resumes. Both read the endpoints of `endpoints.py` into the tables of `api_tables.py`.
"""

from pipelines.metronome_api.api_tables import DATASET, RAW_TABLES
from pipelines.metronome_api.source import metronome_api_source

NAME = "metronome_api"
SELECTED_TABLES: frozenset[str] = frozenset()

__all__ = ["DATASET", "NAME", "RAW_TABLES", "SELECTED_TABLES", "metronome_api_source"]
