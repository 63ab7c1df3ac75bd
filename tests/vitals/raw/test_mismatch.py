"""Why a foreign schema does not lead to ours: the field is named, in words that its writer can act on."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.raw.making import container, encode, make_records
from vitals.raw.container import Limits, Rejected
from vitals.raw.decode import RawObject, decode
from vitals.raw.mismatch import mismatch
from vitals.raw.schemas import WriterSchema, identify, reader_schema
from vitals.record_types import RECORD_TYPES

KINDS = [t.kind for t in RECORD_TYPES]


def tree(kind):
    return json.loads(reader_schema(kind).text)


def why(schema):
    found = identify(json.dumps(schema).encode())
    assert isinstance(found, WriterSchema)
    return mismatch(schema, reader_schema(found.kind).tree)


def named(fields, name):
    return next(field for field in fields if field["name"] == name)


def with_type(kind, path, theirs):
    """A schema of ours in which one field has another type."""
    schema = tree(kind)
    *above, last = path.split(".")
    fields = schema["fields"]
    for name in above:
        inner = named(fields, name)["type"]
        inner = inner[1] if isinstance(inner, list) else inner
        fields = inner.get("items", inner)["fields"]
    named(fields, last)["type"] = theirs
    return schema


def renamed(kind, old, new):
    schema = tree(kind)
    named(schema["fields"], old)["name"] = new
    return schema


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_schema_has_nothing_to_explain(kind):
    assert why(tree(kind)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_field_is_named_with_its_path(kind):
    schema = tree(kind)
    fields = named(schema["fields"], "metadata")["type"]["fields"]
    fields.remove(named(fields, "clientRecordVersion"))
    assert why(schema) == "the field metadata.clientRecordVersion is missing"


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


UUID = logical({"type": "fixed", "name": "Id", "size": 16}, "uuid")
WRAPPED = {"type": "record", "name": "Time", "fields": [{"name": "epochMillis", "type": "long"}]}


@pytest.mark.parametrize(
    ("kind", "path", "theirs", "said"),
    [
        ("steps", "count", "int", None),
        ("steps", "count", ["null", "long"], None),
        ("steps", "count", ["long", "null"], None),
        ("steps", "count", ["string", "long"], None),
        ("steps", "count", {"type": "long"}, None),
        ("steps", "startTimeEpochMillis", logical("long", "timestamp-millis"), None),
        ("steps", "startTimeEpochMillis", ["null", logical("long", "timestamp-millis")], None),
        ("steps", "metadata.id", logical("string", "uuid"), None),
        ("steps", "startZoneOffsetId", "string", None),
        ("blood_glucose", "specimenSource", "string", None),
        ("blood_glucose", "mealType", ["string", "null"], None),
        ("blood_glucose", "levelInMilligramsPerDeciliter", "float", None),
        ("blood_glucose", "levelInMilligramsPerDeciliter", "long", None),
        ("steps", "count", "string", "count is string; long is needed"),
        ("steps", "count", ["null", "double"], "count is double; long is needed"),
        ("steps", "count", "boolean", "count is boolean; long is needed"),
        ("steps", "count", {"type": "array", "items": "long"}, "count is an array; long is needed"),
        ("steps", "count", "null", "count is null in every record; long is needed"),
        ("blood_glucose", "timeEpochMillis", logical("long", "timestamp-micros"),
         "timeEpochMillis is timestamp-micros; milliseconds are needed"),
        ("blood_glucose", "timeEpochMillis", ["null", logical("long", "timestamp-nanos")],
         "timeEpochMillis is timestamp-nanos; milliseconds are needed"),
        ("steps", "endTimeEpochMillis", logical("int", "date"), "endTimeEpochMillis is date; milliseconds are needed"),
        ("steps", "endTimeEpochMillis", logical("int", "time-millis"),
         "endTimeEpochMillis is time-millis; milliseconds are needed"),
        ("steps", "startTimeEpochMillis", logical("long", "local-timestamp-millis"),
         "startTimeEpochMillis is local-timestamp-millis, a wall clock's time; milliseconds since 1970 in UTC are needed"),
        ("steps", "startTimeEpochMillis", logical("long", "of somebody"),
         "startTimeEpochMillis is of a logical type that is not Avro's; milliseconds are needed"),
        ("steps", "startTimeEpochMillis", "string", "startTimeEpochMillis is string; milliseconds are needed"),
        ("steps", "startTimeEpochMillis", "double", "startTimeEpochMillis is double; milliseconds are needed"),
        ("steps", "startTimeEpochMillis", WRAPPED,
         "startTimeEpochMillis is a record; milliseconds are needed; fields are flat, not wrapped in records"),
        ("steps", "metadata.id", UUID, "metadata.id is a fixed (uuid); string is needed"),
        ("steps", "metadata.lastModifiedTimeEpochMillis", logical("long", "timestamp-micros"),
         "metadata.lastModifiedTimeEpochMillis is timestamp-micros; milliseconds are needed"),
        ("active_calories", "energyInKilocalories", logical("bytes", "decimal", precision=9, scale=2),
         "energyInKilocalories is bytes (decimal); double is needed"),
        ("active_calories", "energyInKilocalories", "string", "energyInKilocalories is string; double is needed"),
        ("heart_rate", "samples.beatsPerMinute", "double", "samples.beatsPerMinute is double; long is needed"),
        ("heart_rate", "samples.timeEpochMillis", logical("long", "timestamp-micros"),
         "samples.timeEpochMillis is timestamp-micros; milliseconds are needed"),
        ("heart_rate", "samples", {"type": "map", "values": "long"}, "samples is a map; an array is needed"),
        ("sleep", "stages.stage", "int", "stages.stage is int; an enum is needed"),
        ("steps", "metadata", {"type": "map", "values": "string"}, "metadata is a map; a record is needed"),
        ("steps", "metadata", "Nowhere", "metadata is of an unknown type; a record is needed"),
    ],
)  # fmt: skip
def test_a_type_is_named_with_what_is_needed_only_if_no_branch_of_it_can_be_ours(kind, path, theirs, said):
    assert why(with_type(kind, path, theirs)) == said


@pytest.mark.parametrize(
    ("kind", "old", "new", "said"),
    [
        ("steps", "count", "Count", "the field count is missing; Count is probably it: rename it"),
        ("steps", "startTimeEpochMillis", "start_time_epoch_millis",
         "the field startTimeEpochMillis is missing; start_time_epoch_millis is probably it: rename it"),
        ("steps", "count", "stepCount", "the field count is missing; stepCount may be it"),
        ("blood_glucose", "levelInMilligramsPerDeciliter", "levelInMillimolesPerLiter",
         "the field levelInMilligramsPerDeciliter is missing; levelInMillimolesPerLiter may be it"),
        ("blood_glucose", "timeEpochMillis", "timeEpochMs",
         "the field timeEpochMillis is missing; timeEpochMs may be it"),
        ("hrv_rmssd", "heartRateVariabilityRmssd", "heartRateVariabilityMillis",
         "the field heartRateVariabilityRmssd is missing; heartRateVariabilityMillis may be it"),
        ("steps", "metadata", "Metadata", "the field metadata is missing; Metadata is probably it: rename it"),
        ("steps", "count", "x", "the field count is missing"),
        # One that may be left out fails only if it is there by another spelling: its values would be lost in silence.
        ("steps", "startZoneOffsetId", "start_zone_offset_id",
         "the field startZoneOffsetId is called start_zone_offset_id; rename it"),
        ("steps", "startZoneOffsetId", "timezone", None),
    ],
)  # fmt: skip
def test_a_renamed_field_is_told_by_the_name_it_has(kind, old, new, said):
    assert why(renamed(kind, old, new)) == said


def test_a_field_in_another_place_is_told_by_its_path():
    schema = tree("blood_glucose")
    schema["fields"].remove(named(schema["fields"], "timeEpochMillis"))
    schema["fields"].append({"name": "time", "type": WRAPPED})
    assert why(schema) == (
        "the field timeEpochMillis is missing; time.epochMillis is probably it: it belongs in the place and under the "
        "name of timeEpochMillis"
    )
    flat = tree("steps")
    metadata = named(flat["fields"], "metadata")
    flat["fields"].remove(metadata)
    flat["fields"] += [field | {"name": f"metadata_{field['name']}"} for field in metadata["type"]["fields"]]
    assert why(flat) == (
        "the field metadata is missing; metadata_id is probably of it: its fields belong in a record of that name"
    )


@pytest.mark.parametrize("odd", ["count of Anna", "anna@example.com", "c" * 65 + "ount", "count\n"])
def test_a_name_that_avro_does_not_allow_is_not_repeated(odd):
    said = why(renamed("steps", "count", odd))
    assert said.startswith("the field count is missing")
    assert odd not in said


def test_a_refused_upload_says_which_field_it_was():
    schema = tree("steps")
    schema["fields"].remove(named(schema["fields"], "count"))
    file = container(encode(make_records("steps", 2), schema), schema)
    decoded = decode([RawObject(file)], kind="steps", limits=Limits())
    assert decoded.rejected[0].detail == "the field count is missing"
    assert decoded.isolated == frozenset()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("topLevelRecord", kind) for kind in KINDS),
        *((name, "steps") for name in ("Root", "root", "spark_schema", "ConnectDefault", "nifiRecord", "a.b.Record")),
        ("com.acme.Reading", "blood_glucose"),
        ("glucose_v2", "blood_glucose"),
        ("pulse", "heart_rate"),
        ("x.Steps", "steps"),
        ("StepsExport", "steps"),
        ("ACTIVE_CALORIES_BURNED", "active_calories"),
    ],
)
def test_a_name_that_says_nothing_leaves_the_kind_to_the_fields(name, kind):
    found = identify(json.dumps(tree(kind) | {"name": name}).encode())
    assert (found.kind, found.mismatch) == (kind, None)


@pytest.mark.parametrize(
    ("name", "fields_of"),
    [
        ("TotalCaloriesBurnedRecord", "active_calories"),
        ("AvroTotalCaloriesBurnedRecord", "active_calories"),
        ("TotalCalories", "active_calories"),
        ("total_calories_burned", "active_calories"),
        ("WheelchairPushesRecord", "steps"),
        ("com.acme.Pushes", "steps"),
        ("Dance", "steps"),
        ("RestingHeartRateRecord", "heart_rate"),
        ("AvroWeightRecord", "blood_glucose"),
    ],
)
def test_a_record_of_another_type_is_not_ours_although_its_fields_are(name, fields_of):
    found = identify(json.dumps(tree(fields_of) | {"name": name}).encode(), expected=fields_of)
    assert isinstance(found, Rejected)
    assert found.reason == "record_type_mismatch"


def test_a_record_of_no_kind_says_what_it_lacks_of_the_kind_that_its_key_claims():
    schema = renamed("steps", "count", "Count") | {"name": "topLevelRecord"}
    found = identify(json.dumps(schema).encode(), expected="steps")
    assert found.detail == (
        "the schema declares a record of none of our kinds; for a StepsRecord: the field count is missing; Count is "
        "probably it: rename it"
    )


odd_type = st.recursive(
    st.sampled_from(["null", "long", "array", "record", "enum", "Nowhere", "a.b"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda t: {"type": t, "logicalType": "date"}, inner),
        st.builds(lambda t: {"type": "record", "name": "R", "fields": [{"name": "id", "type": t}]}, inner),
    ),
    max_leaves=5,
)


@given(st.sampled_from(["metadata", "samples", "startTimeEpochMillis"]), odd_type)
@settings(deadline=None)
def test_a_schema_that_makes_no_sense_is_explained_or_not_but_never_fails(name, odd):
    schema = tree("heart_rate")
    named(schema["fields"], name)["type"] = odd
    found = identify(json.dumps(schema).encode())
    assert isinstance(found, Rejected) or found.mismatch is None or name in found.mismatch


def test_records_that_name_each_other_over_and_over_cost_no_time():
    inner = {"type": "record", "name": "R0", "fields": []}
    for level in range(1, 6):
        fields = [{"name": f"f{i}", "type": f"R{level - 1}"} for i in range(100)]
        fields[0]["type"] = inner
        inner = {"type": "record", "name": f"R{level}", "fields": fields}
    schema = tree("steps")
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "count"] + [
        {"name": "x", "type": inner}
    ]
    assert why(schema) == "the field count is missing"
