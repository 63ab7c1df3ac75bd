import json
import subprocess

import pytest

from tests.vitals.raw.making import encode, make_records
from vitals.errors import TransientError
from vitals.raw import isolated
from vitals.raw.container import Rejected
from vitals.raw.isolated import Suspect, transcode
from vitals.raw.schemas import lenient_schema, strict_schema
from vitals.raw.varint import write_long
from vitals.raw.wellformed import MalformedError, check_records

KIND = "steps"


def suspect(records=2, payload=None):
    parts = encode(make_records(KIND, records), strict_schema(KIND).tree)
    return Suspect(
        writer=strict_schema(KIND).text, payload=b"".join(parts) if payload is None else payload, records=records
    )


def doubling(levels):
    """A schema whose one record takes 2**levels steps to walk and no bytes."""
    inner = {"type": "record", "name": "R0", "fields": []}
    for level in range(1, levels):
        inner = {
            "type": "record",
            "name": f"R{level}",
            "fields": [{"name": "a", "type": inner}, {"name": "b", "type": inner["name"]}],
        }
    return json.dumps(inner)


def test_a_sound_payload_is_rewritten_in_the_lenient_schema():
    expected = b"".join(encode(make_records(KIND, 2), lenient_schema(KIND).tree))
    assert transcode([suspect(), suspect()], kind=KIND) == [expected, expected]


def test_no_suspects_start_no_process():
    assert transcode([], kind=KIND) == []


def test_a_file_that_never_ends_is_told_from_those_around_it():
    endless = Suspect(writer=doubling(30), payload=b"", records=1)
    outcomes = transcode([suspect(), endless, suspect()], kind=KIND)
    assert [isinstance(outcome, Rejected) for outcome in outcomes] == [False, True, False]
    assert outcomes[0] == outcomes[2]
    assert "limit" in outcomes[1].detail


def test_a_file_that_fills_the_memory_is_told_from_those_around_it(monkeypatch):
    # 2 MB of samples are some 250 MB of Python objects, which the process is not given.
    monkeypatch.setattr(isolated, "BASE_MEMORY_BYTES", 128 * 1024 * 1024)
    schema, count = strict_schema("heart_rate"), 1_000_000
    (part,) = encode([make_records("heart_rate", 1)[0] | {"samples": []}], schema.tree)
    huge = part[:-1] + write_long(count) + b"\x02\x02" * count + b"\0"
    suspects = [Suspect(writer=schema.text, payload=payload, records=1) for payload in (part, huge, part)]
    outcomes = transcode(suspects, kind="heart_rate")
    assert isinstance(outcomes[1], Rejected)
    assert outcomes[0] == outcomes[2]
    assert isinstance(outcomes[0], bytes)


def test_a_large_honest_file_is_not_taken_for_a_hostile_one():
    schema = strict_schema("heart_rate")
    samples = [{"timeEpochMillis": 1_700_000_000_000 + i, "beatsPerMinute": 60} for i in range(60)]
    records = [record | {"samples": samples} for record in make_records("heart_rate", 2_000)]
    payload = b"".join(encode(records, schema.tree))
    outcome = transcode([Suspect(writer=schema.text, payload=payload, records=len(records))], kind="heart_rate")
    assert outcome == [b"".join(encode(records, lenient_schema("heart_rate").tree))]


def test_a_process_that_cannot_start_blames_no_file(monkeypatch):
    monkeypatch.setattr(isolated, "_BOOT", "raise SystemExit(3)")
    with pytest.raises(TransientError):
        transcode([suspect()], kind=KIND)


def test_a_process_ended_from_outside_blames_no_file(monkeypatch):
    boot = "import sys, os; sys.stdout.write('ready\\n'); sys.stdout.flush(); os.kill(os.getpid(), 9)"
    monkeypatch.setattr(isolated, "_BOOT", boot)
    with pytest.raises(TransientError):
        transcode([suspect()], kind=KIND)


def test_the_process_inherits_no_environment(monkeypatch):
    monkeypatch.setenv("VITALGRAPH_TEST_SECRET", "x")
    seen = []
    original = subprocess.Popen

    def spy(*args, **kwargs):
        seen.append(kwargs["env"])
        return original(*args, **kwargs)

    monkeypatch.setattr(subprocess, "Popen", spy)
    transcode([suspect()], kind=KIND)
    assert seen == [{}]


@pytest.mark.parametrize(
    ("schema", "payload", "sound"),
    [
        ("long", b"\x02", True),
        ("long", b"\x82\x00", True),
        ("long", b"\xff" * 9 + b"\x01", True),
        ("long", b"\xff" * 9 + b"\x7f", False),
        ("long", b"\xff" * 10 + b"\x01", False),
        ("long", b"\x82", False),
        ("long", b"\x02\x02", False),
        ("int", b"\xfe\xff\xff\xff\x0f", True),
        ("int", b"\x80\x80\x80\x80\x10", False),
        ("boolean", b"\x01", True),
        ("double", bytes(7), False),
        ("float", bytes(4), True),
        ("null", b"", True),
        ("string", b"\x04\xc3\xa9", True),
        ("string", b"\x02\xc3", False),
        ("string", b"\x01", False),
        ("string", b"\x06ab", False),
        ("bytes", b"\x02\xc3", True),
        ("bytes", b"\x06ab", False),
        (["null", "long"], b"\x00", True),
        (["null", "long"], b"\x02\x02", True),
        (["null", "long"], b"\x01\x02", False),
        (["null", "long"], b"\x04\x02", False),
        ([], b"\x00", False),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\x02", True),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\x01", False),
        ({"type": "enum", "name": "E", "symbols": ["A", "B"]}, b"\x04", False),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", True),
        ({"type": "fixed", "name": "F", "size": 2}, b"a", False),
        ({"type": "array", "items": "long"}, b"\x00", True),
        ({"type": "array", "items": "long"}, b"\x04\x02\x02\x00", True),
        ({"type": "array", "items": "long"}, b"\x03\x04\x02\x02\x00", True),
        ({"type": "array", "items": "long"}, b"\x03\x02\x02\x02\x00", False),
        ({"type": "array", "items": "long"}, b"\x04\x02\x02", False),
        ({"type": "array", "items": "null"}, b"\x04\x00", False),
        ({"type": "map", "values": "long"}, b"\x02\x02a\x02\x00", True),
        ({"type": "map", "values": "null"}, b"\x02\x02a\x00", True),
        ({"type": "map", "values": "long"}, b"\x02\x02\xff\x02\x00", False),
    ],
)  # fmt: skip
def test_bytes_are_sound_or_malformed(schema, payload, sound):
    if sound:
        check_records(schema, payload, 1)
    else:
        with pytest.raises(MalformedError):
            check_records(schema, payload, 1)


def test_a_schema_that_contains_itself_is_walked_to_a_depth():
    chain = {"type": "record", "name": "N", "fields": [{"name": "next", "type": ["null", "N"]}]}
    check_records(chain, b"\x02" * 20 + b"\x00", 1)
    with pytest.raises(MalformedError):
        check_records(chain, b"\x02" * 5000 + b"\x00", 1)
    with pytest.raises(MalformedError):
        check_records({"type": "record", "name": "N", "fields": [{"name": "next", "type": "N"}]}, b"", 1)
