"""Frames of records and days for tests of clinical modules, from short rows.

A row names what the test is about; everything else is filled in. Wall dates follow from the row's offset.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from vitals.clinical.context import DAYS_SCHEMA, LOCAL_COLUMNS, PRIORITIES_SCHEMA, PROFILES_SCHEMA
from vitals.record_types import UTC_MS, RecordType
from vitals.validated.decoded_values import JUDGED_COLUMNS

WRIST, RING, PHONE_APP = "com.wrist", "com.ring", "com.phone"
PERSON = "person-a"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def records(kind: RecordType, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Validated records with local columns.

    A row needs `start` and the value columns; `end` (default: start), `app`, `subject`, `offset` (seconds, default
    0), `end_offset`, `modified` (default: two days after the end), `device`, `maker`, `model`, `key`, `quality`, `id`
    may be given.
    """
    filled = []
    for number, row in enumerate(rows):
        start = row["start"]
        end = row.get("end", start)
        offset = row.get("offset", 0)
        end_offset = row.get("end_offset", offset)
        modified = row.get("modified", end + timedelta(days=2))
        filled.append(
            {
                "subject_id": row.get("subject", PERSON),
                "record_id": row.get("id", f"record-{number}"),
                "source_app": row.get("app", WRIST),
                "device_type": row.get("device", "UNKNOWN"),
                "device_manufacturer": row.get("maker"),
                "device_model": row.get("model"),
                "start_utc": start,
                "end_utc": end,
                "start_offset_seconds": offset,
                "end_offset_seconds": end_offset,
                "modified_utc": modified,
                "client_record_version": 0,
                "fetched_utc": row.get("fetched", modified),
                "source_key_sha256": row.get("key", "key"),
                "file_quality": row.get("quality", 1.0),
                "utc_date": start.date(),
                **{name: row.get(name) if name in JUDGED_COLUMNS else row[name] for name in kind.value_columns},
                "offset_seconds": offset,
                "end_offset_in_force_seconds": end_offset,
                "local_date": (start + timedelta(seconds=offset)).date(),
                "end_local_date": (end + timedelta(seconds=end_offset)).date(),
            }
        )
    return pl.DataFrame(filled, schema={**kind.columns, **LOCAL_COLUMNS}, orient="row")


def day(
    on: date,
    start: datetime | None = None,
    end: datetime | None = None,
    *,
    subject: str = PERSON,
    zone: str = "+00:00",
    minutes: float | None = None,
    known_until: datetime | None = None,
) -> dict[str, Any]:
    """One row of days; without bounds a UTC day, known long after it."""
    start = start or datetime(on.year, on.month, on.day, tzinfo=UTC)
    end = end or start + timedelta(days=1)
    return {
        "subject_id": subject,
        "local_date": on,
        "day_start_utc": start,
        "day_end_utc": end,
        "day_minutes": (end - start) / timedelta(minutes=1) if minutes is None else minutes,
        "known_until_utc": known_until or end + timedelta(days=3),
        "zone": zone,
    }


def days(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=DAYS_SCHEMA, orient="row")


def profiles(**by_subject: Mapping[str, Any]) -> pl.DataFrame:
    rows = [{"subject_id": s.replace("_", "-"), **p} for s, p in by_subject.items()]
    return pl.DataFrame(rows, schema=PROFILES_SCHEMA, orient="row")


def priorities(*apps: str, subject: str = PERSON) -> pl.DataFrame:
    return pl.DataFrame(
        [{"subject_id": subject, "source_app": app, "rank": rank} for rank, app in enumerate(apps, 1)],
        schema=PRIORITIES_SCHEMA,
    )


SESSIONS_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "record_id": pl.String(),
        "source_app": pl.String(),
        "start_utc": UTC_MS,
        "end_utc": UTC_MS,
        "end_local_date": pl.Date(),
        "onset_utc": UTC_MS,
        "final_wake_utc": UTC_MS,
        "tst_minutes": pl.Float64(),
        "is_main": pl.Boolean(),
        "staged": pl.Boolean(),
    }
)


def session(
    start: datetime,
    end: datetime,
    on: date,
    *,
    onset: datetime | None = None,
    wake: datetime | None = None,
    main: bool = True,
    subject: str = PERSON,
) -> dict[str, Any]:
    return {
        "subject_id": subject,
        "record_id": f"session-{start.isoformat()}",
        "source_app": WRIST,
        "start_utc": start,
        "end_utc": end,
        "end_local_date": on,
        "onset_utc": onset or start,
        "final_wake_utc": wake or end,
        "tst_minutes": (end - start) / timedelta(minutes=1),
        "is_main": main,
        "staged": True,
    }


def sessions(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SESSIONS_SCHEMA, orient="row")
