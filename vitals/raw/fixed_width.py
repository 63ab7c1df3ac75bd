"""Files whose records all have one layout, read as tables of bytes.

Belongs here: which files are tables, the proof that they are, and their columns.
Does not belong here: the layout of one record (`layout`), files of any other form (`splice`, `exact`), or our names of
the columns (`flatten`).

The records of one source mostly differ in id, times and value alone: each takes the same number of bytes, and each field
stands at the same place in all of them. Then a column is a slice, and nothing has to be looked for record by record.

Why it is proof. The first record of a table is walked with the schema, and the walk marks every bit that it looked at
to find the next field: lengths of texts, branches of unions, and which byte of a number is its last. If these bits
are the same in all records of a file, and its bytes are as many times the first record's as it declares records, the
same walk goes from each record exactly to the next and ends at the last byte. Numbers must be written in their
shortest form, symbols must exist, and texts must be ASCII unless they are the same everywhere. A file of which any of
this does not hold is left to the reader behind `exact`; nothing is decided about it here.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vitals.raw.layout import VARYING, WORD_BYTES, Field, Layout, Octets, layout_of
from vitals.raw.schemas import OwnSchema

MIN_ROWS: Final = 250
"""Fewer are read sooner together with everything else."""
MAX_LAYOUTS: Final = 32
"""Most layouts of one length looked for in a batch."""
MAX_WIDTH: Final = 4_096
"""Longest record looked at; ours have some 200 bytes. It bounds what a layout takes."""
UNREAD: Final = frozenset({"clientRecordId"})
"""Proven like the others, but no column of ours comes of it."""
_BLOCK_BYTES: Final = 128 * 1024
"""Compared at a time: as much as stays in the processor's cache."""


class Payload(NamedTuple):
    """Encoded records of one file, and how many it declares (at least 1)."""

    octets: bytes | memoryview
    records: int


@dataclass(frozen=True)
class Table:
    """Files of one layout.

    Attributes:
        members: which of the payloads, ascending.
        frame: their rows, one payload after the other, nested as in the schema, without UNREAD; enums are String, and
            an absent record is one whose fields are all null.
    """

    members: list[int]
    frame: pl.DataFrame


def read_tables(payloads: Sequence[Payload], *, schema: OwnSchema) -> list[Table]:
    """Read the payloads that are tables.

    Args:
        payloads: encoded records of each file, of any content.
        schema: the schema they claim, one of ours.

    Returns:
        Tables of proven content, no payload in two of them. Of the other payloads nothing is said.
    """
    if any(isinstance(field["type"], dict) and field["type"]["type"] == "array" for field in schema.tree["fields"]):
        return []
    of_width: dict[int, list[int]] = defaultdict(list)
    for index, (octets, records) in enumerate(payloads):
        width, rest = divmod(len(octets), records)
        if 0 < width <= MAX_WIDTH and not rest:
            of_width[width].append(index)
    tables = []
    for width, members in of_width.items():
        if _rows(payloads, members) < MIN_ROWS:
            continue
        for layout, alike in _by_layout(payloads, members, width, schema):
            table = _table(payloads, alike, layout)
            if table is not None:
                tables.append(table)
    return tables


def _by_layout(
    payloads: Sequence[Payload], members: list[int], width: int, schema: OwnSchema
) -> list[tuple[Layout, list[int]]]:
    """Payloads of one width, grouped by the layout of their first record."""
    found: list[tuple[Layout, list[int]]] = []
    left = np.array(members)
    heads = np.frombuffer(b"".join(payloads[m].octets[:width] for m in members), np.uint8).reshape(-1, width)
    for _ in range(MAX_LAYOUTS):
        if _rows(payloads, left.tolist()) < MIN_ROWS:
            break
        layout = layout_of(heads[0], schema)
        if layout is None:
            left, heads = left[1:], heads[1:]
            continue
        alike = ~((heads ^ layout.first) & layout.mask).any(axis=1)
        found.append((layout, left[alike].tolist()))
        left, heads = left[~alike], heads[~alike]
    return found


def _rows(payloads: Sequence[Payload], members: list[int]) -> int:
    return sum(payloads[m].records for m in members)


def _table(payloads: Sequence[Payload], members: list[int], layout: Layout) -> Table | None:
    """The members all of whose records have the layout."""
    width = len(layout.first)
    while _rows(payloads, members) >= MIN_ROWS:
        # A number is read as a word, and the last one of the last record may end before its word does.
        content = b"".join([*(payloads[m].octets for m in members), bytes(WORD_BYTES)])
        rows = np.frombuffer(content, np.uint8, len(content) - WORD_BYTES).reshape(-1, width)
        odd = _odd_rows(rows, layout)
        if not len(odd):
            columns = _Columns(content, rows)
            frame = pl.DataFrame(columns.of_record(layout.fields))
            return Table(members, frame) if columns.sound else None
        ends = np.cumsum([payloads[m].records for m in members])
        guilty = set(np.searchsorted(ends, odd, side="right").tolist())
        members = [member for place, member in enumerate(members) if place not in guilty]
    return None


