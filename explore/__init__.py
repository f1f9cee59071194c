"""Explore the marts and reports by hand, on a snapshot of the database.

`python -m explore` opens the snapshot in Harlequin, an SQL editor in the terminal.
`python -m explore app` serves `customer.py`, a marimo app about one customer, on loopback.
"""
