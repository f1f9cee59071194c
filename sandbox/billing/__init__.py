"""Billing: turn the scenario into invoices, balances, contracts and alerts."""
