"""Fields that a record may leave open and a person may fill in.

Belongs here: which fields of which kind, the values each may have, when a row lacks one, and filling it in.
Does not belong here: which fields a tenant demands and what was said of which record (the catalog).

Provenance: a field that the record itself gives always counts (avro). What a person said fills a gap only (manual).
An offset that follows from other records of the person is found when clinical reads (inferred), and is not written
into the record.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import polars as pl

from vitals.errors import ImplausibleValueError, UsageError
from vitals.record_types import RECORD_TYPES, RecordType
from vitals.training.rounding import write_rounded
from vitals.validated.decoded_values import DECODED_NAMES
from vitals.validated.zone_offsets import is_missing, offset_seconds

ZONE = "start_offset_seconds"
"""The zone of a record, written as an offset: `-05:00`. Both ends get it."""

REPLACED = "\N{REPLACEMENT CHARACTER}"
UNKNOWN = "UNKNOWN"
"""What writers put where they know nothing."""

CHOICES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "specimen_source": ("CAPILLARY_BLOOD", "INTERSTITIAL_FLUID", "PLASMA", "SERUM", "TEARS", "WHOLE_BLOOD"),
        "relation_to_meal": ("AFTER_MEAL", "BEFORE_MEAL", "FASTING", "GENERAL"),
    }
)
"""Field to the values it may have."""

FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType({"blood_glucose": tuple(CHOICES)})
"""Kind to the fields that a tenant may demand of it, beside the zone."""

NUMBERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {each.kind: tuple(each.plausible) for each in RECORD_TYPES if each.plausible and not each.sampled}
)
"""Kind to its value, which a record may lack too: it waits for it like for context."""

SOURCE_CHOICE = "source_choice"
"""Which of a person's sources or devices counts first: said of a person and kind, not of a record."""

ABOUT_PERSON = ""
"""Record id of what is said of a person; no record has it."""

ANY_DEVICE = "ANY"
"""Value of a source choice that is about an app, whichever device it reads."""

ALIASES: Mapping[str, str] = MappingProxyType({"zone": ZONE})
"""What people may write for a field."""

Provenance = Literal["avro", "inferred", "manual", "missing"]

EASTERNMOST_SECONDS, WESTERNMOST_SECONDS = 14 * 3600, -12 * 3600
"""Offsets that are in use on Earth; Java allows more."""


@dataclass(frozen=True)
class Filling:
    """What was said of one field of one record."""

    subject_id: str
    record_id: str
    field: str
    value: str


def fields_of(record_type: RecordType) -> tuple[str, ...]:
    """Fields of a kind that a person may fill in."""
    return (ZONE, *FIELDS.get(record_type.kind, ()), *NUMBERS.get(record_type.kind, ()))


def checked_field(record_type: RecordType, name: str) -> str:
    """A field by its name or alias.

    Raises:
        UsageError: the kind has no such field to fill in.
    """
    found = ALIASES.get(name, name)
    if found not in fields_of(record_type):
        known = ", ".join(fields_of(record_type))
        raise UsageError("complete a record", record_type.kind, "it has no such field", f"Fields: {known}.")
    return found


def checked_value(field: str, value: str) -> str:
    """A value as it is stored.

    Raises:
        ImplausibleValueError: it is none that the field may have.
    """
    given = value.strip()
    if field == ZONE:
        given = "+00:00" if given in {"Z", "z"} else given
        seconds = pl.Series([given]).to_frame("zone").select(offset_seconds(pl.col("zone"))).item()
        if seconds is None or not WESTERNMOST_SECONDS <= seconds <= EASTERNMOST_SECONDS:
            raise ImplausibleValueError(
                "complete a record", field, "it is no offset that is in use", "Write one such as -05:00 or +05:30."
            )
        return given
    if field not in CHOICES:
        return _checked_number(field, given)
    if given.upper() not in CHOICES[field]:
        raise ImplausibleValueError(
            "complete a record", field, "it is none of its values", f"Values: {', '.join(CHOICES[field])}."
        )
    return given.upper()


