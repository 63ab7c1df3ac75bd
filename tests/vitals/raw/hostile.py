"""Mutated files: a seeded generator of whatever may arrive, by accident or on purpose."""

import json
import random
import struct
import zlib

import zstandard

from tests.vitals.raw.making import (
    CODECS,
    SYNC,
    block,
    compress,
    container,
    encode,
    header,
    make_records,
    prefixed,
    text_of,
)
from vitals.raw.schemas import reader_schema
from vitals.raw.varint import write_long

ABSURD = (-(2**63), -(2**31), -1, 0, 1, 7, 63, 64, 2**16, 2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1)


class Source:
    """What a mutation starts from: a sound file of a kind in its parts."""

    def __init__(self, kind, rng):
        self.kind = kind
        self.rng = rng
        self.schema = json.loads(reader_schema(kind).text)
        self.parts = encode(make_records(kind, rng.choice((1, 3, 12)), seed=rng.randrange(40)), self.schema)
        self.codec = rng.choice(CODECS)
        self.file = container(self.parts, self.schema, self.codec, per_block=rng.choice((None, 2)))

    def repack(self, payload, count=None, schema=None):
        """A container with a sound frame around any payload."""
        count = len(self.parts) if count is None else count
        text = schema if isinstance(schema, bytes) else text_of(schema or self.schema)
        return header(text, self.codec) + block(count, compress(payload, self.codec))


def truncate(s):
    return s.file[: s.rng.randrange(len(s.file))]


def flip_bits(s):
    data = bytearray(s.file)
    for _ in range(s.rng.choice((1, 1, 2, 8))):
        data[s.rng.randrange(len(data))] ^= 1 << s.rng.randrange(8)
    return bytes(data)


def flip_payload_bits(s):
    data = bytearray(b"".join(s.parts))
    for _ in range(s.rng.choice((1, 1, 1, 4))):
        data[s.rng.randrange(len(data))] ^= 1 << s.rng.randrange(8)
    return s.repack(bytes(data))


def overwrite_payload(s):
    data = bytearray(b"".join(s.parts))
    at = s.rng.randrange(len(data))
    patch = s.rng.choice((s.rng.randbytes(s.rng.randrange(1, 9)), b"\xff" * 10, write_long(s.rng.choice(ABSURD))))
    data[at : at + s.rng.choice((0, 1, len(patch)))] = patch
    return s.repack(bytes(data))


def cut_payload(s):
    data = b"".join(s.parts)
    at = s.rng.randrange(len(data))
    return s.repack(data[:at] + data[at + s.rng.randrange(1, 9) :])


def trailing_bytes(s):
    return s.repack(b"".join(s.parts) + s.rng.choice((b"\0", s.rng.randbytes(5), s.parts[0], s.parts[0][:-1])))


def wrong_count(s):
    return s.repack(b"".join(s.parts), count=s.rng.choice((*ABSURD, len(s.parts) + 1, max(len(s.parts) - 1, 1))))


def absurd_block(s):
    size = write_long(s.rng.choice(ABSURD))
    return header(text_of(s.schema), s.codec) + write_long(len(s.parts)) + size + b"".join(s.parts) + SYNC


def absurd_array(s):
    """An array or string at the end that announces far more than there is."""
    return s.repack(
        b"".join(s.parts)[:-1] + write_long(s.rng.choice(ABSURD)) + write_long(s.rng.choice(ABSURD)) + b"\0"
    )


def bad_utf8(s):
    data = bytearray(b"".join(s.parts))
    at = s.rng.randrange(1, min(30, len(data)))
    data[at] = s.rng.choice((0xFF, 0xC3, 0x80))
    return s.repack(bytes(data))


def bomb(s):
    size = s.rng.choice((10**6, 10**7, 10**8 if s.rng.random() < 0.4 else 10**6))
    codec = {"null": "deflate", "bzip2": "snappy", "xz": "snappy"}.get(s.codec, s.codec)
    if codec == "snappy":
        # A claim, since snappy itself does not shrink enough to be a bomb.
        stored = write_long(2**31)[:5] + b"\xfe\x01\x00" * 100 + b"abcd"
    elif codec == "zstandard":
        stored = zstandard.ZstdCompressor(write_content_size=s.rng.random() < 0.5).compress(bytes(size))
    else:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        stored = packer.compress(bytes(size)) + packer.flush()
    return header(text_of(s.schema), codec) + block(s.rng.choice((1, 50, 99_999)), stored)


