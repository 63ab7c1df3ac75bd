"""How many times faster than fastavro we turn Avro bytes into columns.

Belongs here: one measurement of `vitals.raw.decode.decode` against fastavro's list of dicts, on the same bytes,
in one run, with files made up here.
Does not belong here: other stages, or an assertion; a time is never a test.

Both sides are counted in processor seconds over all threads, in turns, so that a busy machine or a second
thread inside Polars does not flatter either.

    PYTHONPATH=. python benchmarks/decode.py
"""

import io
import json
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import fastavro

from vitals.raw.container import Limits
from vitals.raw.decode import RawObject, decode
from vitals.raw.schemas import reader_schema
from vitals.record_types import RECORD_TYPES, RecordType

RECORDS_PER_FILE = 90
SMALL_FILES = 250
LARGE_RECORDS = 20_000
ROUNDS = 5
STAGES_PER_SESSION = 30
SAMPLES_PER_RECORD = (1, 1, 1, 1, 20)
"""Most heart-rate records are spot readings, some are hours of the night."""

START_MS = 1_700_000_000_000
_STAGES = ("AWAKE", "LIGHT", "DEEP", "REM")


def measure() -> dict[str, Any]:
    """Measure every kind, as many small files and as one large file.

    Returns:
        {"small_files" | "large_file": {kind: {"ours_records_per_second", "fastavro_records_per_second",
        "ratio"}}, "ratio": the median over all}. Rates are per processor second, medians over the rounds.
    """
    shapes = {"small_files": (SMALL_FILES, RECORDS_PER_FILE), "large_file": (1, LARGE_RECORDS)}
    results: dict[str, Any] = {
        shape: {t.kind: _compare(t, files=files, records=records) for t in RECORD_TYPES}
        for shape, (files, records) in shapes.items()
    }
    ratios = [result["ratio"] for kinds in results.values() for result in kinds.values()]
    return results | {"ratio": round(statistics.median(ratios), 2)}


def _compare(record_type: RecordType, *, files: int, records: int) -> dict[str, float]:
    # A few different files, each many times: making them all would take longer than the measurement.
    distinct = [_file(record_type.kind, records, seed=seed) for seed in range(min(files, 10))]
    data = [distinct[i % len(distinct)] for i in range(files)]
    objects = [RawObject(one) for one in data]

    def ours() -> None:
        decoded = decode(objects, kind=record_type.kind, limits=Limits())
        assert decoded.frame.height == files * records
        assert not decoded.isolated, "the benchmark is of the fast path"

    def fastavros() -> None:
        for one in data:
            list(fastavro.reader(io.BytesIO(one)))

    ours()
    pairs = [(_seconds(ours), _seconds(fastavros)) for _ in range(ROUNDS)]
    return {
        "ours_records_per_second": round(files * records / statistics.median(a for a, _ in pairs)),
        "fastavro_records_per_second": round(files * records / statistics.median(b for _, b in pairs)),
        "ratio": round(statistics.median(b / a for a, b in pairs), 2),
    }


def _seconds(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _file(kind: str, records: int, *, seed: int) -> bytes:
    """A file of made-up records, as the exporting app writes it."""
    rng = random.Random(f"{kind}{seed}")
    sink = io.BytesIO()
    rows = [_record(kind, rng, START_MS + i * 300_000) for i in range(records)]
    fastavro.writer(sink, json.loads(reader_schema(kind).text), rows, sync_interval=1 << 30)
    return sink.getvalue()


def _record(kind: str, rng: random.Random, start: int) -> dict[str, Any]:
    common = {
        "metadata": {
            "id": f"{rng.getrandbits(128):032x}",
            "dataOriginPackageName": "com.example.health",
            "lastModifiedTimeEpochMillis": start + rng.randrange(10**7),
            "clientRecordId": str(rng.getrandbits(60)),
            "clientRecordVersion": 0,
            "device": {"manufacturer": "Example Inc", "model": "com.example.health", "type": "UNKNOWN"},
        },
        "appRecordFetchTimeEpochMillis": START_MS,
    }
    at = {"timeEpochMillis": start, "zoneOffsetId": "-05:00"}
    during: dict[str, Any] = {"startTimeEpochMillis": start, "endTimeEpochMillis": start + 60_000}
    during |= {"startZoneOffsetId": "-05:00", "endZoneOffsetId": "-05:00"}
    values: dict[str, Callable[[], dict[str, Any]]] = {
        "blood_glucose": lambda: (
            at
            | {"levelInMilligramsPerDeciliter": float(rng.randrange(70, 250)), "specimenSource": "INTERSTITIAL_FLUID"}
            | {"mealType": "UNKNOWN", "relationToMeal": "UNKNOWN"}
        ),
        "hrv_rmssd": lambda: at | {"heartRateVariabilityRmssd": rng.uniform(10, 120)},
        "steps": lambda: during | {"count": rng.randrange(9_000)},
        "active_calories": lambda: during | {"energyInKilocalories": rng.uniform(0, 500)},
        "heart_rate": lambda: (
            during
            | {
                "samples": [
                    {"timeEpochMillis": start + i * 60_000, "beatsPerMinute": rng.randrange(45, 150)}
                    for i in range(rng.choice(SAMPLES_PER_RECORD))
                ]
            }
        ),
        "sleep": lambda: (
            during
            | {"title": None, "notes": None, "durationMillis": 60_000}
            | {
                "stages": [
                    {
                        "startTimeEpochMillis": start + i,
                        "endTimeEpochMillis": start + i + 1,
                        "stage": rng.choice(_STAGES),
                    }
                    for i in range(STAGES_PER_SESSION)
                ]
            }
        ),
    }
    return common | values[kind]()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
