"""Cues and remembered sentences save work and change nothing."""

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitals.verification.grounded_lines import lines
from vitals.verification.grounding.constructions import CONSTRUCTIONS
from vitals.verification.grounding.cues import cues_of
from vitals.verification.grounding.grammar import Grammar, folded
from vitals.verification.grounding.tokens import sentences_of


@pytest.mark.parametrize(
    ("pattern", "cues"),
    [
        ("mean (#)", {"mean "}),
        ("(?:highest|peak) (#)", {"highest", "peak"}),
        ("readings?", {"reading"}),
        ("steps|energy burned", {"steps", "energy burned"}),
        (r"(?:from )?(\@)(?: for|,) (\#), lowest (\#)", {", lowest "}),
        ("(?<!main )sleep(?= [(])", {"sleep"}),
        (r"^(\^) \(its mean: (\#)\)", {" (its mean: "}),
        ("a+b{2}c", {"c"}),
        ("Mean", {"mean"}),
        ("(?:mean)?", {""}),
        ("mean|", {""}),
        ("[^#]+", {""}),
        ("", {""}),
        ("mean)", {""}),
    ],
)
def test_the_cues_of_an_expression_are_text_that_its_matches_hold(pattern, cues):
    assert cues_of(pattern) == cues


def test_every_construction_read_in_a_text_has_a_cue_there():
    skeletons = {skeleton for line in lines() for skeleton, _ in sentences_of(line["output"])}
    assert len(skeletons) >= 500
    for skeleton in skeletons:
        text = folded(skeleton)
        for each in CONSTRUCTIONS:
            if each.pattern.search(text):
                assert any(cue in text for cue in each.cues), each.pattern.pattern


def test_few_constructions_are_tried_on_every_sentence():
    assert [each.pattern.pattern for each in CONSTRUCTIONS if "" in each.cues] == []


def test_constructions_are_written_in_lower_case_as_sentences_are_read():
    without_classes = [re.sub(r"\\[A-Za-z]", "", each.pattern.pattern) for each in CONSTRUCTIONS]
    assert [text for text in without_classes if text != text.lower()] == []


def test_folding_keeps_every_letter_in_its_place_and_takes_for_plain_what_an_expression_does_regardless_of_case():
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    text = folded(everything)
    assert len(text) == len(everything)
    plain = [match.start() for match in re.finditer("[a-z]", everything, re.IGNORECASE)]
    assert len(plain) > 2 * 26
    for code in plain:
        assert "a" <= text[code] <= "z"
        assert re.fullmatch(text[code], chr(code), re.IGNORECASE)


@pytest.mark.parametrize("text", ["At LEAST # times", "at lea\u017ft # times", "at least # t\u0130mes"])
def test_capitals_and_letters_taken_for_plain_ones_hide_no_comparison(text):
    unread = Grammar([]).read(text, ("glucose",)).unread
    assert [kind for kind, _ in unread] == ["number", "comparison"]
    assert unread[1][1] in text


@given(st.integers(0, 10_000), st.randoms(use_true_random=False))
def test_other_digits_give_the_same_skeleton_and_stand_in_the_same_places(number, random):
    text = lines()[number % len(lines())]["output"]
    other = re.sub("[0-9]", lambda _: random.choice("0123456789"), text)
    for (skeleton, values), (other_skeleton, other_values) in zip(sentences_of(text), sentences_of(other), strict=True):
        assert skeleton == other_skeleton
        assert [value[2:] for value in values] == [value[2:] for value in other_values]
        for value in other_values:
            assert value.sign == "^" or other.startswith(value.text, value.start)


@pytest.mark.parametrize("text", ["In x17, 1.2.3 of 12:345", "At 7x, 1234a, 5_1 and pNN50"])
def test_digits_that_are_no_values_stay_as_they_are(text):
    ((skeleton, _),) = sentences_of(text)
    assert any(sign.isdigit() for sign in skeleton)
    assert re.fullmatch(re.sub("[#@]", ".+", skeleton), text)


def test_a_minus_after_a_space_begins_a_number_at_the_start_of_a_sentence_too():
    (_, first), (_, second) = sentences_of("-5 ms. -5 ms.")
    assert [value.text for value in first] == ["5"]
    assert [value.text for value in second] == ["-5"]


def test_no_sentence_ends_within_or_right_after_a_reason():
    text = "Not assessable: CV (why. 3 of them?) and more. Mean 5."
    sentences = sentences_of(text, ["why. 3 of them?"])
    assert [skeleton for skeleton, _ in sentences] == ["Not assessable: CV (¤) and more.", "Mean #."]
    assert sentences[0][1][0].text == "why. 3 of them?"
    assert [skeleton for skeleton, _ in sentences_of("why? Mean 5.", ["why?"])] == ["¤ Mean #."]
