"""Work done once for each run gives what work on every row gives."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.validated.decoded import frame, row
from vitals.record_types import STEPS
from vitals.validated.content_hash import content_hash
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.rules import judge
from vitals.validated.runs import common_runs, of_each_run, runs
from vitals.validated.zone_offsets import observations

texts = st.lists(st.sampled_from(["a", "a", "b", "", None]), max_size=12)
blanks = st.sampled_from(["", " ", "\t\n", "\u00a0", "\u3000", "é", "\u00a0x", "x", "~", "\x7f", "r 1", None])


def column(values):
    return pl.Series("t", values, dtype=pl.String)


@settings(deadline=None)
@given(texts)
def test_the_values_of_the_runs_are_the_column(values):
    number, firsts = runs(column(values))
    assert firsts.gather(pl.Series(number)).to_list() == values
    assert len(firsts) == sum(i == 0 or values[i] != values[i - 1] for i in range(len(values)))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from([1, None])), max_size=12))
def test_common_runs_end_where_any_column_changes(rows):
    left, right = column([a for a, _ in rows]), pl.Series([b for _, b in rows], dtype=pl.Int64)
    number, firsts = common_runs([left, right])
    assert list(zip(firsts[0].gather(number), firsts[1].gather(number), strict=True)) == rows
    assert len(firsts[0]) == sum(i == 0 or rows[i] != rows[i - 1] for i in range(len(rows)))
    assert (np.diff(number) >= 0).all()


@settings(deadline=None)
@given(texts)
def test_a_function_of_each_run_is_the_function_of_each_row(values):
    lengths = of_each_run(column(values), lambda found: found.str.len_bytes())
    assert lengths.equals(column(values).str.len_bytes())


@settings(deadline=None)
@given(st.lists(st.tuples(blanks, blanks), min_size=1, max_size=6))
def test_a_row_lacks_its_id_or_app_exactly_if_nothing_of_it_is_seen(found):
    rows = [row(STEPS, i, record_id=a, source_app=b) for i, (a, b) in enumerate(found)]
    judged = judge(frame(rows).cast({"record_id": pl.String, "source_app": pl.String}), STEPS)
    expected = [
        next(
            (
                f"missing_required:{n}"
                for n, t in (("record_id", a), ("source_app", b))
                if not (t or "").strip("\x7f \t\n\u00a0\u3000")
            ),
            None,
        )
        for a, b in found
    ]
    assert judged["reason"].to_list() == expected


@settings(deadline=None)
@given(st.permutations(range(6)))
def test_zone_evidence_does_not_depend_on_the_order_of_rows(order):
    rows = [row(STEPS, i, start_zone=("Z", "-05:00", None)[i % 3], source_app="ab"[i // 3]) for i in range(6)]
    files = {"file_index": [0], "upload_id": ["u"], "attempt": [1], "subject_id": ["s"], "source_key_sha256": ["k"]}
    batch = pl.DataFrame(files | {"landing_day": [None], "file_quality": [1.0]}, schema=FILE_COLUMNS)
    validated = normalise(frame(rows), batch, STEPS)
    assert observations(validated[list(order)]).equals(observations(validated))


@settings(deadline=None)
@given(
    st.lists(st.tuples(texts.filter(bool).map(lambda t: t[0]), st.integers(0, 3), st.sampled_from("xy")), min_size=1)
)
def test_a_hash_of_texts_before_and_after_numbers_is_that_of_the_row_alone(rows):
    table = pl.DataFrame(rows, schema={"a": pl.String, "n": pl.Int64, "b": pl.String}, orient="row")
    for columns in (["a", "b", "n"], ["a", "n", "b"], ["n", "a", "b"]):
        alone = [content_hash(table[i : i + 1], columns)[0] for i in range(len(rows))]
        assert content_hash(table, columns).to_list() == alone
