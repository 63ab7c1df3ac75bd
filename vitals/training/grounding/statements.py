"""Holding one read statement against the claims of its line.

Belongs here: what a construction's variables may stand for, and which place of a statement no claim has.
Does not belong here: reading a text (`grammar`), or which way a comparison must go (`conditions`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from vitals.training.grounding.conditions import Said, holds
from vitals.training.grounding.grammar import Place, Statement
from vitals.training.grounding.ledger import Ledger, dates_of, unit_fits, written
from vitals.training.grounding.tokens import UNLISTED, Value

Kind = Literal["number", "unit", "date", "time", "offset", "comparison", "metric", "withheld", "derived"]

Binding = Mapping[str, str]

_KIND_OF_SIGN: Mapping[str, Kind] = {"#": "number", "@": "time", "$": "date", "~": "offset"}
_DATE_VARIABLES = ("D1", "D2", "W1", "W2")


@dataclass(frozen=True, slots=True)
class Miss:
    """A value, by its position in the sentence, that no claim has."""

    kind: Kind
    value: int
    reason: str


class Hearing:
    """One sentence's values and the claims that its statements are held against."""

    def __init__(self, values: Sequence[Value], sentence: str, context: tuple[str, ...], ledger: Ledger) -> None:
        """Take the sentence's values and skeleton, the kinds named before it, and the line's claims."""
        self._values = values
        self._sentence = sentence
        self._context = context
        self._ledger = ledger

    def misses(self, statement: Statement) -> list[Miss]:
        """What of a statement no claim supports; empty if one reading of it is claimed throughout."""
        best: list[Miss] | None = None
        for binding in self._bindings(statement):
            found = list(self._of_places(statement, binding)) + list(self._of_dates(statement, binding))
            if not found and not self._holds(statement, binding):
                first = statement.places[0].value if statement.places else (*statement.dates, 0)[0]
                is_of_days = statement.construction.condition in ("missing", "consecutive", "window", "dated", "listed")
                found = [Miss("date" if is_of_days else "comparison", first, "the claims say otherwise")]
            if not found:
                return []
            if best is None or _rank(found) < _rank(best):
                best = found
        if best is not None:
            return best
        return [Miss("metric", statement.places[0].value if statement.places else 0, "no claim of this metric")]

    def _holds(self, statement: Statement, binding: Binding) -> bool:
        said = Said(
            statement.words,
            tuple(claim_id(place.slot.claim, binding) for place in statement.places),
            tuple(self._values[index].text for index in statement.dates),
            binding,
            self._ledger,
        )
        return holds(statement.construction.condition, said)

    def _bindings(self, statement: Statement) -> Iterator[Binding]:
        """What the prefix and the variables of a construction may stand for in this line."""
        each = statement.construction
        fixed: dict[str, str] = {}
        apps: tuple[str, ...] = ("",)
        uses_index = False
        for place in statement.places:
            text = self._values[place.value].text
            if place.slot.sign == "^":
                apps = self._ledger.other_apps if text == UNLISTED else (text,)
            elif place.slot.claim in _DATE_VARIABLES:
                fixed[place.slot.claim] = text
            uses_index = uses_index or "#K" in place.slot.claim
        for prefix in self._prefixes(statement):
            for column in each.columns:
                for index in self._ledger.indexes if uses_index else ("",):
                    for app in apps:
                        yield {**fixed, "prefix": prefix, "M": column, "K": index, "A": app}

    def _prefixes(self, statement: Statement) -> Sequence[str]:
        kinds = self._ledger.kinds
        each = statement.construction
        if "." in each.columns[0] or not statement.places:
            return ("",)
        if len(kinds) < 2:
            return [prefix for prefix in each.kinds if prefix in kinds or not kinds]
        named = statement.kinds[-1:] or self._context
        return [prefix for prefix in each.kinds if prefix in kinds and prefix in named]

    def _of_places(self, statement: Statement, binding: Binding) -> Iterator[Miss]:
        for place in statement.places:
            slot = place.slot
            if slot.sign == "^":
                continue
            if slot.claim in _DATE_VARIABLES:
                if f"day#{binding[slot.claim]}" not in self._ledger.by_id:
                    yield Miss("date", place.value, "no claim is about this date")
                continue
            claim = self._ledger.by_id.get(claim_id(slot.claim, binding))
            if claim is None:
                # A value of one of several days is looked up by that day.
                kind: Kind = "date" if "#D" in slot.claim else "metric"
                yield Miss(kind, place.value, "no claim of this metric")
            else:
                yield from self._of_claim(place, claim)

    def _of_claim(self, place: Place, claim: Mapping[str, Any]) -> Iterator[Miss]:
        value, expected = self._values[place.value], written(claim)
        if place.slot.sign == "&":
            date, _, time = expected.partition(" ")
            if value.text != date:
                yield Miss("date", place.value, "the claim has another date")
            if self._values[place.value + 1].text != time:
                yield Miss("time", place.value + 1, "the claim has another time")
            return
        if value.text != expected:
            yield Miss(_KIND_OF_SIGN[place.slot.sign], place.value, "the claim has another value")
        if place.slot.sign == "#" and not self._unit_fits(place, value, claim):
            yield Miss("unit", place.value, "the claim has another unit")

    def _of_dates(self, statement: Statement, binding: Binding) -> Iterator[Miss]:
        """Dates that a statement holds beside its places must be what its claims are about."""
        for index in statement.dates:
            date = self._values[index].text
            if self._ledger.is_single_day and date == self._ledger.local_date:
                continue
            if f"day#{date}" in self._ledger.by_id and statement.construction.condition:
                continue
            claims = (self._ledger.by_id.get(claim_id(place.slot.claim, binding)) for place in statement.places)
            if not any(date in dates_of(claim["window"]) for claim in claims if claim is not None):
                yield Miss("date", index, "the claims are about another date")

    def _unit_fits(self, place: Place, value: Value, claim: Mapping[str, Any]) -> bool:
        unit = value.unit
        if not unit:
            if place.slot.bare or (place.slot.named and claim["unit"] in self._sentence.lower()):
                return True
            for index in place.lenders:
                lender = self._values[index]
                unit = lender.text if lender.sign == "°" else lender.unit
                if unit:
                    break
        return unit_fits(unit, claim)


def _rank(misses: list[Miss]) -> tuple[bool, int]:
    """Order of readings by how near they are: one whose claims are there first, then the one that misses least."""
    return any(miss.kind == "metric" for miss in misses), len(misses)


def claim_id(notation: str, binding: Binding) -> str:
    """The id that a slot's notation means with variables bound."""
    column, mark, qualifier = notation.partition("#")
    if column == "M":
        column = binding["M"]
    if column != "day" and "." not in column:
        column = f"{binding['prefix']}.{column}"
    if not mark:
        return column
    if qualifier in _DATE_VARIABLES:
        qualifier = binding[qualifier]
    elif qualifier.startswith("K:"):
        qualifier = binding["K"] + qualifier[1:]
    elif ":A" in qualifier:
        qualifier = qualifier.replace(":A", f":{binding['A']}")
    return f"{column}#{qualifier}"
