"""Made-up sleep and HRV records: a small notation, and its translation to the frames the code reads.

Belongs here: test data builders for sleep and HRV. Does not belong here: expected values (the oracles).
Instants are whole seconds since the epoch.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import polars as pl

from vitals.clinical.context import DayContext
from vitals.clinical.local_day import TIMELINE_SCHEMA, local_days, with_local_time
from vitals.record_types import HRV_RMSSD, SLEEP

SAMSUNG = "com.sec.android.app.shealth"
OURA = "com.ouraring.oura"
HOUR = 3600

Stages = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, kw_only=True)
class Session:
    start: int
    end: int
    stages: Stages = ()
    app: str = OURA
    device: str | None = "RING"
    record_id: str = "r"
    subject: str = "p"
    modified: int | None = None
    key: str = "k"
    quality: float = 1.0

    @property
    def modified_at(self) -> int:
        return self.end + 600 if self.modified is None else self.modified


@dataclass(frozen=True, kw_only=True)
class Value:
    at: int
    rmssd: float
    app: str = OURA
    device: str | None = "RING"
    record_id: str = "v"
    subject: str = "p"
    modified: int | None = None
    key: str = "k"

    @property
    def modified_at(self) -> int:
        return self.at + 600 if self.modified is None else self.modified


def at(text: str) -> int:
    """Seconds of a UTC time such as "2025-03-02 23:00"."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def night(start: int, *parts: tuple[str | None, float], **fields: object) -> Session:
    """A session of consecutive parts (stage or None for no stage, minutes)."""
    stages, now = [], start
    for stage, minutes in parts:
        end = now + round(minutes * 60)
        if stage is not None:
            stages.append((now, end, stage))
        now = end
    return replace(Session(start=start, end=now, stages=tuple(stages)), **fields)


def numbered(items: list) -> list:
    return [replace(item, record_id=f"{item.record_id}{i}") for i, item in enumerate(items)]


def instant(seconds: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(seconds * 1000))


def timeline(zone: list[tuple[int, int]], subjects: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        [(s, instant(since), offset) for s in subjects for since, offset in zone], schema=TIMELINE_SCHEMA, orient="row"
    )


def _common(item: Session | Value, start: int, end: int) -> dict[str, object]:
    return {
        "subject_id": item.subject,
        "record_id": item.record_id,
        "source_app": item.app,
        "device_type": item.device,
        "start_utc": instant(start),
        "end_utc": instant(end),
        "modified_utc": instant(item.modified_at),
        "client_record_version": 0,
        "fetched_utc": instant(item.modified_at),
        "source_key_sha256": item.key,
        "file_quality": getattr(item, "quality", 1.0),
        "utc_date": instant(start).date(),
    }


def sleep_records(sessions: list[Session], zone: list[tuple[int, int]]) -> pl.DataFrame:
    rows = [
        {
            **_common(s, s.start, s.end),
            "stages": [{"start_utc": instant(a), "end_utc": instant(b), "stage": stage} for a, b, stage in s.stages],
            "duration_implausible": False,
        }
        for s in sessions
    ]
    frame = pl.DataFrame(rows, schema=SLEEP.columns)
    return with_local_time(frame, timeline(zone, sorted({s.subject for s in sessions})))


def hrv_records(values: list[Value], zone: list[tuple[int, int]]) -> pl.DataFrame:
    rows = [{**_common(v, v.at, v.at), "rmssd_ms": v.rmssd} for v in values]
    frame = pl.DataFrame(rows, schema=HRV_RMSSD.columns)
    return with_local_time(frame, timeline(zone, sorted({v.subject for v in values})))


def context(
    zone: list[tuple[int, int]],
    first: date,
    last: date,
    *,
    subjects: tuple[str, ...] = ("p",),
    ranks: dict[str, int] | None = None,
    sessions: pl.DataFrame | None = None,
    known_until: int = 4_000_000_000,
) -> DayContext:
    names = list(subjects)
    known = pl.DataFrame({"subject_id": names, "known_until_utc": [instant(known_until)] * len(names)})
    known = known.cast({"known_until_utc": pl.Datetime("ms", "UTC")})
    plain = DayContext(
        days=local_days(timeline(zone, names), first_date=first, last_date=last, known_until=known), sessions=sessions
    )
    rows = [(s, app, rank, None) for s in names for app, rank in (ranks or {}).items()]
    priorities = pl.DataFrame(rows, schema=plain.priorities.schema, orient="row")
    return DayContext(days=plain.days, priorities=priorities, sessions=sessions)
