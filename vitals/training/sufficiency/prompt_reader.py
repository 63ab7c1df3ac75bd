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

Any other line says nothing to this reader.
"""

import re
from dataclasses import dataclass, field
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


@dataclass
class Record:
    """What a block says of one kind and day.

    Attributes:
        topic: what the record is about; None before any ``Record:`` line.
        date: local date; None if it is not told.
        days: dates of the facts of several days, in order.
        offsets: UTC offsets in order, as "UTC-05:00".
        hours: length of the day if told, as written.
        as_of: local date and time of a provisional day's data, if told.
        sources: in order.
        facts: name and part ("" for the fact's own value) -> value; None where lines contradict each other.
        reasons: reasons of what is not assessable, in order.
        tables: in order.
    """

    topic: str | None = None
    date: str | None = None
    days: list[str] = field(default_factory=list)
    offsets: tuple[str, ...] = ()
    hours: str | None = None
    as_of: str | None = None
    sources: list[Source] = field(default_factory=list)
    facts: dict[tuple[str, str], Reading | None] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


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
        else:
            _read_line(record, line, head, rest)
    return records[1:] if len(records) > 1 else records


def _read_line(record: Record, line: str, head: str, rest: str) -> None:
    if head == "Local day":
        _read_day(record, line)
    elif head == "State":
        found = _AS_OF.fullmatch(line)
        record.as_of = found[1] if found else record.as_of
    elif head.startswith("Source "):
        _read_source(record, line)
    elif head == "Not assessable":
        record.reasons.append(rest.partition(": ")[2])
    else:
        _read_fact(record, head, rest)


def _read_day(record: Record, line: str) -> None:
    found = _DAY.fullmatch(line)
    if found:
        record.date, record.hours = found[1], found[3]
        record.offsets = tuple(found[2].split(" then "))


def _read_source(record: Record, line: str) -> None:
    found = _SOURCE.fullmatch(line)
    if not found:
        return
    source = Source(found[1], found[2] == "used")
    for item in found[3].split("; ")[1:]:
        if item.startswith(_TIMES_PREFIX):
            source.as_of = item.removeprefix(_TIMES_PREFIX)
        elif count := _SOURCE_COUNT.fullmatch(item):
            source.count = int(count[1]), count[2]
        elif value := _SOURCE_VALUE.fullmatch(item):
            source.values[value[1]] = Reading(value[2], value[3])
    record.sources.append(source)


def _read_fact(record: Record, fact: str, values: str) -> None:
    _, on, day = fact.rpartition(" on ")
    if on and _DATE.fullmatch(day):
        record.days.append(day)
    for written in values.split(", "):
        found = _VALUE.fullmatch(written)
        if not found:
            continue
        part, value, unit = found.groups()
        reading = Reading(value, unit or "")
        key = fact, part or ""
        record.facts[key] = reading if record.facts.get(key, reading) == reading else None
