"""The one error that a user is meant to read."""


class InputError(Exception):
    """Something in the user's settings or data is wrong; the message says what and what to do."""
