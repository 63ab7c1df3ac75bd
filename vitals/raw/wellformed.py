"""Encoded Avro records walked with their schema, without building a value.

Belongs here: the check that bytes are a sound encoding: lengths inside the bytes, branches and symbols that
exist, array blocks that hold what they announce, valid UTF-8, bounded depth and work.
Does not belong here: schema resolution or values. Runs inside the isolated process; standard library only.

fastavro takes a branch or symbol of -1 for the last one (Python's negative index) and builds an array of any
announced length; a damaged byte could so become a wrong value or a full memory. Walked bytes cannot.
"""

from collections.abc import Callable
from typing import Any, Final

from vitals.raw.varint import read_long

MAX_DEPTH: Final = 64
"""Deepest nesting of values, for schemas that contain themselves."""

_Walk = Callable[[bytes, int, int], int]
_INT_RANGE: Final = range(-(2**31), 2**31)
_FIXED_WIDTH: Final = {"null": 0, "boolean": 1, "float": 4, "double": 8}


class MalformedError(ValueError):
    """The bytes are not an encoding of the schema's records. Carries no content."""


def check_records(schema: Any, payload: bytes, records: int) -> None:
    """Check that a payload is exactly so many records.

    Args:
        schema: writer schema in canonical form (`schemas.canonical_form`), parsed.
        payload: encoded records, one after the other.
        records: how many there must be.

    Raises:
        MalformedError: it is not.
        KeyError: the schema names a type that it does not define.
    """
    walk = _compile(schema, {})
    position = 0
    try:
        for _ in range(records):
            position = walk(payload, position, 0)
    except IndexError:
        raise MalformedError from None
    if position != len(payload):
        raise MalformedError


def _compile(schema: Any, named: dict[str, _Walk]) -> _Walk:
    """One function that walks one value of the schema: (payload, position, depth) to the next position."""
    if isinstance(schema, list):
        return _union([_compile(branch, named) for branch in schema])
    if isinstance(schema, str):
        if schema in _FIXED_WIDTH:
            return _width(_FIXED_WIDTH[schema])
        primitive = {"int": _walk_int, "long": _walk_long, "bytes": _walk_bytes, "string": _walk_string}.get(schema)
        return primitive or _reference(schema, named)
    kind = schema["type"]
    if kind == "array":
        return _blocks(_compile(schema["items"], named))
    if kind == "map":
        value = _compile(schema["values"], named)
        return _blocks(lambda data, position, depth: value(data, _walk_string(data, position, depth), depth))
    walk: _Walk
    if kind == "enum":
        walk = _enum(len(schema["symbols"]))
    elif kind == "fixed":
        walk = _width(schema["size"])
    else:
        walk = _record([_compile(field["type"], named) for field in schema["fields"]])
    named[schema["name"]] = walk
    return walk


def _reference(name: str, named: dict[str, _Walk]) -> _Walk:
    """A name may be used inside its own definition, so it is looked up when it is walked."""

    def walk(data: bytes, position: int, depth: int) -> int:
        return named[name](data, position, depth)

    return walk


def _width(size: int) -> _Walk:
    def walk(data: bytes, position: int, _depth: int) -> int:
        position += size
        if position > len(data):
            raise MalformedError
        return position

    return walk


def _walk_long(data: bytes, position: int, _depth: int) -> int:
    # Small numbers are most of all numbers, and this is the innermost loop.
    return position + 1 if data[position] < 0x80 else _long(data, position)[1]


def _walk_int(data: bytes, position: int, _depth: int) -> int:
    if data[position] < 0x80:
        return position + 1
    value, position = _long(data, position)
    if value not in _INT_RANGE:
        raise MalformedError
    return position


def _walk_bytes(data: bytes, position: int, _depth: int) -> int:
    size, position = _long(data, position)
    if size < 0 or position + size > len(data):
        raise MalformedError
    return position + size


def _walk_string(data: bytes, position: int, _depth: int) -> int:
    size, position = _long(data, position)
    end = position + size
    if size < 0 or end > len(data):
        raise MalformedError
    try:
        data[position:end].decode()
    except UnicodeDecodeError:
        raise MalformedError from None
    return end


def _long(data: bytes, position: int) -> tuple[int, int]:
    try:
        return read_long(data, position)
    except ValueError:
        raise MalformedError from None


def _record(fields: list[_Walk]) -> _Walk:
    def walk(data: bytes, position: int, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise MalformedError
        for field in fields:
            position = field(data, position, depth + 1)
        return position

    return walk


def _union(branches: list[_Walk]) -> _Walk:
    def walk(data: bytes, position: int, depth: int) -> int:
        branch, position = _long(data, position)
        if not 0 <= branch < len(branches) or depth > MAX_DEPTH:
            raise MalformedError
        return branches[branch](data, position, depth + 1)

    return walk


def _enum(symbols: int) -> _Walk:
    def walk(data: bytes, position: int, _depth: int) -> int:
        symbol, position = _long(data, position)
        if not 0 <= symbol < symbols:
            raise MalformedError
        return position

    return walk


def _blocks(item: _Walk) -> _Walk:
    def walk(data: bytes, position: int, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise MalformedError
        while True:
            count, position = _long(data, position)
            if count == 0:
                return position
            announced = None
            if count < 0:
                # Written by encoders that let readers skip: the block's size in bytes follows.
                count = -count
                size, position = _long(data, position)
                announced = position + size
            for _ in range(count):
                before = position
                position = item(data, position, depth + 1)
                # Items without bytes are legal, but then the count alone would decide about time and memory.
                if position == before:
                    raise MalformedError
            if announced not in (None, position):
                raise MalformedError

    return walk
