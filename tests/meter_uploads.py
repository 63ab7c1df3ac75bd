"""Uploads of a blood-glucose meter that leaves context out: what partial records are made of."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from tests.vitals.raw.making import upload
from vitals.raw.keys import build_key

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


def meter_upload(readings: Sequence[dict], user: str = "anna", fetched_ms: int = FETCHED_MS) -> tuple[str, bytes]:
    """Key and bytes of one file."""
    data = upload("blood_glucose", readings)
    key = build_key(
        type_name="BloodGlucoseRecord",
        landing_day=DAY,
        user=user,
        fetched_ms=fetched_ms,
        content_hash=hashlib.sha256(data).hexdigest()[:12],
    )
    return key, data
