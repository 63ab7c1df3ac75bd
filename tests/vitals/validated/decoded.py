"""Decoded rows of made-up numbers, one builder for all kinds."""

import polars as pl

from vitals.record_types import RecordType

FETCH = 1_758_400_000_000
"""2025-09-20 20:26:40 UTC."""

LISTS = {
    "samples": pl.List(pl.Struct({"time_ms": pl.Int64, "bpm": pl.Int64})),
    "stages": pl.List(pl.Struct({"start_ms": pl.Int64, "end_ms": pl.Int64, "stage": pl.String})),
}
"""An empty list would leave the type of its items open; a decoded frame always has it."""


def row(record_type: RecordType, index: int = 0, **changes) -> dict:
    start = FETCH - 3_600_000 * (2 + index)
    base = {
        "file_index": 0,
        "row_index": index,
        "record_id": f"r{index}",
        "source_app": "app.example",
        "device_type": "WATCH",
        "device_manufacturer": None,
        "device_model": None,
        "start_ms": start,
        "end_ms": start if record_type.instant else start + 3_600_000,
        "start_zone": "-05:00",
        "end_zone": "-05:00",
        "modified_ms": start + 3_700_000,
        "client_record_version": 0,
        "fetched_ms": FETCH,
    }
    values = {
        "blood_glucose": {
            "level_raw": 100.0,
            "specimen_source": "UNKNOWN",
            "meal_type": "UNKNOWN",
            "relation_to_meal": "UNKNOWN",
        },
        "heart_rate": {"samples": [{"time_ms": start, "bpm": 60}, {"time_ms": start + 60_000, "bpm": 61}]},
        "sleep": {"stages": [{"start_ms": start, "end_ms": start + 1_800_000, "stage": "LIGHT"}]},
        "steps": {"count": 100},
        "active_calories": {"energy_kcal": 10.0},
        "hrv_rmssd": {"rmssd_ms": 40.0},
    }[record_type.kind]
    return {**base, **values, **changes}


def frame(rows: list[dict]) -> pl.DataFrame:
    lists = {name: dtype for name, dtype in LISTS.items() if name in rows[0]}
    built = pl.DataFrame(rows, infer_schema_length=None, schema_overrides=lists)
    return built.with_columns(
        pl.col("file_index", "row_index").cast(pl.UInt32),
        pl.col("start_zone", "end_zone", "device_type", "device_manufacturer", "device_model").cast(pl.String),
    )
