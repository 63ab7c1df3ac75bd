"""What the check reads, refuses and tolerates, by hand-written texts and claims."""

import copy

import pytest

from tests.vitals.training.fact_frames import KINDS, facts, random_facts
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from tests.vitals.training.tasks.task_lines import ALL, lines
from vitals.verification.grounding.check import ungrounded
from vitals.verification.grounding.formulas import UnreadableFormulaError, compute
from vitals.verification.grounding.ledger import written_number

UNREAD = "nothing known is said of it"


def claim(claim_id, value, unit, **members):
    window = members.pop("window", "2025-03-03")
    return {
        "id": claim_id,
        "metric": claim_id.partition("#")[0],
        "value": value,
        "unit": unit,
        "window": window,
        "n": None,
        "sources": ["com.dexcom.stelo"],
        "rule": "r@1",
        "decimals": 0,
        **members,
    }


DATE = claim("day#date", "2025-03-03", "local date")
MEAN = claim("glucose.mean", 118.24, "mg/dL")
MEDIAN = claim("glucose.median", 114.0, "mg/dL")


def line(output, *claims, withheld=(), record_type="BloodGlucoseRecord", **metadata):
    return {
        "output": output,
        "metadata": {
            "claims": list(claims),
            "withheld": list(withheld),
            "local_date": "2025-03-03",
            "record_type": record_type,
            "task": "question",
            **metadata,
        },
    }


def kinds(example):
    return [problem.kind for problem in ungrounded(example)]


def summary(kind):
    return lines(kind, facts(kind, [GOLDEN[kind]], reason=REASONS[kind]))[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_wording_is_read_whatever_the_values(kind):
    found = [
        (example["output"], problem)
        for example in lines(kind, random_facts(kind, 60, seed=17), ALL)
        for problem in ungrounded(example)
        if problem.reason == UNREAD
    ]
    assert found == []


def test_a_claim_that_the_text_does_not_use_is_no_problem():
    assert kinds(line("The mean glucose on 2025-03-03 was 118 mg/dL.", DATE, MEAN, MEDIAN)) == []


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("The mean glucose on 2025-03-03 was 119 mg/dL.", ["number"]),
        ("The mean glucose on 2025-03-03 was 118.2 mg/dL.", ["number"]),
        ("The mean glucose on 2025-03-03 was 118 mmol/L.", ["unit"]),
        ("The mean glucose on 2025-03-03 was 118.", ["unit"]),
        ("The mean glucose on 2025-03-04 was 118 mg/dL.", ["date"]),
        ("The median glucose on 2025-03-03 was 118 mg/dL.", ["number"]),
        ("The highest glucose on 2025-03-03 was 118 mg/dL.", ["metric"]),
        ("The mean glucose on 2025-03-03 was at least 118 mg/dL.", ["comparison", "metric"]),
        ("The mode of glucose on 2025-03-03 was 118 mg/dL.", ["metric"]),
        ("The mean glucose on 2025-03-03 was 118 mg/dL at 12:00.", ["time"]),
        ("The mean glucose on 2025-03-03 (UTC-05:00) was 118 mg/dL.", ["metric"]),
        ("The mean heart rate on 2025-03-03 was 118 bpm.", ["metric"]),
        ("The mean glucose on 2025-03-03 was 118 mg/dL, one in three readings.", ["number", "metric"]),
    ],
)
def test_what_has_no_claim_is_named_by_its_kind(output, expected):
    found = kinds(line(output, DATE, MEAN, MEDIAN))
    assert found
    assert set(found) & set(expected)


def test_signs_that_the_check_uses_itself_are_no_way_past_it():
    for sign in "#@$~^°¤":
        assert kinds(line(f"The mean glucose on 2025-03-03 was 118 mg/dL, or {sign}.", DATE, MEAN))


