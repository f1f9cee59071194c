"""Publish after audit: a set of reports is put before readers only when all its tests passed.

`python -m pipelines.publish <folder> -- dbt build …` lets dbt build and test what new data can
change, and write the reports to a new folder; it reads in dbt's own artifacts what was built and
tested, adds `run.json`, and swaps the set in.
"""