def _checked_number(field: str, given: str) -> str:
    """A number as it is stored, if it is in the plausible range of its field."""
    (record_type,) = (each for each in RECORD_TYPES if field in NUMBERS.get(each.kind, ()))
    low, high = record_type.plausible[field]
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not low <= value <= high:
        unit = record_type.units[field]
        raise ImplausibleValueError(
            "complete a record",
            field,
            "it is no number in its plausible range",
            f"Write one from {low:g} to {high:g} {unit}; the record's own unit is {unit}.",
        )
    return write_rounded(value).replace(",", "") if record_type.value_columns[field].is_integer() else f"{value:.12g}"


def filled(good: pl.DataFrame, subjects: pl.DataFrame, fillings: Sequence[Filling]) -> pl.DataFrame:
    """Decoded rows with the gaps filled of which something was said.

    Args:
        good: decoded rows of one kind.
        subjects: `file_index`, `subject_id` of the files.
        fillings: at most one per record and field.

    Returns:
        The rows, in their order.
    """
    frame = good.with_columns(__id=stored_id(pl.col("record_id")))
    for field in sorted({one.field for one in fillings}):
        said = pl.DataFrame(
            [(one.subject_id, one.record_id, one.value) for one in fillings if one.field == field],
            schema={"subject_id": pl.String, "record_id": pl.String, "__said": pl.String},
            orient="row",
        ).join(subjects.select("file_index", "subject_id"), on="subject_id")
        column = DECODED_NAMES.get(field, field)
        columns = ("start_zone", "end_zone") if field == ZONE else (column,)
        said_value = pl.col("__said").cast(frame.schema[columns[0]])
        frame = (
            frame.join(
                said.select("file_index", "record_id", "__said"),
                left_on=["file_index", "__id"],
                right_on=["file_index", "record_id"],
                how="left",
                maintain_order="left",
            )
            .with_columns(
                pl.when(_is_open(pl.col(name), frame.schema[name]))
                .then(pl.coalesce(said_value, name))
                .otherwise(pl.col(name))
                .alias(name)
                for name in columns
            )
            .drop("__said")
        )
    return frame.drop("__id")


def given_fields(row: Mapping[str, Any], record_type: RecordType) -> list[str]:
    """Fields that a person may fill in and a validated row already has, in the order of `fields_of`."""
    return [name for name in fields_of(record_type) if row[name] not in (None, "", UNKNOWN)]


def stored_id(record_id: pl.Expr) -> pl.Expr:
    """A record's id as the catalog keeps it: a NUL, which not every database takes, is replaced."""
    return record_id.str.replace_all("\x00", REPLACED, literal=True)


def delivered_ids(stored: str) -> set[str]:
    """Ids that a record may have been delivered with, of one as the catalog keeps it."""
    return {stored, stored.replace(REPLACED, "\x00")}


def lacking(
    rows: pl.DataFrame, demanded: Iterable[str], *, unplaced: pl.Expr, values: Iterable[str] = ()
) -> pl.DataFrame:
    """Which fields each validated row lacks.

    Args:
        rows: validated columns of one kind.
        demanded: fields beside the zone that the tenant demands.
        unplaced: whether nothing is known that gives a row without an offset a place on the calendar.
        values: values that every row must have.

    Returns:
        The rows with `missing`, a sorted list of fields.
    """
    zone = pl.when(pl.col("start_offset_seconds").is_null() & unplaced).then(pl.lit(ZONE))
    names = sorted({*demanded, *values})
    fields = [pl.when(_is_open(pl.col(name), rows.schema[name])).then(pl.lit(name)) for name in names]
    return rows.with_columns(missing=pl.concat_list(*fields, zone).list.drop_nulls())


def _is_open(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype.is_numeric():
        return column.is_null()
    return is_missing(column) | (column == UNKNOWN)
