"""Avro object container files: header and blocks walked in Python, every number checked before it is used.

Belongs here: magic, metadata, codec, sync marks, block counts and sizes.
Does not belong here: decompression (`inflate`), what the schema means (`schemas`) or what the payload holds (`decode`).

The decoders trust these numbers: one loops for ever on a block with more bytes than its records use and drops
a truncated last block silently, both allocate without bound (docs/adr/0004-hot-path.md). So they never see
a container that did not pass here. `Rejected.detail` holds sizes and words of ours, never content.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, NoReturn

from vitals.raw.formats import other_format
from vitals.raw.inflate import INFLATE, DamagedError, Inflate, TooManyBytesError
from vitals.raw.varint import read_long

Reason = Literal[
    "not_avro",
    "unreadable_avro",
    "truncated",
    "schema_mismatch",
    "record_type_mismatch",
    "too_large",
    "too_many_records",
    "decompression_limit",
    "empty",
]
"""File reasons (docs/operations.md) that reading a file can give."""

MAGIC: Final = b"Obj\x01"
SYNC_BYTES: Final = 16
MAX_HEADER_BYTES: Final = 256 * 1024
MAX_SCHEMA_BYTES: Final = 64 * 1024
MAX_METADATA_ENTRIES: Final = 256
MAX_KNOWN_HEADERS: Final = 16
_OTHER_CODECS: Final = frozenset(
    {"lz4", "lzo", "lzma", "gzip", "brotli", "zstd", "zlib", "bz2", "none", "uncompressed"}
)
"""Names of codecs that a refusal repeats; any other may be anything."""
MAX_CONTAINERS: Final = 1_000
MAX_EMPTY_BLOCKS: Final = 1_000
"""Legal, but each costs time and holds nothing: millions of them would be a way to hang."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one file; beyond them it is rejected, whatever it holds.

    Attributes:
        max_file_bytes: size as stored.
        max_records: records over all blocks.
        max_decompressed_bytes: payload over all blocks after decompression.
    """

    max_file_bytes: int = 100 * 1024 * 1024
    max_records: int = 100_000
    max_decompressed_bytes: int = 128 * 1024 * 1024


@dataclass(frozen=True)
class Rejected:
    """A file that cannot be used as a whole.

    Attributes:
        reason: one of the file reasons (docs/operations.md).
        detail: what was wrong, in words and sizes. Never content of the file.
    """

    reason: Reason
    detail: str


class Container(NamedTuple):
    """A container whose frame is sound. Its records have not been looked at.

    Attributes:
        schema_json: writer schema as written, unparsed.
        codec: codec of the first blocks (`inflate.INFLATE`).
        payload: decompressed records of all blocks, one after the other; a view of the file where it needs no copy.
        records: how many records the blocks declare, at least 1.
    """

    schema_json: bytes
    codec: str
    payload: bytes | memoryview
    records: int


@dataclass(frozen=True)
class _Header:
    """What stands before the first block.

    Attributes:
        octets: all bytes before the sync mark.
        schema_json, codec: as in `Container`.
    """

    octets: bytes
    schema_json: bytes
    codec: str


class KnownHeaders:
    """Headers of files read before. An app writes the same one into every file, and its walk costs most of a file's.

    A walk reads no byte after the header, so files that begin with the same header have the same.
    """

    def __init__(self) -> None:
        self._known: list[_Header] = []

    def of(self, data: bytes) -> _Header:
        """Header of a file that starts like a container, walked unless it is known."""
        for known in self._known:
            if data.startswith(known.octets) and len(data) >= len(known.octets) + SYNC_BYTES:
                return known
        header = _read_header(data)
        if len(self._known) < MAX_KNOWN_HEADERS:
            self._known.append(header)
        return header


class _RefusalError(Exception):
    """Carries a Rejected out of the walk."""

    def __init__(self, rejected: Rejected) -> None:
        super().__init__(rejected.reason)
        self.rejected = rejected


def read_container(data: bytes, *, limits: Limits, headers: KnownHeaders | None = None) -> Container | Rejected:
    """Walk one object container file.

    Args:
        data: the whole file.
        limits: bounds of one file.
        headers: headers of files read before, to which this file's is added.

    Returns:
        The container, or why it was rejected. Never raises on any bytes.
    """
    if len(data) > limits.max_file_bytes:
        return Rejected("too_large", f"{len(data)} bytes; the limit is {limits.max_file_bytes}")
    if not data.startswith(MAGIC):
        if not data:
            return Rejected("empty", "the file has no bytes")
        if MAGIC.startswith(data):
            return Rejected("truncated", "the file ends inside the magic bytes")
        return Rejected("not_avro", other_format(data))
    try:
        header = (headers or KnownHeaders()).of(data)
        return _read_blocks(data, header, limits=limits)
    except _RefusalError as refusal:
        return refusal.rejected


def _refuse(reason: Reason, detail: str) -> NoReturn:
    raise _RefusalError(Rejected(reason, detail))


def _number(data: bytes, position: int, what: str) -> tuple[int, int]:
    """A varint that must be there, or a refusal that says what it was to be."""
    try:
        return read_long(data, position)
    except IndexError:
        _refuse("truncated", f"the file ends inside {what}")
    except ValueError:
        _refuse("unreadable_avro", f"{what} is not a 64-bit number")


def _bytes(data: bytes, position: int, what: str) -> tuple[bytes, int]:
    """Length-prefixed bytes of the header."""
    size, position = _number(data, position, what)
    end = position + size
    if size < 0 or end > MAX_HEADER_BYTES:
        _refuse("unreadable_avro", f"{what} has an impossible length")
    if end > len(data):
        _refuse("truncated", f"the file ends inside {what}")
    return data[position:end], end


def _read_header(data: bytes) -> _Header:
    metadata, position = _read_metadata(data)
    if len(data) < position + SYNC_BYTES:
        _refuse("truncated", "the file ends inside the sync mark of the header")
    schema_json = metadata.get(b"avro.schema")
    if schema_json is None:
        _refuse("unreadable_avro", "the header has no schema")
    if len(schema_json) > MAX_SCHEMA_BYTES:
        _refuse("unreadable_avro", f"the schema is longer than {MAX_SCHEMA_BYTES} bytes")
    codec = metadata.get(b"avro.codec", b"null").decode("ascii", "replace")
    if codec not in INFLATE:
        known = f"{codec} is no codec of Avro's" if codec in _OTHER_CODECS else "the codec is none of Avro's"
        _refuse("unreadable_avro", f"{known}; write the file with one of {', '.join(INFLATE)}")
    return _Header(data[:position], schema_json, codec)


def _read_metadata(data: bytes) -> tuple[dict[bytes, bytes], int]:
    """The header's map, and the position after it."""
    metadata: dict[bytes, bytes] = {}
    entries = 0
    position = len(MAGIC)
    while True:
        count, position = _number(data, position, "the metadata")
        if count == 0:
            return metadata, position
        if count < 0:
            # A negative count is followed by the block's size in bytes, which nothing here needs.
            count = -count
            _, position = _number(data, position, "the metadata")
        entries += count
        if entries > MAX_METADATA_ENTRIES:
            _refuse("unreadable_avro", "the metadata have too many entries")
        for _ in range(count):
            key, position = _bytes(data, position, "the metadata")
            metadata[key], position = _bytes(data, position, "the metadata")


