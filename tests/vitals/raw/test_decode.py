import collections
import io
import json
import math
import random

import fastavro
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.raw.hostile import Source, exponential_schema
from tests.vitals.raw.making import (
    CODECS,
    SAMPLES,
    block,
    compress,
    container,
    encode,
    expected_rows,
    header,
    make_records,
    prefixed,
    text_of,
    upload,
)
from vitals.raw import decode as decode_module
from vitals.raw.container import Limits, read_container
from vitals.raw.decode import RawObject, decode
from vitals.raw.flatten import decoded_schema
from vitals.raw.schemas import reader_schema
from vitals.raw.varint import write_long
from vitals.record_types import BY_AVRO_NAME, BY_KIND, RECORD_TYPES

KINDS = [t.kind for t in RECORD_TYPES]
LIMITS = Limits()


def run(files, kind, limits=LIMITS):
    return decode([RawObject(file) for file in files], kind=kind, limits=limits)


def rows_of(decoded, index=0):
    return decoded.frame.filter(pl.col("file_index") == index).drop("file_index", "row_index").to_dicts()


def tree(kind):
    return json.loads(reader_schema(kind).text)


def reason(file, kind):
    decoded = run([file], kind)
    assert decoded.frame.is_empty()
    assert decoded.rows == {}
    return decoded.rejected[0].reason


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("codec", CODECS)
def test_files_decode_to_their_records_in_every_codec_and_any_number_of_blocks(kind, codec):
    batches = [make_records(kind, count, seed=count) for count in (1, 2, 40)]
    files = [upload(kind, records, codec, per_block) for records in batches for per_block in (None, 1, 7)]
    decoded = run(files, kind)
    assert decoded.rejected == {}
    assert decoded.isolated == frozenset()
    assert decoded.frame.schema == decoded_schema(kind)
    for index in range(len(files)):
        assert rows_of(decoded, index) == expected_rows(kind, batches[index // 3])
    assert decoded.rows == {i: len(batches[i // 3]) for i in range(len(files))}
    assert decoded.frame["row_index"].to_list() == [r for n in decoded.rows.values() for r in range(n)]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample uploads are not here")
def test_the_sample_uploads_and_their_rewrites_in_every_codec_take_the_fast_path():
    by_kind = collections.defaultdict(list)
    for path in sorted(SAMPLES.glob("*.avro")):
        by_kind[BY_AVRO_NAME[path.name.split("_")[0]].kind].append(path.read_bytes())
    assert set(by_kind) == set(KINDS)
    for kind, originals in by_kind.items():
        sources = [read_container(data, limits=LIMITS) for data in originals]
        rewrites = [
            header(source.schema_json, codec) + block(source.records, compress(source.payload, codec))
            for codec in CODECS
            for source in sources
        ]
        decoded = run([*originals, *rewrites], kind)
        assert (decoded.rejected, decoded.isolated) == ({}, frozenset())
        for index in range(len(originals) + len(rewrites)):
            data = originals[index % len(originals)]
            assert rows_of(decoded, index) == expected_rows(kind, list(fastavro.reader(io.BytesIO(data))))


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=15)
@given(data=st.data())
def test_any_values_survive(kind, data):
    longs = st.integers(-(2**63), 2**63 - 1)
    texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=70)

    def values(schema):
        if isinstance(schema, list):
            return st.none() | values(schema[1])
        if isinstance(schema, dict):
            return {
                "record": lambda: st.fixed_dictionaries({f["name"]: values(f["type"]) for f in schema["fields"]}),
                "array": lambda: st.lists(values(schema["items"]), max_size=3),
                "enum": lambda: st.sampled_from(schema["symbols"]),
            }[schema["type"]]()
        return {"string": texts, "long": longs, "double": st.floats(allow_nan=False)}[schema]

    schema = tree(kind)
    files = data.draw(st.lists(st.lists(values(schema), min_size=1, max_size=3), min_size=1, max_size=4))
    decoded = run([container(encode(records, schema), schema) for records in files], kind)
    assert (decoded.rejected, decoded.isolated) == ({}, frozenset())
    for index, records in enumerate(files):
        assert rows_of(decoded, index) == expected_rows(kind, records)


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 126, 127, 8191, 8192, 8300])
def test_arrays_and_strings_of_any_size_take_the_fast_path(size):
    records = make_records("heart_rate", 2)
    records[0]["samples"] = [{"timeEpochMillis": i, "beatsPerMinute": 60} for i in range(size)]
    records[1]["metadata"]["id"] = "é" * size
    decoded = run([upload("heart_rate", records)], "heart_rate")
    assert decoded.isolated == frozenset()
    assert rows_of(decoded) == expected_rows("heart_rate", records)


def test_empty_strings_and_nan_stay_as_they_are():
    records = make_records("blood_glucose", 2)
    records[0]["metadata"]["id"] = ""
    records[1]["levelInMilligramsPerDeciliter"] = math.nan
    frame = run([upload("blood_glucose", records)], "blood_glucose").frame
    assert frame["record_id"][0] == ""
    assert math.isnan(frame["level_raw"][1])


def test_free_text_and_ids_of_the_writer_do_not_leave_decoding():
    records = make_records("sleep", 30)
    assert any(record["notes"] for record in records)
    text = run([upload("sleep", records)], "sleep").frame.write_json()
    assert "friend" not in text
    assert "Night" not in text
    assert "cl-" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_no_files_and_only_bad_files_give_an_empty_frame_with_the_full_schema(kind):
    assert run([], kind).frame.schema == decoded_schema(kind)
    decoded = run([b"", header(reader_schema(kind).text.encode()), b"nonsense"], kind)
    assert decoded.frame.schema == decoded_schema(kind)
    assert [decoded.rejected[i].reason for i in range(3)] == ["empty", "empty", "not_avro"]


def test_a_record_of_another_kind_is_a_mismatch_and_so_is_one_of_no_kind_of_ours():
    assert reason(upload("steps", make_records("steps", 2)), "sleep") == "record_type_mismatch"
    schema = tree("steps") | {"name": "AvroFloorsClimbedRecord"}
    assert reason(container(encode(make_records("steps", 1), schema), schema), "steps") == "record_type_mismatch"


def test_limits_hold_per_file():
    files = [upload("steps", make_records("steps", 5)), upload("steps", make_records("steps", 6))]
    decoded = run(files, "steps", Limits(max_records=5))
    assert (decoded.rows, decoded.rejected[1].reason) == ({0: 5}, "too_many_records")
    assert run(files, "steps", Limits(max_file_bytes=len(files[0]))).rejected[1].reason == "too_large"


def _without_optional(schema):
    schema["fields"] = [f for f in schema["fields"] if "default" not in f]


def _wider(schema):
    schema["fields"].insert(1, {"name": "added", "type": {"type": "map", "values": ["null", "string"]}})


def _own_names(schema):
    schema.update(name="StepsRecord", namespace="com.example")
    schema["fields"][0]["type"]["name"] = "Metadata"


def _nullable_time(schema):
    field = next(f for f in schema["fields"] if f["name"] == "endTimeEpochMillis")
    field["type"] = ["null", "long"]


def _int_count(schema):
    next(f for f in schema["fields"] if f["name"] == "count")["type"] = "int"


def _plain_zone(schema):
    field = next(f for f in schema["fields"] if f["name"] == "startZoneOffsetId")
    field["type"] = "string"
    del field["default"]


@pytest.mark.parametrize(
    "change",
    [lambda s: s["fields"].reverse(), _without_optional, _wider, _own_names, _nullable_time, _int_count, _plain_zone],
)
def test_a_writer_with_another_schema_is_read_through_resolution(change):
    schema = tree("steps")
    change(schema)
    records = [record | {"added": {"k": None}, "startZoneOffsetId": "Z"} for record in make_records("steps", 4)]
    parts = encode(records, schema)
    names = {field["name"] for field in schema["fields"]}
    expected = [{k: v for k, v in r.items() if k in names or k.endswith("ZoneOffsetId")} for r in records]
    if "startZoneOffsetId" not in names:
        expected = [r | {"startZoneOffsetId": None, "endZoneOffsetId": None} for r in expected]
    good = upload("steps", make_records("steps", 3, seed=5))
    decoded = run([good, container(parts, schema), container(parts, schema, "zstandard", per_block=3), good], "steps")
    assert (decoded.rejected, decoded.isolated) == ({}, frozenset({1, 2}))
    assert rows_of(decoded, 1) == rows_of(decoded, 2) == expected_rows("steps", expected)
    assert rows_of(decoded, 0) == rows_of(decoded, 3) == expected_rows("steps", make_records("steps", 3, seed=5))
    assert decoded.frame["file_index"].is_sorted()


def test_a_null_where_we_require_a_value_is_a_null_in_one_row():
    schema = tree("steps")
    _nullable_time(schema)
    records = make_records("steps", 3)
    records[1]["endTimeEpochMillis"] = None
    decoded = run([container(encode(records, schema), schema)], "steps")
    assert rows_of(decoded) == expected_rows("steps", records)


@pytest.mark.parametrize(("kind", "column"), [("heart_rate", "samples"), ("sleep", "stages")])
def test_a_list_that_a_foreign_writer_leaves_null_is_an_empty_list_in_one_row(kind, column):
    schema = tree(kind)
    field = next(f for f in schema["fields"] if f["name"] == column)
    field |= {"type": ["null", field["type"]], "default": None}
    records = make_records(kind, 3)
    records[1][column] = None
    decoded = run([container(encode(records, schema), schema)], kind)
    records[1][column] = []
    assert rows_of(decoded) == expected_rows(kind, records)


def test_a_symbol_we_do_not_know_is_unknown():
    schema = tree("blood_glucose")
    meal = next(f for f in schema["fields"] if f["name"] == "mealType")
    meal["type"]["symbols"].insert(0, "BRUNCH")
    records = make_records("blood_glucose", 2)
    records[0]["mealType"], records[1]["mealType"] = "BRUNCH", "SNACK"
    frame = run([container(encode(records, schema), schema)], "blood_glucose").frame
    assert frame["meal_type"].to_list() == ["UNKNOWN", "SNACK"]


def _as_spark(schema, name="topLevelRecord"):
    """A schema as Spark writes it: records named by their path, everything nullable, null second, symbols as text."""

    def of(part, path):
        if isinstance(part, list):
            return of(part[1], path)
        if isinstance(part, str):
            return [part, "null"]
        if part["type"] == "array":
            return [{"type": "array", "items": of(part["items"], path)}, "null"]
        if part["type"] == "enum":
            return ["string", "null"]
        fields = [{"name": f["name"], "type": of(f["type"], f"{path}.{f['name']}")} for f in part["fields"]]
        return [{"type": "record", "name": path, "fields": fields}, "null"]

    return of(schema, name)[0]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["topLevelRecord", "own", "com.acme.export.Own"])
