import base64
import bz2
import gzip
import json
import lzma
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.raw.making import CODECS, SYNC, block, compress, header, make_records, prefixed, upload
from vitals.raw.container import MAX_CONTAINERS, MAX_EMPTY_BLOCKS, Container, Limits, Rejected, read_container
from vitals.raw.varint import read_long, write_long

SCHEMA = b'"long"'
LIMITS = Limits(max_file_bytes=10_000, max_records=50, max_decompressed_bytes=20_000)


def reason(data, limits=LIMITS):
    outcome = read_container(data, limits=limits)
    assert isinstance(outcome, Rejected)
    return outcome.reason


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_written_number_is_read_back_with_no_byte_to_spare(value):
    assert read_long(write_long(value), 0) == (value, len(write_long(value)))


@pytest.mark.parametrize("codec", CODECS)
@settings(deadline=None, max_examples=40)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=10))
def test_the_payload_is_what_went_into_the_blocks_in_every_codec(codec, parts):
    data = header(SCHEMA, codec) + b"".join(block(1, compress(part, codec)) for part in parts)
    outcome = read_container(data, limits=LIMITS)
    assert outcome == Container(schema_json=SCHEMA, codec=codec, payload=b"".join(parts), records=len(parts))


def test_metadata_may_hold_other_entries_come_in_sized_blocks_and_leave_the_codec_out():
    entries = prefixed(b"avro.schema") + prefixed(SCHEMA), prefixed(b"writer") + prefixed(b"x")
    data = (
        b"Obj\x01" + write_long(-1) + prefixed(entries[0]) + write_long(1) + entries[1] + b"\0" + SYNC + block(1, b"a")
    )
    outcome = read_container(data, limits=LIMITS)
    assert (outcome.codec, outcome.payload) == ("null", b"a")


def test_zstandard_blocks_may_leave_their_size_out_or_hold_several_frames():
    packer = zstandard.ZstdCompressor(write_content_size=False)
    stored = packer.compress(b"abc") + zstandard.ZstdCompressor().compress(b"def")
    for order in (stored, zstandard.ZstdCompressor().compress(b"abc") + packer.compress(b"def")):
        assert read_container(header(SCHEMA, "zstandard") + block(1, order), limits=LIMITS).payload == b"abcdef"


def test_deflate_blocks_may_end_with_what_python_writers_leave_of_the_checksum():
    for end in (None, -1, -2, -3, -4):
        stored = zlib.compress(b"abc")[2:end]
        assert read_container(header(SCHEMA, "deflate") + block(1, stored), limits=LIMITS).payload == b"abc"


def test_a_file_without_records_is_empty():
    assert reason(b"") == "empty"
    assert reason(header(SCHEMA)) == "empty"
    assert reason(header(SCHEMA) + block(0, b"")) == "empty"


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"PK\x03\x04", b"obj\x01", b"{}", b"Obj\x02" + header(SCHEMA)[4:]])
def test_a_file_of_another_format_is_not_avro(data):
    assert reason(data) == "not_avro"


