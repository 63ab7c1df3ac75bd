"""The data block of a prompt, read back from its text alone.

Belongs here: the grammar of a block's lines, and the values in them as they are written.
Does not belong here: metrics, claims (`evaluator`), or the layout (`prompts`, with which this shares no code).

    Record: blood glucose                               opens a record; what follows belongs to it
    Local day: 2025-03-03 (UTC-05:00 then UTC-04:00, 23 h long)
    State: provisional, as of 2025-03-03 17:03
    Source Oura: not used; 44 readings; mean 118.2 mg/dL; as of 2025-03-03 17:03
    min: 81 mg/dL, at 04:10                             a fact: its value, then its parts
    Not assessable: MAGE, CV: needs 14 days             names: reason
    Readings in mg/dL by local hour (minute=value):     opens a table; rows follow
    07: 50=101 55=99
    total on 2025-03-02: 8123 steps, final              a fact of one of several days

Any other line says nothing to this reader. Lines of facts and of sources are sorted at once and read when they are
asked for: most answers need few of them.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]\d+)?"
_MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d"
_VALUE = re.compile(rf"(?:(?P<part>\D*?) )?(?P<value>{_MOMENT}|\d\d:\d\d|{_NUMBER})(?: (?P<unit>[^\d\s].*))?")
_DAY = re.compile(rf"Local day: (\d{{4}}-\d\d-\d\d) \((UTC[^,)]+)(?:, ({_NUMBER}) h long)?\)")
_AS_OF = re.compile(rf"State: provisional, as of ({_MOMENT})")
_SOURCE = re.compile(r"Source (.+?): (not used|used)((?:; .*)?)")
_SOURCE_COUNT = re.compile(r"(\d+) (\D+)")
_SOURCE_VALUE = re.compile(rf"(\D.*?) ({_NUMBER}) (\D+)")
_ROW = re.compile(r"\d\d(?: \(UTC[-+]\d\d:\d\d\))?: \d\d[ =]")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMES_PREFIX = "as of "


class Reading(NamedTuple):
    """A value as it is written: number, time or moment, and the unit after it ("" without one)."""

    value: str
    unit: str


@dataclass
class Source:
    """A source line.

    Attributes:
        title: what the source is called.
        used: whether the facts rest on it.
        count: how many records it has, and of what; None if the line does not say.
        values: name -> what the source says by itself.
        as_of: local date and time of its newest data; None if the line does not say.
    """

    title: str
    used: bool
    count: tuple[int, str] | None = None
    values: dict[str, Reading] = field(default_factory=dict)
    as_of: str | None = None


@dataclass
class Table:
    """Rows under a title, as they are written."""

    title: str
    rows: list[str] = field(default_factory=list)


Parts = Mapping[str, Reading | None]
"""Part of a fact ("" for its own value) -> value; None where lines contradict each other."""


@dataclass
class Record:
    """What a block says of one kind and day.

    Attributes:
        topic: what the record is about; None before any ``Record:`` line.
        date: local date; None if it is not told.
        offsets: UTC offsets in order, as "UTC-05:00".
        hours: length of the day if told, as written.
        as_of: local date and time of a provisional day's data, if told.
        source_lines: lines of sources, in order.
        fact_lines: name of a fact -> its values, as they are written after each mention of the name.
        reasons: reasons of what is not assessable, in order.
        tables: in order.
    """

    topic: str | None = None
    date: str | None = None
    offsets: tuple[str, ...] = ()
    hours: str | None = None
    as_of: str | None = None
    source_lines: list[str] = field(default_factory=list)
    fact_lines: dict[str, list[str]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    _facts: dict[str, Parts] = field(default_factory=dict)

    @cached_property
    def sources(self) -> list[Source]:
        """The sources, in order."""
        return [source for line in self.source_lines if (source := _read_source(line)) is not None]

    @cached_property
    def days(self) -> list[str]:
        """Dates of the facts of several days, in order."""
        ends = (fact.rpartition(" on ") for fact in self.fact_lines)
        return [day for _, on, day in ends if on and _DATE.fullmatch(day)]

    def parts_of(self, fact: str) -> Parts:
        """What the record says of a fact."""
        parts = self._facts.get(fact)
        if parts is None:
            parts = self._facts[fact] = _read_fact(self.fact_lines.get(fact, ()))
        return parts


def read_prompt(text: str) -> list[Record]:
    """The records of a prompt, in order; lines before the first ``Record:`` make one without a topic."""
    record = Record()
    records = [record]
    table: Table | None = None
    for line in text.split("\n"):
        if table is not None and _ROW.match(line):
            table.rows.append(line)
            continue
        table = None
        head, colon, rest = line.partition(": ")
        if not colon:
            if line.endswith(":"):
                table = Table(line[:-1])
                record.tables.append(table)
        elif head == "Record":
            record = Record(topic=rest)
            records.append(record)
        elif head in _OF_THE_DAY:
            _OF_THE_DAY[head](record, line)
        elif head.startswith("Source "):
            record.source_lines.append(line)
        else:
            record.fact_lines.setdefault(head, []).append(rest)
    return records[1:] if len(records) > 1 else records


def _read_day(record: Record, line: str) -> None:
    found = _DAY.fullmatch(line)
    if found:
        record.date, record.hours = found[1], found[3]
        record.offsets = tuple(found[2].split(" then "))


def _read_state(record: Record, line: str) -> None:
    found = _AS_OF.fullmatch(line)
    record.as_of = found[1] if found else record.as_of


def _read_reason(record: Record, line: str) -> None:
    record.reasons.append(line.split(": ", 2)[-1] if line.count(": ") > 1 else "")


_OF_THE_DAY: Mapping[str, Callable[[Record, str], None]] = MappingProxyType(
    {"Local day": _read_day, "State": _read_state, "Not assessable": _read_reason}
)
"""How a line is read that opens so."""


def _read_source(line: str) -> Source | None:
    found = _SOURCE.fullmatch(line)
    if not found:
        return None
    source = Source(found[1], found[2] == "used")
    for item in found[3].split("; ")[1:]:
        if item.startswith(_TIMES_PREFIX):
            source.as_of = item.removeprefix(_TIMES_PREFIX)
        elif count := _SOURCE_COUNT.fullmatch(item):
            source.count = int(count[1]), count[2]
        elif value := _SOURCE_VALUE.fullmatch(item):
            source.values[value[1]] = Reading(value[2], value[3])
    return source


def _read_fact(lines: Iterable[str]) -> Parts:
    parts: dict[str, Reading | None] = {}
    for line in lines:
        for written in line.split(", "):
            found = _VALUE.fullmatch(written)
            if not found:
                continue
            part, value, unit = found.groups()
            reading = Reading(value, unit or "")
            part = part or ""
            parts[part] = reading if parts.get(part, reading) == reading else None
    return parts
