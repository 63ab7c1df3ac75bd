import pytest

from tests.vitals.training.fact_frames import facts
from vitals.record_types import BLOOD_GLUCOSE
from vitals.training.fact_row import fact_rows
from vitals.training.narrative import Narrative
from vitals.training.not_assessable import NEUTRAL_REASON, Labels, prompt_lines, say_not_assessable

LABELS = Labels(BLOOD_GLUCOSE, {"gmi": "GMI", "cv": "CV", "pct_below_70": "low share", "pct_below_54": "low share"})


def row(*withheld):
    entries = [{"metric": f"glucose.{column}", "reason": reason} for column, reason in withheld]
    return next(fact_rows(BLOOD_GLUCOSE, facts("blood_glucose", [{"withheld": entries}])))


def said(made, **kwargs):
    narrative = Narrative("x")
    say_not_assessable(made, narrative, LABELS, **kwargs)
    return narrative


def test_metrics_withheld_for_one_reason_are_named_together_in_the_order_of_the_labels():
    made = row(("cv", "needs wear"), ("pct_below_70", "no range"), ("gmi", "needs wear"), ("pct_below_54", "no range"))
    assert "GMI and CV (needs wear); low share (no range)." in said(made).text()
    assert (
        prompt_lines(LABELS, made.withheld)
        == "Not assessable: GMI, CV: needs wear\nNot assessable: low share: no range"
    )


def test_every_number_in_a_reason_is_a_claim():
    narrative = said(row(("gmi", "needs 14 days, 70.5 % wear and 1,440 min from 00:00")))
    assert [claim.text() for claim in narrative.claims.values()] == ["14", "70.5", "1,440", "00:00"]
    assert {claim.metric for claim in narrative.claims.values()} == {"sufficiency"}
    assert "(needs 14 days, 70.5 % wear and 1,440 min from 00:00)" in narrative.text()


@pytest.mark.parametrize("reason", ["the profile says no diabetes", "because you should eat"])
def test_a_reason_in_forbidden_words_is_replaced_by_a_neutral_one(reason):
    made = row(("gmi", reason))
    assert f"GMI ({NEUTRAL_REASON})" in said(made).text()
    assert reason not in prompt_lines(LABELS, made.withheld)


def test_metrics_without_a_label_and_skipped_ones_are_not_mentioned():
    made = row(("lbgi", "a"), ("gmi", "b"))
    assert said(made, skip=("gmi",)).text() == ""
    assert "GMI (b)" in said(made).text()


def test_many_metrics_are_cut_to_a_few_and_others():
    names = {
        column: f"name {letter}"
        for column, letter in zip(
            ["gmi", "cv", "gri", "sd", "mage", "modd", "max", "mean", "min", "n"], "abcdefghij", strict=True
        )
    }
    narrative = Narrative("x")
    made = row(*((column, "why") for column in names))
    say_not_assessable(made, narrative, Labels(BLOOD_GLUCOSE, names))
    assert "name g, name h and others (why)" in narrative.text()