def test_records_that_spark_wrote_are_read_with_their_values(kind, name):
    name = name.replace("own", BY_KIND[kind].avro_name).replace("Own", BY_KIND[kind].avro_name)
    schema, records = _as_spark(tree(kind), name), make_records(kind, 5)
    decoded = run([container(encode(records, schema), schema, "snappy")], kind)
    assert (decoded.rejected, rows_of(decoded)) == ({}, expected_rows(kind, records))


@pytest.mark.parametrize("kind", KINDS)
def test_other_names_orders_and_nulls_second_decide_nothing(kind):
    def dress(part, number):
        if isinstance(part, list):
            return [dress(part[1], number + 1), "null"]
        if isinstance(part, str):
            return part
        if part["type"] == "array":
            return part | {"items": dress(part["items"], number + 1)}
        if part["type"] == "enum":
            return part | {"name": f"ns{number}.E{id(part)}"}
        fields = [{"name": f["name"], "type": dress(f["type"], number + 1)} for f in reversed(part["fields"])]
        return {"type": "record", "name": f"ns{number}.R{number}", "fields": fields}

    schema, records = dress(tree(kind), 0) | {"name": f"x.{BY_KIND[kind].avro_name}"}, make_records(kind, 5)
    decoded = run([container(encode(records, schema), schema)], kind)
    assert (decoded.rejected, rows_of(decoded)) == ({}, expected_rows(kind, records))


