"""Files made for the tests: sound records of each kind, containers put together by hand in every codec.

fastavro writes the records; the container around them is ours, because fastavro has no zstandard here and no
way to write a wrong one.
"""

import bz2
import io
import json
import lzma
import random
import zlib
from pathlib import Path

import cramjam
import fastavro
import zstandard

from vitals.raw.schemas import reader_schema
from vitals.raw.varint import write_long
from vitals.record_types import BY_KIND

SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples"
SYNC = bytes(range(16))
CODECS = ("null", "deflate", "snappy", "zstandard", "bzip2", "xz")
APPS = ("com.example.ring", "com.example.phone")
ZONES = ("Z", "-05:00", "+05:30", None)
STAGES = ("UNKNOWN", "AWAKE", "SLEEPING", "OUT_OF_BED", "LIGHT", "DEEP", "REM")
START_MS = 1_700_000_000_000


def prefixed(value):
    return write_long(len(value)) + value


def compress(plain, codec):
    if codec == "deflate":
        return zlib.compress(plain)[2:-4]
    if codec == "bzip2":
        return bz2.compress(plain)
    if codec == "xz":
        return lzma.compress(plain)
    if codec == "snappy":
        return bytes(cramjam.snappy.compress_raw(plain)) + zlib.crc32(plain).to_bytes(4, "big")
    if codec == "zstandard":
        return zstandard.ZstdCompressor().compress(plain)
    return plain


def header(schema_json, codec="null", extra=()):
    entries = [(b"avro.schema", schema_json), (b"avro.codec", codec.encode()), *extra]
    return (
        b"Obj\x01" + write_long(len(entries)) + b"".join(prefixed(k) + prefixed(v) for k, v in entries) + b"\0" + SYNC
    )


def block(records, stored, sync=SYNC):
    return write_long(records) + prefixed(stored) + sync


def text_of(schema):
    return json.dumps(schema).encode()


def encode(records, schema):
    """Each record's bytes."""
    parsed = fastavro.parse_schema(json.loads(json.dumps(schema)))
    parts = []
    for record in records:
        sink = io.BytesIO()
        fastavro.schemaless_writer(sink, parsed, record)
        parts.append(sink.getvalue())
    return parts


def container(parts, schema, codec="null", per_block=None):
    """A container of encoded records."""
    per_block = per_block or max(len(parts), 1)
    blocks = [parts[i : i + per_block] for i in range(0, len(parts), per_block)]
    return header(text_of(schema), codec) + b"".join(block(len(b), compress(b"".join(b), codec)) for b in blocks)


def upload(kind, records, codec="null", per_block=None):
    """A file of a kind as an uploader writes it."""
    schema = reader_schema(kind).tree
    return container(encode(records, schema), schema, codec, per_block)


def make_records(kind, count, seed=0):
    """Sound records of a kind; every optional value is sometimes absent."""
    rng = random.Random(f"{kind}{seed}")
    return [_record(kind, rng, START_MS + i * 300_000) for i in range(count)]


def _maybe(rng, value):
    return value if rng.random() < 0.7 else None


def _device(rng):
    names = ("Example Inc", "Ring 3", "RING")
    return _maybe(
        rng, {field: _maybe(rng, v) for field, v in zip(("manufacturer", "model", "type"), names, strict=True)}
    )


