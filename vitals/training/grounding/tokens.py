"""A text as a skeleton: every value replaced by one sign of its kind, and the values beside it.

Belongs here: what numbers, units, dates, times, offsets and apps look like in a text.
Does not belong here: what a value means (`constructions`), or whether it is true (`check`).

The skeleton has the same words whatever the values are, so what is read in it can be remembered.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

NUMBER, UNIT, TIME, DATE, OFFSET, APP, REASON = "#", "°", "@", "$", "~", "^", "¤"
"""Signs that stand for values; none of them is written by a text of ours."""

SIGNS = NUMBER + UNIT + TIME + DATE + OFFSET + APP + REASON

UNLISTED = "an unlisted app"
"""How a text calls an app that it may not name."""

APPS = {
    "Dexcom Stelo": "com.dexcom.stelo",
    "Samsung Health": "com.sec.android.app.shealth",
    "Oura": "com.ouraring.oura",
    UNLISTED: UNLISTED,
}
"""What a text calls the apps that it does not call by their package name."""

UNITS = [
    "mg/dL",
    "mmol/L",
    "bpm",
    "ms",
    "min",
    "h",
    "s",
    "%",
    "kcal",
    "kJ",
    "kg",
    "steps/min",
    "steps",
    "MET-minutes",
    "hours",
    "seconds",
    "km",
    "m",
    "mg/L",
    "MET-hours",
    "Hz",
    "cal",
]
"""Words that are read as a unit directly after a number, and by themselves if nothing else can be meant."""

_APPS = "|".join(APPS).replace("an unlisted", "[Aa]n unlisted")
_UNIT = (
    "steps per minute|steps per min|percentage points|percentage point|breaths per minute|net MET-minutes|"
    + "|".join(re.escape(unit) for unit in UNITS)
)
_TOKEN = re.compile(
    r"(?P<offset>UTC[+-]\d\d:\d\d(?!\d|:\d))"
    r"|(?P<date>(?<![\w-])\d{4}-\d\d-\d\d(?![\w-]))"
    r"|(?P<time>(?<![\w:])\d\d:\d\d(?!\w|:\d))"
    r"|(?P<number>(?:(?<=[\s(])[-\u2212])?(?<![\w.,:])\d+(?:,\d{3})*(?:\.\d+)?(?!\w|:\d))"
    rf"(?:[ \u00a0]?(?P<unit>{_UNIT})(?![\w/]))?"
    r"|(?<![\w/])(?P<alone>mg/dL|mmol/L|bpm|kcal|%)(?![\w/])"
    rf"|(?P<app>{_APPS}|(?<![\w.])[A-Za-z]\w*(?:\.[A-Za-z]\w*)+)",
    re.ASCII,
)
_SIGNS = {
    "offset": OFFSET,
    "date": DATE,
    "time": TIME,
    "number": NUMBER,
    "unit": NUMBER,
    "alone": UNIT,
    "app": APP,
}
_THOUSANDS = re.compile(r"(?<![\d.,])\d{4,}(?![\d:-])")
_FOREIGN = re.compile(f"[{re.escape(SIGNS)}]")


@dataclass(frozen=True, slots=True)
class Value:
    """A value as it stands in a text.

    Attributes:
        sign: what it is, one of SIGNS.
        text: what is written, without a unit; the package name of an app.
        unit: the unit written directly after a number, "" without one.
        start, end: where it stands in the text, the unit included.
    """

    sign: str
    text: str
    unit: str
    start: int
    end: int


def skeleton_of(text: str, reasons: Iterable[str] = ()) -> tuple[str, list[Value]]:
    """The skeleton of a text and its values, in the order of the skeleton's signs.

    Args:
        text: the text.
        reasons: sentence parts, whole ones longer first, that are known to be right; each becomes one sign.
    """
    parts: list[str] = []
    values: list[Value] = []
    if _FOREIGN.search(text):
        # A sign that stands in the text itself would be taken for a value; unread, it is refused as a number.
        text = _FOREIGN.sub("0", text)
    position = 0
    for start, end in _places(text, reasons):
        _read(text, position, start, parts, values)
        parts.append(REASON)
        values.append(Value(REASON, text[start:end], "", start, end))
        position = end
    _read(text, position, len(text), parts, values)
    return "".join(parts), values


def _read(text: str, start: int, end: int, parts: list[str], values: list[Value]) -> None:
    position = start
    for match in _TOKEN.finditer(text, start, end):
        kind = match.lastgroup
        assert kind is not None
        first, last = match.span()
        sign = _SIGNS[kind]
        unit = match.group("unit") or ""
        written = match.group("number") if sign == NUMBER else match.group()
        if sign == APP:
            written = APPS.get(written, UNLISTED if " " in written else written)
        parts.append(text[position:first])
        parts.append(sign)
        values.append(Value(sign, written, unit, first, last))
        position = last
    parts.append(text[position:end])


def _places(text: str, reasons: Iterable[str]) -> list[tuple[int, int]]:
    """Where reasons stand in a text, in order, without overlap."""
    found: list[tuple[int, int]] = []
    for reason in reasons:
        start = text.find(reason)
        while start >= 0:
            end = start + len(reason)
            if not any(start < other_end and other_start < end for other_start, other_end in found):
                found.append((start, end))
            start = text.find(reason, end)
    return sorted(found)


@lru_cache(maxsize=4096)
def reason_as_written(reason: str) -> str:
    """A reason of the withheld list as a text may say it: apps by title, commas between thousands."""
    words = reason.strip().rstrip(".").removeprefix("not assessable: ")
    for title, package in APPS.items():
        words = words.replace(package, title)
    return _THOUSANDS.sub(lambda match: f"{int(match.group()):,}", words)