def test_a_record_that_a_foreign_writer_leaves_null_is_one_row_without_its_parts():
    schema, records = _as_spark(tree("heart_rate")), make_records("heart_rate", 3)
    records[1]["metadata"] = None
    records[2]["samples"] = [None, {"timeEpochMillis": 1, "beatsPerMinute": None}]
    decoded = run([container(encode(records, schema), schema)], "heart_rate")
    assert rows_of(decoded)[0] == expected_rows("heart_rate", records[:1])[0]
    assert rows_of(decoded)[1]["record_id"] is rows_of(decoded)[1]["modified_ms"] is None
    assert rows_of(decoded)[2]["samples"] == [{"time_ms": None, "bpm": None}, {"time_ms": 1, "bpm": None}]


def test_a_symbol_that_is_text_and_none_of_ours_is_unknown():
    schema, records = _as_spark(tree("blood_glucose")), make_records("blood_glucose", 2)
    records[0]["mealType"], records[1]["mealType"] = "BRUNCH", "SNACK"
    frame = run([container(encode(records, schema), schema)], "blood_glucose").frame
    assert frame["meal_type"].to_list() == ["UNKNOWN", "SNACK"]


@pytest.mark.parametrize("odd", [True, "7", b"7", 7.0, [7], {"n": 7}])
def test_a_value_whose_type_cannot_be_ours_refuses_its_file(odd):
    schema = tree("steps")
    union = ["long", "boolean", "string", "bytes", "double", {"type": "array", "items": "long"},
             {"type": "record", "name": "N", "fields": [{"name": "n", "type": "long"}]}]  # fmt: skip
    next(f for f in schema["fields"] if f["name"] == "count")["type"] = union
    records = make_records("steps", 3)
    whole = run([container(encode(records, schema), schema)], "steps")
    assert rows_of(whole) == expected_rows("steps", records)
    records[1]["count"] = odd
    assert reason(container(encode(records, schema), schema), "steps") == "schema_mismatch"


