"""Tokens of a text: by characters, and that prompts keep their series at the default budget."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitals.training.twin_facts import twin_facts
from vitals.training.examples import build_examples
from vitals.training.prompts import CHARACTERS_PER_TOKEN, TOKEN_BUDGET, estimate_tokens
from vitals.training.token_counts import ESTIMATED, by_characters
from vitals.verification.answerability.evaluator import insufficient


@given(st.text(max_size=200), st.floats(1, 8))
def test_an_estimate_is_the_characters_by_those_of_a_token_rounded_up(text, characters):
    count = by_characters(characters).count
    assert count(text) == estimate_tokens(text, characters)
    assert count(text) * characters >= len(text) > (count(text) - 1) * characters - 1e-6 or not text


def test_equal_names_count_alike_and_the_name_says_by_what():
    assert by_characters(1.6) == ESTIMATED
    assert by_characters(2.28).name == "2.28 characters a token"
    assert by_characters(2.28) != ESTIMATED


@pytest.mark.parametrize("seed", [3, 11])
def test_every_days_series_stands_in_full_at_the_default_budget(seed):
    lost = []
    for kind, frame in twin_facts(seed, people=4, days=3).items():
        for line in map(orjson.loads, build_examples(kind, frame, tenant="default", processor_version="0")):
            assert len(line["input"]) <= TOKEN_BUDGET * CHARACTERS_PER_TOKEN
            if "shortened" in line["input"] or "Series left out" in line["input"]:
                lost.append(line)
    assert lost == []


@pytest.mark.parametrize("characters", [1.0, 1.35, 1.6, 2.28, 3.5])
def test_what_is_left_out_at_any_tokenizer_is_neither_asked_nor_answered(characters):
    count = by_characters(characters).count
    for kind, frame in twin_facts(29, people=2, days=2).items():
        made = build_examples(
            kind, frame, tenant="default", processor_version="0", token_budget=1100, count_tokens=count
        )
        for line in map(orjson.loads, made):
            assert count(line["input"]) <= 1100
            assert insufficient(line) == []
