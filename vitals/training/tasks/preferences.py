"""Preference pairs: an answer, and the same answer with exactly one wrong fact.

Belongs here: making one wrong fact in the known place of a claim or word.
Does not belong here: the right answer (the questions and refusals).

A wrong value is near the right one, and never a value that the day's summary states of anything else.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from vitals.training.claims import Claim
from vitals.training.rounding import round_half_up, write_rounded
from vitals.training.tasks.abstention import abstention_of, may_refuse, prompt_without, refuse
from vitals.training.tasks.ask import Day, Guess, Question
from vitals.training.tasks.draft import Draft, PromptWithoutSeries, identity_of, instruction_of, with_operands
from vitals.training.tasks.mix import PREFERENCE, drawn_from, ranked
from vitals.training.tasks.questions import QUESTIONS
from vitals.training.tasks.spans import Label, Span, SpanNarrative, Word

_FACTORS = (1.1, 0.9, 1.2, 0.8, 1.3, 0.7, 1.15, 0.85, 1.25, 0.75)
_SMALL_STEPS = (1.0, -1.0, 2.0, 3.0, -2.0)
_SMALL = 10
"""Whole numbers below this move by steps: a share of them would round to themselves."""

_MOVED_MINUTES = (35, -35, 50, -50, 75, -75, 105, -105, 140, -140)
_MOVED_DAYS = (1, -1, 2, -2, 3, -3, 5, -5)
_GUESSES = 12
_PERCENT = ("%", "%TST")

Wrong = tuple[Label, str, Span, str]
"""Label, claim id, place, and the text to put there."""


def preference_drafts(
    day: Day, *, prompt: str, without_series: PromptWithoutSeries, count: int, identity: str
) -> list[Draft]:
    """Preference pairs of this day, at most `count`."""
    made: list[Draft] = []
    if count == 0:
        return made
    for question in ranked(QUESTIONS[day.row.record_type.kind], PREFERENCE, identity):
        draft = _draft(question, day, prompt=prompt, without_series=without_series)
        if draft is not None:
            made.append(draft)
            if len(made) == count:
                break
    return made


def _draft(question: Question, day: Day, *, prompt: str, without_series: PromptWithoutSeries) -> Draft | None:
    identity = identity_of(day, PREFERENCE, question.name)
    narrative = SpanNarrative(identity)
    extra: dict[str, Any] = {"question": question.name}
    if question.guess is not None and may_refuse(question, day):
        refuse(question, day, narrative)
        extra = {"abstention": abstention_of(question, day)} | extra
        shown = prompt_without(question, day, without_series)
    elif question.write(day, narrative):
        shown = prompt
    else:
        return None
    text, spans = narrative.marked_off()
    claims = with_operands(narrative.claims, day.stated)
    wrong = _one_wrong(question, day, spans, claims, text, identity)
    if wrong is None:
        return None
    label, claim_id, span, instead = wrong
    extra["rejected_fact"] = {
        "chosen": text[span.start : span.end],
        "claim": claim_id,
        "label": label,
        "rejected": instead,
    }
    return Draft(
        task=PREFERENCE,
        instruction=instruction_of(question, day, narrative),
        prompt=shown,
        output=text,
        claims=claims,
        metadata=extra,
        rejected=f"{text[: span.start]}{instead}{text[span.end :]}",
    )


def _one_wrong(
    question: Question, day: Day, spans: Sequence[Span], claims: Sequence[Claim], text: str, identity: str
) -> Wrong | None:
    """One wrong fact, of a label that this answer allows; each label but the date has the same chance."""
    taken = {claim.text() for claim in (*day.stated.values(), *claims)}
    found: dict[Label, list[Wrong]] = {}
    for span in spans:
        label, claim_id, instead = _wrong(question, day, span, taken, f"{identity}|{span.start}")
        if instead is not None and instead != text[span.start : span.end]:
            found.setdefault(label, []).append((label, claim_id, span, instead))
    if not set(found) - {"date"}:
        # An answer that has nothing to get wrong but its date teaches little.
        return None
    # Every answer has a date; half its chance leaves room for the other labels.
    label = drawn_from([*sorted(found), *sorted(set(found) - {"date"})], "label", identity)
    return drawn_from(found[label], "place", identity)


def _wrong(question: Question, day: Day, span: Span, taken: set[str], identity: str) -> tuple[Label, str, str | None]:
    what = span.what
    if isinstance(what, Claim):
        if what.is_constant():
            return "digit", what.id, None
        if not isinstance(what.value, str):
            return "digit", what.id, _other_number(what, what.value, taken, identity)
        if what.unit == "local date":
            return "date", what.id, _other_date(what.value, taken, identity)
        return "time", what.id, _other_time(what, what.value, taken, identity)
    claim_id = day.row.id_of(what.column)
    if what.label == "withheld_stated":
        return what.label, claim_id, None if question.guess is None else _guess(question.guess, taken, identity)
    return what.label, claim_id, _other_word(what, day, identity)


def _other_number(claim: Claim, value: float, taken: set[str], identity: str) -> str | None:
    whole = claim.decimals == 0 and abs(value) < _SMALL
    shifts = ranked(_SMALL_STEPS if whole else _FACTORS, "number", identity)
    for shift in shifts:
        other = round_half_up(value) + shift if whole else value * shift
        written = claim.changed(value=other).text()
        beyond = other < 0 or (claim.unit in _PERCENT and other > 100)
        if not beyond and written not in taken:
            return written
    return None


def _other_date(value: str, taken: set[str], identity: str) -> str | None:
    for days in ranked(_MOVED_DAYS, "date", identity):
        written = (date.fromisoformat(value) + timedelta(days=days)).isoformat()
        if not any(written in text for text in taken):
            return written
    return None


def _other_time(claim: Claim, value: str, taken: set[str], identity: str) -> str | None:
    """Another time on the same date."""
    if claim.unit not in {"local time", "local date and time"}:
        return None
    for minutes in ranked(_MOVED_MINUTES, "time", identity):
        moved = (datetime.fromisoformat(value) + timedelta(minutes=minutes)).isoformat(timespec="minutes")
        same_date = f"{value[:10]}{moved[10:]}"
        written = claim.changed(value=same_date).text()
        if not any(written[-5:] in text for text in taken):
            return written
    return None


def _other_word(word: Word, day: Day, identity: str) -> str | None:
    """A rival that is wrong here: one that names a metric of the day with the same figure is not."""
    own = day.claim(word.column)
    for rival in ranked(word.rivals, "word", identity):
        if rival.column is None:
            return rival.text
        other = day.claim(rival.column)
        if other is not None and own is not None and other.text() != own.text():
            return rival.text
    return None


def _guess(guess: Guess, taken: set[str], identity: str) -> str | None:
    """A value that nobody has, in the words of one who makes it up."""
    step = (guess.most - guess.least) / (_GUESSES - 1)
    for value in ranked([guess.least + step * index for index in range(_GUESSES)], "guess", identity):
        written = write_rounded(value, guess.decimals)
        if written not in taken:
            return guess.wording.format(value=written)
    return None