def _odd_rows(rows: Octets, layout: Layout) -> NDArray[np.int64]:
    """Numbers of the rows that do not have the layout."""
    step = max(1, _BLOCK_BYTES // rows.shape[1])
    first, mask = np.tile(layout.first, (step, 1)), np.tile(layout.mask, (step, 1))
    other = np.empty_like(first)
    odd = []
    for begin in range(0, len(rows), step):
        block = rows[begin : begin + step]
        np.bitwise_xor(block, first[: len(block)], out=other[: len(block)])
        np.bitwise_and(other, mask, out=other)
        if other[: len(block)].max():
            odd.append(begin + np.flatnonzero(other[: len(block)].any(axis=1)))
    return np.concatenate(odd) if odd else np.empty(0, np.int64)


class _Columns:
    """Columns of a table.

    Attributes:
        sound: False once a value was found that its layout does not exclude and its schema does.
    """

    def __init__(self, content: bytes, rows: Octets) -> None:
        self.sound = True
        self._content = content
        self._rows = rows

    def of_record(self, fields: dict[str, Any]) -> list[pl.Series]:
        """A column for each field, of structs where the field is a record."""
        return [
            pl.DataFrame(self.of_record(field)).to_struct(name)
            if isinstance(field, dict)
            else self._column(field, name).alias(name)
            for name, field in fields.items()
            if name not in UNREAD
        ]

    def _column(self, field: Field, name: str) -> pl.Series:
        if field.schema is None:
            return self._alike(None)
        if field.schema == "string":
            return self._texts(field, name)
        if field.schema == "double":
            return pl.Series(self._strided(field, "<f8").copy())
        if field.schema == "long":
            return pl.Series(self._numbers(field))
        return self._symbols(field)

    def _alike(self, text: str | None) -> pl.Series:
        return pl.Series([text], dtype=pl.String).new_from_index(0, len(self._rows))

    def _symbols(self, field: Field) -> pl.Series:
        symbols = field.schema["symbols"]
        numbers = self._rows[:, field.offset] >> 1
        lowest, highest = int(numbers.min()), int(numbers.max())
        if highest >= len(symbols):
            self.sound = False
            return self._alike(None)
        if lowest == highest:
            return self._alike(symbols[lowest])
        return pl.Series(symbols, dtype=pl.String).gather(pl.Series(numbers.astype(np.uint32)))

    def _texts(self, field: Field, name: str) -> pl.Series:
        texts = self._strided(field, f"V{field.size}")
        if name not in VARYING or not field.size:
            return self._alike(texts[0].tobytes().decode())
        ends = np.arange(len(texts) + 1, dtype=np.int32) * np.int32(field.size)
        buffers = [None, pa.py_buffer(ends), pa.py_buffer(texts.tobytes())]
        return pl.Series(pa.Array.from_buffers(pa.string(), len(texts), buffers), dtype=pl.String)

    def _numbers(self, field: Field) -> NDArray[np.int64]:
        """Zigzag numbers of seven bits a byte, lowest first."""
        if field.size > 1 and not self._rows[:, field.offset + field.size - 1].all():
            self.sound = False
        words = self._strided(field, "<u8") & np.uint64(0x7F7F7F7F7F7F7F7F >> 8 * (WORD_BYTES - field.size))
        # Seven bits of eight, fourteen of sixteen, twenty-eight of thirty-two: halves are pushed together.
        if field.size > 1:
            words = words & np.uint64(0x007F007F007F007F) | (words & np.uint64(0x7F007F007F007F00)) >> np.uint64(1)
        if field.size > 2:
            words = words & np.uint64(0x00003FFF00003FFF) | (words & np.uint64(0x3FFF00003FFF0000)) >> np.uint64(2)
        if field.size > 4:
            words = words & np.uint64(0x000000000FFFFFFF) | (words & np.uint64(0x0FFFFFFF00000000)) >> np.uint64(4)
        return (words >> np.uint64(1)).view(np.int64) ^ -(words & np.uint64(1)).view(np.int64)

    def _strided(self, field: Field, dtype: str) -> NDArray[Any]:
        """The word at the field's place in every record."""
        return np.ndarray(len(self._rows), dtype, self._content, field.offset, (self._rows.shape[1],))