@pytest.mark.parametrize("codec", CODECS)
def test_a_file_cut_anywhere_but_between_blocks_is_truncated(codec):
    whole = header(SCHEMA, codec) + block(2, compress(b"ab", codec)) + block(1, compress(b"c" * 200, codec))
    between = {len(header(SCHEMA, codec)), len(header(SCHEMA, codec) + block(2, compress(b"ab", codec)))}
    for end in set(range(1, len(whole))) - between:
        assert reason(whole[:end]) == "truncated"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (header(SCHEMA) + write_long(-1) + prefixed(b"a") + SYNC, "unreadable_avro"),
        (header(SCHEMA) + write_long(1) + write_long(-1) + b"a" + SYNC, "unreadable_avro"),
        (header(SCHEMA) + write_long(1) + write_long(2**62) + b"a" + SYNC, "unreadable_avro"),
        (header(SCHEMA) + write_long(1) + b"\xff" * 11 + SYNC, "unreadable_avro"),
        (header(SCHEMA) + block(1, b"a", sync=bytes(16)), "unreadable_avro"),
        (header(SCHEMA) + block(51, b"a"), "too_many_records"),
        (header(SCHEMA) + block(30, b"a") + block(21, b"a"), "too_many_records"),
        (header(SCHEMA) + block(2**62, b"a"), "too_many_records"),
        (header(SCHEMA) + b"a" * 10_000, "too_large"),
        (header(SCHEMA, "bzip2") + block(1, b"a"), "unreadable_avro"),
        (header(SCHEMA, "") + block(1, b"a"), "unreadable_avro"),
        (b"Obj\x01" + write_long(0) + SYNC + block(1, b"a"), "unreadable_avro"),
        (b"Obj\x01" + write_long(2**40) + prefixed(b"a") + prefixed(b"b"), "unreadable_avro"),
        (b"Obj\x01" + write_long(1) + write_long(-5) + b"a" * 50, "unreadable_avro"),
        (b"Obj\x01" + write_long(1) + write_long(2**40) + b"a" * 50, "unreadable_avro"),
        (header(SCHEMA, "deflate") + block(1, b"\xff\xff"), "unreadable_avro"),
        (header(SCHEMA, "deflate") + block(1, compress(b"a" * 99, "deflate")[:-2]), "unreadable_avro"),
        (header(SCHEMA, "deflate") + block(1, compress(b"a", "deflate") + b"12345"), "unreadable_avro"),
        (header(SCHEMA, "snappy") + block(1, compress(b"a", "snappy")[:-1] + b"!"), "unreadable_avro"),
        (header(SCHEMA, "snappy") + block(1, b"ab"), "unreadable_avro"),
        (header(SCHEMA, "snappy") + block(1, b""), "unreadable_avro"),
        (header(SCHEMA, "zstandard") + block(1, b"nonsense"), "unreadable_avro"),
        (header(SCHEMA, "zstandard") + block(1, b""), "unreadable_avro"),
        (header(SCHEMA, "bzip2") + block(1, b""), "unreadable_avro"),
        (header(SCHEMA, "bzip2") + block(1, compress(b"a" * 99, "bzip2")[:-2]), "unreadable_avro"),
        (header(SCHEMA, "bzip2") + block(1, compress(b"a", "bzip2") * 2), "unreadable_avro"),
        (header(SCHEMA, "xz") + block(1, b"a"), "unreadable_avro"),
        (header(SCHEMA, "xz") + block(1, compress(b"a" * 99, "xz")[:-2]), "unreadable_avro"),
        (header(SCHEMA, "xz") + block(1, compress(b"a", "xz") + b"1234"), "unreadable_avro"),
        (header(SCHEMA, "lz4") + block(1, b"a"), "unreadable_avro"),
    ],
)  # fmt: skip
def test_a_broken_frame_is_rejected_with_its_reason(data, expected):
    assert reason(data) == expected


def test_a_giant_header_is_rejected_before_it_is_understood():
    limits = Limits()
    assert reason(header(b" " * 70_000) + block(1, b"a"), limits) == "unreadable_avro"
    assert reason(header(SCHEMA, extra=[(b"k", b"v" * 300_000)]) + block(1, b"a"), limits) == "unreadable_avro"
    assert (
        reason(header(SCHEMA, extra=[(b"%d" % i, b"v") for i in range(400)]) + block(1, b"a"), limits)
        == "unreadable_avro"
    )


def test_blocks_without_records_are_tolerated_up_to_a_number():
    some, many = (header(SCHEMA) + block(0, b"") * n + block(1, b"a") for n in (MAX_EMPTY_BLOCKS, MAX_EMPTY_BLOCKS + 1))
    limits = Limits()
    assert read_container(some, limits=limits).records == 1
    assert reason(many, limits) == "unreadable_avro"


@pytest.mark.parametrize("codec", CODECS)
def test_decompression_stops_at_the_limit_over_all_blocks(codec):
    limits = Limits(max_decompressed_bytes=20_000)
    fits = block(1, compress(bytes(10_000), codec)) * 2
    assert len(read_container(header(SCHEMA, codec) + fits, limits=limits).payload) == 20_000
    assert reason(header(SCHEMA, codec) + fits + block(1, compress(b"a", codec)), limits) == "decompression_limit"
    assert reason(header(SCHEMA, codec) + block(1, compress(bytes(10**6), codec)), limits) == "decompression_limit"


