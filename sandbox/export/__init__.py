"""The data export: write an account as files."""
