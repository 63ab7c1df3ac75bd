"""Whether a finished text states only what its claims say.

Belongs here: matching what the grammar read in a text to the claims of its line, and naming what has none.
Does not belong here: the language itself (`constructions`), or any code that writes texts.

The text is read sentence by sentence. Each number, time, date, offset and unit must be read by a construction, and
the construction names the claims that they must equal; words of measurement and comparison must be read with them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vitals.training.grounding.conditions import holds
from vitals.training.grounding.constructions import DAY
from vitals.training.grounding.grammar import Grammar, Place, Reading, Statement
from vitals.training.grounding.labels import unexplained
from vitals.training.grounding.ledger import Ledger, dates_of, unit_fits, written
from vitals.training.grounding.tokens import UNLISTED, Value, skeleton_of

Kind = Literal["number", "unit", "date", "time", "offset", "comparison", "metric", "withheld", "derived"]

GRAMMAR = Grammar(DAY)

_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_KIND_OF_SIGN: Mapping[str, Kind] = {
    "#": "number",
    "@": "time",
    "&": "time",
    "$": "date",
    "~": "offset",
}


@dataclass(frozen=True)
class Ungrounded:
    """Something a text states without a claim.

    Attributes:
        kind: what it is.
        span: the words of the text.
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
    """
    ledger = Ledger(line["metadata"])
    text: str = line["output"]
    skeleton, values = skeleton_of(text, ledger.sayable_reasons())
    found: list[Ungrounded] = []
    first = 0
    single = tuple(ledger.kinds) if len(ledger.kinds) == 1 else ()
    context: tuple[str, ...] = single or tuple(sorted(ledger.kinds))
    for sentence in _SENTENCE_END.split(skeleton):
        reading = GRAMMAR.read(sentence, context)
        here = _Sentence(text, values[first : first + reading.values], ledger, context)
        found += here.problems(reading)
        first += reading.values
        context = single or reading.kinds[-1:] or context
    found += [
        Ungrounded("derived", claim_id, "the claim does not follow from its operands")
        for claim_id in ledger.underived()
    ]
    return found


@dataclass(frozen=True, slots=True)
class _Miss:
    """A place whose value no claim of a binding has."""

    kind: Kind
    place: Place
    reason: str


class _Sentence:
    """One sentence of a text, its values, and the claims it is held against."""

    def __init__(self, text: str, values: list[Value], ledger: Ledger, context: tuple[str, ...]) -> None:
        self._text = text
        self._values = values
        self._ledger = ledger
        self._context = context

    def problems(self, reading: Reading) -> Iterator[Ungrounded]:
        """What the sentence states without a claim."""
        for kind in reading.kinds:
            if kind not in self._ledger.kinds:
                yield Ungrounded("metric", kind, "nothing of this kind is claimed or withheld in the line")
        for statement in reading.statements:
            yield from self._statement(statement, reading.skeleton)
        for what, where in reading.unread:
            span = where if isinstance(where, str) else self._span(where)
            yield Ungrounded(what, span, "nothing known is said of it")  # type: ignore[arg-type]
        for index in reading.loose_dates:
            if self._values[index].text not in self._ledger.dates:
                yield Ungrounded("date", self._span(index), "no claim is about this date")
        for label in unexplained(reading.skeleton, [v.text for v in self._values if v.sign == "¤"], self._ledger):
            yield Ungrounded("withheld", label, "it is not withheld for this reason")

    def _span(self, index: int) -> str:
        value = self._values[index]
        return self._text[value.start : value.end]

    def _statement(self, statement: Statement, sentence: str) -> Iterator[Ungrounded]:
        if not statement.places:
            if not holds(statement.construction.condition, statement.words, (), self._ledger):
                yield Ungrounded("comparison", statement.words, "the line says otherwise")
            for index in statement.dates:
                if self._values[index].text not in self._ledger.dates:
                    yield Ungrounded("date", self._span(index), "no claim is about this date")
            return
        best: list[_Miss] | None = None
        claimed = False
        for binding in self._bindings(statement):
            misses = list(self._misses(statement, binding, sentence))
            if not misses:
                ids = [claim_id(place.slot.claim, binding) for place in statement.places]
                if holds(statement.construction.condition, statement.words, ids, self._ledger):
                    return
                misses = [_Miss("comparison", statement.places[0], "the claims compare the other way")]
            is_claimed = not any(miss.kind == "metric" for miss in misses)
            if best is None or (is_claimed, -len(misses)) > (claimed, -len(best)):
                best, claimed = misses, is_claimed
        if best is None:
            place = statement.places[0]
            yield Ungrounded("metric", self._span(place.value), "no claim of this metric")
            return
        for miss in best:
            yield Ungrounded(miss.kind, self._span(miss.place.value), miss.reason)

    def _bindings(self, statement: Statement) -> Iterator[dict[str, str]]:
        """What the prefix and the variables of a construction may stand for in this line."""
        each = statement.construction
        named = statement.kinds[-1:] or self._context
        notation = "|".join(place.slot.claim for place in statement.places)
        indexes = self._ledger.indexes if "K" in notation else ("",)
        apps = self._apps(statement) if ":A" in notation else ("",)
        for prefix in each.kinds:
            if prefix not in self._ledger.kinds or (len(self._ledger.kinds) > 1 and prefix not in named):
                continue
            for column in each.columns:
                for index in indexes:
                    for app in apps:
                        yield {"prefix": prefix, "M": column, "K": index, "A": app}

    def _apps(self, statement: Statement) -> tuple[str, ...]:
        for place in statement.places:
            if place.slot.sign == "^":
                app = self._values[place.value].text
                return self._ledger.other_apps if app == UNLISTED else (app,)
        return ()

    def _misses(self, statement: Statement, binding: Mapping[str, str], sentence: str) -> Iterator[_Miss]:
        claims: list[Mapping[str, Any]] = []
        slot = statement.places[0].slot
        for place in statement.places:
            slot = place.slot
            if slot.sign == "^":
                continue
            claim = self._ledger.by_id.get(claim_id(slot.claim, binding))
            if claim is None:
                yield _Miss("metric", place, "no claim of this metric")
                continue
            claims.append(claim)
            value = self._values[place.value]
            expected = written(claim)
            if slot.sign == "&":
                date, _, time = expected.partition(" ")
                if value.text != date:
                    yield _Miss("date", place, "the claim has another date")
                if self._values[place.value + 1].text != time:
                    yield _Miss("time", Place(slot, place.value + 1, ()), "the claim has another time")
                continue
            if value.text != expected:
                yield _Miss(_KIND_OF_SIGN[slot.sign], place, "the claim has another value")
            if slot.sign == "#" and not self._unit_fits(place, value, claim, sentence):
                yield _Miss("unit", place, "the claim has another unit")

        for index in statement.dates:
            date = self._values[index].text
            if self._ledger.is_single_day and date == self._ledger.local_date:
                continue
            if not any(date in dates_of(claim["window"]) for claim in claims):
                yield _Miss("date", Place(slot, index, ()), "the claims are about another date")

    def _unit_fits(self, place: Place, value: Value, claim: Mapping[str, Any], sentence: str) -> bool:
        unit = value.unit
        if not unit:
            if place.slot.bare or (place.slot.named and claim["unit"] in sentence.lower()):
                return True
            for index in place.lenders:
                lender = self._values[index]
                unit = lender.text if lender.sign == "°" else lender.unit
                if unit:
                    break
        return unit_fits(unit, claim)


def claim_id(notation: str, binding: Mapping[str, str]) -> str:
    """The id that a slot's notation means with variables bound."""
    column, mark, qualifier = notation.partition("#")
    if column == "M":
        column = binding["M"]
    if column != "day" and "." not in column:
        column = f"{binding['prefix']}.{column}"
    if not mark:
        return column
    if "K" in qualifier:
        qualifier = qualifier.replace("K", binding["K"])
    if ":A" in qualifier:
        qualifier = qualifier.replace(":A", f":{binding['A']}")
    return f"{column}#{qualifier}"
