"""The account: its records, its metered usage, and the state of an environment."""
