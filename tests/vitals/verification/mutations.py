"""Six ways to make a text false, written from texts alone.

Belongs here: finding tokens in a finished text and replacing one of them. Does not belong here: claims, or any code
of the checker or the renderer.

Every mutation gives all texts that differ from the given one in exactly one token. What such a text says is false or
at least unsupported, so two kinds of words are left alone: those of lists of metrics that are not assessable (another
metric may be withheld for the same reason), and a name that another metric of the same value could take.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta

PROTECTED = re.compile(
    r"UTC[+-]\d\d:\d\d|\d{4}-\d\d-\d\d|\d\d:\d\d|[A-Za-z]\w*(?:\.[A-Za-z]\w*)+|"
    r"(?:Not assessable|Not stated for this day|Cannot be assessed here|Left open by these data): [^.]*(?:\.\d[^.]*)*\.|"
    "These sensor values are for information; if they are unexpected or you feel unwell, contact a health professional",
    re.ASCII,
)
NUMBER = re.compile(r"(?<![\w.,:])\d+(?:,\d{3})*(?:\.\d+)?")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
TIME = re.compile(r"(?<![\d:+-])\d\d:\d\d|(?<=\d\d:\d\d-)\d\d:\d\d")
UNIT = re.compile(r"(?<=\d )(?:mg/dL|bpm|min|ms|h|%|kcal|steps per minute|steps|net MET-minutes|MET-minutes)(?![\w/-])")
OTHER_UNITS: Mapping[str, tuple[str, ...]] = {
    "mg/dL": ("mmol/L", "%", "bpm"),
    "bpm": ("ms", "mg/dL"),
    "min": ("h", "s", "%"),
    "ms": ("min", "bpm"),
    "h": ("min", "%"),
    "%": ("mg/dL", "min"),
    "kcal": ("kJ", "steps"),
    "steps": ("kcal", "min"),
    "steps per minute": ("steps", "bpm"),
    "MET-minutes": ("kcal", "min"),
    "net MET-minutes": ("kcal", "min"),
}
COMPARISONS: Mapping[str, tuple[str, ...]] = {
    "at least": ("at most", "more than"),
    "at most": ("at least",),
    "or more": ("or less",),
    "or above": ("or below",),
    "above": ("below", "at"),
    "below": ("above",),
    "over": ("under",),
    "under": ("over",),
    "more": ("less",),
    "less": ("more",),
    "higher": ("lower",),
    "lower": ("higher",),
    "highest": ("lowest",),
    "lowest": ("highest",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
    "longest": ("shortest",),
    "longer": ("shorter",),
    "shorter": ("longer",),
    "fewer": ("more",),
    "earlier": ("later",),
    "later": ("earlier",),
    "up to": ("at least",),
}
METRICS: Mapping[str, tuple[str, ...]] = {
    "mean": ("median", "SD"),
    "median": ("mean",),
    "averaged": ("peaked at",),
    "SD": ("CV", "mean"),
    "standard deviation": ("mean", "coefficient of variation"),
    "coefficient of variation": ("standard deviation",),
    "CV": ("SD",),
    "MAGE": ("SD",),
    "wear": ("coverage",),
    "asleep": ("awake",),
    "awake": ("asleep",),
    "awakenings": ("naps",),
    "awakening": ("nap",),
    "bouts": ("episodes",),
    "bout": ("episode",),
    "episodes": ("bouts", "readings"),
    "episode": ("bout",),
    "readings": ("episodes",),
    "light": ("deep",),
    "deep": ("REM",),
    "REM": ("light",),
    "midpoint": ("onset",),
    "Glucose": ("Heart rate",),
    "glucose": ("heart rate",),
    "Heart rate": ("Glucose",),
    "heart rate": ("glucose",),
    "RMSSD": ("SDNN", "glucose"),
    "active energy": ("sleep",),
    "Active energy": ("Heart rate",),
    "Steps": ("Active energy",),
    "steps": ("sessions",),
    "gap": ("nap",),
    "unscored": ("awake",),
}

SYNONYMS: Mapping[str, str] = {"mean": "mean|averaged"}

Mutator = Callable[[str], Iterator[str]]


def _replaced(text: str, span: tuple[int, int], by: str) -> str:
    return text[: span[0]] + by + text[span[1] :]


def _protected(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in PROTECTED.finditer(text)]


def _free(span: tuple[int, int], protected: list[tuple[int, int]]) -> bool:
    return all(span[1] <= start or end <= span[0] for start, end in protected)


def digit(text: str) -> Iterator[str]:
    """One digit of a number is another one; a first digit does not become 0."""
    protected = _protected(text)
    for match in NUMBER.finditer(text):
        if not _free(match.span(), protected):
            continue
        for offset, char in enumerate(match.group()):
            if char.isdigit():
                other = str((int(char) + 1 + match.start() % 8) % 10)
                if offset == 0 and other == "0" and len(match.group()) > 1:
                    other = "1" if char != "1" else "2"
                position = match.start() + offset
                yield _replaced(text, (position, position + 1), other)


def unit(text: str) -> Iterator[str]:
    """A unit after a number is another unit."""
    for match in UNIT.finditer(text):
        for other in OTHER_UNITS[match.group()]:
            yield _replaced(text, match.span(), other)


def day(text: str) -> Iterator[str]:
    """A date is another date."""
    for match in DATE.finditer(text):
        for days in (1, -1, 30):
            moved = date.fromisoformat(match.group()) + timedelta(days=days)
            yield _replaced(text, match.span(), moved.isoformat())


def time(text: str) -> Iterator[str]:
    """A clock time is another one."""
    for match in TIME.finditer(text):
        hours, minutes = (int(part) for part in match.group().split(":"))
        for shift in (1, 60, 613):
            moved = (hours * 60 + minutes + shift) % 1440
            yield _replaced(text, match.span(), f"{moved // 60:02d}:{moved % 60:02d}")


def _next_number(text: str, position: int) -> str:
    match = NUMBER.search(text, position)
    return match.group() if match else ""


def _says_the_same(text: str, end: int, other: str) -> bool:
    """Whether the number after a word also stands after the other word somewhere."""
    number = _next_number(text, end)
    return any(
        _next_number(text, match.end()) == number
        for match in re.finditer(rf"\b(?:{SYNONYMS.get(other, re.escape(other))})\b", text, re.IGNORECASE)
    )


def _words(text: str, others: Mapping[str, tuple[str, ...]], *, ignore_case: bool) -> Iterator[str]:
    protected = _protected(text)
    longest_first = "|".join(re.escape(word) for word in sorted(others, key=len, reverse=True))
    for match in re.finditer(rf"(?<![\w-])(?:{longest_first})(?![\w-])", text, re.IGNORECASE if ignore_case else 0):
        if not _free(match.span(), protected):
            continue
        word = match.group()
        for other in others[word if word in others else word.lower()]:
            if _says_the_same(text, match.end(), other):
                continue
            capital = word[0].isupper() and not word.isupper()
            yield _replaced(text, match.span(), other[0].upper() + other[1:] if capital else other)


def comparison(text: str) -> Iterator[str]:
    """A word that compares is its opposite."""
    yield from _words(text, COMPARISONS, ignore_case=True)


def metric(text: str) -> Iterator[str]:
    """The name of a metric is that of another."""
    yield from _words(text, METRICS, ignore_case=False)


MUTATIONS: Mapping[str, Mutator] = {
    "digit": digit,
    "unit": unit,
    "date": day,
    "time": time,
    "comparison word": comparison,
    "metric name": metric,
}
