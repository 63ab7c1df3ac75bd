"""Days and instants that people may ask for: one type for every route, page and command.

Belongs here: the calendar within which everything that adds or takes away days stays in bounds.
Does not belong here: which days are partitions (`partitions`).
"""

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime

FIRST_DAY: Final = date(2000, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
"""No phone's export is of another century, and a few weeks before or after these are still dates."""

OUTSIDE: Final = f"a day from {FIRST_DAY} to {LAST_DAY} is needed"


def is_possible(day: date) -> bool:
    """Say whether a day lies within the calendar that people may ask for."""
    return FIRST_DAY <= day <= LAST_DAY


def _possible_day(day: date) -> date:
    if not is_possible(day):
        raise ValueError(OUTSIDE)
    return day


def _possible_instant(at: datetime) -> datetime:
    # The wall date, whatever the offset: shifting the first or last instant of the calendar would overflow.
    if not is_possible(at.date()):
        raise ValueError(OUTSIDE)
    return at


Day = Annotated[date, AfterValidator(_possible_day)]
"""A date of this century."""

Instant = Annotated[AwareDatetime, AfterValidator(_possible_instant)]
"""An instant of this century, with its UTC offset."""
