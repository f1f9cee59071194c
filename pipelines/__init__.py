"""Pipelines of dlt that land Metronome's API and data export in DuckDB."""
