"""A text as sentences of skeletons: every value replaced by one sign of its kind, and the values beside it.

Belongs here: where sentences end, and what numbers, units, dates, times, offsets and apps look like in a text.
Does not belong here: what a value means (`constructions`), or whether it is true (`check`).

The skeleton has the same words whatever the values are, so what is read in it can be remembered. Where the values of
a sentence stand is remembered too, by the sentence with every digit a 0: which digit it is makes no difference there.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

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

DEVICES = {
    "watch": "watch",
    "phone": "phone",
    "scale": "scale",
    "ring": "ring",
    "head-mounted device": "head_mounted",
    "band": "fitness_band",
    "chest strap": "chest_strap",
    "smart display": "smart_display",
    "consumer device": "consumer_medical_device",
    "pair of glasses": "glasses",
    "hearable": "hearable",
    "training machine": "fitness_machine",
    "piece of training equipment": "fitness_equipment",
    "portable computer": "portable_computer",
    "meter": "meter",
    "device of unknown type": "unknown",
}
"""What a text calls a device of an app with several -> how an id names it."""

COUNTED = {"a": "", "another": "_2", "a third": "_3", "a fourth": "_4"}
"""Which of several devices of one type it is -> how an id says so."""

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
_WHICH, _TYPE = "|".join(sorted(COUNTED, key=len, reverse=True)), "|".join(DEVICES)
_SOURCE = re.compile(rf"(.*?)(?: on ({_WHICH}) ({_TYPE}))?", re.DOTALL)
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
    rf"|(?P<app>(?:{_APPS}|(?<![\w.])[A-Za-z]\w*(?:\.[A-Za-z]\w*)+)(?: on (?:{_WHICH}) (?:{_TYPE})(?!\w))?)",
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


_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_MASK = {code: ord("0") if chr(code).isdigit() else code for code in range(128)}


class Value(NamedTuple):
    """A value as it stands in a text.

    Attributes:
        sign: what it is, one of SIGNS.
        text: what is written, without a unit; the package name of an app, with the device it names.
        unit: the unit written directly after a number, "" without one.
        start, end: where it stands in the text, the unit included.
    """

    sign: str
    text: str
    unit: str
    start: int
    end: int


class _Token(NamedTuple):
    """Where a value stands in a sentence: what is written ends at `written_end`, with its unit at `end`."""

    sign: str
    unit: str
    start: int
    written_end: int
    end: int


_Shape = tuple[str, tuple[_Token, ...]]
"""A sentence's skeleton, and a token for each of its signs."""


def sentences_of(text: str, reasons: Iterable[str] = ()) -> list[tuple[str, list[Value]]]:
    """The sentences of a text: the skeleton of each and its values, in the order of the skeleton's signs.

    Args:
        text: the text.
        reasons: sentence parts, whole ones longer first, that are known to be right; each becomes one sign.
    """
    if _FOREIGN.search(text):
        # A sign that stands in the text itself would be taken for a value; unread, it is refused as a number.
        text = _FOREIGN.sub("0", text)
    masked = text.translate(_MASK)
    places = _places(text, reasons)
    found: list[tuple[str, list[Value]]] = []
    start = 0
    for match in _SENTENCE_END.finditer(_blotted(text, places)):
        found.append(_sentence(text, masked, start, match.start(), places))
        start = match.end()
    found.append(_sentence(text, masked, start, len(text), places))
    return found


def _blotted(text: str, places: list[tuple[int, int]]) -> str:
    """The text without the words of its reasons: no sentence ends within or right after one."""
    for start, end in places:
        text = text[:start] + REASON * (end - start) + text[end:]
    return text


def _sentence(text: str, masked: str, start: int, end: int, places: list[tuple[int, int]]) -> tuple[str, list[Value]]:
    # A minus sign is one after a space only, so the character before the sentence is looked at with it.
    origin = max(start - 1, 0)
    reasons = tuple((first - origin, last - origin) for first, last in places if start <= first < end) if places else ()
    skeleton, tokens = _shape_of(masked[origin:end], start - origin, reasons)
    if "0" in skeleton:
        # Digits that are no value's stay as they are written.
        skeleton, tokens = _read(text[origin:end], start - origin, reasons)
    values: list[Value] = []
    for sign, unit, first, written_end, last in tokens:
        written = text[origin + first : origin + written_end]
        if sign == APP:
            written = _source(written)
        values.append(Value(sign, written, unit, origin + first, origin + last))
    return skeleton, values


@lru_cache(maxsize=4096)
def _source(written: str) -> str:
    """How ids name the source that a text calls so."""
    match = _SOURCE.fullmatch(written)
    assert match is not None
    title, which, device = match.groups()
    app = APPS.get(title, UNLISTED if " " in title else title)
    return app if device is None else f"{app}/{DEVICES[device]}{COUNTED[which]}"


def _read(piece: str, start: int, reasons: tuple[tuple[int, int], ...]) -> _Shape:
    """The shape of the sentence that a piece of text holds from `start` on; `reasons`: where reasons stand in it."""
    parts: list[str] = []
    tokens: list[_Token] = []
    for first, last in reasons:
        _read_between(piece, start, first, parts, tokens)
        parts.append(REASON)
        tokens.append(_Token(REASON, "", first, last, last))
        start = last
    _read_between(piece, start, len(piece), parts, tokens)
    return "".join(parts), tuple(tokens)


_shape_of = lru_cache(maxsize=8192)(_read)
"""The same for a piece whose digits are masked."""


def _read_between(piece: str, start: int, end: int, parts: list[str], tokens: list[_Token]) -> None:
    position = start
    for match in _TOKEN.finditer(piece, start, end):
        kind = match.lastgroup
        assert kind is not None
        first, last = match.span()
        sign = _SIGNS[kind]
        written_end = match.end("number") if sign == NUMBER else last
        parts.append(piece[position:first])
        parts.append(sign)
        tokens.append(_Token(sign, match.group("unit") or "", first, written_end, last))
        position = last
    parts.append(piece[position:end])


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