def _missing_required(schema):
    schema["fields"] = [f for f in schema["fields"] if f["name"] != "count"]


def _text_for_number(schema):
    next(f for f in schema["fields"] if f["name"] == "count")["type"] = "string"


def _micros(schema):
    field = next(f for f in schema["fields"] if f["name"] == "startTimeEpochMillis")
    field["type"] = {"type": "long", "logicalType": "timestamp-micros"}


def _undefined_name(schema):
    schema["fields"].append({"name": "x", "type": "Nowhere"})


@pytest.mark.parametrize("change", [_missing_required, _text_for_number, _micros])
def test_a_schema_that_does_not_lead_to_ours_is_a_schema_mismatch(change):
    schema = tree("steps")
    change(schema)
    records = (
        [r | {"count": "7"} for r in make_records("steps", 2)]
        if change is _text_for_number
        else make_records("steps", 2)
    )
    assert reason(container(encode(records, schema), schema), "steps") == "schema_mismatch"


def test_a_schema_with_an_undefined_name_is_a_schema_mismatch():
    schema = tree("steps")
    parts = encode(make_records("steps", 2), schema)
    _undefined_name(schema)
    assert reason(container(parts, schema), "steps") == "schema_mismatch"


def _array_of(samples, choice):
    encoded = [write_long(s["timeEpochMillis"]) + write_long(s["beatsPerMinute"]) for s in samples]
    return {
        "two blocks": write_long(1) + encoded[0] + write_long(4) + b"".join(encoded[1:]) + b"\0",
        "a block for each": b"".join(write_long(1) + e for e in encoded) + b"\0",
        "sized": write_long(-5) + prefixed(b"".join(encoded)) + b"\0",
        "sized and not": write_long(-2)
        + prefixed(b"".join(encoded[:2]))
        + write_long(3)
        + b"".join(encoded[2:])
        + b"\0",
        "wrong size": write_long(-5) + write_long(3) + b"".join(encoded) + b"\0",
    }[choice]


