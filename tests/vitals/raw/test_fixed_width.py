import random

import polars as pl
import pytest

from tests.vitals.raw.hostile import corpus
from tests.vitals.raw.making import block, container, encode, header, make_records, text_of
from vitals.raw import fixed_width
from vitals.raw.container import Limits
from vitals.raw.decode import RawObject, decode
from vitals.raw.fixed_width import MIN_ROWS, Payload, read_tables
from vitals.raw.schemas import reader_schema, strict_schema
from vitals.record_types import RECORD_TYPES

FIXED = ("blood_glucose", "hrv_rmssd")
ROWS = 2 * MIN_ROWS


@pytest.fixture
def no_tables(monkeypatch):
    """Turns the reading of tables off, so that everything goes through the reader."""
    return lambda: monkeypatch.setattr(fixed_width, "MIN_ROWS", 1 << 60)


def alike(kind, count, seed=0, **metadata):
    """Records of one layout: all as the first, but for ids, times and values."""
    rng = random.Random(f"{kind}{seed}")
    record = make_records(kind, 1, seed)[0]
    record["metadata"] |= {"clientRecordId": "0" * 12, "clientRecordVersion": 0} | metadata
    made = []
    for i in range(count):
        one = record | {"metadata": record["metadata"] | {"id": f"{rng.getrandbits(128):032x}"}}
        for name in ("timeEpochMillis", "startTimeEpochMillis", "endTimeEpochMillis"):
            if name in one:
                one[name] += i * 300_000
        if kind == "blood_glucose":
            one["levelInMilligramsPerDeciliter"] = rng.uniform(40, 400)
            one["mealType"] = rng.choice(("UNKNOWN", "LUNCH", "SNACK"))
        made.append(one)
    return made


def payload(kind, records):
    return b"".join(encode(records, reader_schema(kind).tree))


def tables_of(kind, *payloads):
    return read_tables([Payload(p, n) for p, n in payloads], schema=strict_schema(kind))


def file_of(kind, octets, records):
    return RawObject(header(text_of(reader_schema(kind).tree)) + block(records, octets))


def read(kind, objects):
    return decode(objects, kind=kind, limits=Limits())


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES if t.kind not in ("heart_rate", "sleep")])
@pytest.mark.parametrize("seed", range(6))
def test_a_table_gives_the_rows_that_the_reader_gives(kind, seed, no_tables):
    objects = [file_of(kind, payload(kind, alike(kind, ROWS, s)), ROWS) for s in (seed, seed, seed + 1)]
    octets = payload(kind, alike(kind, ROWS, seed))
    assert tables_of(kind, (octets, ROWS))
    ours = read(kind, objects)
    no_tables()
    theirs = read(kind, objects)
    assert ours.frame.equals(theirs.frame)
    assert ours.frame.schema == theirs.frame.schema
    assert (ours.rows, ours.isolated) == (theirs.rows, theirs.isolated)


@pytest.mark.parametrize("kind", ["heart_rate", "sleep"])
def test_records_that_hold_lists_are_no_table(kind):
    assert tables_of(kind, (payload(kind, make_records(kind, 1)) * ROWS, ROWS)) == []


@pytest.mark.parametrize("value", [0, -1, 63, 64, -64, -65, 8191, 8192, 2**31, -(2**31), 2**54 - 1, -(2**54)])
def test_numbers_of_every_length_are_read(value):
    records = alike("hrv_rmssd", ROWS, clientRecordVersion=value)
    [table] = tables_of("hrv_rmssd", (payload("hrv_rmssd", records), ROWS))
    assert table.frame["metadata"].struct.field("clientRecordVersion").unique().to_list() == [value]


@pytest.mark.parametrize("device", [None, {"manufacturer": None, "model": "é", "type": ""}])
def test_absent_empty_and_foreign_texts_that_are_the_same_everywhere_are_read(device):
    records = alike("hrv_rmssd", ROWS, device=device, id="")
    for record in records:
        record["metadata"]["id"] = ""
    [table] = tables_of("hrv_rmssd", (payload("hrv_rmssd", records), ROWS))
    device = device or dict.fromkeys(("manufacturer", "model", "type"))
    assert table.frame["metadata"].struct.field("device").struct.unnest().unique().to_dicts() == [device]
    assert table.frame["metadata"].struct.field("id").unique().to_list() == [""]


