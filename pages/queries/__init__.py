"""Read the marts and reports. All SQL of the pages is in this package, a module per subject.

Every function takes an open DuckDB connection whose time zone is UTC and returns rows as
dictionaries. Amounts are exact `Decimal`s. No other schema is read.
"""

from pages.queries import billings, credit, customers, invoices, reconciliation, run, usage
from pages.queries.rows import Row

__all__ = ["Row", "billings", "credit", "customers", "invoices", "reconciliation", "run", "usage"]
