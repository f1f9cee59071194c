"""The one error that a user is meant to read."""


class InputError(Exception):
    """Something in the user's settings or data is wrong; the message says what and what to do."""


OWN_DATABASE = (
    "Load it into a database of its own: DB=<file> for make, else DESTINATION__DUCKDB__CREDENTIALS."
)
"""What to do when two accounts would mix."""
