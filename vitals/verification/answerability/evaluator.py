"""Whether every claim of a training line can be recomputed from its prompt.

Belongs here: which values of a prompt answer for which claim, and whether they agree with it.
Does not belong here: reading the prompt (`prompt_reader`), or whether the answer says what its claims say.

A claim is given by the prompt if what is read there and its value are written alike at the claim's decimals:

    constant of a definition    needs nothing; a number of a withheld reason stands in that reason
    derived                     its formula, on operands that the prompt gives
    day                         the lines of the day and of its state
    another source's value      that source's line
    any other                   its fact; without one, the line of the only source used, or the table

The claim's own value is compared with, never read.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from math import isfinite
from types import MappingProxyType
from typing import Any

from vitals.record_types import RECORD_TYPES
from vitals.training.prompt_words import TOPICS, name_of, place_of, unit_words
from vitals.training.rounding import write_rounded
from vitals.training.source_names import title_of
from vitals.verification.answerability.formulas import evaluate
from vitals.verification.answerability.prompt_reader import Record, Source, read_prompt
from vitals.verification.answerability.table_values import values_of

_TOPIC_OF: Mapping[str, str] = MappingProxyType({each.metric_prefix: TOPICS[each.kind] for each in RECORD_TYPES})
_REASONS = "sufficiency"
"""Metric of the claims that are numbers of a withheld reason."""

_TOKEN = re.compile(r"\d\d:\d\d|\d+(?:,\d{3})*(?:\.\d+)?")
_DATE_LENGTH = 10

Members = Mapping[str, Any]
"""A claim as it stands in the metadata of a line."""


def insufficient(line: Mapping[str, Any]) -> list[str]:
    """Ids of the claims that a line's prompt cannot give, in the order of the line.

    Args:
        line: a training line; its ``input`` and ``metadata.claims`` are read.

    Returns:
        The ids; empty if the prompt suffices.

    Raises:
        KeyError: the line has no prompt or no claims.
    """
    return Sufficiency().insufficient(line)


class Sufficiency:
    """`insufficient` for many lines: lines of several tasks follow each other with the same prompt.

    The last few prompts are remembered for as long as this is, so one of these is for one file.
    """

    def __init__(self) -> None:
        """Begin with no prompt read."""
        self._read = lru_cache(maxsize=8)(read_prompt)

    def insufficient(self, line: Mapping[str, Any]) -> list[str]:
        """Ids of the claims that a line's prompt cannot give, in the order of the line."""
        claims: Sequence[Members] = [
            claim if claim["value"] is not None else {**claim, "value": claim["text"]}
            for claim in line["metadata"]["claims"]
        ]
        evaluator = _Evaluator(self._read(line["input"]), claims)
        return [claim["id"] for claim in claims if not evaluator.gives(claim)]


class _Evaluator:
    """One prompt, asked for claims."""

    def __init__(self, records: Sequence[Record], claims: Sequence[Members]) -> None:
        self._records = records
        self._claims = {claim["id"]: claim for claim in claims}
        self._given_reasons: frozenset[str] | None = None
        self._found: dict[tuple[str, str], list[Record]] = {}

    def gives(self, claim: Members) -> bool:
        """Whether the prompt gives a claim's value."""
        if not claim["window"]:
            return claim["metric"] != _REASONS or self._gives_reason(claim["id"])
        if claim.get("formula") is not None:
            value = self._derived(claim, frozenset())
            return value is not None and _agrees(claim, value)
        return any(_agrees(claim, shown) for shown in self._shown(claim))

    def _gives_reason(self, claim_id: str) -> bool:
        """Whether all numbers of the claim's reason stand in one reason of the prompt, in their order."""
        if self._given_reasons is None:
            shown = {tuple(_TOKEN.findall(reason)) for record in self._records for reason in record.reasons}
            reasons: dict[str, list[Members]] = {}
            for claim in self._claims.values():
                if claim["metric"] == _REASONS:
                    reasons.setdefault(claim["id"].partition("#")[0], []).append(claim)
            self._given_reasons = frozenset(
                metric for metric, claims in reasons.items() if tuple(map(_written, claims)) in shown
            )
        return claim_id.partition("#")[0] in self._given_reasons

    def _derived(self, claim: Members, above: frozenset[str]) -> float | None:
        """The value of a formula on operands as the prompt gives them; None if it does not, or in a circle."""
        operands: Sequence[str] = claim["operands"]
        values: dict[str, float] = {}
        for name in operands:
            operand = self._claims.get(name)
            if operand is None or name in above:
                return None
            value = self._number(operand, above | {claim["id"]})
            if value is None:
                return None
            values[name] = value
        return evaluate(claim["formula"], operands, values)

    def _number(self, claim: Members, above: frozenset[str]) -> float | None:
        if not claim["window"]:
            return None if isinstance(claim["value"], str) else float(claim["value"])
        if claim.get("formula") is not None:
            return self._derived(claim, above)
        for value in self._shown(claim):
            if _agrees(claim, value):
                return float(value)
        return None

    def _shown(self, claim: Members) -> Iterable[str | float]:
        """What the prompt shows in the claim's place, in the claim's unit."""
        metric, _, qualifier = claim["id"].partition("#")
        if metric == "day":
            days = [record for record in self._records if record.date is None or claim["window"] == record.date]
            return [value for record in days for value in _of_day(record, qualifier, claim["unit"])]
        return self._of_metric(claim, metric, qualifier)

    def _of_metric(self, claim: Members, metric: str, qualifier: str) -> Iterator[str | float]:
        place = place_of(claim["id"], claim["unit"])
        for record in self._records_of(metric.partition(".")[0], claim["window"]):
            if place is None:
                yield from _of_sources(record, metric, qualifier, claim["unit"])
                continue
            parts = record.parts_of(place.fact)
            if place.part not in parts:
                yield from _elsewhere(record, metric, qualifier, claim["unit"])
                continue
            reading = parts[place.part]
            if reading is not None and reading.unit == place.unit:
                yield reading.value

    def _records_of(self, prefix: str, window: str) -> list[Record]:
        """The records of a kind; of the window's day, where it is a day and they name theirs."""
        found = self._found.get((prefix, window))
        if found is None:
            topic = _TOPIC_OF.get(prefix)
            is_day = len(window) == _DATE_LENGTH
            found = self._found[prefix, window] = [
                record
                for record in self._records
                if record.topic in (topic, None) and not (is_day and record.date not in (window, None))
            ]
        return found