@pytest.mark.parametrize("choice", ["two blocks", "a block for each", "sized", "sized and not"])
def test_arrays_written_in_several_or_sized_blocks_are_not_lost(choice):
    schema = tree("heart_rate")
    records = [r | {"samples": []} for r in make_records("heart_rate", 2)]
    samples = [{"timeEpochMillis": 1_700_000_000_000 + i, "beatsPerMinute": 60 + i} for i in range(5)]
    parts = [part[:-1] + _array_of(samples, choice) for part in encode(records, schema)]
    good = upload("heart_rate", make_records("heart_rate", 3))
    decoded = run([good, container(parts, schema), good], "heart_rate")
    assert (decoded.rejected, decoded.isolated) == ({}, frozenset({1}))
    assert rows_of(decoded, 1) == expected_rows("heart_rate", [r | {"samples": samples} for r in records])


def test_an_array_block_that_announces_another_size_is_unreadable():
    schema = tree("heart_rate")
    (part,) = encode([make_records("heart_rate", 1)[0] | {"samples": []}], schema)
    samples = [{"timeEpochMillis": i, "beatsPerMinute": 60} for i in range(5)]
    assert reason(container([part[:-1] + _array_of(samples, "wrong size")], schema), "heart_rate") == "unreadable_avro"


def _zone_branch(byte):
    """A glucose payload whose zone has a branch index of our choice, one byte long like a good one."""
    record = make_records("blood_glucose", 1)[0] | {"zoneOffsetId": "Zulu"}
    (part,) = encode([record], tree("blood_glucose"))
    return part.replace(b"\x02\x08Zulu", bytes([byte]) + b"\x08Zulu")


@pytest.mark.parametrize("byte", [1, 3, 4, 5, 126])
def test_a_branch_that_does_not_exist_is_unreadable_though_both_decoders_may_read_it(byte):
    assert run([container([_zone_branch(2)], tree("blood_glucose"))], "blood_glucose").rejected == {}
    assert reason(container([_zone_branch(byte)], tree("blood_glucose")), "blood_glucose") == "unreadable_avro"


@pytest.mark.parametrize("symbol", [-1, -7, 7, 63, 2**31, 2**40])
def test_a_symbol_that_does_not_exist_is_unreadable_though_python_would_count_from_the_end(symbol):
    schema = tree("blood_glucose")
    record = make_records("blood_glucose", 1)[0]
    (part,) = encode([record], schema)
    at = len(part) - len(write_long(record["appRecordFetchTimeEpochMillis"])) - 3
    assert (
        reason(container([part[:at] + write_long(symbol) + part[at + 1 :]], schema), "blood_glucose")
        == "unreadable_avro"
    )


def test_a_file_that_eats_into_its_neighbour_changes_only_itself():
    """Two records are announced and one is there: the next file's first bytes would complete the second."""
    kind, schema = "steps", tree("steps")
    parts = encode(make_records(kind, 4), schema)
    short = header(text_of(schema)) + block(2, parts[0] + parts[1][:20])
    long = header(text_of(schema)) + block(1, parts[0] + parts[1])
    good = container(parts, schema)
    for batch in ([short, good], [good, long, good], [good, good, short], [long, short, good], [short, short]):
        decoded = run(batch, kind)
        assert {i for i, file in enumerate(batch) if file is not good} == set(decoded.rejected)
        assert {r.reason for r in decoded.rejected.values()} == {"unreadable_avro"}
        for index in decoded.rows:
            assert rows_of(decoded, index) == expected_rows(kind, make_records(kind, 4))


