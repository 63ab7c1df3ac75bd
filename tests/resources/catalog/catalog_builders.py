"""Made-up rows for the tests of the catalog."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

from resources.catalog.catalog import Catalog
from resources.catalog.rows.days import StaleMark, ZoneObservation
from resources.catalog.rows.uploads import NewUpload, PartialRow, QuarantineRow, UploadOutcome

NOW = datetime(2025, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
DAY = date(2025, 3, 3)
TENANT = "default"


def upload(name: str, **changes: Any) -> NewUpload:
    key = f"raw/StepsRecord/2025/03/03/{name}.avro"
    values: dict[str, Any] = {
        "upload_id": name,
        "tenant": TENANT,
        "key": key,
        "key_sha256": hashlib.sha256(key.encode()).hexdigest(),
        "etag": "e1",
        "size_bytes": 1000,
        "type_name": "StepsRecord",
        "kind": "steps",
        "subject_id": "s1",
        "landing_day": DAY,
        "landed_at": NOW,
    }
    return NewUpload(**{**values, **changes})


def processed(name: str, **counts: int) -> UploadOutcome:
    rows = {f"rows_{fate}": n for fate, n in counts.items()}
    return UploadOutcome(upload_id=name, state="processed", rows_total=sum(counts.values()), score=0.9, **rows)


def quarantined(name: str, row_index: int | None, **changes: Any) -> QuarantineRow:
    values: dict[str, Any] = {
        "upload_id": name,
        "tenant": TENANT,
        "kind": "steps",
        "row_index": row_index,
        "record_id": None if row_index is None else f"r{row_index}",
        "subject_id": "s1",
        "rule_id": "range",
        "rule_version": 1,
        "reason": "out_of_range:count",
    }
    return QuarantineRow(**{**values, **changes})


def partial(name: str, row_index: int, **changes: Any) -> PartialRow:
    values: dict[str, Any] = {
        "upload_id": name,
        "tenant": TENANT,
        "kind": "steps",
        "subject_id": "s1",
        "record_id": f"r{row_index}",
        "row_index": row_index,
        "missing": ["start_offset_seconds"],
        "payload": {"count": 12},
    }
    return PartialRow(**{**values, **changes})


def zone(**changes: Any) -> ZoneObservation:
    values: dict[str, Any] = {
        "tenant": TENANT,
        "subject_id": "s1",
        "source_app": "app",
        "utc_date": DAY,
        "offset_seconds": -18000,
        "first_utc_ms": 1000,
        "last_utc_ms": 2000,
    }
    return ZoneObservation(**{**values, **changes})


def stale(**changes: Any) -> StaleMark:
    values: dict[str, Any] = {
        "tenant": TENANT,
        "stage": "clinical",
        "kind": "steps",
        "local_date": DAY,
        "reason": "records",
    }
    return StaleMark(**{**values, **changes})


def claimed(catalog: Catalog, *names: str, run_id: str = "run") -> dict[str, int]:
    """Register and claim uploads."""
    catalog.uploads.register([upload(name) for name in names])
    return catalog.uploads.claim(names, run_id=run_id, now=NOW)
