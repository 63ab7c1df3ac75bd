"""Why a foreign schema does not lead to ours: the field is named, and nothing of the foreign schema is repeated."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitals.raw.making import container, encode, make_records
from vitals.raw.container import Limits
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
    return mismatch(json.loads(found.canonical), reader_schema(found.kind).tree)


def named(fields, name):
    return next(field for field in fields if field["name"] == name)


@pytest.mark.parametrize("kind", KINDS)
def test_our_own_schema_has_nothing_to_explain(kind):
    assert why(tree(kind)) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_field_is_named_with_its_path(kind):
    schema = tree(kind)
    fields = named(schema["fields"], "metadata")["type"]["fields"]
    fields.remove(named(fields, "clientRecordVersion"))
    assert why(schema) == "the field metadata.clientRecordVersion is missing"


@pytest.mark.parametrize(
    ("theirs", "said"),
    [
        ("int", None),
        (["null", "long"], None),
        (["string", "long"], None),
        ("string", "the field count has a type that cannot be read as long"),
        ("double", "the field count has a type that cannot be read as long"),
        ({"type": "array", "items": "long"}, "the field count has a type that cannot be read as long"),
    ],
)
def test_a_type_is_wrong_only_if_no_branch_of_it_can_become_ours(theirs, said):
    schema = tree("steps")
    named(schema["fields"], "count")["type"] = theirs
    assert why(schema) == said


def test_a_field_inside_a_list_is_found_and_a_foreign_name_is_not_repeated():
    schema = tree("heart_rate")
    sample = named(schema["fields"], "samples")["type"]["items"]
    named(sample["fields"], "beatsPerMinute")["type"] = "double"
    assert why(schema) == "the field samples.beatsPerMinute has a type that cannot be read as long"
    sample["name"] = "Secret"
    assert why(schema) == "the record of the field samples has another name than AvroHeartRateSample or HeartRateSample"


def test_a_refused_upload_says_which_field_it_was():
    schema = tree("steps")
    schema["fields"].remove(named(schema["fields"], "count"))
    file = container(encode(make_records("steps", 2), schema), schema)
    decoded = decode([RawObject(file)], kind="steps", limits=Limits())
    assert decoded.rejected[0].detail.endswith(": the field count is missing")


odd_type = st.recursive(
    st.sampled_from(["null", "long", "array", "record", "enum", "Nowhere", "a.b"]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda t: {"type": "record", "name": "R", "fields": [{"name": "id", "type": t}]}, inner),
    ),
    max_leaves=5,
)


@given(st.sampled_from(["metadata", "samples", "startTimeEpochMillis"]), odd_type)
def test_a_schema_that_makes_no_sense_is_explained_or_not_but_never_fails(name, odd):
    schema = tree("heart_rate")
    named(schema["fields"], name)["type"] = odd
    assert why(schema) is None or name in why(schema)