def test_a_file_with_one_record_of_another_layout_is_no_table_and_its_neighbour_is():
    good = payload("hrv_rmssd", alike("hrv_rmssd", ROWS))
    parts = encode(alike("hrv_rmssd", ROWS), reader_schema("hrv_rmssd").tree)
    other = next(
        part
        for seed in range(1000)
        for part in encode(make_records("hrv_rmssd", 40, seed), reader_schema("hrv_rmssd").tree)
        if len(part) == len(parts[0])
    )
    odd = b"".join([*parts[:-1], other])
    [table] = tables_of("hrv_rmssd", (odd, ROWS), (good, ROWS))
    assert table.members == [1]


@pytest.mark.parametrize("kind", FIXED)
def test_no_flipped_bit_of_a_table_changes_what_is_decoded_or_refused(kind, no_tables):
    records = alike(kind, MIN_ROWS)
    sound = payload(kind, records)
    width = len(sound) // MIN_ROWS
    # Every bit of a record, each in a file of its own, in turns at the first, a middle and the last record.
    files = []
    for bit in range(8 * width):
        octets = bytearray(sound)
        octets[(0, 100, MIN_ROWS - 1)[bit % 3] * width + bit // 8] ^= 1 << bit % 8
        files.append(file_of(kind, bytes(octets), MIN_ROWS))
    objects = [file_of(kind, sound, MIN_ROWS), *files]
    ours = read(kind, objects)
    no_tables()
    theirs = read(kind, objects)
    assert (ours.rejected, ours.rows, ours.isolated) == (theirs.rejected, theirs.rows, theirs.isolated)
    assert ours.rejected
    # As text: a flipped bit may make a value that is no number, which is not equal to itself.
    assert ours.frame.with_columns(pl.selectors.float().cast(pl.String)).equals(
        theirs.frame.with_columns(pl.selectors.float().cast(pl.String))
    )


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_hostile_files_fare_the_same_with_and_without_tables(kind, monkeypatch, no_tables):
    objects = [RawObject(data) for _, data in corpus(kind, 300, 11)]
    # Of one file each too: then any file whose length is right is tried.
    monkeypatch.setattr(fixed_width, "MIN_ROWS", 1)
    ours = read(kind, objects)
    no_tables()
    theirs = read(kind, objects)
    assert (ours.rejected, ours.rows, ours.isolated) == (theirs.rejected, theirs.rows, theirs.isolated)
    assert ours.frame.cast({pl.Float64: pl.String}).equals(theirs.frame.cast({pl.Float64: pl.String}))


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: [*parts, b"\0"],
        lambda parts: parts[:-1],
        lambda parts: [*parts[:-1], parts[-1][:-1]],
    ],
)
def test_bytes_that_are_not_as_many_times_the_first_record_as_declared_are_no_table(change):
    parts = encode(alike("hrv_rmssd", ROWS), reader_schema("hrv_rmssd").tree)
    assert tables_of("hrv_rmssd", (b"".join(change(parts)), ROWS)) == []


def test_a_number_with_spare_bytes_is_left_to_the_slow_path():
    schema = reader_schema("hrv_rmssd").tree
    parts = encode(alike("hrv_rmssd", ROWS), schema)
    # The last field, the time of the fetch, ends in a byte below 128: with a spare byte it is a byte longer.
    long = [part[:-1] + bytes([part[-1] | 0x80, 0]) for part in parts]
    assert tables_of("hrv_rmssd", (b"".join(long), ROWS)) == []
    decoded = read("hrv_rmssd", [RawObject(container(long, schema)), RawObject(container(parts, schema))])
    assert decoded.isolated == {0}
    assert (
        decoded.frame.filter(file_index=0)
        .drop("file_index")
        .equals(decoded.frame.filter(file_index=1).drop("file_index"))
    )


def test_records_in_many_layouts_take_bounded_looks(monkeypatch):
    monkeypatch.setattr(fixed_width, "MAX_LAYOUTS", 3)
    octets = [
        payload("hrv_rmssd", alike("hrv_rmssd", MIN_ROWS, device={"manufacturer": m, "model": None, "type": None}))
        for m in "abcdef"
    ]
    assert len(tables_of("hrv_rmssd", *((o, MIN_ROWS) for o in octets))) == 3
