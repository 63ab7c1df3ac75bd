"""Files of one kind to one decoded frame, each file either whole or rejected.

Belongs here: the order of the guards, batches bounded by bytes, and how a guilty file is found among good ones.
Does not belong here: the guards themselves, nor any judgement of a value (`validated`).

    bytes -> container -> schemas -> splice -> exact -> flatten -> decoded frame
                             |         |  ^       |
                             |         v  |halves v
                             +----> isolated process

A file can never hang, crash or exhaust this process, nor change a row of another file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import polars as pl

from vitals.raw.container import Container, KnownHeaders, Limits, Rejected, read_container
from vitals.raw.exact import is_exact
from vitals.raw.flatten import decoded_schema, flatten
from vitals.raw.isolated import MAX_BATCH_BYTES, Suspect, transcode
from vitals.raw.schemas import OwnSchema, WriterSchema, identify, lenient_schema, strict_schema
from vitals.raw.splice import decode_spliced
from vitals.record_types import BY_KIND

MAX_SPLICED_BYTES: Final = 16 * 1024 * 1024
"""Payload of one spliced block: some 100,000 readings. More takes memory, and time too: the allocator fetches every
piece of 32 MiB or more from the system and gives it back, page by page, instead of using memory again."""


@dataclass(frozen=True)
class RawObject:
    """One uploaded object.

    Attributes:
        data: its bytes.
    """

    data: bytes


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """What became of a batch of objects. Every object is either in `rows` or in `rejected`.

    Attributes:
        frame: rows of all good files in order of (file_index, row_index), columns `flatten.decoded_schema`.
        rejected: index of each bad file, with the reason.
        rows: index of each good file, with its number of rows.
        isolated: indices of files that took the slow path, good or bad.
    """

    frame: pl.DataFrame
    rejected: dict[int, Rejected]
    rows: dict[int, int]
    isolated: frozenset[int]


class _Piece(NamedTuple):
    """A file's records on their way to a frame."""

    file: int
    payload: bytes | memoryview
    records: int


def decode(objects: Sequence[RawObject], *, kind: str, limits: Limits) -> Decoded:
    """Decode objects that all claim to be of one kind.

    Args:
        objects: the objects; `file_index` is the position in this sequence. Bound it by bytes: the frame and
            the objects are in memory at once.
        kind: the kind that their keys claim.
        limits: bounds of one file.

    Returns:
        The rows of every good file, and the reason of every bad one.

    Raises:
        TransientError: the isolated process could not do its work; nothing is known about the files.
    """
    work = _Work(kind)
    headers = KnownHeaders()
    for index, item in enumerate(objects):
        work.admit(index, read_container(item.data, limits=limits, headers=headers))
    work.decode_fast()
    work.decode_slow()
    frame = pl.concat(work.frames) if work.frames else decoded_schema(kind).to_frame()
    if not frame["file_index"].is_sorted():
        frame = frame.sort("file_index", maintain_order=True)
    return Decoded(
        frame=frame.with_columns(pl.col("file_index").set_sorted()),
        rejected=dict(sorted(work.rejected.items())),
        rows=dict(sorted(work.rows.items())),
        isolated=frozenset(work.isolated),
    )


