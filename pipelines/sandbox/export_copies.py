"""Export rows of the blocks after the first: those of block 0 under other identities.

Ids change as `copied_reference` says, names and aliases as in `relabelled`. What is different in
each block is marked once, so that a block costs no more than putting its number in place.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.sandbox.export_rows import Row
from pipelines.sandbox.export_tables import COLUMNS

# Stand for the number of the block: as the first eight digits of an id, and in plain.
_IN_ID, _IN_TEXT = "\ue000", "\ue001"
_MARKS = (_IN_ID, _IN_TEXT)

_IDENTITY = re.compile(
    r"\b[0-9a-f]{8}((?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b|\b(?:in_[0-9a-f]{24}|cus_\w+)"
)

_SUFFIXES = {
    ("events", "transaction_id"): f"-{_IN_TEXT}",
    ("events", "customer_id"): f"_{_IN_TEXT}",
    ("customer", "name"): f" ({_IN_TEXT})",
}
"""What texts that are no ids end in, by table and column."""


class Copies:
    """The rows of a table as they are in other blocks."""

    def __init__(self, name: str, rows: Iterable[Row], shared: frozenset[str]) -> None:
        """Mark rows of block 0.

        Args:
            name: The table.
            rows: Its rows.
            shared: Ids that are the same in all blocks.
        """
        texts = [column for column, kind in COLUMNS[name].items() if kind == "text"]
        mark = lru_cache(maxsize=None)(lambda column, text: _marked(name, column, text, shared))
        self.marked: list[Row] = [
            row | {column: mark(column, row[column]) for column in texts if row.get(column)}
            for row in rows
        ]
        self._texts = texts

    def rows(self, block: int) -> Iterator[Row]:
        """The rows of one block."""
        for row in self.marked:
            yield row | {
                column: _placed(row[column], block) for column in self._texts if row.get(column)
            }

    def tables(self, blocks: range, schema: pa.Schema, at_once: int) -> Iterator[pa.Table]:
        """The rows of many blocks, in order, in tables of some `at_once` rows."""
        if not self.marked:
            return
        count = len(self.marked)
        source = pa.Table.from_pylist(self.marked, schema=schema).combine_chunks()
        columns = [_Column(column.chunk(0)) for column in source.columns]
        step = max(1, at_once // count)
        for first in range(0, len(blocks), step):
            numbers = blocks[first : first + step]
            repeated = pa.concat_arrays(
                [pa.repeat(pa.scalar(place), count) for place in range(len(numbers))]
            )
            yield pa.table(
                [column.repeated(numbers, repeated) for column in columns], schema=schema
            )


class _Column:
    """A column of marked values."""

    def __init__(self, values: pa.Array) -> None:
        self._values = values
        self._parts: tuple[pa.Array, ...] | None = None
        self._marks = 0
        if pa.types.is_string(values.type):
            texts = values.to_pylist()
            self._marks = max(sum(map((text or "").count, _MARKS)) for text in texts)
            if self._marks == 1:
                self._parts = _split(texts)

    def repeated(self, blocks: range, places: pa.Array) -> pa.Array:
        """The values of many blocks; `places` numbers the block of each."""
        if self._marks == 0:
            return pa.concat_arrays([self._values] * len(blocks))
        if self._parts is None:
            return pa.concat_arrays([self._placed(block) for block in blocks])
        before, kinds, after = (pa.concat_arrays([part] * len(blocks)) for part in self._parts)
        numbers = pa.array([text for block in blocks for text in ("", f"{block:08x}", str(block))])
        marks = numbers.take(pc.add(pc.multiply(places, 3), kinds))
        return pc.binary_join_element_wise(before, marks, after, "")

    def _placed(self, block: int) -> pa.Array:
        values = pc.replace_substring(self._values, _IN_ID, f"{block:08x}")
        return pc.replace_substring(values, _IN_TEXT, str(block))


def _split(texts: list[str | None]) -> tuple[pa.Array, pa.Array, pa.Array]:
    """What is before the mark, which mark there is (0 for none), and what is after it."""
    before, kinds, after = [], [], []
    for text in texts:
        kind = next((kind for kind, mark in enumerate(_MARKS, 1) if mark in (text or "")), 0)
        head, _, tail = text.partition(_MARKS[kind - 1]) if kind else (text, "", "")
        before.append(head)
        kinds.append(kind)
        after.append(tail)
    return (
        pa.array(before, pa.string()),
        pa.array(kinds, pa.int64()),
        pa.array(after, pa.string()),
    )


def _marked(name: str, column: str, text: str, shared: frozenset[str]) -> str:
    """A text with marks where blocks differ."""
    if (name, column) == ("customer", "ingest_aliases"):
        return re.sub(r'(?<=[^\[,])"(?=[,\]])', f'_{_IN_TEXT}"', text)

    def mark(found: re.Match[str]) -> str:
        if found[1] is None:
            return f"{found[0]}_{_IN_TEXT}"
        return found[0] if found[0] in shared else _IN_ID + found[1]

    marked = _IDENTITY.sub(mark, text)
    suffix = _SUFFIXES.get((name, column))
    return text + suffix if suffix and marked == text else marked


def _placed(text: Any, block: int) -> str:
    return text.replace(_IN_ID, f"{block:08x}").replace(_IN_TEXT, str(block))
