from datetime import datetime

import polars as pl
import pytest

from tests.vitals.training.fact_frames import KINDS, random_facts
from tests.vitals.training.twin_facts import twin_facts
from vitals.record_types import BLOOD_GLUCOSE, RECORD_TYPES
from vitals.training.claims import Claim
from vitals.training.fact_columns import TableClaims, row_values
from vitals.training.fact_row import fact_rows

BY_KIND = {record_type.kind: record_type for record_type in RECORD_TYPES}


def tables(kind):
    yield random_facts(kind, 40, seed=3)
    yield random_facts(kind, 40, seed=4).clear()
    yield twin_facts(6, people=2, days=2)[kind]


def numbers(frame):
    return [name for name, dtype in frame.schema.items() if dtype.is_numeric()]


def made_alone(claim):
    """The same claim by its own constructor, which works out its texts by itself."""
    return Claim(
        claim.id,
        claim.metric,
        claim.value,
        claim.unit,
        claim.window,
        claim.n,
        claim.sources,
        claim.rule,
        claim.decimals,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_claims_made_by_column_are_those_made_one_by_one(kind):
    for frame in tables(kind):
        for row in fact_rows(BY_KIND[kind], frame):
            for column in numbers(frame):
                claim = row.claim(column)
                if claim is not None:
                    assert claim == made_alone(claim)
                    assert (claim.window, claim.n, claim.sources) == (row.date, row.n, row.apps)


@pytest.mark.parametrize(
    ("value", "column", "written", "shown"),
    [
        (0.5, "mean", "1", "0.5"),
        (0.49, "mean", "0", "0.49"),
        (2.5, "mean", "3", "2.5"),
        (1.5, "mean", "2", "1.5"),
        (-0.2, "mean", "0", "-0.2"),
        (999.5, "mean", "1,000", "999.5"),
        (1234.56, "mean", "1,235", "1234.56"),
        (0.04, "pct_above_250", "0.04", "0.04"),
        (0.5, "pct_above_250", "0.5", "0.5"),
        (99.6, "pct_above_250", "99.6", "99.6"),
        (100.0, "pct_above_250", "100", "100"),
        (7, "n", "7", "7"),
    ],
)
def test_a_number_is_written_by_column_as_a_claim_writes_it(value, column, written, shown):
    table = TableClaims(
        BLOOD_GLUCOSE, pl.DataFrame({column: [None, value]}), windows="ab", counts=[1, 2], apps=[(), ()]
    )
    nothing, claim = table[column]
    assert nothing is None
    assert (claim.text(), claim.precise_text(), claim.window, claim.n) == (written, shown, "b", 2)
    assert claim == made_alone(claim)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_columns_states_all_but_those(kind):
    frame = random_facts(kind, 10, seed=9)
    gone = {"n", numbers(frame)[-1]} & set(frame.columns)
    for row in fact_rows(BY_KIND[kind], frame):
        less = row.without(gone, sources=row.used)
        assert less.others == []
        for column in numbers(frame):
            claim, whole = less.claim(column), row.claim(column)
            if column in gone:
                assert claim is None
            elif whole is not None:
                assert claim == whole.about(window=row.date, n=less.n, sources=row.apps)
                assert claim.n == (less.values["records"] if "n" in gone else whole.n)


def test_a_row_has_lists_of_structs_as_mappings_and_tells_empty_from_missing():
    struct = pl.Struct({"a": pl.Int64, "b": pl.String})
    frame = pl.DataFrame(
        {"x": [[{"a": 1, "b": "p"}, {"a": None, "b": "q"}], None, [], [{"a": 2, "b": None}]]},
        schema={"x": pl.List(struct)},
    )
    assert [row["x"] for row in row_values(frame)] == frame["x"].to_list()


def test_local_times_of_a_row_are_iso_text_to_the_minute():
    frame = random_facts("blood_glucose", 1, seed=1).with_columns(
        min_at_local=pl.lit(datetime(2025, 3, 3, 4, 5, 59), dtype=pl.Datetime("ms"))
    )
    assert next(fact_rows(BLOOD_GLUCOSE, frame)).values["min_at_local"] == "2025-03-03T04:05"
