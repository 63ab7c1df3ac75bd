"""Every byte under a folder, and everything that is packed into those bytes, as one text to search.

Belongs here: unpacking Parquet, Avro, SQLite, pictures and compressed streams as far as they can be unpacked.
Does not belong here: what to look for.
"""

import base64
import gzip
import io
import re
import sqlite3
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import fastavro
import polars as pl
import pyarrow.parquet as pq
import zstandard


def hits(folder: Path, needles: Iterable[str]) -> dict[str, list[str]]:
    """Needle to the files that hold it, in their name or anywhere within."""
    wanted = sorted({needle for needle in needles if needle})
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        contents = [name.encode(), *(_contents(path) if path.is_file() else ())]
        # All needles in one pass; needles are ASCII, so reading bytes as Latin-1 changes none of them.
        texts = pl.Series([content.decode("latin-1") for content in contents])
        for needle in texts.str.extract_many(wanted, overlapping=True).explode().drop_nulls().unique().sort():
            found.setdefault(needle, []).append(name)
    return found


_PICTURE = re.compile(rb"base64,([A-Za-z0-9+/=]{8,})")


def _contents(path: Path) -> Iterator[bytes]:
    for content in _unpacked(path):
        yield content
        # Cut where a page of a database ends.
        pictures = (found[1].rstrip(b"=") for found in _PICTURE.finditer(content))
        yield from (base64.b64decode(picture[: len(picture) // 4 * 4]) for picture in pictures)


def _unpacked(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    yield data
    if data[:4] == b"PAR1":
        table = pq.ParquetFile(io.BytesIO(data))
        yield repr(table.read().to_pylist()).encode()
        yield repr(table.metadata.metadata).encode()
        yield repr([table.metadata.row_group(n).to_dict() for n in range(table.metadata.num_row_groups)]).encode()
    elif data[:4] == b"Obj\x01":
        try:
            yield repr(list(fastavro.reader(io.BytesIO(data)))).encode()
        except Exception:  # noqa: BLE001 - a broken file is searched as it is
            yield b""
    elif data[:6] == b"SQLite":
        yield from _rows(path)
    elif data[:2] == b"\x1f\x8b":
        yield gzip.decompress(data)
    elif data[:4] == b"\x28\xb5\x2f\xfd":
        yield zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read()


def _rows(path: Path) -> Iterator[bytes]:
    """Rows as SQL sees them, long values that pages would split and compressed ones included."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in connection.execute(f'SELECT * FROM "{table}"'):
                yield repr(row).encode()
                yield from (_inflated(value) for value in row if isinstance(value, bytes))


def _inflated(value: bytes) -> bytes:
    try:
        return zlib.decompress(value)
    except zlib.error:
        return value
