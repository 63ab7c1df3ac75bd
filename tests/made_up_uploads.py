"""Uploads of single records whose id, times and values a test chooses, of any kind of three."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from tests.vitals.raw.making import upload
from vitals.raw.keys import build_key
from vitals.record_types import BY_KIND

APP = "com.acme.health"


def epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def made_record(
    kind: str,
    record_id: str,
    start: datetime,
    value: float,
    *,
    modified: datetime,
    fetched: datetime,
    zone: str | None = "-05:00",
    app: str = APP,
    minutes: int = 60,
    version: int = 0,
) -> dict:
    """One record: a glucose reading, steps, or heart rate with a sample every minute."""
    record = {
        "metadata": {
            "id": record_id,
            "dataOriginPackageName": app,
            "lastModifiedTimeEpochMillis": epoch_ms(modified),
            "clientRecordId": None,
            "clientRecordVersion": version,
            "device": None,
        },
        "appRecordFetchTimeEpochMillis": epoch_ms(fetched),
    }
    if kind == "blood_glucose":
        return record | {
            "timeEpochMillis": epoch_ms(start),
            "zoneOffsetId": zone,
            "levelInMilligramsPerDeciliter": value,
            "specimenSource": "INTERSTITIAL_FLUID",
            "mealType": "UNKNOWN",
            "relationToMeal": "UNKNOWN",
        }
    record |= {
        "startTimeEpochMillis": epoch_ms(start),
        "endTimeEpochMillis": epoch_ms(start + timedelta(minutes=minutes)),
        "startZoneOffsetId": zone,
        "endZoneOffsetId": zone,
    }
    if kind == "steps":
        return record | {"count": round(value)}
    samples = [
        {"timeEpochMillis": epoch_ms(start + timedelta(minutes=n)), "beatsPerMinute": round(value) + n % 5}
        for n in range(minutes)
    ]
    return record | {"samples": samples}


def made_upload(
    kind: str, records: Sequence[dict], *, user: str = "anna", landing_day: date | None = None
) -> tuple[str, bytes]:
    """Key and bytes of one file; it lands on the UTC day of its fetch unless told."""
    data = upload(kind, records)
    fetched_ms = records[0]["appRecordFetchTimeEpochMillis"]
    day = landing_day or datetime.fromtimestamp(fetched_ms / 1000, UTC).date()
    key = build_key(
        type_name=BY_KIND[kind].avro_name,
        landing_day=day,
        user=user,
        fetched_ms=fetched_ms,
        content_hash=hashlib.sha256(data).hexdigest()[:12],
    )
    return key, data
