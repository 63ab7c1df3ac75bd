"""Made-up people with glucose sensors, as records and context of the clinical modules.

Belongs here: simulated courses of glucose with what real uploads show (jitter, gaps, clock changes, journeys).
Nothing here stems from a real person.
"""

import itertools
import math
import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import polars as pl

from tests.vitals.clinical.glucose_oracle import MINUTE, Period, Reading
from vitals.clinical.context import DAYS_SCHEMA, LOCAL_COLUMNS, PRIORITIES_SCHEMA, PROFILES_SCHEMA, DayContext
from vitals.record_types import BLOOD_GLUCOSE

STELO = "com.dexcom.stelo"
SENSOR = "com.example.cgm"
DAY_MS = 1440 * MINUTE


@dataclass(frozen=True)
class Person:
    """Offsets are (from, seconds), the first from the beginning of time."""

    name: str
    readings: list[Reading]
    offsets: tuple[tuple[int, int], ...] = ((0, -5 * 3600),)
    diabetes: str | None = None
    ranks: dict[str, int] = field(default_factory=dict)
    phones: frozenset[str] = frozenset()


def ms(text: str) -> int:
    """Instant of an ISO text without zone, as UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def offset_at(offsets: tuple[tuple[int, int], ...], utc_ms: int) -> int:
    return [seconds for begin, seconds in offsets if begin <= utc_ms or begin == offsets[0][0]][-1]


def course(
    seed: int,
    begin: str,
    days: float,
    *,
    offsets: tuple[tuple[int, int], ...] = ((0, -5 * 3600),),
    app: str = SENSOR,
    center: float = 120,
    swing: float = 60,
    missing: float = 0.03,
    gaps: tuple[tuple[float, float], ...] = (),
    bounds: tuple[int, int] = (40, 400),
) -> list[Reading]:
    """Readings every 294 to 306 s from a UTC time on: meals, noise, lost readings and gaps (hours from begin)."""
    rng = random.Random(seed)
    start = ms(begin)
    readings = []
    drift = 0.0
    utc_ms = start + rng.randrange(5 * MINUTE)
    while utc_ms < start + days * DAY_MS:
        hours = (utc_ms - start) / (60 * MINUTE)
        drift = 0.95 * drift + rng.gauss(0, 5)
        level = center + drift + swing * math.sin(hours * 1.1 + seed) * math.sin(hours * 0.37)
        lost = rng.random() < missing or any(a <= hours < b for a, b in gaps)
        if not lost and bounds[0] <= round(level) <= bounds[1]:
            readings.append(Reading(utc_ms, round(level), offset_at(offsets, utc_ms), app))
        utc_ms += rng.randrange(294_000, 306_001)
    return readings


def regular(
    begin: str, levels: list[int | None], *, offset_hours: float = 0, app: str = SENSOR, step_s: int = 300
) -> list[Reading]:
    """One reading every 5 minutes exactly from a UTC time on; None is a reading that is missing."""
    offset = int(offset_hours * 3600)
    return [
        Reading(ms(begin) + i * step_s * 1000, level, offset, app)
        for i, level in enumerate(levels)
        if level is not None
    ]


def records(people: list[Person], seed: int = 0) -> pl.DataFrame:
    """Records of everybody in no particular order."""
    rows = [
        {
            "subject_id": person.name,
            "record_id": f"{person.name}-{i:06d}",
            "source_app": r.app,
            "device_type": "PHONE" if r.app in person.phones else "UNKNOWN",
            "start_utc": r.utc_ms,
            "end_utc": r.utc_ms,
            "device_model": r.model,
            "specimen_source": r.specimen,
            "modified_utc": r.utc_ms + 180 * MINUTE if r.modified_ms is None else r.modified_ms,
            "source_key_sha256": f"key-{i % 3}",
            "file_quality": 0.9 + 0.1 * (i % 2),
            "level_mg_dl": r.level,
            "offset_seconds": r.offset_seconds,
            "end_offset_in_force_seconds": r.offset_seconds,
            "local_date": r.local_date,
            "end_local_date": r.local_date,
        }
        for person in people
        for i, r in enumerate(person.readings)
    ]
    random.Random(seed).shuffle(rows)
    schema = {**BLOOD_GLUCOSE.columns, **LOCAL_COLUMNS}
    return pl.DataFrame(rows, schema=schema)


def day_of(person: Person, day: date) -> Period | None:
    """Bounds of a local day, from the pieces of time in which one offset held; None if the person skipped it."""
    midnight = (day - date(1970, 1, 1)).days * DAY_MS
    begins = [-math.inf, *(begin for begin, _ in person.offsets[1:])]
    ends = [*begins[1:], math.inf]
    pieces = []
    for begin, end, (_, seconds) in zip(begins, ends, person.offsets, strict=True):
        a = max(begin, midnight - seconds * 1000)
        b = min(end, midnight + DAY_MS - seconds * 1000)
        if b > a:
            pieces.append((int(a), int(b)))
    if not pieces:
        return None
    return Period(pieces[0][0], pieces[-1][1], sum(b - a for a, b in pieces) / MINUTE)


def dates(first: str, last: str) -> list[date]:
    a, b = date.fromisoformat(first), date.fromisoformat(last)
    return [a + timedelta(days=i) for i in range((b - a).days + 1)]


def context(people: list[Person], days: list[date], known_until: str = "2030-01-01") -> DayContext:
    """Context with all the days of everybody."""
    rows = []
    for person, day in itertools.product(people, days):
        period = day_of(person, day)
        if period is not None:
            rows.append(
                {
                    "subject_id": person.name,
                    "local_date": day,
                    "day_start_utc": period.begin_ms,
                    "day_end_utc": period.end_ms,
                    "day_minutes": period.minutes,
                    "known_until_utc": ms(known_until),
                    "zone": "-05:00",
                }
            )
    profiles = [{"subject_id": p.name, "diabetes": p.diabetes} for p in people if p.diabetes]
    priorities = [
        {"subject_id": p.name, "source_app": app, "rank": rank} for p in people for app, rank in p.ranks.items()
    ]
    return DayContext(
        days=pl.DataFrame(rows, schema=DAYS_SCHEMA),
        profiles=pl.DataFrame(profiles, schema=PROFILES_SCHEMA),
        priorities=pl.DataFrame(priorities, schema=PRIORITIES_SCHEMA),
    )