def _of_day(record: Record, qualifier: str, unit: str) -> Sequence[str]:
    if qualifier == "date" and record.date is not None:
        return (record.date,)
    if qualifier == "hours" and record.hours is not None:
        return (record.hours,)
    if qualifier == "as_of" and record.as_of is not None:
        return (record.as_of,)
    if unit == "local date":
        return record.days
    if unit == "UTC offset" and (index := qualifier.removeprefix("offset_")).isdecimal():
        return record.offsets[int(index) - 1 : int(index)]
    return ()


def _of_sources(record: Record, metric: str, qualifier: str, unit: str) -> Iterator[str | float]:
    """What a source that was not used says, or how many records those used have."""
    if qualifier == "records":
        yield sum(source.count[0] for source in record.sources if source.used and source.count)
        return
    app = qualifier.removeprefix("other:")
    app, _, part = app.partition(":")
    for source in record.sources:
        if source.title != title_of(app) or source.used:
            continue
        if part == "n":
            yield from source.count[:1] if source.count else ()
        else:
            yield from _times(record, source, unit) if part == "as_of" else _values(source, metric, unit)


def _elsewhere(record: Record, metric: str, qualifier: str, unit: str) -> Iterator[str | float]:
    """What the line of the only source used, or else a table, says of a metric whose fact is not shown."""
    used = [source for source in record.sources if source.used]
    if len(used) == 1:
        source = used[0]
        if qualifier == "as_of":
            yield from _times(record, source, unit)
        elif not qualifier:
            yield from _values(source, metric, unit)
            if source.count is not None and source.count[1] in (name_of(metric), name_of(metric).removesuffix("s")):
                yield source.count[0]
    value = values_of(record, metric.partition(".")[2], qualifier)
    if value is not None:
        yield value


def _values(source: Source, metric: str, unit: str) -> Iterator[str]:
    reading = source.values.get(name_of(metric))
    if reading is not None and reading.unit == unit_words(unit):
        yield reading.value


def _times(record: Record, source: Source, unit: str) -> Iterator[str]:
    """A source's newest moment as its claim writes it: the time alone on the day itself."""
    if source.as_of is None:
        return
    if unit != "local time":
        yield source.as_of
    elif record.date is None or source.as_of[:_DATE_LENGTH] == record.date:
        yield source.as_of[11:16]


def _agrees(claim: Members, shown: str | float) -> bool:
    value = claim["value"]
    if isinstance(value, str):
        return bool(shown == _written(claim))
    try:
        number = float(shown)
    except ValueError:
        return False
    if not isfinite(number):
        return False
    return number == value or write_rounded(number, claim["decimals"]) == write_rounded(value, claim["decimals"])


def _written(claim: Members) -> str:
    """A claim's value as texts write it."""
    value = claim["value"]
    if not isinstance(value, str):
        return write_rounded(value, claim["decimals"])
    unit = claim["unit"]
    if unit == "local time":
        return value[11:16]
    if unit == "local date and time":
        return f"{value[:10]} {value[11:16]}"
    return f"UTC{value}" if unit == "UTC offset" else value