def _read_blocks(data: bytes, header: _Header, *, limits: Limits) -> Container:
    """All blocks after the header, decompressed."""
    records = payload_bytes = empty_blocks = 0
    octets = memoryview(data)
    parts: list[bytes | memoryview] = []
    for inflate, count, begin, end in _blocks(data, header, limits=limits):
        records += count
        if records > limits.max_records:
            _refuse("too_many_records", f"more than {limits.max_records} records")
        if end + SYNC_BYTES > len(data):
            _refuse("truncated", "the file ends inside a block")
        empty_blocks += count == 0
        if empty_blocks > MAX_EMPTY_BLOCKS:
            _refuse("unreadable_avro", f"more than {MAX_EMPTY_BLOCKS} blocks without records")
        try:
            part = inflate(octets[begin:end], limits.max_decompressed_bytes - payload_bytes)
        except TooManyBytesError:
            _refuse("decompression_limit", "the blocks decompress to more bytes than allowed")
        except DamagedError as damage:
            _refuse("unreadable_avro", str(damage))
        payload_bytes += len(part)
        parts.append(part)
    if records == 0:
        _refuse("empty", "the file has no records")
    payload = parts[0] if len(parts) == 1 else b"".join(parts)
    return Container(schema_json=header.schema_json, codec=header.codec, payload=payload, records=records)


def _blocks(data: bytes, header: _Header, *, limits: Limits) -> Iterator[tuple[Inflate, int, int, int]]:
    """Codec, count of records, begin and end of each block; the end is not yet known to be in the file.

    Where a block could begin, another container may: files put one after the other are read as one. A block cannot
    begin like a container, as its count of records would be negative.
    """
    inflate, position, containers = INFLATE[header.codec], len(header.octets), 1
    sync = data[position : position + SYNC_BYTES]
    position += SYNC_BYTES
    while position < len(data):
        if data.startswith(MAGIC, position):
            containers += 1
            following = _following_header(data, position, header, number=containers)
            inflate = INFLATE[following.codec]
            position += len(following.octets)
            sync = data[position : position + SYNC_BYTES]
            position += SYNC_BYTES
            continue
        count, position = _number(data, position, "a block's record count")
        size, position = _number(data, position, "a block's size")
        if count < 0 or size < 0 or size > limits.max_file_bytes:
            _refuse("unreadable_avro", "a block has an impossible record count or size")
        end = position + size
        if end + SYNC_BYTES <= len(data) and not data.startswith(sync, end):
            _refuse("unreadable_avro", "a block does not end with the sync mark")
        yield inflate, count, position, end
        position = end + SYNC_BYTES


def _following_header(data: bytes, position: int, first: _Header, *, number: int) -> _Header:
    """The header of another container in the same file."""
    if number > MAX_CONTAINERS:
        _refuse("unreadable_avro", f"more than {MAX_CONTAINERS} containers one after the other")
    header = _read_header(data[position : position + MAX_HEADER_BYTES])
    if header.schema_json != first.schema_json:
        why = "it holds containers of different schemas one after the other; upload each as a file of its own"
        _refuse("unreadable_avro", why)
    return header
