"""Payloads of many files put into one container and decoded at once.

Belongs here: the container that we write ourselves and the one read of it.
Does not belong here: whether the rows are right (`exact`); a decode that succeeds proves little.

Real uploads hold about 90 records, so the cost of a reader per file would be most of the work. The reader
gets one block and a batch size equal to its record count, and is asked for one batch: it stops when the batch
is full and never reaches the state in which it loops (docs/adr/0004-hot-path.md). polars-avro's public
functions cannot ask for one batch: Polars' engine fetches the next before it applies the limit, and hangs on
a block with bytes to spare. So the reader behind them is used directly; its version is pinned.
"""

import io
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final

import polars as pl
from polars_avro._avro_rs import AvroSource

from vitals.raw.container import MAGIC
from vitals.raw.schemas import OwnSchema
from vitals.raw.varint import write_long

_SYNC: Final = b"vitalgraph-block"


@dataclass(frozen=True)
class Spliced:
    """What the reader made of payloads decoded together.

    Attributes:
        frame: their rows, nested as in the schema.
        content: the payloads, one after the other.
    """

    frame: pl.DataFrame
    content: memoryview


def decode_spliced(payloads: Sequence[bytes | memoryview], records: int, *, schema: OwnSchema) -> Spliced | None:
    """Decode payloads of one schema as one block.

    Args:
        payloads: encoded records of each file.
        records: how many records they declare together, at least 1.
        schema: their common schema, one of ours.

    Returns:
        The rows, or None if the reader failed in any way.
    """
    size = sum(map(len, payloads))
    head = b"".join(
        [
            MAGIC + write_long(1) + _prefixed(b"avro.schema") + _prefixed(schema.text.encode()) + b"\0" + _SYNC,
            write_long(records) + write_long(size),
        ]
    )
    block = b"".join([head, *payloads, _SYNC])
    try:
        source = AvroSource([lambda: nullcontext(io.BytesIO(block))], strict=False, utf8_view=False)
        frame = pl.DataFrame(next(source.batch_iter(records, None)))
    # Any failure has the same consequence here, and the reader's errors may quote content: never log them.
    except Exception:  # noqa: BLE001
        return None
    except BaseException as panic:
        # A panic in Rust derives from BaseException, in a class that each extension module makes for itself.
        if type(panic).__name__ != "PanicException":
            raise
        return None
    if frame.height != records:
        return None
    return Spliced(frame, memoryview(block)[len(head) : len(head) + size])


def _prefixed(value: bytes) -> bytes:
    return write_long(len(value)) + value