def test_a_metric_that_is_stated_may_not_be_listed_as_not_assessable():
    withheld = [{"metric": "glucose.mage", "reason": "needs at least 70 % wear of the day"}]
    text = "Not assessable: {} (needs at least 70 % wear of the day)."
    assert kinds(line(text.format("MAGE"), MEAN, withheld=withheld)) == []
    assert kinds(line(text.format("mean glucose"), MEAN, withheld=withheld)) == ["withheld"]
    assert kinds(line(text.format("MAGE").replace("least", "most"), MEAN, withheld=withheld))
    assert kinds(line(text.format("MAGE").replace("70", "60"), MEAN, withheld=withheld))


@pytest.mark.parametrize("kind", KINDS)
def test_a_withheld_metric_that_is_stated_is_rejected(kind):
    example = summary(kind)
    for stated in example["metadata"]["claims"]:
        if stated["id"] == stated["metric"]:
            without = copy.deepcopy(example)
            without["metadata"]["claims"] = [c for c in example["metadata"]["claims"] if c["id"] != stated["id"]]
            assert ungrounded(without), stated["id"]


def test_a_derived_claim_must_follow_from_its_operands_even_if_the_text_agrees_with_it():
    low, high = claim("glucose.min", 81.0, "mg/dL"), claim("glucose.max", 195.0, "mg/dL")

    def said(width, formula="abs(round(glucose.max, 0) - round(glucose.min, 0))", side="higher"):
        difference = claim(
            "glucose.max#difference", width, "mg/dL", formula=formula, operands=["glucose.max", "glucose.min"]
        )
        text = f"The highest reading of 2025-03-03, 195 mg/dL, was {width} mg/dL {side} than the lowest, 81 mg/dL."
        return kinds(line(text, DATE, low, high, difference))

    assert said(114) == []
    assert said(115) == ["derived"]
    assert said(114, formula="glucose.max ** glucose.min") == ["derived"]
    assert said(114, side="lower") == ["comparison"]


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (118.5, 0, "119"),
        (-2.5, 0, "-3"),
        (0.145, 2, "0.15"),
        (2.675, 2, "2.68"),
        (119.5, 0, "120"),
        (12_345.5, 0, "12,346"),
        (-0.3, 0, "0"),
        (0.25, 1, "0.3"),
        (99.96, 2, "99.96"),
        (7, 0, "7"),
        (-12.0, 0, "-12"),
    ],
)
def test_numbers_are_rounded_half_up_with_commas_and_without_minus_zero(value, decimals, expected):
    assert written_number(value, decimals) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("abs(round(a#1, 0) - round(b.c, 0))", 3.0),
        ("a#1 - 3", 4.4),
        ("mean(a#1, b.c)", 8.8),
        ("count(a#1, b.c)", 2.0),
        ("100 * a#1 / (a#1 + b.c)", 100 * 7.4 / 17.6),
        ("-(a#1 - b.c)", 2.8),
    ],
)
def test_formulas_are_computed_from_operands(formula, expected):
    assert compute(formula, ("a#1", "b.c"), (7.4, 10.2)) == pytest.approx(expected)


@pytest.mark.parametrize("formula", ["a.b +", "exec(a.b)", "a.b / 0", "(a.b", "a.b a.b", "a.b ** 2", "c.d", ""])
def test_what_is_no_formula_of_the_operands_is_refused(formula):
    with pytest.raises(UnreadableFormulaError):
        compute(formula, ("a.b",), (1.0,))


@pytest.mark.parametrize(
    "output",
    [
        "From {} local time on there were no data on 2025-03-03: the longest gap, 200 min.",
        "The longest gap on 2025-03-03 was 200 min, from {} local time on.",
    ],
)
def test_a_gap_to_the_end_of_an_open_day_has_a_start_only(output):
    gap = claim("glucose.longest_gap_minutes", 200.0, "min")
    start = claim("glucose.longest_gap_minutes#start", "2025-03-03T20:40", "local time")
    assert kinds(line(output.format("20:40"), DATE, gap, start)) == []
    assert kinds(line(output.format("20:41"), DATE, gap, start)) == ["time"]
    assert kinds(line(output.format("20:40").replace("longest", "shortest"), DATE, gap, start)) == ["comparison"]
