"""Whether a finished text states only what its claims say.

Belongs here: going through a text sentence by sentence, and naming what has no claim.
Does not belong here: the language (`constructions`), one statement (`statements`), or any code that writes texts.

Each number, time, date, offset and unit must be read by a construction, and the construction names the claims that
they must equal; words of measurement and of comparison must be read with them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from vitals.verification.grounding.constructions import CONSTRUCTIONS
from vitals.verification.grounding.grammar import Grammar, Reading
from vitals.verification.grounding.labels import absences_of, states_refused, unexplained
from vitals.verification.grounding.ledger import Ledger
from vitals.verification.grounding.lexicon import EXTREMES, OPPOSITES, UNIT_KINDS
from vitals.verification.grounding.statements import Hearing, Kind
from vitals.verification.grounding.sums import not_adding_up
from vitals.verification.grounding.tokens import REASON, Value, sentences_of

GRAMMAR = Grammar(CONSTRUCTIONS)

COMPARING = re.compile(
    r"\b(?:" + "|".join(sorted(OPPOSITES, key=len, reverse=True)) + r")\b",
    re.IGNORECASE,
)

_FOLLOWING = frozenset({"number", "unit", "time", "comparison", "metric"})
"""What may be wrong only because a word beside it is."""


@dataclass(frozen=True)
class Ungrounded:
    """Something a text states without a claim.

    Attributes:
        kind: what it is.
        span: the words of the text; a claim's id if the claim itself is wrong.
        reason: what is wrong with it; holds no value.
    """

    kind: Kind
    span: str
    reason: str


def ungrounded(line: Mapping[str, Any]) -> list[Ungrounded]:
    """What the text of a training line states without a claim of the same line.

    Args:
        line: the parsed line; only `output` and `metadata` are read.

    Returns:
        Problems in the order of the text, those of the claims themselves last. Empty for a grounded line.

    Raises:
        KeyError: the line has no output, or its metadata no claims or local date.
    """
    ledger = Ledger(line["metadata"])
    text: str = line["output"]
    found: list[Ungrounded] = []
    everything = tuple(sorted(ledger.kinds))
    context = everything
    for sentence, own in sentences_of(text, ledger.sayable_reasons()):
        reading = GRAMMAR.read(sentence, context)
        if len(everything) > 1 and not reading.kinds:
            hinted = next((UNIT_KINDS[value.unit] for value in own if value.unit in UNIT_KINDS), None)
            if hinted is not None and (hinted,) != context:
                context = (hinted,)
                reading = GRAMMAR.read(sentence, context)
        problems = _of_sentence(text, own, reading, context, ledger)
        if problems:
            found += _causes(problems, _Sentence(text, own, reading, context, ledger))
        context = everything if len(everything) < 2 else reading.kinds[-1:] or context
    found += [Ungrounded("derived", each, "the claim does not follow from its operands") for each in ledger.underived()]
    found += [
        Ungrounded("number", each, "its parts, as they are written, do not add up to it")
        for each in not_adding_up(ledger.by_id)
    ]
    return found


class _Sentence(NamedTuple):
    """What is needed to judge a sentence."""

    text: str
    values: Sequence[Value]
    reading: Reading
    context: tuple[str, ...]
    ledger: Ledger


def _causes(problems: list[Ungrounded], sentence: _Sentence) -> list[Ungrounded]:
    """The problems of a sentence without those that only follow from another.

    A comparison the other way round leaves numbers without a claim, and so does the name of another metric.
    """
    skeleton = sentence.reading.skeleton
    for match in COMPARING.finditer(skeleton):
        for other in OPPOSITES[match.group().lower()]:
            repaired = GRAMMAR.read(skeleton[: match.start()] + other + skeleton[match.end() :], sentence.context)
            if not _of_sentence(*sentence._replace(reading=repaired)):
                names_another = match.group().lower() in EXTREMES and not sentence.reading.unread
                kind: Kind = "metric" if names_another else "comparison"
                return [Ungrounded(kind, match.group(), "the claims compare the other way")]
    subject = states_refused(skeleton, sentence.ledger)
    if subject is not None:
        return [Ungrounded("withheld", subject, "the text states what it may not")]
    for cause in ("metric", "comparison"):
        words = [problem for problem in problems if problem.kind == cause]
        if words and all(problem.kind in _FOLLOWING for problem in problems):
            return words
    return problems


def _of_sentence(
    text: str, values: Sequence[Value], reading: Reading, context: tuple[str, ...], ledger: Ledger
) -> list[Ungrounded]:
    """What one sentence states without a claim."""

    def span(where: str | int) -> str:
        if isinstance(where, str):
            return where
        return text[values[where].start : values[where].end] if values else reading.skeleton

    hearing = Hearing(values, reading.skeleton, context, ledger)
    found: list[Ungrounded] = []
    for statement in reading.statements:
        if statement.places or statement.dates or statement.construction.condition:
            found += [Ungrounded(miss.kind, span(miss.value), miss.reason) for miss in hearing.misses(statement)]
    found += [Ungrounded(what, span(where), "nothing known is said of it") for what, where in reading.unread]
    for index in reading.loose_dates:
        if values[index].text not in ledger.dates:
            found += [Ungrounded("date", span(index), "no claim is about this date")]
    return found + _of_names(values, reading, ledger)


def _of_names(values: Sequence[Value], reading: Reading, ledger: Ledger) -> list[Ungrounded]:
    """Names of kinds, of metrics that are not stated, and of days that stand where they must not."""
    found: list[Ungrounded] = []
    absences = absences_of(reading.skeleton)
    if absences is None or absences.kinds is None:
        unclaimed = [kind for kind in reading.kinds if kind not in ledger.kinds]
        found += [
            Ungrounded("metric", kind, "nothing of this kind is claimed or withheld in the line") for kind in unclaimed
        ]
    if absences is not None:
        reasons = [value.text for value in values if value.sign == REASON]
        labels = unexplained(absences, reasons, ledger)
        found += [Ungrounded("withheld", label, "it is not withheld for this reason") for label in labels]
    listed = [values[index].text for index in reading.listed_days]
    if len(set(listed)) < len(listed):
        found.append(Ungrounded("date", reading.skeleton, "a day is named twice"))
    return found