def _record(kind, rng, start):
    end = start + rng.choice((0, 59_999, 3_600_000))
    record = {
        "metadata": {
            "id": f"{rng.getrandbits(128):032x}",
            "dataOriginPackageName": rng.choice(APPS),
            "lastModifiedTimeEpochMillis": end + rng.randrange(10**7),
            "clientRecordId": _maybe(rng, "cl-é-" + "x" * rng.randrange(90)),
            "clientRecordVersion": rng.choice((0, 1, 63, 64, 1_758_405_839_304, -1)),
            "device": _device(rng),
        },
        "appRecordFetchTimeEpochMillis": START_MS + 86_400_000,
    }
    if BY_KIND[kind].instant:
        record |= {"timeEpochMillis": start, "zoneOffsetId": rng.choice(ZONES)}
    else:
        record |= {"startTimeEpochMillis": start, "endTimeEpochMillis": end}
        record |= {"startZoneOffsetId": rng.choice(ZONES), "endZoneOffsetId": rng.choice(ZONES)}
    if kind == "blood_glucose":
        record |= {"levelInMilligramsPerDeciliter": rng.uniform(40, 400), "specimenSource": "INTERSTITIAL_FLUID"}
        record |= {
            "mealType": rng.choice(("UNKNOWN", "LUNCH", "SNACK")),
            "relationToMeal": rng.choice(("UNKNOWN", "FASTING")),
        }
    elif kind == "hrv_rmssd":
        record["heartRateVariabilityRmssd"] = rng.uniform(5, 150)
    elif kind == "steps":
        record["count"] = rng.randrange(20_000)
    elif kind == "active_calories":
        record["energyInKilocalories"] = rng.uniform(0, 900)
    elif kind == "heart_rate":
        size = rng.choice((0, 1, 1, 5, 70))
        record["samples"] = [
            {"timeEpochMillis": start + i * 60_000, "beatsPerMinute": rng.randrange(40, 180)} for i in range(size)
        ]
    elif kind == "sleep":
        record |= {
            "title": _maybe(rng, "Night"),
            "notes": _maybe(rng, "slept at a friend's"),
            "durationMillis": _maybe(rng, end - start),
        }
        record["stages"] = [
            {
                "startTimeEpochMillis": start + i * 1000,
                "endTimeEpochMillis": start + i * 1000 + 999,
                "stage": rng.choice(STAGES),
            }
            for i in range(rng.choice((0, 3, 80)))
        ]
    else:
        raise KeyError(f"no made-up values of {kind}")
    return record


def expected_rows(kind, records):
    """The decoded rows of records, as a slow and plain second opinion."""
    return [_expected(kind, record) for record in records]


def _expected(kind, record):
    metadata = record["metadata"]
    device = metadata["device"] or {}
    row = {
        "record_id": metadata["id"],
        "source_app": metadata["dataOriginPackageName"],
        "device_type": device.get("type"),
        "device_manufacturer": device.get("manufacturer"),
        "device_model": device.get("model"),
        "start_ms": record.get("timeEpochMillis", record.get("startTimeEpochMillis")),
        "end_ms": record.get("timeEpochMillis", record.get("endTimeEpochMillis")),
        "start_zone": record.get("zoneOffsetId", record.get("startZoneOffsetId")),
        "end_zone": record.get("zoneOffsetId", record.get("endZoneOffsetId")),
        "modified_ms": metadata["lastModifiedTimeEpochMillis"],
        "client_record_version": metadata["clientRecordVersion"],
        "fetched_ms": record["appRecordFetchTimeEpochMillis"],
    }
    if kind == "blood_glucose":
        row |= {"level_raw": record["levelInMilligramsPerDeciliter"], "specimen_source": record["specimenSource"]}
        row |= {"meal_type": record["mealType"], "relation_to_meal": record["relationToMeal"]}
    elif kind == "hrv_rmssd":
        row["rmssd_ms"] = record["heartRateVariabilityRmssd"]
    elif kind == "steps":
        row["count"] = record["count"]
    elif kind == "active_calories":
        row["energy_kcal"] = record["energyInKilocalories"]
    elif kind == "heart_rate":
        row["samples"] = [{"time_ms": s["timeEpochMillis"], "bpm": s["beatsPerMinute"]} for s in record["samples"]]
    elif kind == "sleep":
        row["stages"] = [
            {"start_ms": s["startTimeEpochMillis"], "end_ms": s["endTimeEpochMillis"], "stage": s["stage"]}
            for s in record["stages"]
        ]
    else:
        raise KeyError(f"no made-up values of {kind}")
    return row
