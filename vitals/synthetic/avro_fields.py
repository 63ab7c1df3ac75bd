"""Avro encoding of whole columns: one padded byte matrix per field, joined row by row.

Belongs here: the Avro binary forms that the writer schemas use (long, double, string, optional string, enum,
constant), each as a pair of a padded uint8 matrix and the number of bytes used in each row.
Does not belong here: which field a schema has (`record_encoder`), and the container around them.

Why not fastavro: it writes about 100,000 small records a second, from dicts that would first have to be made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vitals.synthetic.arrays import F64, I64, U8, Bools, Bytes


@dataclass(frozen=True)
class Field:
    """Encoded values of one field: `cells[i, :lengths[i]]` are the bytes of row i."""

    cells: U8
    lengths: I64


def long(values: I64) -> Field:
    """Zigzag variable-length integers."""
    rest = ((values << 1) ^ (values >> 63)).astype(np.uint64)
    width = max(1, -(-int(rest.max()).bit_length() // 7)) if len(rest) else 1
    cells = np.zeros((len(rest), width), dtype=np.uint8)
    lengths = np.ones(len(rest), dtype=np.int64)
    for i in range(width):
        low = (rest & np.uint64(0x7F)).astype(np.uint8)
        rest = rest >> np.uint64(7)
        more = rest != 0
        cells[:, i] = low | (more.astype(np.uint8) << 7)
        lengths += more
    return Field(cells, lengths)


def double(values: F64) -> Field:
    """IEEE 754, little endian."""
    cells = np.ascontiguousarray(values, dtype="<f8").view(np.uint8).reshape(len(values), 8)
    return Field(cells, np.full(len(values), 8, dtype=np.int64))


def string(values: Bytes) -> Field:
    """Length and UTF-8 bytes. The values have numpy's fixed-width byte type, padded with zero bytes."""
    width = max(values.dtype.itemsize, 1)
    cells = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), width)
    lengths = np.strings.str_len(values).astype(np.int64)
    return beside(long(lengths), Field(cells, lengths))


def optional_string(values: Bytes) -> Field:
    """Union of null and string; an empty value is null."""
    given: Bools = np.strings.str_len(values) > 0
    text = string(values)
    return beside(long(given.astype(np.int64)), Field(text.cells, np.where(given, text.lengths, 0)))


def constant(data: bytes, rows: int) -> Field:
    """The same bytes in every row."""
    cells = np.broadcast_to(np.frombuffer(data, dtype=np.uint8), (rows, len(data)))
    return Field(cells, np.full(rows, len(data), dtype=np.int64))


def chosen(options: Sequence[bytes], index: I64) -> Field:
    """One of a few byte strings in each row."""
    width = max(len(option) for option in options)
    table = np.zeros((len(options), width), dtype=np.uint8)
    for i, option in enumerate(options):
        table[i, : len(option)] = np.frombuffer(option, dtype=np.uint8)
    lengths = np.array([len(option) for option in options], dtype=np.int64)
    return Field(table[index], lengths[index])


def beside(*fields: Field) -> Field:
    """Fields one after the other, as one field whose rows have no holes."""
    flat, lengths = _pack(fields)
    width = int(lengths.max()) if len(lengths) else 0
    cells = np.zeros((len(lengths), width), dtype=np.uint8)
    cells[np.arange(width) < lengths[:, None]] = flat
    return Field(cells, lengths)


def rows_of(*fields: Field) -> tuple[bytes, I64]:
    """All rows as one run of bytes, and the offsets at which rows start (one more than there are rows)."""
    flat, lengths = _pack(fields)
    return flat.tobytes(), np.concatenate([[0], np.cumsum(lengths)])


def _pack(fields: Sequence[Field]) -> tuple[U8, I64]:
    cells = np.concatenate([f.cells for f in fields], axis=1)
    used = np.concatenate([np.arange(f.cells.shape[1]) < f.lengths[:, None] for f in fields], axis=1)
    # Boolean selection walks row by row, which is exactly the order of the bytes in the file.
    return cells[used], np.sum([f.lengths for f in fields], axis=0, dtype=np.int64)


def long_bytes(value: int) -> bytes:
    """One zigzag variable-length integer."""
    rest = (value << 1) ^ (value >> 63)
    out = bytearray()
    while rest > 0x7F:
        out.append((rest & 0x7F) | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def string_bytes(text: str) -> bytes:
    """One length-prefixed UTF-8 string."""
    data = text.encode()
    return long_bytes(len(data)) + data


def optional_string_bytes(text: str | None) -> bytes:
    """One union of null and string."""
    return b"\x00" if text is None else b"\x02" + string_bytes(text)
