"""Stable 64-bit hashes of what a record says and of which record it is, computed on columns.

Belongs here: the hash that tells a repeated delivery from a new revision, and the one by which a record is found again.
Both are stored, so they must not change with a library version or a process: Polars' and Python's own hashes do.
Does not belong here: cryptography. Sixty-four bits tell two revisions of one record apart, nothing more.

Mixing function: splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
"""

import hashlib
from itertools import takewhile

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.validated.runs import common_runs, runs

Bits = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_NULL = np.uint64(0xA5A5A5A5A5A5A5A5)
_PERSON = np.uint64(0xFFFF_0000_0000_0000)
_BLOCK_ROWS = 16_384
"""Mixed at a time: as many as stay in the processor's cache."""


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
        return _text_bits(firsts)[run]
    if column.dtype == pl.Boolean:
        return _without_nulls(column.cast(pl.UInt64))
    if column.dtype.is_float():
        numbers = column.cast(pl.Float64)
        # By NumPy: Polars' `reinterpret` truncates floats, and its sum keeps the sign of -0.0, which is 0.0 here.
        bits = (numbers.fill_null(0.0).to_numpy() + 0.0).view(np.uint64)
        return np.where(numbers.is_null().to_numpy(), _NULL, bits) if numbers.null_count() else bits
    return _without_nulls(column.to_physical().cast(pl.Int64).reinterpret(signed=False))


def _text_bits(texts: pl.Series) -> Bits:
    table = {text: _text_hash(text) for text in texts.unique().drop_nulls()}
    return _without_nulls(texts.replace_strict(table, default=None, return_dtype=pl.UInt64))


def _without_nulls(bits: pl.Series) -> Bits:
    if not bits.null_count():
        return bits.to_numpy().astype(np.uint64, copy=False)
    return np.where(bits.is_null().to_numpy(), _NULL, bits.fill_null(0).to_numpy().astype(np.uint64, copy=False))


def _fold(parts: list[Bits], state: Bits) -> Bits:
    """Mix parts into a state, in place."""
    for begin in range(0, len(state), _BLOCK_ROWS):
        block = state[begin : begin + _BLOCK_ROWS]
        for part in parts:
            block *= np.uint64(31)
            block += part[begin : begin + _BLOCK_ROWS]
            block += _GAMMA
            _mix(block)
    return state


def _zeros(rows: int) -> Bits:
    return np.zeros(rows, dtype=np.uint64)


def content_hash(frame: pl.DataFrame, columns: list[str]) -> pl.Series:
    """Hash each row over the given columns, in the given order.

    Args:
        frame: scalar columns, or lists of structs of scalars.
        columns: what counts as content.

    Returns:
        Int64 series named `content_hash` (Delta Lake has no unsigned integers).
    """
    found = [frame.get_column(name) for name in columns]
    texts = list(takewhile(lambda column: column.dtype == pl.String, found))
    with np.errstate(over="ignore"):
        state = _hash_of_texts(texts) if texts else _zeros(frame.height)
        rest = found[len(texts) :]
        state = _fold([_list_hash(c) if isinstance(c.dtype, pl.List) else _bits(c) for c in rest], state)
    return pl.Series("content_hash", state.view(np.int64), dtype=pl.Int64)


def _hash_of_texts(columns: list[pl.Series]) -> Bits:
    """State after the first columns. Their texts hardly change from row to row, so each run of rows is mixed once."""
    run, firsts = common_runs(columns)
    return _fold([_text_bits(texts) for texts in firsts], _zeros(len(firsts[0])))[run]


def _list_hash(column: pl.Series) -> Bits:
    """Order-sensitive hash of each list of structs."""
    lengths = column.list.len().fill_null(0).to_numpy().astype(np.int64)
    items = column.drop_nulls().explode(empty_as_null=False).struct.unnest()
    starts = np.concatenate([[0], np.cumsum(lengths)])
    position = np.arange(items.height, dtype=np.int64) - np.repeat(starts[:-1], lengths)
    hashes = _fold([position.astype(np.uint64), *(_bits(items[c]) for c in items.columns)], _zeros(items.height))
    running = np.concatenate([np.zeros(1, dtype=np.uint64), np.cumsum(hashes, dtype=np.uint64)])
    # Differences of a wrapping running sum are the wrapping sums of the parts.
    return _mix(running[starts[1:]] - running[starts[:-1]] + lengths.astype(np.uint64))


def identity_hash(records: pl.DataFrame) -> pl.Series:
    """Hash the identity of each record.

    Args:
        records: `subject_id` and `record_id`, texts without nulls. The same id of two people has two hashes.

    Returns:
        Int64 series named `identity_hash`. Its highest 16 bits are the person's: sorted by it, the records of one
        person stand together, so that a file's parts without them need not be read.
    """
    run, firsts = runs(records.get_column("subject_id"))
    people = _text_bits(firsts)[run]
    with np.errstate(over="ignore"):
        state = _fold([_hash_of_distinct_texts(records.get_column("record_id"))], people.copy())
    bits = (people & _PERSON) | (state & ~_PERSON)
    return pl.Series("identity_hash", bits.view(np.int64), dtype=pl.Int64)


def _hash_of_distinct_texts(texts: pl.Series) -> Bits:
    """Hash texts of which hardly any occurs twice, without looking at one after the other."""
    if texts.is_empty():
        return _zeros(0)
    sizes = texts.str.len_bytes().to_numpy().astype(np.int64)
    # Filled up to whole words of eight bytes, by one byte at least, so that an empty text is a word, too.
    filled = pl.DataFrame({"text": texts, "missing": 8 - sizes % 8}).select(
        pl.concat_str("text", pl.lit("\0" * 8).str.head(pl.col("missing"))).cast(pl.Binary)
    )
    words = np.frombuffer(b"".join(filled.to_series().to_list()), dtype="<u8")
    lengths = sizes // 8 + 1
    starts = np.cumsum(lengths) - lengths
    position = np.arange(len(words), dtype=np.int64) - np.repeat(starts, lengths)
    hashes = _fold([words, position.astype(np.uint64)], _zeros(len(words)))
    return _mix(np.add.reduceat(hashes, starts) + sizes.astype(np.uint64))
