"""The isolated process: one suspicious payload after the other, rewritten in our own schema.

Belongs here: what runs inside the process, its limits and its side of the protocol; and what a foreign record is under
our schema. A field is ours by its name and place; names of types decide nothing, as writers give them their own.
Does not belong here: starting it or judging how it ended (`isolated`). No imports beyond the standard library,
fastavro and modules that keep to the same, so that it starts in a tenth of a second.

Input:  one JSON line {"reader"}, then per file one JSON line {"writer", "records", "bytes"} and the payload.
Output: READY when the limits are set, then per file one JSON line {"bytes": n} and n bytes of payload in the
reader schema, or {"reason": r}.
"""

import io
import json
import resource
import signal
import sys
from functools import lru_cache
from typing import IO, Any

import fastavro

from vitals.raw.wellformed import MalformedError, check_records

READY = b"ready\n"
SECONDS_PER_FILE = 2.0
BYTES_PER_SECOND = 200_000
MOST_SECONDS = 240.0
"""Processor time of a file: some seconds, one more for so many bytes of payload, and never more than the last.
Measured on a crowded machine, honest files pass at three times this rate."""


def main(memory_bytes: int) -> None:
    """Serve standard input until it ends.

    Args:
        memory_bytes: address space that this process may use.
    """
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The kernel ends the process: a handler in Python would never run inside a loop in C.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(READY)
    sink.flush()
    reader = fastavro.parse_schema(json.loads(json.loads(source.readline())["reader"]))
    while line := source.readline():
        request = json.loads(line)
        payload = source.read(request["bytes"])
        signal.setitimer(signal.ITIMER_PROF, seconds_allowed(len(payload)))
        _answer(sink, _transcode(payload, records=request["records"], writer_text=request["writer"], reader=reader))
    signal.setitimer(signal.ITIMER_PROF, 0)


def seconds_allowed(payload_bytes: int) -> float:
    """Processor time that a payload may take."""
    return min(SECONDS_PER_FILE + payload_bytes / BYTES_PER_SECOND, MOST_SECONDS)


def _answer(sink: IO[bytes], outcome: bytes | str) -> None:
    """Write one file's answer and flush it: if the next file ends the process, this one stands."""
    head = {"reason": outcome} if isinstance(outcome, str) else {"bytes": len(outcome)}
    sink.write(json.dumps(head).encode() + b"\n")
    if isinstance(outcome, bytes):
        sink.write(outcome)
    sink.flush()


def _transcode(payload: bytes, *, records: int, writer_text: str, reader: Any) -> bytes | str:
    """The records in the reader schema, or the reason why there are none."""
    try:
        tree, writer = _parse_writer(writer_text)
    # Hostile schemas fail in more ways than fastavro has exceptions for (KeyError, TypeError, recursion ...).
    except Exception:  # noqa: BLE001
        return "schema_mismatch"
    try:
        check_records(tree, payload, records)
    except MalformedError:
        return "unreadable_avro"
    except (KeyError, RecursionError):
        return "schema_mismatch"
    try:
        return _resolve(writer, reader, payload, records)
    except MemoryError:
        # Ends the process: what is left of the memory is not to be trusted with another file.
        raise
    # The bytes are sound, so whatever else fails here is a schema that does not lead to ours.
    except Exception:  # noqa: BLE001
        return "schema_mismatch"


@lru_cache(maxsize=8)
def _parse_writer(text: str) -> tuple[Any, Any]:
    """A writer schema as it is and as fastavro wants it; files of one batch often share one."""
    return json.loads(text), fastavro.parse_schema(json.loads(text))


def _resolve(writer: Any, reader: Any, payload: bytes, records: int) -> bytes:
    source, sink = io.BytesIO(payload), io.BytesIO()
    for _ in range(records):
        fastavro.schemaless_writer(sink, reader, as_ours(fastavro.schemaless_reader(source, writer), reader))
    if source.tell() != len(payload):
        raise ValueError("the decoder and the check do not agree where the records end")
    return sink.getvalue()


def as_ours(value: Any, schema: Any) -> Any:
    """A foreign value under our schema: fields by name, defaults where they are missing, null where one is null.

    Raises:
        TypeError: it is of a type that cannot be ours.
        KeyError: a field that has no default is missing.
    """
    if isinstance(schema, list):
        return None if value is None else as_ours(value, schema[1])
    if isinstance(schema, dict):
        return _compound(value, schema)
    if schema == "string" and isinstance(value, str | bytes):
        return value if isinstance(value, str) else value.decode()
    if schema == "double" and isinstance(value, float):
        return value
    if schema in ("long", "double") and isinstance(value, int) and not isinstance(value, bool):
        return float(value) if schema == "double" else value
    raise TypeError("a value is of a type that cannot be ours")


def _compound(value: Any, schema: Any) -> Any:
    """A foreign value as our record, list or symbol."""
    kind = schema["type"]
    if kind == "record" and value is None:
        # A record that a foreign writer leaves null lacks all its parts: one bad row, not a bad file.
        return {field["name"]: as_ours(None, field["type"]) for field in schema["fields"]}
    if kind == "record" and isinstance(value, dict):
        return {field["name"]: _field(value, field) for field in schema["fields"]}
    if kind == "array" and isinstance(value, list):
        return [as_ours(item, schema["items"]) for item in value]
    if kind == "enum" and isinstance(value, str):
        return value if value in schema["symbols"] else schema["default"]
    raise TypeError("a value is of a type that cannot be ours")


def _field(record: dict[str, Any], field: Any) -> Any:
    name = field["name"]
    return as_ours(record[name], field["type"]) if name in record else field["default"]
