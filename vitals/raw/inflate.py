"""Decompression of a container's blocks, each bounded before it takes memory.

Belongs here: the codecs and their checks.
Does not belong here: what a refused block means for its file (`container`).
"""

import bz2
import lzma
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import cramjam
import zstandard

_CHUNK_BYTES: Final = 256 * 1024
_XZ_MEMORY_BYTES: Final = 80 * 1024 * 1024
"""The strongest preset of the usual tools takes 65 MiB to unpack."""
_CHECKSUM_BYTES: Final = 4
"""The Python writers (avro, fastavro) leave part of zlib's checksum behind the raw deflate stream."""

Inflate = Callable[[memoryview, int], bytes | memoryview]
"""Plain bytes of a block of at most so many; raises DamagedError or TooManyBytesError."""


class DamagedError(Exception):
    """The block is not what its codec writes. Says why in words of ours, never with content."""


class TooManyBytesError(Exception):
    """The block decompresses to more bytes than allowed."""


def _within(size: int, limit: int) -> None:
    if size > limit:
        raise TooManyBytesError


def _inflate_null(block: memoryview, limit: int) -> memoryview:
    _within(len(block), limit)
    return block


def _inflate_deflate(block: memoryview, limit: int) -> bytes:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(block, limit + 1)
    except zlib.error:
        raise DamagedError("a block is not valid deflate data") from None
    _within(len(plain), limit)
    if not stream.eof or len(stream.unused_data) > _CHECKSUM_BYTES:
        raise DamagedError("a block is not one whole deflate stream")
    return plain


def _inflate_snappy(block: memoryview, limit: int) -> bytes:
    """Raw snappy, then the big-endian CRC32 of the plain bytes (Avro specification, "snappy")."""
    compressed, checksum = block[:-4], block[-4:]
    try:
        _within(cramjam.snappy.decompress_raw_len(compressed), limit)
        plain = bytes(cramjam.snappy.decompress_raw(compressed))
    except cramjam.DecompressionError:
        raise DamagedError("a block is not valid snappy data") from None
    if zlib.crc32(plain).to_bytes(4, "big") != checksum:
        raise DamagedError("a snappy block does not match its checksum")
    return plain


def _inflate_zstandard(block: memoryview, limit: int) -> bytes:
    try:
        # The one-shot call allocates what the frame claims, so the claim is checked first.
        claimed = zstandard.frame_content_size(block)
        if claimed > 0:
            _within(claimed, limit)
            with suppress(zstandard.ZstdError):
                return zstandard.ZstdDecompressor().decompress(block, allow_extra_data=False)
        # No claim, or more than one frame. A frame cut short ends quietly here; its records then do not add up.
        parts: list[bytes] = []
        size = 0
        with zstandard.ZstdDecompressor().stream_reader(block, read_across_frames=True) as reader:
            while part := reader.read(_CHUNK_BYTES):
                size += len(part)
                _within(size, limit)
                parts.append(part)
    except zstandard.ZstdError:
        raise DamagedError("a block is not valid zstandard data") from None
    return b"".join(parts)


def _inflate_bzip2(block: memoryview, limit: int) -> bytes:
    stream = bz2.BZ2Decompressor()
    try:
        plain = stream.decompress(block, limit + 1)
    except OSError:
        raise DamagedError("a block is not valid bzip2 data") from None
    return _whole(plain, limit, ended=stream.eof and not stream.unused_data, codec="bzip2")


def _inflate_xz(block: memoryview, limit: int) -> bytes:
    stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)
    try:
        plain = stream.decompress(block, limit + 1)
    except lzma.LZMAError:
        raise DamagedError("a block is not valid xz data, or needs too much memory to unpack") from None
    return _whole(plain, limit, ended=stream.eof and not stream.unused_data, codec="xz")


def _whole(plain: bytes, limit: int, *, ended: bool, codec: str) -> bytes:
    """What a stream gave, if it is within the limit and the stream fills its block."""
    _within(len(plain), limit)
    if not ended:
        raise DamagedError(f"a block is not one whole {codec} stream")
    return plain


INFLATE: Final[Mapping[str, Inflate]] = MappingProxyType(
    {
        "null": _inflate_null,
        "deflate": _inflate_deflate,
        "snappy": _inflate_snappy,
        "zstandard": _inflate_zstandard,
        "bzip2": _inflate_bzip2,
        "xz": _inflate_xz,
    }
)
"""Codecs that are read: all those of the Avro specification."""
