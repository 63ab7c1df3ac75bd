"""Where each field of a record stands, and on which of its bits that depends.

Belongs here: the walk over one record that finds its layout.
Does not belong here: whether other records have the same layout, and their values (`fixed_width`).
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vitals.raw.schemas import OwnSchema
from vitals.raw.varint import read_long, write_long

VARYING: Final = frozenset({"id", "clientRecordId"})
"""Texts that differ from record to record. All others are part of the layout."""
WORD_BYTES: Final = 8
"""Longest number that is read, encoded: far more than any time in this millennium has."""

Octets = NDArray[np.uint8]


class Field(NamedTuple):
    """Where a value stands in every record: a text without its length; an absent value has no schema."""

    schema: Any
    offset: int
    size: int


class Layout(NamedTuple):
    """What all records of a table have in common: the bits of `mask`, which are as in `first`."""

    first: Octets
    mask: Octets
    fields: dict[str, Any]


class _IrregularError(ValueError):
    """The record has no layout of the kind that is read here."""


def layout_of(first: Octets, schema: OwnSchema) -> Layout | None:
    """Layout of a record, or None if it has none."""
    walk = _Walk(first.tobytes())
    try:
        fields = walk.value(schema.tree, "")
    except (IndexError, ValueError):
        return None
    return Layout(first, np.frombuffer(walk.mask, np.uint8), fields) if walk.position == len(first) else None


class _Walk:
    """A walk over one record that marks the bits on which its course depends."""

    def __init__(self, record: bytes) -> None:
        self.record = record
        self.position = 0
        self.mask = b""

    def value(self, schema: Any, name: str) -> Any:
        """Field of the value that stands here; of a record, its fields by name.

        Raises:
            IndexError, ValueError: the bytes are no such value, or not of a form that is read here.
        """
        if isinstance(schema, list):
            branch = self._number(bits=0xFF)
            if branch not in (0, 1):
                raise _IrregularError
            return self.value(schema[1], name) if branch else _absent(schema[1])
        kind = schema if isinstance(schema, str) else schema["type"]
        if kind == "record":
            return {part["name"]: self.value(part["type"], part["name"]) for part in schema["fields"]}
        if kind == "string":
            size = self._number(bits=0xFF)
            start = self.position
            text = self._take(size, bits=0x80 if name in VARYING else 0xFF)
            if name in VARYING and not text.isascii():
                raise _IrregularError
            text.decode()
            return Field(kind, start, size)
        start = self.position
        if kind == "double":
            self._take(WORD_BYTES, bits=0)
        elif kind == "enum":
            # A symbol of an even byte below 128: its number is looked at in every record.
            if self._take(1, bits=0x81)[0] & 0x81:
                raise _IrregularError
        elif kind == "long":
            self._number(bits=0x80)
        else:
            raise _IrregularError
        return Field(schema, start, self.position - start)

    def _number(self, *, bits: int) -> int:
        value, end = read_long(self.record, self.position)
        encoded = self._take(end - self.position, bits=bits)
        if len(encoded) > WORD_BYTES or encoded != write_long(value):
            raise _IrregularError
        return value

    def _take(self, size: int, *, bits: int) -> bytes:
        end = self.position + size
        if size < 0 or end > len(self.record):
            raise _IrregularError
        taken = self.record[self.position : end]
        self.position = end
        self.mask += bytes([bits]) * size
        return taken


def _absent(schema: Any) -> Any:
    if isinstance(schema, dict) and schema["type"] == "record":
        return {part["name"]: _absent(part["type"][1]) for part in schema["fields"]}
    return Field(None, 0, 0)
