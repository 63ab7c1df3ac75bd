"""Column types on their way into and out of Delta tables.

Belongs here: what Delta Lake cannot hold and what it becomes, and whether a frame fits a stored table.
Does not belong here: commits, files.

Delta Lake has microseconds only, no unsigned integers and no categories. deltalake casts silently on writing,
1.5 to 1 in an integer column included, so a frame has to fit before it is handed over.
"""

import polars as pl
from polars.datatypes import DataTypeClass

_SIGNED: dict[pl.DataType, pl.DataType] = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.UInt64(): pl.Int64(),
}
_PLAIN = (
    pl.Boolean,
    pl.Int8,
    pl.Int16,
    pl.Int32,
    pl.Int64,
    pl.Float32,
    pl.Float64,
    pl.String,
    pl.Binary,
    pl.Date,
)

READ_CASTS = pl.ScanCastOptions(
    integer_cast=["upcast", "allow-float"],
    float_cast=["upcast", "downcast"],
    datetime_cast=["downcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
)
"""Casts that the Parquet reader may do: those between what is asked for and what an older table holds."""


class UnstorableTypeError(ValueError):
    """A type that Delta Lake has no place for."""


def storage_type(dtype: pl.DataType) -> pl.DataType:
    """Type under which a column is stored; every value of the given type fits into it (UInt64 up to 2**63 - 1).

    Raises:
        UnstorableTypeError: there is none.
    """
    if isinstance(dtype, _PLAIN):
        return dtype
    if dtype in _SIGNED:
        return _SIGNED[dtype]
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if isinstance(dtype, pl.List):
        return pl.List(storage_type(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: storage_type(_instance(field.dtype)) for field in dtype.fields})
    raise UnstorableTypeError(str(dtype))


def reading_type(wanted: pl.DataType, stored: pl.DataType) -> pl.DataType:
    """Type to ask the Parquet reader for: it can cast inside lists and structs, where expressions cannot."""
    if isinstance(wanted, (pl.List, pl.Struct)):
        return readable_type(wanted)
    return stored


def readable_type(dtype: pl.DataType) -> pl.DataType:
    """The type itself where the reader can produce it, else its storage type; milliseconds stay."""
    if isinstance(dtype, pl.Datetime):
        return dtype
    if isinstance(dtype, pl.List):
        return pl.List(readable_type(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: readable_type(_instance(field.dtype)) for field in dtype.fields})
    return storage_type(dtype)


def millisecond_type(dtype: pl.DataType) -> pl.DataType:
    """The type with its times in milliseconds, as this project has them everywhere."""
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("ms", dtype.time_zone)
    if isinstance(dtype, pl.List):
        return pl.List(millisecond_type(_instance(dtype.inner)))
    if isinstance(dtype, pl.Struct):
        return pl.Struct({field.name: millisecond_type(_instance(field.dtype)) for field in dtype.fields})
    return dtype


def fits(new: pl.DataType, stored: pl.DataType) -> bool:
    """Whether a column of storage type `new` may be written into one of type `stored` without changing a value.

    Structs may gain or lack fields.
    """
    if isinstance(new, pl.List) and isinstance(stored, pl.List):
        return fits(_instance(new.inner), _instance(stored.inner))
    if isinstance(new, pl.Struct) and isinstance(stored, pl.Struct):
        old = {field.name: _instance(field.dtype) for field in stored.fields}
        return all(fits(_instance(field.dtype), old[field.name]) for field in new.fields if field.name in old)
    return new == stored


def _instance(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    """An inner type may be given as its class."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()