def test_two_guilty_files_cannot_cover_for_each_other():
    """One file is short by what the next has to spare: together they decode, apart they do not."""
    kind, schema = "steps", tree("steps")
    parts = encode(make_records(kind, 2), schema)
    first = header(text_of(schema)) + block(1, parts[0][:-4])
    second = header(text_of(schema)) + block(1, parts[0][-4:] + parts[1])
    decoded = run([first, second], kind)
    assert set(decoded.rejected) == {0, 1}


def test_spare_bytes_in_one_number_do_not_hide_missing_bytes_elsewhere():
    kind, schema = "steps", tree("steps")
    parts = encode(make_records(kind, 2), schema)
    # The record's last number, the fetch time, with spare bytes; legal, so it reads; the sum is not ours.
    spare = parts[0][:-1] + bytes([parts[0][-1] | 0x80, 0x80, 0])
    decoded = run([header(text_of(schema)) + block(2, spare + parts[1]), upload(kind, make_records(kind, 2))], kind)
    assert decoded.rejected == {}
    assert decoded.isolated == frozenset({0})
    assert rows_of(decoded, 0) == rows_of(decoded, 1)
    cut = header(text_of(schema)) + block(2, spare + parts[1][:-2])
    assert reason(cut, kind) == "unreadable_avro"


def test_a_file_that_costs_too_much_ends_alone():
    bomb = exponential_schema(Source("steps", random.Random(1)))
    wide = tree("steps")
    _wider(wide)
    other = container(encode([r | {"added": {}} for r in make_records("steps", 2)], wide), wide)
    decoded = run([other, bomb, other, upload("steps", make_records("steps", 2))], "steps")
    assert set(decoded.rejected) == {1}
    assert rows_of(decoded, 0) == rows_of(decoded, 2) == rows_of(decoded, 3)


def test_batches_larger_than_a_block_decode_the_same(monkeypatch):
    files = [upload("heart_rate", make_records("heart_rate", 5, seed=i)) for i in range(8)]
    whole = run(files, "heart_rate")
    monkeypatch.setattr(decode_module, "MAX_SPLICED_BYTES", 3_000)
    monkeypatch.setattr(decode_module, "MAX_BATCH_BYTES", 3_000)
    assert run(files, "heart_rate").frame.equals(whole.frame)
    schema = tree("heart_rate")
    schema["fields"].reverse()
    foreign = [container(encode(make_records("heart_rate", 5, seed=i), schema), schema) for i in range(8)]
    assert run(foreign, "heart_rate").frame.equals(whole.frame)


@settings(deadline=None, max_examples=6)
@given(order=st.permutations(range(6)))
def test_the_result_of_a_file_does_not_depend_on_its_neighbours_or_its_place(order):
    kind, schema = "hrv_rmssd", tree("hrv_rmssd")
    parts = encode(make_records(kind, 3), schema)
    files = [
        upload(kind, make_records(kind, 3)),
        header(text_of(schema)) + block(3, b"".join(parts) + b"\0"),
        upload(kind, make_records(kind, 9, seed=1), "snappy"),
        header(text_of(schema)) + block(3, b"".join(parts)[:-1]),
        b"Obj",
        upload(kind, make_records(kind, 1, seed=2), "deflate"),
    ]
    decoded = run([files[i] for i in order], kind)
    assert {order[place]: r.reason for place, r in decoded.rejected.items()} == {
        1: "unreadable_avro",
        3: "unreadable_avro",
        4: "truncated",
    }
    for place, i in enumerate(order):
        if i in (0, 2, 5):
            assert rows_of(decoded, place) == rows_of(run([files[i]], kind))
