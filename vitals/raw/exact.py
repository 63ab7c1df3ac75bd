"""Proof that decoded rows are what the bytes say, for whole columns at once.

Belongs here: the encoded length of every row, computed from its values, and the branch byte of every union.
Does not belong here: decoding, or what to do with a file that fails.

Why it is proof. For each value the length computed here is the shortest there is, so the reader consumed at
least that many bytes. If for every file the lengths of its rows add up to its payload, the reader consumed at
least all bytes; it had no more; so it consumed exactly these, every encoding was the shortest, and every
file's first row starts at its first byte. A file with trailing bytes, a shifted record or a neighbour that
ate into it cannot pass. Long numbers written with spare bytes and arrays written in several blocks do not
pass either, although they are legal: they take the slow path.

One thing lengths do not show: the reader takes any branch index but 0 for the value. So the index bytes,
whose positions follow from the lengths, are compared too.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

_Ints = NDArray[np.int64]
_Lengths = int | _Ints
"""Encoded lengths of a column: one number where all values have the same, which is the usual case."""

_SINGLE_BYTE_INDICES: Final = 64
_FIXED_WIDTH: Final = {"double": 8, "enum": 1}


@dataclass(frozen=True)
class _Branches:
    """Branch bytes of one union.

    Attributes:
        rows: row of each, or None for one in every row.
        offsets: position from the start of its row.
        expected: the byte that must be there.
    """

    rows: _Ints | None
    offsets: _Lengths
    expected: int | NDArray[np.uint8]

    def inside(self, rows: _Ints | None, offsets: _Lengths) -> "_Branches":
        """The same branches seen from an enclosing value, whose parts lie at `offsets` of its `rows`."""
        if self.rows is None:
            return _Branches(rows, self.offsets + offsets, self.expected)
        own = offsets if isinstance(offsets, int) else offsets[self.rows]
        return _Branches(self.rows if rows is None else rows[self.rows], self.offsets + own, self.expected)


@dataclass(frozen=True)
class _Measured:
    """Encoded lengths of a column, and the unions inside."""

    lengths: _Lengths
    branches: list[_Branches]


def is_exact(frame: pl.DataFrame, *, schema: dict[str, Any], content: memoryview, records: _Ints, sizes: _Ints) -> bool:
    """Whether a frame is exactly the content of payloads that were decoded together.

    Args:
        frame: rows as the reader gives them (nested), all payloads one after the other.
        schema: our schema they were decoded with.
        content: the payloads, one after the other.
        records: number of rows of each payload, at least 1.
        sizes: bytes of each payload.

    Returns:
        True if every payload's rows take exactly its bytes; False tells nothing about which one is guilty.
    """
    measured = _measure_record(schema["fields"], frame)
    lengths = _spread(measured.lengths, frame.height)
    ends = np.cumsum(lengths)
    if not np.array_equal(ends[np.cumsum(records) - 1], np.cumsum(sizes)):
        return False
    starts = ends - lengths
    octets = np.frombuffer(content, dtype=np.uint8)
    for branch in measured.branches:
        position = (starts if branch.rows is None else starts[branch.rows]) + branch.offsets
        if not (octets[position] == branch.expected).all():
            return False
    return True


def _measure(schema: Any, values: pl.Series) -> _Measured:
    """Measure a column of non-null values of a schema."""
    if isinstance(schema, list):
        return _measure_nullable(schema[1], values)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "record":
        return _measure_record(schema["fields"], values.struct.unnest())
    if kind == "array":
        return _measure_array(schema["items"], values)
    if kind == "string":
        sizes = values.str.len_bytes().cast(pl.Int64)
        return _Measured(_varint_lengths(sizes) + _uniform(sizes), [])
    if kind == "long":
        return _Measured(_varint_lengths(values), [])
    if kind == "enum":
        # The reader checked that the symbol exists.
        assert len(schema["symbols"]) <= _SINGLE_BYTE_INDICES
    return _Measured(_FIXED_WIDTH[kind], [])


def _measure_record(fields: list[dict[str, Any]], columns: pl.DataFrame) -> _Measured:
    total: _Lengths = 0
    branches: list[_Branches] = []
    for field in fields:
        inner = _measure(field["type"], columns[field["name"]])
        branches += [branch.inside(None, total) for branch in inner.branches]
        total = total + inner.lengths
    return _Measured(total, branches)


def _measure_nullable(schema: Any, values: pl.Series) -> _Measured:
    """Measure a union of null and a type: one byte, then the value if there is one."""
    nulls = values.null_count()
    if nulls == len(values):
        return _Measured(1, [_Branches(None, 0, 0)])
    if nulls == 0:
        inner = _measure(schema, values)
        own = _Branches(None, 0, 2)
        return _Measured(inner.lengths + 1, [own, *(branch.inside(None, 1) for branch in inner.branches)])
    present = values.is_not_null().to_numpy()
    rows = np.flatnonzero(present)
    inner = _measure(schema, values.drop_nulls())
    lengths = np.ones(len(values), dtype=np.int64)
    lengths[rows] += inner.lengths
    own = _Branches(None, 0, present.astype(np.uint8) * np.uint8(2))
    return _Measured(lengths, [own, *(branch.inside(rows, 1) for branch in inner.branches)])


def _measure_array(items: Any, values: pl.Series) -> _Measured:
    """Measure arrays in their usual form: the count, the items, and 0; an empty one is the 0 alone."""
    sizes = values.list.len().cast(pl.Int64)
    counts = sizes.to_numpy()
    inner = _measure(items, values.explode(empty_as_null=False))
    head = np.where(counts > 0, _varint_lengths(sizes), 0)
    if isinstance(inner.lengths, int) and not inner.branches:
        return _Measured(head + counts * inner.lengths + 1, [])
    ends = np.concatenate([[0], np.cumsum(_spread(inner.lengths, int(counts.sum())))])
    last = np.cumsum(counts)
    first = last - counts
    row_of_item = np.repeat(np.arange(len(values)), counts)
    item_offsets = head[row_of_item] + ends[:-1] - ends[first][row_of_item]
    return _Measured(
        head + (ends[last] - ends[first]) + 1, [branch.inside(row_of_item, item_offsets) for branch in inner.branches]
    )


def _uniform(values: pl.Series) -> _Lengths:
    """The values, as one number if they are all the same."""
    lowest, highest = values.min(), values.max()
    return int(lowest) if isinstance(lowest, int) and lowest == highest else values.to_numpy()


def _varint_lengths(values: pl.Series) -> _Lengths:
    """Bytes of the zigzag varint of each number."""
    lowest, highest = values.min(), values.max()
    if not isinstance(lowest, int) or not isinstance(highest, int):
        return 0
    if lowest >= 0 and _varint_length(lowest) == _varint_length(highest):
        return _varint_length(lowest)
    numbers = values.to_numpy()
    zigzag = ((numbers << 1) ^ (numbers >> 63)).view(np.uint64)
    lengths = np.ones(len(zigzag), dtype=np.int64)
    for size in range(1, max(_varint_length(lowest), _varint_length(highest))):
        lengths += zigzag >= np.uint64(1 << (7 * size))
    return lengths


def _varint_length(value: int) -> int:
    zigzag = (value << 1) ^ (value >> 63)
    return max(1, -(-zigzag.bit_length() // 7))


def _spread(lengths: _Lengths, count: int) -> _Ints:
    return np.full(count, lengths, dtype=np.int64) if isinstance(lengths, int) else lengths