def test_containers_one_after_the_other_are_read_as_one_in_whatever_codecs():
    parts = [b"a", b"bb", b"", b"ccc"]
    files = [
        header(SCHEMA, codec) + block(1, compress(part, codec)) for codec, part in zip(CODECS, parts, strict=False)
    ]
    whole = read_container(b"".join(files), limits=LIMITS)
    assert (whole.payload, whole.records) == (b"abbccc", 4)
    # Other sync marks, no records, and a first one without a block.
    other = header(SCHEMA).removesuffix(SYNC) + bytes(16) + block(1, b"z", sync=bytes(16))
    for data in (header(SCHEMA) + other, other + header(SCHEMA), header(SCHEMA) * 3 + other):
        assert read_container(data, limits=LIMITS).payload == b"z"
    assert reason(other + header(SCHEMA)[:-3]) == "truncated"
    assert reason(other + header(b'{"type":"other"}') + block(1, b"a")) == "unreadable_avro"
    assert reason(other + header(SCHEMA) + block(50, b"a")) == "too_many_records"
    assert reason(header(SCHEMA) * (MAX_CONTAINERS + 1) + other, Limits()) == "unreadable_avro"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (gzip.compress(upload("steps", make_records("steps", 2))), "packed with gzip"),
        (bz2.compress(b"Obj"), "packed with bzip2"),
        (lzma.compress(b"Obj"), "packed with xz"),
        (zstandard.ZstdCompressor().compress(b"Obj"), "packed with zstandard"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
        (b"PAR1" + bytes(40), "Parquet"),
        (b"ORC" + bytes(40), "ORC"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"ARROW1\x00\x00", "Arrow"),
        (b'{"metadata": {"id": "a"}}', "JSON text"),
        (b' \n[{"id": 1}]', "JSON text"),
        (b"\xef\xbb\xbf{}", "JSON text"),
        ('{"a": "é"}'.encode("utf-16"), "JSON text"),
        (b"id,time,level\n1,2,3\n", "separated columns"),
        (b"id;time;level\r\n", "separated columns"),
        (b"id\ttime\n", "separated columns"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "XML or HTML"),
        (b"<!DOCTYPE html>", "XML or HTML"),
        ("Zeitpunkt und Wert: äöü".encode() * 40, "text, not Avro"),
        (base64.b64encode(header(SCHEMA)), "Base64"),
        (bytes(5) + b"\x07H" + bytes(100), "schema registry"),
        (b"\x00\x00\x01\x86\xa0H" + bytes(100), "schema registry"),
        (bytes(8) + b"\x2a" + b"H" * 100, "schema registry"),
        (b"\x03\x00" + bytes(range(16)) + b"H" * 100, "schema registry"),
        (b"\xc3\x01" + bytes(20), "single-object"),
        (b"Obj\x00" + bytes(20), "before 1.3"),
        (b"Obj\x02" + header(SCHEMA)[4:], "changed on its way"),
        (bytes(64), "zero bytes"),
        (b"\x00\x01\x02", "does not start like"),
        (b"\x93NUMPY\x01", "does not start like"),
    ],
)  # fmt: skip
def test_a_file_of_another_format_is_told_by_its_name(data, says):
    refused = read_container(data, limits=LIMITS)
    assert refused.reason == "not_avro"
    assert says in refused.detail


def test_a_codec_that_is_not_avros_is_named_only_if_it_is_a_codec():
    for codec, said in (("lz4", "lz4 is no codec"), ("zstd", "zstd is no codec"), ("anna", "none of Avro's")):
        refused = read_container(header(SCHEMA, codec) + block(1, b"a"), limits=LIMITS)
        assert said in refused.detail
        assert "anna" not in refused.detail


def test_a_claim_of_gigabytes_costs_nothing():
    claims_4_gb = write_long(-(2**31))[:0] + b"\xff\xff\xff\xff\x0f" + b"abcd1234"
    assert reason(header(SCHEMA, "snappy") + block(1, claims_4_gb)) == "decompression_limit"
    frame = b"\x28\xb5\x2f\xfd\xe0" + (2**40).to_bytes(8, "little") + b"\x01\x00\x00"
    assert reason(header(SCHEMA, "zstandard") + block(1, frame)) == "decompression_limit"
    stream = zstandard.ZstdCompressor(write_content_size=False).compress(bytes(10**7))
    assert reason(header(SCHEMA, "zstandard") + block(1, stream)) == "decompression_limit"
    for codec in ("bzip2", "xz"):
        assert reason(header(SCHEMA, codec) + block(1, compress(bytes(3 * 10**7), codec))) == "decompression_limit"
    greedy = lzma.compress(b"a", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 28}])
    assert reason(header(SCHEMA, "xz") + block(1, greedy)) == "unreadable_avro"


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_any_bytes_give_a_container_or_a_reason_and_never_content(data):
    whole = upload("blood_glucose", make_records("blood_glucose", 3), data.draw(st.sampled_from(CODECS)))
    at = data.draw(st.integers(0, len(whole)))
    changed = whole[:at] + data.draw(st.binary(max_size=12)) + whole[at + data.draw(st.integers(0, 12)) :]
    outcome = read_container(changed, limits=Limits())
    if isinstance(outcome, Rejected):
        assert outcome.detail.isascii()
        assert not any(word in outcome.detail for word in ("example", "avro.", "io.github"))
    else:
        assert outcome.records >= 1
        assert json.dumps(outcome.codec)
