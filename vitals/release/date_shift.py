"""Moving every date of a training line by whole weeks.

Belongs here: how far a person's dates move, what a date looks like in a line, and the look for what did not move.
Does not belong here: which release does it (`deidentify`).

Weekdays, clock times and the gaps between a person's days stay as they are. The season and the year may change. A
UTC offset is part of the record and stays too, so a moved day may carry the offset of the other half of the year.
"""

import hmac
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

MOST_WEEKS = 104
"""A person's dates move back by 1 to this many weeks: two years, so that every season is possible."""

_ISO = re.compile(r"[12]\d\d\d-[01]\d-[0-3]\d(?!\d)", re.ASCII)
"""A date, alone, before the time of a date and time, or within an id."""

_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHORT = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
# Any other way to write a calendar day. Our texts have none; one that appears would escape the shift.
_FOREIGN = (
    re.compile(r"\b(?:19|20)\d\d([_/.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII),
    re.compile(r"[0-9][./][0-3]?[0-9][./](?:19|20)\d\d(?!\d)", re.ASCII),
)
_MONTH = re.compile("January|February|March|April|May|June|July|August|September|October|November|December")
_MONTH_SHORT = re.compile("Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Oct|Nov|Dec")
_MONTH_DAY = re.compile(
    rf"\b(?:{_MONTH.pattern}|(?:{_MONTH_SHORT.pattern}t?)\b\.?) \d"
    rf"|\d(?:st|nd|rd|th)?(?: of)? (?:{_MONTH.pattern}|{_MONTH_SHORT.pattern})\b",
    re.ASCII,
)


def weeks_back(subject_id: str, *, key: bytes, release_id: str) -> int:
    """How many weeks a person's dates move back in a release: 1 to MOST_WEEKS, a secret of the key.

    Never 0: nobody's dates stay true, and a date in a release is nobody's own.
    """
    message = f"date shift\x1f{release_id}\x1f{subject_id}".encode()
    return 1 + int.from_bytes(hmac.digest(key, message, sha256)[:8]) % MOST_WEEKS


def shifter(weeks: int) -> Callable[[str], str]:
    """A function that moves every ISO date of a text back by so many weeks and leaves the rest as it is.

    The function raises ValueError for what has the form of a date and is no day of the calendar.
    """
    back = timedelta(weeks=weeks)

    def moved(match: re.Match[str]) -> str:
        return (date.fromisoformat(match.group()) - back).isoformat()

    def shift(text: str) -> str:
        return _ISO.sub(moved, text) if "-" in text else text

    return shift


def dates_in(text: str) -> list[str]:
    """ISO dates of a text, in order."""
    return _ISO.findall(text)


def has_foreign_date(text: str) -> bool:
    """Whether a text writes a calendar day in a way that `shifter` would not move."""
    if any(pattern.search(text) for pattern in _FOREIGN):
        return True
    # Looking for the letters alone is several times quicker, and most texts have none of them.
    return bool(_MONTH_SHORT.search(text) or "May" in text) and _MONTH_DAY.search(text) is not None


def strings_of(value: Any) -> dict[str, None]:
    """Every string in a JSON value, names of members included, once and in the order of first occurrence."""
    found: dict[str, None] = {}
    _gather(value, found)
    return found


def with_strings(value: Any, new: Mapping[str, str]) -> Any:
    """A JSON value with each of its strings replaced by the new one; `new` has every string of the value."""
    if isinstance(value, str):
        return new[value]
    if isinstance(value, dict):
        return {new[name]: with_strings(member, new) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [with_strings(member, new) for member in value]
    return value


def _gather(value: Any, found: dict[str, None]) -> None:
    if isinstance(value, str):
        found[value] = None
    elif isinstance(value, dict):
        for name, member in value.items():
            found[name] = None
            _gather(member, found)
    elif isinstance(value, list | tuple):
        for member in value:
            _gather(member, found)
