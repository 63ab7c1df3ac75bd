"""Avro object container files: header, blocks, codecs, and the ways in which a file can be broken.

Belongs here: framing of encoded records, and spoiling of whole files.
Does not belong here: which file is spoiled (`bad_files`).
"""

import zlib
from collections.abc import Sequence
from functools import cache
from hashlib import blake2b
from typing import Literal

import cramjam
import zstandard

from vitals.synthetic.avro_fields import long_bytes

Codec = Literal["null", "deflate", "snappy", "zstandard"]
CODECS: tuple[Codec, ...] = ("null", "deflate", "snappy", "zstandard")

BLOCK_BYTES = 16_000
"""Java's writer starts a new block when about this many bytes are in one."""
SYNC_BYTES = 16
MAGIC = b"Obj\x01"


def container(schema: str, payloads: Sequence[bytes], *, codec: Codec, sync_seed: str) -> bytes:
    """An object container file.

    Args:
        schema: writer schema as JSON.
        payloads: encoded records.
        codec: how blocks are compressed.
        sync_seed: what the sync mark is derived from.
    """
    sync = blake2b(sync_seed.encode(), digest_size=SYNC_BYTES).digest()
    out = [header(schema, codec, sync)]
    size = sum(map(len, payloads))
    per_block = max(1, len(payloads) * BLOCK_BYTES // max(size, 1))
    for first in range(0, len(payloads), per_block):
        records = payloads[first : first + per_block]
        out.append(block(len(records), compress(b"".join(records), codec), sync))
    return b"".join(out)


def header(schema: str, codec: Codec, sync: bytes) -> bytes:
    """Magic, metadata and sync mark. The real exporter leaves the codec out where there is none."""
    entries = [(b"avro.schema", schema.encode())]
    if codec != "null":
        entries.append((b"avro.codec", codec.encode()))
    pairs = b"".join(long_bytes(len(k)) + k + long_bytes(len(v)) + v for k, v in entries)
    return MAGIC + long_bytes(len(entries)) + pairs + b"\x00" + sync


def block(count: int, data: bytes, sync: bytes) -> bytes:
    """One block of records."""
    return long_bytes(count) + long_bytes(len(data)) + data + sync


def compress(data: bytes, codec: Codec) -> bytes:
    """Bytes of a block as the codec stores them."""
    match codec:
        case "null":
            return data
        case "deflate":
            packer = zlib.compressobj(6, zlib.DEFLATED, -15)
            return packer.compress(data) + packer.flush()
        case "snappy":
            return bytes(cramjam.snappy.compress_raw(data)) + zlib.crc32(data).to_bytes(4, "big")
        case "zstandard":
            return zstandard.ZstdCompressor(level=3).compress(data)


def bomb(schema: str, *, expanded_bytes: int, sync_seed: str) -> bytes:
    """A small file whose only block expands to very many bytes."""
    sync = blake2b(sync_seed.encode(), digest_size=SYNC_BYTES).digest()
    data = _zeros_piece() * (expanded_bytes // _PIECE_BYTES) + _END_OF_DEFLATE
    return header(schema, "deflate", sync) + block(100, data, sync)


_PIECE_BYTES = 1 << 24
_END_OF_DEFLATE = b"\x03\x00"


@cache
def _zeros_piece() -> bytes:
    """Compressed zeros that can be repeated: a full flush forgets what came before."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(bytes(_PIECE_BYTES)) + packer.flush(zlib.Z_FULL_FLUSH)
