"""Hold the account: records, metered usage, and the state of each environment."""
