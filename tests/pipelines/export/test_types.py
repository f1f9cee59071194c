"""Every Parquet type as every kind of column: read exactly, to some digits, or refused by name.

The README's table of types is the specification. Each row of it has samples here, written as files
whose schema states the type, with the values that must land, worked out by hand.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest

from pipelines.common.columns import columns
from pipelines.metronome_export.casts import DOUBLE_TOLERANCE, DUCKDB_TYPES
from pipelines.metronome_export.files import ExportFile
from pipelines.metronome_export.read_plan import ReadPlan, TableError, read_plan, unreadable
from tests.pipelines.conftest import ROOT, in_memory
from tests.pipelines.export.type_samples import BAD, KINDS, SAMPLES, UUID_TEXT, Sample

README = ROOT / "pipelines" / "metronome_export" / "README.md"
CASES = [
    pytest.param(label, sample, kind, id=f"{label} {place} as {kind}")
    for label, samples in SAMPLES.items()
    for place, sample in enumerate(samples)
    for kind in KINDS
]


def planned(folder: Path, kind: str) -> ReadPlan | TableError:
    file = ExportFile("v.parquet", "sample", "parquet", 0, datetime(2024, 1, 1, tzinfo=UTC), None)
    with in_memory() as connection:
        try:
            return read_plan(
                *(connection, str(folder), "sample", [file], columns(**{kind: "v"}), {}),
                *(str.lower, str(folder / "copies")),
            )
        except TableError as error:
            return error
        except duckdb.Error:
            return ReadPlan(bad=unreadable(str(folder), [file]))


def landed(plan: ReadPlan) -> Any:
    ((query, added),) = plan.queries
    assert not added
    with in_memory() as connection:
        ((kind, value),) = connection.execute(f"select typeof(v), v from ({query})").fetchall()
    return kind, value


@pytest.mark.parametrize(("label", "sample", "kind"), CASES)
def test_a_type_is_read_exactly_or_refused_by_name(
    tmp_path: Path, label: str, sample: Sample, kind: str
):
    sample.write(tmp_path / "v.parquet")
    plan = planned(tmp_path, kind)
    expected = sample.lands.get(kind, BAD)
    if expected == BAD:
        if isinstance(plan, TableError):
            assert (plan.path, plan.column) == ("v.parquet", "v")
            assert f"in {tmp_path}/v.parquet. It is in row 1, as " in str(plan)
            assert ": write " in str(plan)
        else:
            assert "column" in plan.bad["v.parquet"]
            assert "rite" in plan.bad["v.parquet"]
        return
    assert isinstance(plan, ReadPlan), plan
    of, value = landed(plan)
    raw = {**DUCKDB_TYPES, "timestamp": "TIMESTAMP WITH TIME ZONE"}[kind]
    assert of == raw.replace(" ", "") or of == raw
    assert Decimal(value) == expected if isinstance(expected, Decimal) else value == expected


def test_the_readme_names_every_type_and_what_happens_to_it():
    table = re.search(r"\| Parquet type \|.*?\n(?=\n)", README.read_text(), re.DOTALL)[0]
    rows = [[cell.strip() for cell in row.strip("|\n").split("|")] for row in table.splitlines()]
    header, stated = rows[0], rows[2:]
    assert header[1:] == [f"`{kind}`" for kind in KINDS]
    assert [row[0] for row in stated] == list(SAMPLES)
    for label, *cells in stated:
        for kind, cell in zip(KINDS, cells, strict=True):
            reads = {sample.lands.get(kind, BAD) != BAD for sample in SAMPLES[label]}
            assert (
                reads
                == {
                    "exact": {True},
                    "refused": {False},
                    "if it fits": {True, False},
                    "to 3 or 6 digits": {True, False},
                    "to 12 digits": {True, False},
                    "to the microsecond": {True},
                }[cell]
            ), (label, kind)


def test_a_nested_uuid_is_not_lost(tmp_path: Path):
    """A type that only a list has, so that no column of the table shows it."""
    with in_memory() as connection:
        connection.execute(
            f"copy (select ['{UUID_TEXT}'::uuid] as v) to '{tmp_path / 'v.parquet'}'"
        )
    plan = planned(tmp_path, "json")
    assert isinstance(plan, ReadPlan)
    assert landed(plan)[1] == f'["{UUID(UUID_TEXT)}"]'


def test_one_rule_for_doubles():
    """The loader's number is that of the macro by which tests compare amounts."""
    macros = (ROOT / "macros" / "money.sql").read_text()
    (stated,) = re.findall(r"double_tolerance\(\) -%}\s*([0-9.e-]+)", macros)
    assert Decimal(stated) == Decimal(DOUBLE_TOLERANCE)
