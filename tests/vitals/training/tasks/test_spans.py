from hypothesis import given
from hypothesis import strategies as st

from vitals.training.claims import Claim
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import side, unit
from vitals.training.tasks.spans import SpanNarrative

MEAN = Claim("x.mean", "x.mean", 118.2, "mg/dL", "2025-03-03", 1, (), "x.mean@1")
LIMIT = Claim("x.above#above", "x.above", 180, "mg/dL", "", None, (), "x.above@1")
SAYS = phrases("the mean was {mean} {unit}, {part}", "{mean} {unit} was the mean, {part}")
PART = phrases("{side} {limit}")
WORDS = {"unit": unit("mg/dL", "mean"), "side": side("above", "above")}


def write(narrative):
    part = narrative.phrase(PART, side=WORDS["side"], limit=LIMIT)
    narrative.say(SAYS, mean=MEAN, unit=WORDS["unit"], part=part)
    narrative.say(phrases("{unit} is the unit"), unit=WORDS["unit"])


@given(st.text())
def test_places_are_those_of_the_plain_text(identity):
    marked, plain = SpanNarrative(identity), Narrative(identity)
    write(marked)
    write(plain)
    text, spans = marked.marked_off()
    assert text == plain.text()
    assert marked.claims == plain.claims
    there = {text[span.start : span.end].lower() for span in spans}
    assert there == {"118", "180", "mg/dl", "above"}
    for span in spans:
        expected = span.what.text() if isinstance(span.what, Claim) else str(span.what)
        assert text[span.start : span.end].lower() == expected.lower()


def test_a_part_may_hold_other_parts():
    narrative = SpanNarrative("somebody")
    inner = narrative.phrase(phrases("over {limit}"), limit=LIMIT)
    whole = unit("min", "whole")
    narrative.say(phrases("it was {part} then"), part=narrative.mark(inner, whole))
    text, spans = narrative.marked_off()
    assert text == "It was over 180 then."
    assert {text[span.start : span.end] for span in spans} == {"180", "over 180"}
