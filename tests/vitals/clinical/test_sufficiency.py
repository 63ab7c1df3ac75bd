"""Which metrics may be stated: each is a value or withheld, never both, never neither."""

import math
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.clinical.metrics import metrics_of
from vitals.clinical.sufficiency import NOT_MEASURED, WITHHELD_TYPE, Gate, apply_gates

METRICS = metrics_of("steps", "day")
ENOUGH, MANY = pl.col("enough"), pl.col("many")
GATES = (
    Gate(("hc_priority_total", "recommended_total"), ENOUGH, "needs enough"),
    Gate(("recommended_total", "lower_bound"), MANY >= 3, pl.format("needs 3, has {}", MANY)),
)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "hc_priority_total": st.one_of(st.none(), st.floats()),
            "recommended_total": st.one_of(st.none(), st.floats()),
            "lower_bound": st.one_of(st.none(), st.booleans()),
            "enough": st.one_of(st.none(), st.booleans()),
            "many": st.one_of(st.none(), st.integers(0, 5)),
        }
    ),
    max_size=6,
)
SCHEMA = {
    "hc_priority_total": pl.Float64,
    "recommended_total": pl.Float64,
    "lower_bound": pl.Boolean,
    "enough": pl.Boolean,
    "many": pl.Int64,
}


def naive(row: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    values: dict[str, Any] = {}
    withheld = []
    for metric in METRICS:
        name = metric.column
        value, reason = row.get(name), None
        few = row["many"] is None or row["many"] < 3
        if name in ("hc_priority_total", "recommended_total") and not row["enough"]:
            reason = "needs enough"
        elif name in ("recommended_total", "lower_bound") and few:
            reason = NOT_MEASURED if row["many"] is None else f"needs 3, has {row['many']}"
        elif value is None or (isinstance(value, float) and not math.isfinite(value)):
            reason = NOT_MEASURED
        values[name] = value if reason is None else None
        if reason is not None:
            withheld.append({"metric": metric.id, "reason": reason})
    return values, withheld


@settings(deadline=None)
@given(rows)
def test_each_metric_is_a_value_or_withheld_with_the_first_failing_reason(given_rows: list[dict[str, Any]]) -> None:
    out = apply_gates(pl.DataFrame(given_rows, schema=SCHEMA), kind="steps", scope="day", gates=GATES)
    assert out.schema["withheld"] == WITHHELD_TYPE
    assert len(out) == len(given_rows)
    for row, result in zip(given_rows, out.to_dicts(), strict=True):
        values, withheld = naive(row)
        assert {m.column: result[m.column] for m in METRICS} == values
        assert result["withheld"] == withheld


def test_types_of_metrics_stay_as_they_were() -> None:
    frame = pl.DataFrame([dict.fromkeys(SCHEMA)], schema=SCHEMA)
    out = apply_gates(frame, kind="steps", scope="day", gates=GATES)
    assert {name: out.schema[name] for name in SCHEMA} == SCHEMA


def test_a_gate_of_a_constant_holds_for_all_rows() -> None:
    frame = pl.DataFrame({"recommended_total": [1.0, 2.0]})
    never = Gate(("recommended_total",), pl.lit(value=False), "never")
    out = apply_gates(frame, kind="steps", scope="day", gates=[never])
    assert out["recommended_total"].to_list() == [None, None]


def test_a_missing_metric_column_is_withheld() -> None:
    out = apply_gates(pl.DataFrame({"recommended_total": [1.0]}), kind="steps", scope="day", gates=[])
    assert out["recommended_total"].to_list() == [1.0]
    assert {w["metric"] for w in out["withheld"][0]} == {m.id for m in METRICS} - {"steps.recommended_total"}


def test_without_metrics_nothing_is_withheld() -> None:
    assert metrics_of("heart_rate", "window") == ()
    out = apply_gates(pl.DataFrame({"subject_id": ["a"]}), kind="heart_rate", scope="window", gates=[])
    assert out["withheld"].to_list() == [[]]
