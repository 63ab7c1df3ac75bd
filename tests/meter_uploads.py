"""Uploads of a blood-glucose meter that leaves context out, what partial records are made of; and of a wrist."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from tests.vitals.raw.making import upload
from vitals.raw.keys import build_key
from vitals.record_types import BY_KIND

DAY = date(2025, 9, 20)
METER = "com.acme.meter"
START = datetime(2025, 9, 20, 6, tzinfo=UTC)
FETCHED_MS = round((START + timedelta(hours=15)).timestamp() * 1000)


def reading(index: int, *, zone: str | None = "-05:00", specimen: str = "UNKNOWN", app: str = METER) -> dict:
    at = round((START + timedelta(minutes=30 * index)).timestamp() * 1000)
    return {
        "metadata": {
            "id": f"reading-{index}",
            "dataOriginPackageName": app,
            "lastModifiedTimeEpochMillis": at + 60_000,
            "clientRecordId": None,
            "clientRecordVersion": 0,
            "device": None,
        },
        "appRecordFetchTimeEpochMillis": FETCHED_MS,
        "timeEpochMillis": at,
        "zoneOffsetId": zone,
        "levelInMilligramsPerDeciliter": 90.0 + 7 * index,
        "specimenSource": specimen,
        "mealType": "UNKNOWN",
        "relationToMeal": "UNKNOWN",
    }


def hour_of_samples(index: int, bpm: Sequence[int]) -> dict:
    """A heart-rate record of an hour with a sample a minute."""
    at = round((START + timedelta(hours=index)).timestamp() * 1000)
    return {
        "metadata": reading(0)["metadata"] | {"id": f"hour-{index}", "lastModifiedTimeEpochMillis": at + 3_600_000},
        "appRecordFetchTimeEpochMillis": FETCHED_MS,
        "startTimeEpochMillis": at,
        "endTimeEpochMillis": at + 3_599_000,
        "startZoneOffsetId": "-05:00",
        "endZoneOffsetId": "-05:00",
        "samples": [{"timeEpochMillis": at + 60_000 * i, "beatsPerMinute": value} for i, value in enumerate(bpm)],
    }


def meter_upload(readings: Sequence[dict], user: str = "anna", fetched_ms: int = FETCHED_MS) -> tuple[str, bytes]:
    """Key and bytes of one file."""
    return upload_of("blood_glucose", readings, user=user, fetched_ms=fetched_ms)


def upload_of(
    kind: str, records: Sequence[dict], user: str = "anna", fetched_ms: int = FETCHED_MS
) -> tuple[str, bytes]:
    """Key and bytes of one file of a kind."""
    data = upload(kind, records)
    key = build_key(
        type_name=BY_KIND[kind].avro_name,
        landing_day=DAY,
        user=user,
        fetched_ms=fetched_ms,
        content_hash=hashlib.sha256(data).hexdigest()[:12],
    )
    return key, data
