"""Publish reports as a whole, tested set.

`python -m pipelines.publish <folder> -- dbt build …` lets dbt build what has changed and write the
reports to a new folder, reads dbt's artifacts, writes `run.json`, and swaps the set in.
"""
