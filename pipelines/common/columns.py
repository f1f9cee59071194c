"""Declare column hints in one line per type, for both sources.

Every column that a model reads is declared. dlt creates a declared column even if no row fills it,
so a model finds all of its tables and columns.
"""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # importing dlt takes 0.4 seconds, and the sandbox imports the tables
    from dlt.common.schema.typing import TColumnSchema, TDataType

AMOUNT_PRECISION = 38
AMOUNT_SCALE = 18
"""Raw amounts and quantities are DECIMAL(38, 18): 20 digits before the point, 18 after it.
The models use 20 decimals, so cents convert to dollars exactly."""

Hints: TypeAlias = dict[str, "TColumnSchema"]


LOAD_ID: "TColumnSchema" = {"name": "_dlt_load_id", "data_type": "text", "nullable": False}
"""The column that dlt adds: the load of a row."""


def columns(**names_by_type: str) -> Hints:
    """Declare nullable columns, in order.

    Args:
        names_by_type: Blank-separated column names, keyed by dlt's data type
            (``text``, ``decimal``, ``timestamp``, ``json``, ``bool``, ``bigint``).

    Returns:
        dlt column hints. Decimals are DECIMAL(38, 18); timestamps are instants in UTC.
    """
    return {
        name: _hint(name, data_type)  # type: ignore[arg-type]
        for data_type, names in names_by_type.items()
        for name in names.split()
    }


def _hint(name: str, data_type: "TDataType") -> "TColumnSchema":
    hint: TColumnSchema = {"name": name, "data_type": data_type, "nullable": True}
    if data_type == "decimal":
        hint |= {"precision": AMOUNT_PRECISION, "scale": AMOUNT_SCALE}
    return hint
