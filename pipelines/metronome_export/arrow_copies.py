"""Copy Parquet files through Arrow if DuckDB would read other values than the file states.

Decimals of more than 38 digits become text. Text without its UTF-8 annotation in lists, maps and
structs becomes text too. Everything else is copied unchanged, batch by batch, so it fits in memory.
"""

from pathlib import Path

import pyarrow
from pyarrow import parquet
from pyarrow.types import (
    is_binary,
    is_decimal,
    is_large_binary,
    is_large_list,
    is_list,
    is_map,
    is_nested,
    is_struct,
)

from pipelines.metronome_export.csv_files import BadFileError

LARGEST = 38
"""The most digits of a decimal that DuckDB reads."""


def copy_through_arrow(path: str, copy: str) -> None:
    """Write a copy of a Parquet file that DuckDB reads exactly.

    Raises:
        BadFileError: If bytes inside a list, map or struct are not UTF-8.
        OSError: If the file is damaged, as `pyarrow.ArrowInvalid` is a ValueError.
    """
    Path(copy).parent.mkdir(parents=True, exist_ok=True)
    # INT96 in microseconds covers the years -290308 to 294247, in nanoseconds only 1677 to 2262
    with parquet.ParquetFile(path, coerce_int96_timestamp_unit="us") as file:
        schema = pyarrow.schema(
            [field.with_type(_target(field.type)) for field in file.schema_arrow]
        )
        with parquet.ParquetWriter(copy, schema) as writer:
            for batch in file.iter_batches():
                columns = [
                    _cast(column, field)
                    for column, field in zip(batch.columns, schema, strict=True)
                ]
                writer.write_batch(pyarrow.record_batch(columns, schema=schema))


def _cast(column: pyarrow.Array, field: pyarrow.Field) -> pyarrow.Array:
    if column.type == field.type:
        return column
    try:
        return column.cast(field.type)
    except pyarrow.ArrowInvalid as error:
        raise BadFileError(
            f"its column {field.name} ({column.type}) cannot be read: {error}. Write it as text"
        ) from error


def _target(of: pyarrow.DataType, inside: bool = False) -> pyarrow.DataType:
    """Return the type of a column in the copy."""
    if is_decimal(of) and of.precision > LARGEST:
        return pyarrow.string()
    if inside and (is_binary(of) or is_large_binary(of)):
        return pyarrow.string()
    if not is_nested(of):
        return of
    if is_map(of):
        return pyarrow.map_(_target(of.key_type, True), _target(of.item_type, True))
    if is_list(of) or is_large_list(of):
        return pyarrow.list_(_target(of.value_type, True))
    if is_struct(of):
        return pyarrow.struct([field.with_type(_target(field.type, True)) for field in of])
    return of
