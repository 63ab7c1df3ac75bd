"""The slow path: payloads that the fast path may not or could not take, decoded in a process of their own.

Belongs here: starting that process with limits, and telling the guilty file when it ends early.
Does not belong here: what runs inside it (`isolated_worker`).

A file that hangs, crashes or fills the memory ends the process and nothing else: answers given before stand,
the file in hand is rejected, the rest go to a new process.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fastavro

import vitals
from vitals.errors import TransientError
from vitals.raw.container import Reason, Rejected
from vitals.raw.isolated_worker import READY, seconds_allowed
from vitals.raw.schemas import lenient_schema

BASE_MEMORY_BYTES: Final = 256 * 1024 * 1024
MEMORY_PER_PAYLOAD_BYTE: Final = 4
"""The payload, its answer in memory and in the pipe, and slack."""
MAX_BATCH_BYTES: Final = 64 * 1024 * 1024
WALL_SECONDS: Final = 60.0
"""Spare wall time. Processor time is limited inside; this only ends a wait for a starved machine."""

_FROM_OUTSIDE: Final = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Signals that no file can cause under the limits: a shutdown, or the machine itself out of memory."""
_DETAIL: Final[dict[Reason, str]] = {
    "unreadable_avro": "the records are not a sound encoding of the file's schema",
    "schema_mismatch": "the file's schema cannot be resolved to ours",
}
_BOOT: Final = (
    "import sys; sys.path += sys.argv[2:]; from vitals.raw.isolated_worker import main; main(int(sys.argv[1]))"
)
_PATHS: Final = tuple(dict.fromkeys(str(Path(p.__path__[0]).parent) for p in (vitals, fastavro)))


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A payload for the slow path.

    Attributes:
        writer: canonical form of its writer schema, JSON.
        payload: decompressed records.
        records: how many it declares.
    """

    writer: str
    payload: bytes | memoryview
    records: int


def transcode(suspects: Sequence[Suspect], *, kind: str) -> list[bytes | Rejected]:
    """Rewrite payloads in the lenient schema of a kind (`schemas.lenient_schema`).

    Args:
        suspects: payloads of any writer schema whose record name is of the kind.
        kind: which of our schemas to resolve to.

    Returns:
        For each suspect, in order, its records in the lenient schema, or why it is rejected.

    Raises:
        TransientError: the process could not be started or was ended from outside.
    """
    reader = lenient_schema(kind).text
    outcomes: list[bytes | Rejected] = []
    while len(outcomes) < len(suspects):
        batch = _next_batch(suspects, len(outcomes))
        outcomes += _run(batch, reader=reader)
    return outcomes


def _next_batch(suspects: Sequence[Suspect], start: int) -> Sequence[Suspect]:
    """As many suspects as one process takes: at least one."""
    size, end = 0, start
    while end < len(suspects) and (end == start or size + len(suspects[end].payload) <= MAX_BATCH_BYTES):
        size += len(suspects[end].payload)
        end += 1
    return suspects[start:end]


def _run(batch: Sequence[Suspect], *, reader: str) -> list[bytes | Rejected]:
    """Outcomes of a batch, up to and including the file that ended the process, if one did."""
    heads = (_line({"writer": s.writer, "records": s.records, "bytes": len(s.payload)}) for s in batch)
    request = b"".join([_line({"reader": reader}), *(head + s.payload for head, s in zip(heads, batch, strict=True))])
    largest = max(len(s.payload) for s in batch)
    memory = BASE_MEMORY_BYTES + MEMORY_PER_PAYLOAD_BYTE * largest
    # Isolated mode and no environment: nothing of this process but the two import paths reaches the other.
    process = subprocess.Popen(  # noqa: S603  our own interpreter and arguments, nothing of a file
        [sys.executable, "-I", "-c", _BOOT, str(memory), *_PATHS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )
    with process:
        try:
            answer, _ = process.communicate(
                request, timeout=WALL_SECONDS + 3 * sum(seconds_allowed(len(s.payload)) for s in batch)
            )
        except subprocess.TimeoutExpired:
            process.kill()
            raise _ended("it got no processor time") from None
        except BaseException:
            process.kill()
            raise
    if not answer.startswith(READY):
        raise _ended("it did not start")
    outcomes = _parse(answer[len(READY) :])
    if len(outcomes) < len(batch):
        if process.returncode == 0 or -process.returncode in _FROM_OUTSIDE:
            raise _ended(f"it ended with code {process.returncode}")
        outcomes.append(Rejected("unreadable_avro", "decoding it hit a limit of time or memory, or crashed"))
    return outcomes


def _line(head: dict[str, str | int]) -> bytes:
    return json.dumps(head).encode() + b"\n"


def _parse(answer: bytes) -> list[bytes | Rejected]:
    """Complete answers of the process, in order."""
    outcomes: list[bytes | Rejected] = []
    position = 0
    while (end := answer.find(b"\n", position)) >= 0:
        head = json.loads(answer[position:end])
        position = end + 1
        if "reason" in head:
            outcomes.append(Rejected(head["reason"], _DETAIL[head["reason"]]))
            continue
        if position + head["bytes"] > len(answer):
            break
        outcomes.append(answer[position : position + head["bytes"]])
        position += head["bytes"]
    return outcomes


def _ended(why: str) -> TransientError:
    return TransientError(
        "decode files in an isolated process",
        "raw decoding",
        why,
        "Check that the machine has memory to spare and that fastavro is installed, then run again.",
    )
