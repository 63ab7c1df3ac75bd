"""Nested rows of the reader to the decoded frame, under our names.

Belongs here: the decoded columns of each kind and where in a record each comes from.
Does not belong here: any judgement of a value. Free text and writers' own ids (title, notes, clientRecordId)
end here: nothing after decoding can carry them on.

Decoded frame: `file_index`, `row_index`, the columns common to all kinds, then the kind's value columns. An
instant has `end_ms` equal to `start_ms`. Zones are raw ids such as ``Z`` or ``-05:00``.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.record_types import BY_KIND

INDEX_COLUMNS: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {"file_index": pl.UInt32(), "row_index": pl.UInt32()}
)
COMMON_COLUMNS: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "record_id": pl.String(),
        "source_app": pl.String(),
        "device_type": pl.String(),
        "device_manufacturer": pl.String(),
        "device_model": pl.String(),
        "start_ms": pl.Int64(),
        "end_ms": pl.Int64(),
        "start_zone": pl.String(),
        "end_zone": pl.String(),
        "modified_ms": pl.Int64(),
        "client_record_version": pl.Int64(),
        "fetched_ms": pl.Int64(),
    }
)


def _items(field: str, **parts: pl.Expr) -> pl.Expr:
    """A list of records under our names; an absent list is an empty one."""
    items = pl.col(field).list.eval(pl.struct(part.alias(name) for name, part in parts.items()))
    return items.fill_null([])


_METADATA = pl.col("metadata").struct
_DEVICE = _METADATA.field("device").struct
_ITEM = pl.element().struct

_COMMON: Final[Mapping[str, pl.Expr]] = MappingProxyType(
    {
        "record_id": _METADATA.field("id"),
        "source_app": _METADATA.field("dataOriginPackageName"),
        "device_type": _DEVICE.field("type"),
        "device_manufacturer": _DEVICE.field("manufacturer"),
        "device_model": _DEVICE.field("model"),
        "modified_ms": _METADATA.field("lastModifiedTimeEpochMillis"),
        "client_record_version": _METADATA.field("clientRecordVersion"),
        "fetched_ms": pl.col("appRecordFetchTimeEpochMillis"),
    }
)
_INSTANT: Final[Mapping[str, pl.Expr]] = MappingProxyType(
    {
        "start_ms": pl.col("timeEpochMillis"),
        "end_ms": pl.col("timeEpochMillis"),
        "start_zone": pl.col("zoneOffsetId"),
        "end_zone": pl.col("zoneOffsetId"),
    }
)
_INTERVAL: Final[Mapping[str, pl.Expr]] = MappingProxyType(
    {
        "start_ms": pl.col("startTimeEpochMillis"),
        "end_ms": pl.col("endTimeEpochMillis"),
        "start_zone": pl.col("startZoneOffsetId"),
        "end_zone": pl.col("endZoneOffsetId"),
    }
)
_VALUES: Final[Mapping[str, Mapping[str, tuple[pl.DataType, pl.Expr]]]] = MappingProxyType(
    {
        "blood_glucose": {
            "level_raw": (pl.Float64(), pl.col("levelInMilligramsPerDeciliter")),
            "specimen_source": (pl.String(), pl.col("specimenSource")),
            "meal_type": (pl.String(), pl.col("mealType")),
            "relation_to_meal": (pl.String(), pl.col("relationToMeal")),
        },
        "heart_rate": {
            "samples": (
                pl.List(pl.Struct({"time_ms": pl.Int64(), "bpm": pl.Int64()})),
                _items("samples", time_ms=_ITEM.field("timeEpochMillis"), bpm=_ITEM.field("beatsPerMinute")),
            ),
        },
        "sleep": {
            "stages": (
                pl.List(pl.Struct({"start_ms": pl.Int64(), "end_ms": pl.Int64(), "stage": pl.String()})),
                _items(
                    "stages",
                    start_ms=_ITEM.field("startTimeEpochMillis"),
                    end_ms=_ITEM.field("endTimeEpochMillis"),
                    stage=_ITEM.field("stage").cast(pl.String),
                ),
            ),
        },
    }
)
"""Values that are not just a writer's field under our name."""


def _values(kind: str) -> Mapping[str, tuple[pl.DataType, pl.Expr]]:
    """Decoded value columns of a kind: type, and where in a record they come from."""
    own = _VALUES.get(kind)
    if own is not None:
        return own
    record_type = BY_KIND[kind]
    return {name: (dtype, pl.col(record_type.writer_fields[name])) for name, dtype in record_type.value_columns.items()}


def decoded_schema(kind: str) -> pl.Schema:
    """Columns of the decoded frame of a kind, in order."""
    return pl.Schema({**INDEX_COLUMNS, **COMMON_COLUMNS, **{name: dtype for name, (dtype, _) in _values(kind).items()}})


def flatten(frame: pl.DataFrame, *, kind: str, files: Sequence[int], records: NDArray[np.int64]) -> pl.DataFrame:
    """Give rows of the reader the columns of the decoded frame.

    Args:
        frame: rows as the reader gives them, all files one after the other.
        kind: their kind.
        files: index of each file.
        records: number of rows of each file, at least 1.

    Returns:
        One row per row of `frame`, in order, with the columns of `decoded_schema`.
    """
    first = np.repeat(np.cumsum(records) - records, records)
    sources = {
        **_COMMON,
        **(_INSTANT if BY_KIND[kind].instant else _INTERVAL),
        **{name: expression for name, (_, expression) in _values(kind).items()},
    }
    schema = decoded_schema(kind)
    indices = {
        "file_index": pl.Series("file_index", np.repeat(np.asarray(files, dtype=np.uint32), records)),
        "row_index": pl.Series("row_index", (np.arange(len(first)) - first).astype(np.uint32)),
    }
    return frame.select(
        *indices.values(), *(sources[name].cast(schema[name]).alias(name) for name in schema if name not in indices)
    )
