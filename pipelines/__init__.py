"""dlt pipelines that land Metronome's API and data export in DuckDB."""
