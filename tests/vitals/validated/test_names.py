"""Names in rows: what is no name is refused with a reason that says which column and why, and its siblings flow."""

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.vitals.test_display_text import NAMES, ORDERED
from tests.vitals.validated.decoded import frame, row
from vitals.display_text import LONGEST_NAME, is_name
from vitals.raw.flatten import decoded_schema
from vitals.record_types import RECORD_TYPES, STEPS
from vitals.validated.rules import judge, rules_of

COLUMNS = ("record_id", "source_app", "device_type", "device_manufacturer", "device_model")


def reasons(record_type, *rows):
    return judge(frame(list(rows)), record_type)["reason"].to_list()


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_every_text_of_a_row_has_its_limits(record_type):
    texts = {name for name, dtype in decoded_schema(record_type.kind).items() if dtype == pl.String}
    named = {rule.reason for rule in rules_of(record_type)}
    for name in texts - {"start_zone", "end_zone"}:
        assert {f"longer_than_255:{name}", f"control_characters:{name}"} <= named
    assert set(COLUMNS) <= texts


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_a_name_over_the_limit_is_refused_alone(record_type, column):
    longest, longer = "学" * LONGEST_NAME, "学" * (LONGEST_NAME + 1)
    rows = [row(record_type, n, **{column: text}) for n, text in enumerate((longer, longest, "x" * 100_000))]
    reason = f"longer_than_255:{column}"
    assert reasons(record_type, *rows, row(record_type, 3)) == [reason, None, reason, None]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("order", ORDERED, ids=ascii)
def test_a_name_with_what_is_obeyed_is_refused_alone(column, order):
    rows = [row(STEPS, 0, **{column: f"com.x{order}y"}), row(STEPS, 1, **{column: "com.x"})]
    assert reasons(STEPS, *rows) == [f"control_characters:{column}", None]


@pytest.mark.parametrize("column", COLUMNS)
def test_names_of_all_scripts_are_good(column):
    rows = [row(STEPS, n, **{column: name}) for n, name in enumerate(NAMES)]
    assert reasons(STEPS, *rows) == [None] * len(NAMES)


@pytest.mark.parametrize("unseen", ["\u200b", "\u200d\u200d", " \ufeff ", "\u3000\u200f", "\u2060"], ids=ascii)
@pytest.mark.parametrize("column", ["record_id", "source_app"])
def test_a_name_of_which_nothing_is_seen_is_missing(column, unseen):
    assert reasons(STEPS, row(STEPS, 0, **{column: unseen}), row(STEPS, 1)) == [f"missing_required:{column}", None]


anything = st.one_of(st.none(), st.text(max_size=20), st.sampled_from([*NAMES, *ORDERED]), st.just("é" * 200))


@given(st.lists(anything, min_size=1, max_size=6))
@example([None, None])
@settings(deadline=None, max_examples=150)
def test_the_rule_of_a_column_is_that_of_a_name_whatever_stands_beside_it(texts):
    found = reasons(STEPS, *(row(STEPS, n, device_model=text) for n, text in enumerate(texts)))
    assert [reason is None for reason in found] == [text is None or is_name(text) for text in texts]
