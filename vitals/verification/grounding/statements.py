"""Holding one read statement against the claims of its line.

Belongs here: what a construction's variables may stand for, and which place of a statement no claim has.
Does not belong here: reading a text (`grammar`), or which way a comparison must go (`conditions`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from vitals.verification.grounding.conditions import Said, holds
from vitals.verification.grounding.grammar import Place, Statement
from vitals.verification.grounding.ledger import Ledger, dates_of, unit_fits, written
from vitals.verification.grounding.tokens import UNLISTED, Value

Kind = Literal["number", "unit", "date", "time", "offset", "comparison", "metric", "withheld", "derived"]

Binding = Mapping[str, str]

_KIND_OF_SIGN: Mapping[str, Kind] = {"#": "number", "@": "time", "$": "date", "~": "offset"}
_DATE_VARIABLES = ("D1", "D2", "W1", "W2")
_OF_DAYS = tuple(f"#{variable}" for variable in _DATE_VARIABLES)


@dataclass(frozen=True, slots=True)
class Miss:
    """A value, by its position in the sentence, that no claim has."""

    kind: Kind
    value: int
    reason: str


class _Bound(NamedTuple):
    """Variables with what they stand for, and the ids that a statement's places then mean, in order."""

    binding: Binding
    claims: tuple[str, ...]


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
        condition = statement.construction.condition
        for bound in self._bindings(statement):
            found = self._of_places(statement, bound)
            if statement.dates:
                found += self._of_dates(statement, bound)
            if not found and condition and not self._holds(statement, bound):
                first = statement.places[0].value if statement.places else (*statement.dates, 0)[0]
                is_of_days = condition in ("missing", "consecutive", "window", "dated", "listed")
                found = [Miss("date" if is_of_days else "comparison", first, "the claims say otherwise")]
            if not found:
                return []
            if best is None or _rank(found) < _rank(best):
                best = found
        if best is not None:
            return best
        return [Miss("metric", statement.places[0].value if statement.places else 0, "no claim of this metric")]

    def _holds(self, statement: Statement, bound: _Bound) -> bool:
        dates = tuple(self._values[index].text for index in statement.dates)
        said = Said(statement.words, bound.claims, dates, bound.binding, self._ledger)
        return holds(statement.construction.condition, said)

    def _bindings(self, statement: Statement) -> Iterable[_Bound]:
        """What the prefix and the variables of a construction may stand for in this line."""
        if statement.depends:
            return self._bindings_of_values(statement)
        return _plain_bindings(tuple(self._prefixes(statement)), statement.construction.columns, statement.notations)

    def _bindings_of_values(self, statement: Statement) -> Iterator[_Bound]:
        each = statement.construction
        fixed: dict[str, str] = {}
        apps: tuple[str, ...] = ("",)
        uses_index = False
        for place in statement.places:
            text = self._values[place.value].text
            if place.slot.sign == "^":
                apps = (*self._ledger.other_apps, text) if text.startswith(UNLISTED) else (text,)
            elif place.slot.claim in _DATE_VARIABLES:
                fixed[place.slot.claim] = text
            uses_index = uses_index or "#K" in place.slot.claim
        for prefix in self._prefixes(statement):
            for column in each.columns:
                for index in self._ledger.indexes if uses_index else ("",):
                    for app in apps:
                        yield _bound(
                            {**fixed, "prefix": prefix, "M": column, "K": index, "A": app}, statement.notations
                        )

    def _prefixes(self, statement: Statement) -> Sequence[str]:
        kinds = self._ledger.kinds
        each = statement.construction
        if "." in each.columns[0] or not statement.places:
            return ("",)
        if len(kinds) < 2:
            return [prefix for prefix in each.kinds if prefix in kinds or not kinds]
        named = statement.kinds[-1:] or self._context
        return [prefix for prefix in each.kinds if prefix in kinds and prefix in named]

    def _of_places(self, statement: Statement, bound: _Bound) -> list[Miss]:
        found: list[Miss] = []
        claims = self._ledger.by_id
        for place, claim_id in zip(statement.places, bound.claims, strict=True):
            slot = place.slot
            if slot.sign == "^":
                continue
            if slot.claim in _DATE_VARIABLES:
                if f"day#{bound.binding[slot.claim]}" not in claims:
                    found.append(Miss("date", place.value, "no claim is about this date"))
                continue
            claim = claims.get(claim_id)
            if claim is None:
                # A value of one of several days is looked up by that day.
                kind: Kind = "date" if "#D" in slot.claim else "metric"
                found.append(Miss(kind, place.value, "no claim of this metric"))
            else:
                found += self._of_claim(place, claim)
        return found

    def _of_claim(self, place: Place, claim: Mapping[str, Any]) -> list[Miss]:
        value, expected = self._values[place.value], written(claim)
        sign = place.slot.sign
        if sign == "&":
            return self._of_moment(place, expected)
        found: list[Miss] = []
        if value.text != expected:
            found.append(Miss(_KIND_OF_SIGN[sign], place.value, "the claim has another value"))
        if sign == "#" and not self._unit_fits(place, value, claim):
            found.append(Miss("unit", place.value, "the claim has another unit"))
        return found

    def _of_moment(self, place: Place, expected: str) -> list[Miss]:
        found: list[Miss] = []
        date, _, time = expected.partition(" ")
        if self._values[place.value].text != date:
            found.append(Miss("date", place.value, "the claim has another date"))
        if self._values[place.value + 1].text != time:
            found.append(Miss("time", place.value + 1, "the claim has another time"))
        return found

    def _of_dates(self, statement: Statement, bound: _Bound) -> Iterator[Miss]:
        """Dates that a statement holds beside its places must be what its claims are about."""
        for index in statement.dates:
            date = self._values[index].text
            if self._ledger.is_single_day and date == self._ledger.local_date:
                continue
            if f"day#{date}" in self._ledger.by_id and statement.construction.condition:
                continue
            claims = (self._ledger.by_id.get(claim_id) for claim_id in bound.claims)
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


@lru_cache(maxsize=4096)
def _plain_bindings(
    prefixes: tuple[str, ...], columns: tuple[str, ...], notations: tuple[str, ...]
) -> tuple[_Bound, ...]:
    bindings = ({"prefix": prefix, "M": column, "K": "", "A": ""} for prefix in prefixes for column in columns)
    return tuple(_bound(binding, notations) for binding in bindings)


def _bound(binding: Binding, notations: Iterable[str]) -> _Bound:
    return _Bound(binding, tuple(_claim_id(notation, binding) for notation in notations))


def _rank(misses: list[Miss]) -> tuple[bool, int]:
    """Order of readings by how near they are: one whose claims are there first, then the one that misses least."""
    return any(miss.kind == "metric" for miss in misses), len(misses)


def _claim_id(notation: str, binding: Binding) -> str:
    """The id that a slot's notation means with variables bound."""
    bound = _but_for_days(notation, binding["prefix"], binding["M"], binding["K"], binding["A"])
    return f"{bound[:-2]}{binding[bound[-2:]]}" if bound.endswith(_OF_DAYS) else bound


@lru_cache(maxsize=4096)
def _but_for_days(notation: str, prefix: str, metric: str, index: str, app: str) -> str:
    column, mark, qualifier = notation.partition("#")
    if column == "M":
        column = metric
    if column != "day" and "." not in column:
        column = f"{prefix}.{column}"
    if not mark:
        return column
    if qualifier.startswith("K:"):
        qualifier = index + qualifier[1:]
    elif ":A" in qualifier:
        qualifier = qualifier.replace(":A", f":{app}")
    return f"{column}#{qualifier}"
