import re
from string import Formatter
from types import ModuleType

import pytest

from vitals.training import (
    active_calories,
    blood_glucose,
    common_sentences,
    day_totals,
    heart_rate,
    hrv_rmssd,
    not_assessable,
    prompts,
    sleep,
    steps,
)
from vitals.training.language import violations
from vitals.training.narrative import Narrative, Phrases, listing, phrases

MODULES: tuple[ModuleType, ...] = (
    active_calories,
    blood_glucose,
    common_sentences,
    day_totals,
    heart_rate,
    hrv_rmssd,
    not_assessable,
    prompts,
    sleep,
    steps,
)


def all_phrases() -> list[Phrases]:
    found = [value for module in MODULES for value in vars(module).values() if isinstance(value, Phrases)]
    words = [value for module in MODULES for value in vars(module).values() if isinstance(value, day_totals.TotalWords)]
    return found + [value for each in words for value in vars(each).values() if isinstance(value, Phrases)]


@pytest.mark.parametrize("wordings", all_phrases(), ids=lambda p: p.options[0][:40])
def test_all_wordings_of_a_statement_hold_the_same_fields_no_digit_and_no_forbidden_word(wordings):
    fields = [{name for _, name, _, _ in Formatter().parse(option) if name} for option in wordings.options]
    nouns = {"values", "windows", "readings", "minutes_word"}
    assert all(f - nouns == fields[0] - nouns for f in fields)
    assert len(set(wordings.options)) == len(wordings.options)
    for option in wordings.options:
        assert not re.search(r"\d", option)
        assert violations(re.sub(r"\{\w+\}", "x", option)) == []


def test_the_same_identity_chooses_the_same_wording_and_different_ones_use_them_all():
    wordings = phrases("one", "two", "three")
    assert {Narrative("a").choose(wordings) for _ in range(5)} == {Narrative("a").choose(wordings)}
    assert {Narrative(f"person {i}").choose(wordings) for i in range(100)} == {"one", "two", "three"}


def test_different_statements_of_one_text_vary_independently():
    first, second = phrases("a", "b"), phrases("c", "d")
    pairs = {(n.choose(first), n.choose(second)) for n in (Narrative(f"p{i}") for i in range(200))}
    assert len(pairs) == 4


def test_a_sentence_of_clauses_starts_with_a_capital_unless_it_starts_with_a_package_name():
    narrative = Narrative("x")
    narrative.close(["mean is up", "so it is"])
    narrative.close(["com.example.app was there"])
    narrative.close([])
    assert narrative.text() == "Mean is up; so it is. com.example.app was there."


def test_a_listing_reads_as_prose():
    assert [listing(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize("wordings", all_phrases(), ids=lambda p: p.options[0][:40])
def test_a_wording_is_filled_as_format_fills_it(wordings):
    fields = {
        name: f"<{name} 5 %>" for option in wordings.options for _, name, _, _ in Formatter().parse(option) if name
    }
    for i in range(8):
        narrative = Narrative(f"person {i}")
        assert narrative.phrase(wordings, **fields) == narrative.choose(wordings).format(**fields)
