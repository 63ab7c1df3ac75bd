"""What the world outside a phone knows of an export's time: when its object landed in the store.

Belongs here: the latest time at which an export may have been fetched, by the time of its object and the day in its
key, and how much of what a phone says of its own fetch is believed.
Does not belong here: the rule that refuses a row (`rules`), or times that a record compares within itself.

A fetch comes before the object lands. Neither witness is believed alone, and the earlier of the two counts:

* the object's time is when it landed, or later if it was copied since. A copy may also keep an older time of the file
  (archives, `cp -p`): a time before the day in the key had begun anywhere on earth says nothing of the landing.
* the day in the key is a UTC day by convention, and the uploader's own date in practice. It ends at midnight UTC; what a
  zone behind UTC adds is within the tolerance.
"""

from datetime import UTC, date, datetime, time, timedelta

CLOCK_LEAD = timedelta(hours=15)
"""A phone set to its wall time in a wrong zone leads by up to 14 hours, and an honest one by minutes; a date that an
uploader writes by its own clock ends up to 12 hours after the UTC day. More than this is a clock error. It is less than
a day, so that a clock that runs two days ahead never passes, whenever it exports."""

FIRST_ZONE = timedelta(hours=14)
LAST_ZONE = timedelta(hours=12)
"""How long before UTC a date begins, and how long after UTC it ends, somewhere on earth."""


def latest_fetch(landed_at: datetime, landing_day: date) -> datetime:
    """Return the time after which no export can have been fetched whose object landed so.

    Args:
        landed_at: time of the object in the store.
        landing_day: day in its key.
    """
    ends = _begins(landing_day) + timedelta(days=1)
    return (min(landed_at, ends) if _is_landing(landed_at, landing_day) else ends) + CLOCK_LEAD


def believed_fetch(fetched: datetime, landed_at: datetime, landing_day: date) -> datetime:
    """Return until when an export knows of its person: its fetch, but never later than its landing.

    A lead within the tolerance is no reason to refuse rows, and none to call a day over that is not.
    """
    ends = _begins(landing_day) + timedelta(days=1) + LAST_ZONE
    return min(fetched, landed_at, ends) if _is_landing(landed_at, landing_day) else min(fetched, ends)


def _is_landing(landed_at: datetime, landing_day: date) -> bool:
    return landed_at >= _begins(landing_day) - FIRST_ZONE


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
