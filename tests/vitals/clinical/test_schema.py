"""The shape of clinical tables."""

import polars as pl
import pytest

from vitals.clinical.context import FACT_COLUMNS
from vitals.clinical.metrics import metrics_of
from vitals.clinical.schema import WINDOW_COLUMNS, conform, fact_schema, window_schema
from vitals.clinical.sufficiency import WITHHELD_TYPE
from vitals.record_types import RECORD_TYPES

SUPPORT = pl.Schema({"app": pl.String()})


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_a_table_is_facts_then_metrics_then_support_then_withheld(kind: str) -> None:
    names = fact_schema(kind, SUPPORT).names()
    assert names[: len(FACT_COLUMNS)] == FACT_COLUMNS.names()
    assert names[-2:] == ["app", "withheld"]
    assert {m.column for m in metrics_of(kind, "day")} <= set(names)
    assert len(names) == len(set(names))


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_a_window_is_its_days_then_metrics_then_withheld(kind: str) -> None:
    names = window_schema(kind).names()
    metrics = [m.column for m in metrics_of(kind, "window")]
    assert names == [*WINDOW_COLUMNS.names(), *metrics, "withheld"]


def test_counts_are_whole_numbers_and_bounds_are_truth_values() -> None:
    assert fact_schema("blood_glucose", SUPPORT)["n"] == pl.Int64
    assert fact_schema("steps", SUPPORT)["lower_bound"] == pl.Boolean
    assert fact_schema("steps", SUPPORT)["recommended_total"] == pl.Float64


def test_conforming_selects_casts_and_sorts() -> None:
    schema = pl.Schema(
        {"subject_id": pl.String(), "first_date": pl.Date(), "days": pl.Int64(), "withheld": WITHHELD_TYPE}
    )
    frame = pl.DataFrame(
        {
            "days": [1.0, 2.0],
            "subject_id": ["b", "a"],
            "first_date": ["2025-01-02", "2025-01-01"],
            "withheld": [None, None],
            "other": [0, 0],
        }
    ).with_columns(pl.col("first_date").str.to_date())
    out = conform(frame, schema)
    assert out.schema == schema
    assert out["subject_id"].to_list() == ["a", "b"]
    assert out["days"].to_list() == [2, 1]
