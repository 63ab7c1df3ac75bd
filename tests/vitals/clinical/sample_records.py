"""Real uploads, where the folder with them exists beside the repository: read with fastavro, last revision only.

Tests that use them are additional: `needs_samples` skips them elsewhere.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import fastavro
import pytest

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the folder with real uploads is not here")


def moment(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


@cache
def sample_rows(avro_name: str) -> list[dict[str, Any]]:
    """Rows for `record_frames.records`, without the value columns, which are left as in the file."""
    latest: dict[str, dict[str, Any]] = {}
    for path in sorted(SAMPLES.glob(f"{avro_name}_*.avro")):
        with path.open("rb") as stream:
            for record in fastavro.reader(stream):
                known = latest.get(record["metadata"]["id"])
                if known is None or _revision(record) >= _revision(known):
                    latest[record["metadata"]["id"]] = record
    return [_row(record) for record in latest.values()]


def _revision(record: dict[str, Any]) -> tuple[int, int, int]:
    meta = record["metadata"]
    return (
        meta["lastModifiedTimeEpochMillis"],
        meta["clientRecordVersion"],
        record["appRecordFetchTimeEpochMillis"],
    )


def _row(record: dict[str, Any]) -> dict[str, Any]:
    meta = record["metadata"]
    zone = record["startZoneOffsetId"]
    hours, minutes = (0, 0) if zone in ("Z", None) else (int(zone[:3]), int(zone[0] + zone[4:]))
    return {
        **record,
        "id": meta["id"],
        "app": meta["dataOriginPackageName"],
        "device": meta["device"]["type"],
        "start": moment(record["startTimeEpochMillis"]),
        "end": moment(record["endTimeEpochMillis"]),
        "offset": hours * 3600 + minutes * 60,
        "modified": moment(meta["lastModifiedTimeEpochMillis"]),
        "fetched": moment(record["appRecordFetchTimeEpochMillis"]),
    }
