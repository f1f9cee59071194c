"""The one error that a user is meant to read."""


def printable(text: str) -> str:
    """The text without what a terminal would obey instead of show; lines stay lines."""
    return "".join(
        character if character.isprintable() or character == "\n" else "�" for character in text
    )


class InputError(Exception):
    """Something in the user's settings or data is wrong; the message says what and what to do.

    It may quote what others wrote, so it is made printable.
    """

    def __init__(self, message: object) -> None:
        super().__init__(printable(str(message)))


OWN_DATABASE = (
    "Load it into a database of its own: DB=<file> for make, else DESTINATION__DUCKDB__CREDENTIALS."
)
"""What to do when two accounts would mix."""