def spliced(s):
    other = Source(s.kind, s.rng).file
    return s.rng.choice(
        (
            s.file + other,
            s.file[: s.rng.randrange(len(s.file))] + other[s.rng.randrange(len(other)) :],
            s.file + s.rng.randbytes(40),
            s.file[:-16] + other,
        )
    )


def metadata(s):
    text = text_of(s.schema)
    body = block(len(s.parts), b"".join(s.parts))
    return s.rng.choice(
        (
            b"Obj\x01"
            + write_long(s.rng.choice(ABSURD))
            + prefixed(b"avro.schema")
            + prefixed(text)
            + b"\0"
            + SYNC
            + body,
            b"Obj\x01"
            + write_long(1)
            + prefixed(b"avro.schema")
            + write_long(s.rng.choice(ABSURD))
            + text
            + b"\0"
            + SYNC
            + body,
            header(text, s.rng.choice(("bzip2", "xz", "nonsense", ""))) + body,
            header(text, "null", [(b"k%d" % i, b"v" * 2000) for i in range(200)]) + body,
            b"Obj\x01" + write_long(1) + prefixed(b"avro.codec") + prefixed(b"null") + b"\0" + SYNC + body,
            header(s.rng.randbytes(300), "null") + body,
            b"\x00" * s.rng.randrange(200),
            s.rng.randbytes(300),
        )
    )


def tampered_schema(s):
    """The writer's schema and bytes disagree, or agree on something that is not ours."""
    schema, fields = s.schema, s.schema["fields"]
    at = s.rng.randrange(len(fields))
    choice = s.rng.randrange(8)
    if choice == 0:
        fields.insert(at, {"name": "extra", "type": s.rng.choice(("long", "string", ["null", "bytes"]))})
    elif choice == 1:
        del fields[at]
    elif choice == 2:
        s.rng.shuffle(fields)
    elif choice == 3:
        fields[at]["type"] = s.rng.choice(
            ("null", "long", "string", "double", "int", {"type": "map", "values": "long"}, [])
        )
    elif choice == 4:
        schema["name"] = s.rng.choice(("AvroWeightRecord", "", "AvroStepsRecord", "a.b.AvroHeartRateRecord"))
    elif choice == 5:
        fields[at]["name"] = s.rng.choice(("", "x y", fields[0]["name"], "\ud800"))
    elif choice == 6:
        fields[at] = s.rng.choice((None, 7, {"name": "a"}, {"type": "long"}, {"name": "b", "type": {"type": {}}}))
    else:
        schema["fields"] = s.rng.choice((None, {}, "long", 3))
    return s.repack(b"".join(s.parts), schema=schema)


def honest_other_schema(s):
    """Another schema that the bytes do follow: must decode through resolution."""
    fields = s.schema["fields"]
    extra = s.rng.choice(
        ({"type": "array", "items": "string"}, {"type": "map", "values": "double"}, ["null", "long"], "int")
    )
    value = {"array": ["a", "b"], "map": {"a": 1.5}}.get(extra["type"]) if isinstance(extra, dict) else 5
    fields.insert(s.rng.randrange(len(fields) + 1), {"name": "extra", "type": extra})
    s.rng.shuffle(fields)
    records = [record | {"extra": value} for record in make_records(s.kind, 3, seed=s.rng.randrange(40))]
    return container(encode(records, s.schema), s.schema, s.codec)


def deep_schema(s):
    depth = s.rng.choice((20, 40, 400, 5000))
    nested = s.rng.choice(
        (
            '{"type":"array","items":' * depth + '"long"' + "}" * depth,
            "[" * depth + '"long"' + "]" * depth,
            '{"type":' * depth + '"long"' + "}" * depth,
        )
    )
    text = json.dumps(s.schema)[:-2] + ',{"name":"deep","type":' + nested + "}]}"
    return s.repack(b"".join(s.parts) + b"\2" * s.rng.randrange(3000), schema=text.encode())


