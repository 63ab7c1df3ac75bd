"""Rows of one kind to Avro record bytes.

Belongs here: the order of fields in the writer schemas, and the constants that apps write.
Does not belong here: the container (`container_writer`) and the encoding of single fields (`avro_fields`).

A record is encoded once and delivered many times; only the fetch time differs. So a row becomes two pieces of
bytes, what comes before the fetch time and what comes after it.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from vitals.record_types import BY_KIND
from vitals.synthetic import avro_fields as avro
from vitals.synthetic.arrays import I64
from vitals.synthetic.people import APPS, G7, OURA, SAMSUNG, STELO
from vitals.synthetic.rows import Items, Rows

# BloodGlucoseRecord: INTERSTITIAL_FLUID, UNKNOWN, UNKNOWN.
_CGM_ENUMS = b"\x00\x00\x00"
_NULL = b"\x00"


@dataclass(frozen=True)
class EncodedRows:
    """Bytes of each row, before and after the fetch time. `tails` is None where nothing follows it."""

    heads: list[bytes]
    tails: list[bytes] | None

    def payloads(self, rows: I64, fetch_ms: int) -> list[bytes]:
        """Encoded records at some indexes, as fetched at an instant."""
        fetch = avro.long_bytes(fetch_ms)
        heads = self.heads
        if self.tails is None:
            return [heads[i] + fetch for i in rows.tolist()]
        tails = self.tails
        return [heads[i] + fetch + tails[i] for i in rows.tolist()]


def encode_rows(kind: str, rows: Rows, items: Items) -> EncodedRows:
    """Encode all rows of one kind."""
    metadata = _metadata(rows)
    start = avro.long(rows.start_ms)
    start_zone = avro.optional_string(rows.start_zone)
    interval = (start, avro.long(rows.end_ms), start_zone, avro.optional_string(rows.end_zone))
    match kind:
        case "blood_glucose":
            enums = avro.constant(_CGM_ENUMS, len(rows))
            return _split(None, *metadata, start, start_zone, avro.double(rows.value), enums)
        case "heart_rate":
            samples = avro.rows_of(avro.long(items.start_ms), avro.long(items.value))
            return _split(_arrays(rows, *samples), *metadata, *interval)
        case "sleep":
            stages = avro.rows_of(avro.long(items.start_ms), avro.long(items.end_ms), avro.long(items.value))
            title = avro.chosen([_title(app) for app in APPS] + [_title(SAMSUNG)], rows.app)
            notes = avro.optional_string(rows.notes)
            duration = (avro.constant(b"\x02", len(rows)), avro.long(rows.end_ms - rows.start_ms))
            return _split(_arrays(rows, *stages), *metadata, title, notes, *interval, *duration)
    record_type = BY_KIND[kind]
    if list(record_type.writer_fields) != list(record_type.value_columns) or len(record_type.value_columns) > 1:
        raise ValueError(f"no encoder for kind {kind}: it holds more than one plain value")
    is_whole = record_type.value_columns[next(iter(record_type.writer_fields))] == pl.Int64
    value = avro.long(rows.value.astype(np.int64)) if is_whole else avro.double(rows.value)
    return _split(None, *metadata, *((start, start_zone) if record_type.instant else interval), value)


def _metadata(rows: Rows) -> tuple[avro.Field, ...]:
    return (
        avro.string(rows.record_id),
        avro.chosen([avro.string_bytes(app) for app in APPS] + [avro.string_bytes("")], rows.app),
        avro.long(rows.modified_ms),
        avro.optional_string(rows.client_id),
        avro.long(rows.version),
        # A row that lacks its app still has somebody's device.
        avro.chosen([_device(app) for app in APPS] + [_device(SAMSUNG)], rows.app),
    )


def _device(app: str) -> bytes:
    manufacturer, model, device_type = {
        STELO: ("Dexcom Inc", STELO, "UNKNOWN"),
        G7: ("Dexcom Inc", G7, "UNKNOWN"),
        SAMSUNG: (None, None, "UNKNOWN"),
        OURA: (None, None, "RING"),
    }[app]
    return b"\x02" + b"".join(avro.optional_string_bytes(part) for part in (manufacturer, model, device_type))


def _title(app: str) -> bytes:
    return avro.optional_string_bytes("Oura" if app == OURA else None)


def _arrays(rows: Rows, data: bytes, offsets: I64) -> list[bytes]:
    """Avro array of each row: one block of items, then the empty block."""
    begin = offsets[rows.item_start].tolist()
    end = offsets[rows.item_start + rows.item_count].tolist()
    return [
        avro.long_bytes(count) + data[a:b] + _NULL if count else _NULL
        for count, a, b in zip(rows.item_count.tolist(), begin, end, strict=True)
    ]


def _split(tails: list[bytes] | None, *fields: avro.Field) -> EncodedRows:
    data, offsets = avro.rows_of(*fields)
    edges = offsets.tolist()
    return EncodedRows([data[a:b] for a, b in pairwise(edges)], tails)
