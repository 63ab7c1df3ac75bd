"""A stable 64-bit hash of what a record says, computed on columns.

Belongs here: the hash that tells a repeated delivery from a new revision. It is stored, so it must not change
with a library version or a process: Polars' and Python's own hashes do.
Does not belong here: cryptography. Sixty-four bits tell two revisions of one record apart, nothing more.

Mixing function: splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

import hashlib

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.validated.runs import runs

Bits = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_NULL = np.uint64(0xA5A5A5A5A5A5A5A5)


def _mix(values: Bits) -> Bits:
    """Mix in place."""
    values ^= values >> np.uint64(30)
    values *= _MIX_1
    values ^= values >> np.uint64(27)
    values *= _MIX_2
    values ^= values >> np.uint64(31)
    return values


def _text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _bits(column: pl.Series) -> Bits:
    """Each value of a scalar column as 64 bits; equal values give equal bits."""
    if column.dtype == pl.String:
        # Few distinct texts (apps, zones, enum symbols) stand in many rows: hash each once.
        run, firsts = runs(column)
        table = {text: _text_hash(text) for text in firsts.unique().drop_nulls()}
        return _without_nulls(firsts.replace_strict(table, default=None, return_dtype=pl.UInt64))[run]
    if column.dtype == pl.Boolean:
        return _without_nulls(column.cast(pl.UInt64))
    if column.dtype.is_float():
        numbers = column.cast(pl.Float64)
        # By NumPy: Polars' `reinterpret` truncates floats, and its sum keeps the sign of -0.0, which is 0.0 here.
        bits = (numbers.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)
        return np.where(numbers.is_null().to_numpy(), _NULL, bits) if numbers.null_count() else bits
    return _without_nulls(column.to_physical().cast(pl.Int64).reinterpret(signed=False))


def _without_nulls(bits: pl.Series) -> Bits:
    if not bits.null_count():
        return bits.to_numpy().astype(np.uint64, copy=False)
    return np.where(bits.is_null().to_numpy(), _NULL, bits.fill_null(0).to_numpy().astype(np.uint64, copy=False))


def _fold(parts: list[Bits], rows: int) -> Bits:
    state = np.zeros(rows, dtype=np.uint64)
    for part in parts:
        state *= np.uint64(31)
        state += part
        state += _GAMMA
        _mix(state)
    return state


def content_hash(frame: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Hash each row over the given columns, in the given order.

    Args:
        frame: scalar columns, or lists of structs of scalars.
        columns: what counts as content.

    Returns:
        Int64 series named `content_hash` (Delta Lake has no unsigned integers).
    """
    parts: list[Bits] = []
    with np.errstate(over="ignore"):
        for name in columns:
            column = frame.get_column(name)
            parts.append(_list_hash(column) if isinstance(column.dtype, pl.List) else _bits(column))
        state = _fold(parts, frame.height)
    return pl.Series("content_hash", state.view(np.int64), dtype=pl.Int64)


def _list_hash(column: pl.Series) -> Bits:
    """Order-sensitive hash of each list of structs."""
    lengths = column.list.len().fill_null(0).to_numpy().astype(np.int64)
    items = column.drop_nulls().explode(empty_as_null=False).struct.unnest()
    starts = np.concatenate([[0], np.cumsum(lengths)])
    position = np.arange(items.height, dtype=np.int64) - np.repeat(starts[:-1], lengths)
    hashes = _fold([position.astype(np.uint64), *(_bits(items[c]) for c in items.columns)], items.height)
    running = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    # Differences of a wrapping running sum are the wrapping sums of the parts.
    return _mix(running[starts[1:]] - running[starts[:-1]] + lengths.astype(np.uint64))
