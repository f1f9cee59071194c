"""Make texts from the account harmless to a terminal."""

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.common.errors import printable

CONTROLS = r"[^\P{C}\n\t]"
"""Control characters such as ESC, and characters that reverse the direction of text, as an RE2
class. Line breaks and tabs are not included."""


def inert(table: pa.Table) -> pa.Table:
    """Replace control characters in all names and texts of a table by U+FFFD.

    Columns of lists, structs and maps become texts.
    """
    columns = [_inert(column) for column in table.columns]
    return pa.table(columns, names=[printable(name) for name in table.column_names])


def _inert(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_nested(kind) or pa.types.is_dictionary(kind):
        texts = [None if value is None else str(value) for value in column.to_pylist()]
        column = pa.chunked_array([pa.array(texts, pa.string())])
    elif not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return column
    return pc.replace_substring_regex(column, CONTROLS, "\ufffd")
