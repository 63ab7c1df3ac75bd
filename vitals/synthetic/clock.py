"""A person's true wall clock: which offset was in force when.

Belongs here: timelines of offsets made from stays in zones, and conversion between instants and wall time.
Does not belong here: what records say about their zone (that may be false), or inferring a zone from records.

All instants are epoch milliseconds UTC; wall times are milliseconds of the naive wall clock since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from vitals.synthetic.arrays import I64

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Stay:
    """From when on a person is in a zone; the first stay also holds for everything before it."""

    from_ms: int
    zone: str


@dataclass(frozen=True)
class Timeline:
    """Offsets in force.

    Attributes:
        from_ms: instants of change, ascending; the first also holds for everything before it.
        offsets_s: seconds to add to UTC from then on.
    """

    from_ms: I64
    offsets_s: I64

    def offset_at(self, instants: I64) -> I64:
        """Offset in seconds in force at each instant."""
        found = np.searchsorted(self.from_ms, instants, side="right") - 1
        return self.offsets_s[np.maximum(found, 0)]

    def wall(self, instants: I64) -> I64:
        """Wall time of each instant."""
        return instants + self.offset_at(instants) * 1000

    def instant(self, wall: I64) -> I64:
        """The first instant with the given wall time; for a wall time that does not exist, one close to it."""
        # Starting from what was in force some hours before finds the earlier of two instants.
        found = wall - self.offset_at(wall - 15 * HOUR_MS) * 1000
        for _ in range(2):
            found = wall - self.offset_at(found) * 1000
        return found

    def local_hour(self, instants: I64) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Hour of the local day as a fraction, 0 to 24."""
        return np.asarray((self.wall(instants) % DAY_MS) / HOUR_MS)

    def local_date(self, instants: I64) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
        """Wall date of each instant."""
        return (self.wall(instants) // DAY_MS).astype("datetime64[D]")

    def zone_ids(self, instants: I64) -> np.ndarray[tuple[int], np.dtype[np.bytes_]]:
        """Java's ZoneOffset id at each instant, such as `-05:00`; `Z` for UTC."""
        distinct, which = np.unique(self.offset_at(instants), return_inverse=True)
        return np.array([zone_id(int(o)) for o in distinct] or [""], dtype="S9")[which.reshape(-1)]

    @property
    def changes_ms(self) -> I64:
        """Instants at which the offset changes."""
        return self.from_ms[1:]


def zone_id(offset_s: int) -> str:
    """Java's id of an offset."""
    if offset_s == 0:
        return "Z"
    hours, seconds = divmod(abs(offset_s), 3600)
    return f"{'-' if offset_s < 0 else '+'}{hours:02d}:{seconds // 60:02d}"


def build_timeline(stays: Sequence[Stay], *, until_ms: int, clock_changes: bool, reference: date) -> Timeline:
    """Timeline of a person's stays.

    Args:
        stays: ascending; the first starts at or before all data.
        until_ms: end of all data.
        clock_changes: whether zones change their clocks; without, the offset at `reference` holds throughout.
        reference: a day whose noon decides.
    """
    points: list[tuple[int, int]] = []
    for i, stay in enumerate(stays):
        zone = ZoneInfo(stay.zone)
        end = stays[i + 1].from_ms if i + 1 < len(stays) else until_ms
        if not clock_changes:
            points.append((stay.from_ms, _offset_s(zone, _midday_ms(reference))))
            continue
        points.append((stay.from_ms, _offset_s(zone, stay.from_ms)))
        # The zones offered change their clocks on full UTC hours.
        hours = range(-(-stay.from_ms // HOUR_MS) * HOUR_MS, end, HOUR_MS)
        points.extend((at, _offset_s(zone, at)) for at in hours)
    kept = [p for i, p in enumerate(points) if i == 0 or p[1] != points[i - 1][1]]
    return Timeline(np.array([p[0] for p in kept], dtype=np.int64), np.array([p[1] for p in kept], dtype=np.int64))


def next_clock_change(zone: str, after: date) -> date | None:
    """First local date after a date on which a zone changes its clocks, within a year; None if it never does."""
    info = ZoneInfo(zone)
    before = _offset_s(info, _midday_ms(after))
    for ahead in range(1, 370):
        day = after + timedelta(days=ahead)
        if _offset_s(info, _midday_ms(day)) != before:
            return day
    return None


def wall_ms(day: date, hour: float = 0.0) -> int:
    """Wall time of a date and hour."""
    return (day - date(1970, 1, 1)).days * DAY_MS + round(hour * HOUR_MS)


def _midday_ms(day: date) -> int:
    return wall_ms(day, 12)


def _offset_s(zone: ZoneInfo, at_ms: int) -> int:
    offset = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
