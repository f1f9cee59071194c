"""Column hints in one line per type, shared by both sources.

Every column that a model reads is declared: dlt creates a declared column even when no row fills
it, so an empty or partial source is an empty or partial table and never a missing one.
"""

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:  # so that the sandbox can take the tables without the 0.4 seconds that dlt takes
    from dlt.common.schema.typing import TColumnSchema, TDataType

AMOUNT_PRECISION = 38
AMOUNT_SCALE = 18
"""Raw amounts and quantities are DECIMAL(38, 18): 20 digits before the point, 18 behind it.
A cent with 18 decimals is a dollar with 20, which is what the models carry, so the conversion is
exact."""

Hints: TypeAlias = dict[str, "TColumnSchema"]


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
