"""Uploads of which a part waits for a person: made for tests of completing.

Belongs here: glucose files with gaps a person can fill. Does not belong here: any expectation.
"""

import math
from datetime import UTC, date, datetime, timedelta

from tests.vitals.raw.making import upload
from vitals.raw.keys import build_key

DAY = date(2025, 9, 15)
LANDING_DAY = date(2025, 9, 18)
METER, SENSOR = "com.acme.meter", "com.acme.sensor"
ZONE = "-05:00"


def reading(name: str, at: datetime, *, app=SENSOR, level=112.0, zone=ZONE, specimen="INTERSTITIAL_FLUID"):
    """A glucose record at a wall clock time of ZONE."""
    instant = int((at + timedelta(hours=5)).replace(tzinfo=UTC).timestamp() * 1000)
    return {
        "metadata": {
            "id": name,
            "dataOriginPackageName": app,
            "lastModifiedTimeEpochMillis": instant + 1000,
            "clientRecordId": None,
            "clientRecordVersion": 0,
            "device": {"manufacturer": "Acme", "model": "G1", "type": "METER"},
        },
        "appRecordFetchTimeEpochMillis": _ms(LANDING_DAY),
        "timeEpochMillis": instant,
        "zoneOffsetId": zone,
        "levelInMilligramsPerDeciliter": level,
        "specimenSource": specimen,
        "mealType": "UNKNOWN",
        "relationToMeal": "UNKNOWN",
    }


def level_at(i: int) -> float:
    """A day with three rises, in mg/dL."""
    return round(112 + 26 * math.sin(i / 15.3) + 9 * math.sin(i / 5.1), 1)


def sensor_day(name: str, day: date = DAY, **gaps):
    """A day of readings every five minutes; `gaps` are what all of them lack."""
    midnight = datetime(day.year, day.month, day.day)
    return [reading(f"{name}-{i}", midnight + timedelta(minutes=5 * i), level=level_at(i), **gaps) for i in range(288)]


def finger_pricks(name: str, count: int, day: date = DAY):
    """Readings of a meter that does not write what it measured in."""
    noon = datetime(day.year, day.month, day.day, 12, 2)
    return [
        reading(f"{name}-{i}", noon + timedelta(minutes=20 * i), app=METER, level=121.0 + i, specimen="UNKNOWN")
        for i in range(count)
    ]


def file_of(records, *, user: str, number: int = 0) -> tuple[str, bytes]:
    """Key and bytes of an upload of glucose."""
    key = build_key(
        type_name="BloodGlucoseRecord",
        landing_day=LANDING_DAY,
        user=user,
        fetched_ms=_ms(LANDING_DAY) + number,
        content_hash="abcdef",
    )
    return key, upload("blood_glucose", records)


def _ms(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)