class _Work:
    """One call of `decode`: the files that wait for either path, and what is done."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.frames: list[pl.DataFrame] = []
        self.rejected: dict[int, Rejected] = {}
        self.rows: dict[int, int] = {}
        self.isolated: set[int] = set()
        self._fast: list[_Piece] = []
        self._fast_bytes = 0
        self._slow: list[tuple[int, Suspect]] = []
        self._slow_bytes = 0

    def admit(self, index: int, container: Container | Rejected) -> None:
        """Reject a file or let it wait for its path; a queue that is full is decoded first."""
        if isinstance(container, Rejected):
            self.rejected[index] = container
            return
        schema = identify(container.schema_json, expected=self.kind)
        refusal = schema if isinstance(schema, Rejected) else _implausible(container, schema, kind=self.kind)
        if refusal is not None:
            self.rejected[index] = refusal
            return
        assert isinstance(schema, WriterSchema)
        piece = _Piece(index, container.payload, container.records)
        if not schema.allowed:
            self._suspect(piece, writer=schema.canonical)
            return
        if self._fast_bytes + len(piece.payload) > MAX_SPLICED_BYTES:
            self.decode_fast()
        self._fast.append(piece)
        self._fast_bytes += len(piece.payload)

    def decode_fast(self) -> None:
        """Decode what waits for the fast path; what fails there waits for the slow path."""
        pieces, self._fast, self._fast_bytes = self._fast, [], 0
        schema = strict_schema(self.kind)
        for piece in self._decode_pieces(pieces, schema=schema):
            self._suspect(piece, writer=schema.text)

    def decode_slow(self) -> None:
        """Decode what waits for the slow path: rewritten in our schema, then like any other."""
        waiting, self._slow, self._slow_bytes = self._slow, [], 0
        outcomes = transcode([suspect for _, suspect in waiting], kind=self.kind)
        pieces: list[_Piece] = []
        for (index, suspect), outcome in zip(waiting, outcomes, strict=True):
            if isinstance(outcome, Rejected):
                self.rejected[index] = outcome
            else:
                pieces.append(_Piece(index, outcome, suspect.records))
        for piece in self._decode_pieces(pieces, schema=lenient_schema(self.kind)):
            self.rejected[piece.file] = Rejected("unreadable_avro", "the two decoders do not agree on the records")

    def _suspect(self, piece: _Piece, *, writer: str) -> None:
        if self._slow_bytes + len(piece.payload) > MAX_BATCH_BYTES:
            self.decode_slow()
        self.isolated.add(piece.file)
        self._slow.append((piece.file, Suspect(writer=writer, payload=piece.payload, records=piece.records)))
        self._slow_bytes += len(piece.payload)

    def _decode_pieces(self, pieces: list[_Piece], *, schema: OwnSchema) -> list[_Piece]:
        """Decode pieces of one schema into frames; returns those that cannot be, in order.

        One guilty piece among n costs about three decodes of all of them, n guilty ones log2(n).
        """
        if not pieces:
            return []
        payloads = [piece.payload for piece in pieces]
        records = np.array([piece.records for piece in pieces], dtype=np.int64)
        sizes = np.array([len(payload) for payload in payloads], dtype=np.int64)
        spliced = decode_spliced(payloads, int(records.sum()), schema=schema)
        if spliced is not None and is_exact(
            spliced.frame, schema=schema.tree, content=spliced.content, records=records, sizes=sizes
        ):
            files = [piece.file for piece in pieces]
            self.frames.append(flatten(spliced.frame, kind=self.kind, files=files, records=records))
            self.rows.update(zip(files, records.tolist(), strict=True))
            return []
        if len(pieces) == 1:
            return pieces
        middle = len(pieces) // 2
        return [
            *self._decode_pieces(pieces[:middle], schema=schema),
            *self._decode_pieces(pieces[middle:], schema=schema),
        ]


def _implausible(container: Container, schema: WriterSchema, *, kind: str) -> Rejected | None:
    """Why a sound container cannot hold records of the kind, or None."""
    if schema.kind != kind:
        ours, theirs = (BY_KIND[name].avro_name for name in (kind, schema.kind))
        return Rejected("record_type_mismatch", f"the schema is that of {theirs}, and the key says {ours}")
    if schema.mismatch is not None:
        return Rejected("schema_mismatch", schema.mismatch)
    if schema.allowed and container.records * _shortest_record(kind) > len(container.payload):
        return Rejected("unreadable_avro", "the blocks hold fewer bytes than their records need")
    return None


@cache
def _shortest_record(kind: str) -> int:
    """Bytes of the shortest record of a kind."""
    return _shortest(strict_schema(kind).tree)


def _shortest(schema: Any) -> int:
    if isinstance(schema, dict) and schema["type"] == "record":
        return sum(_shortest(part["type"]) for part in schema["fields"])
    return 8 if schema == "double" else 1