def recursive_schema(s):
    s.schema["fields"].append({"name": "next", "type": s.rng.choice((s.schema["name"], ["null", s.schema["name"]]))})
    return s.repack(b"".join(part + b"\2" for part in s.parts) + b"\2" * 2000)


def exponential_schema(s):
    """Records without bytes that hold two of the next, 40 levels down."""
    inner = {"type": "record", "name": "R40", "fields": []}
    for level in range(29, 0, -1):
        inner = {
            "type": "record",
            "name": f"R{level}",
            "fields": [{"name": "a", "type": inner}, {"name": "b", "type": inner["name"]}],
        }
    s.schema["fields"].append({"name": "blow", "type": inner})
    return s.repack(b"".join(s.parts))


def giant_schema(s):
    count = s.rng.choice((500, 1500, 20_000))
    s.schema["fields"] += [{"name": f"f{i}", "type": "null"} for i in range(count)]
    return s.repack(b"".join(s.parts))


def zero_byte_items(s):
    items = s.rng.choice(
        ("null", {"type": "record", "name": "E", "fields": []}, {"type": "fixed", "name": "F", "size": 0})
    )
    s.schema["fields"].append({"name": "zeros", "type": {"type": "array", "items": items}})
    count = write_long(s.rng.choice((10, 2**20, 2**40, 2**62)))
    return s.repack(b"".join(part + count + b"\0" for part in s.parts))


def bad_index(s):
    """A branch or symbol that does not exist, one byte long like one that does."""
    data = bytearray(b"".join(s.parts))
    at = [i for i, byte in enumerate(data) if byte in (0, 2)]
    data[s.rng.choice(at)] = s.rng.choice((1, 3, 4, 13, 14, 99))
    return s.repack(bytes(data))


def long_way_round(s):
    """Legal, unusual: numbers with spare bytes, arrays in several or sized blocks."""
    if s.kind == "heart_rate":
        samples = [write_long(1_700_000_000_000 + i) + write_long(60 + i) for i in range(4)]
        array = s.rng.choice(
            (
                write_long(1) + samples[0] + write_long(3) + b"".join(samples[1:]) + b"\0",
                write_long(-4) + prefixed(b"".join(samples)) + b"\0",
                write_long(-4) + write_long(3) + b"".join(samples) + b"\0",
            )
        )
        records = [record | {"samples": []} for record in make_records(s.kind, 2, seed=s.rng.randrange(40))]
        return s.repack(b"".join(part[:-1] + array for part in encode(records, s.schema)), count=2)
    data = b"".join(s.parts)
    at = s.rng.choice([i for i, byte in enumerate(data) if byte < 0x80])
    return s.repack(data[:at] + bytes((data[at] | 0x80, 0)) + data[at + 1 :])


def odd_values(s):
    """Sound encodings of values that make no sense: they decode, validation will judge."""
    data = b"".join(s.parts)
    return s.repack(data.replace(struct.pack("<d", 0.0), struct.pack("<d", float("nan"))))


MUTATIONS = (
    (truncate, 20), (flip_bits, 20), (flip_payload_bits, 25), (overwrite_payload, 20), (cut_payload, 10),
    (trailing_bytes, 8), (wrong_count, 8), (absurd_block, 6), (absurd_array, 8), (bad_utf8, 6), (bomb, 4), (spliced, 8),
    (metadata, 10), (tampered_schema, 14), (honest_other_schema, 8), (deep_schema, 4), (recursive_schema, 3),
    (giant_schema, 3), (zero_byte_items, 5), (bad_index, 10), (long_way_round, 8), (odd_values, 2),
)  # fmt: skip


def corpus(kind, count, seed):
    """Mutated files of a kind: (name of the mutation, bytes)."""
    rng = random.Random(f"{kind}{seed}")
    mutations, weights = zip(*MUTATIONS, strict=True)
    chosen = rng.choices(mutations, weights, k=count)
    return [(mutation.__name__, mutation(Source(kind, rng))) for mutation in chosen]
