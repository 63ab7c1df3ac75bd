import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.training.claims import Claim, constant, derived, difference_as_written, percent_decimals, rule_of
from vitals.training.line_schema import CLAIM
from vitals.training.rounding import write_rounded


def claim(value, unit="mg/dL", *, decimals=0, claim_id="glucose.mean"):
    return Claim(claim_id, "glucose.mean", value, unit, "2025-03-03", 12, ("app",), rule_of("glucose.mean"), decimals)


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (claim(118.24), "118"),
        (claim(118.24, decimals=1), "118.2"),
        (claim(5120), "5,120"),
        (claim(-0.2), "0"),
        (claim("2025-03-03T04:05", "local time"), "04:05"),
        (claim("2025-03-03T04:05", "local date and time"), "2025-03-03 04:05"),
        (claim("-05:00", "UTC offset"), "UTC-05:00"),
        (claim("2025-03-03", "local date"), "2025-03-03"),
    ],
)
def test_a_claim_is_written_with_its_decimals_or_as_its_kind_of_time(made, text):
    assert made.text() == text


def test_a_claim_in_metadata_has_the_same_members_whether_or_not_it_is_derived():
    plain = claim(118.24)
    assert list(plain.as_json()) == [field.name for field in CLAIM]
    assert (plain.as_json()["formula"], plain.as_json()["operands"]) == (None, ())
    assert (plain.as_json()["value"], plain.as_json()["text"]) == (118.24, None)
    more = derived("glucose.mean#size", 3, formula="abs(glucose.mean)", of=(plain,))
    assert list(more.as_json()) == sorted(more.as_json())
    assert more.as_json()["operands"] == ("glucose.mean",)
    assert plain.formula is None


def test_a_constant_describes_no_period_of_a_person():
    assert constant("glucose.pct_70_140", "from", 70, "mg/dL").is_constant()
    assert not claim(1.0).is_constant()


def test_claims_with_equal_members_are_equal_and_cannot_be_changed():
    assert claim(1.0) == claim(1.0)
    with pytest.raises(AttributeError):
        claim(1.0).value = 2.0


@settings(deadline=None)
@given(st.floats(0, 100))
def test_a_share_is_written_as_none_or_all_only_if_it_is(share):
    share = round(share, 4)
    text = claim(share, "%", decimals=percent_decimals(share)).text()
    if 0.005 < share < 99.995:
        assert 0 < float(text) < 100
    assert abs(float(text) - share) <= 0.5


@settings(deadline=None)
@given(st.floats(0, 2000), st.floats(0, 2000))
def test_a_difference_is_what_a_reader_gets_who_subtracts_the_written_values(a, b):
    first, second = claim(round(a, 2), claim_id="sleep.tst#other:x"), claim(round(b, 2))
    difference = difference_as_written(first, second)
    written = abs(int(first.text().replace(",", "")) - int(second.text().replace(",", "")))
    assert int(difference.text().replace(",", "")) == written


@settings(deadline=None)
@given(st.floats(0, 1e6), st.integers(0, 2))
def test_what_a_prompt_shows_rounds_to_what_the_answer_says(value, decimals):
    made = claim(round(value, decimals + 2), decimals=decimals)
    shown = float(made.precise_text().replace(",", ""))
    assert write_rounded(shown, decimals) == made.text()
