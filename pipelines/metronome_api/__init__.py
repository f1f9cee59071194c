"""dlt pipeline `metronome_api`: all that Metronome's API tells of one account, as raw tables.

`endpoints.py` says what there is, `tables.py` which columns it has, `reading.py` what to ask for,
`client.py` how, over `session.py`; `parsing.py` reads the answers, `source.py` says how rows reach
their tables, and `run.py` in which order.
"""

from pipelines.metronome_api.source import DATASET, RAW_TABLES

NAME = "metronome_api"
SELECTED_TABLES: frozenset[str] = frozenset()

__all__ = ["DATASET", "NAME", "RAW_TABLES", "SELECTED_TABLES"]
