import json
from pathlib import Path

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.raw.making import SAMPLES
from vitals.raw.container import Container, Limits, Rejected, read_container
from vitals.raw.schemas import WriterSchema, canonical_form, identify, lenient_schema, reader_schema, strict_schema
from vitals.record_types import RECORD_TYPES

KINDS = [t.kind for t in RECORD_TYPES]


def as_bytes(schema):
    return json.dumps(schema).encode()


def tree(kind):
    return json.loads(reader_schema(kind).text)


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_our_own_schemas_are_known_allowed_and_valid(record_type):
    own = reader_schema(record_type.kind)
    found = identify(own.text.encode())
    assert (found.kind, found.allowed) == (record_type.kind, True)
    for schema in (own, strict_schema(record_type.kind), lenient_schema(record_type.kind)):
        fastavro.parse_schema(json.loads(schema.text))
        assert json.loads(schema.text) == schema.tree


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample uploads are not here")
def test_the_schema_of_every_sample_is_on_the_allow_list():
    for file in sorted(SAMPLES.glob("*.avro")):
        container = read_container(file.read_bytes(), limits=Limits())
        assert isinstance(container, Container)
        assert identify(container.schema_json).allowed


def test_every_schema_file_belongs_to_a_kind():
    folder = Path(__file__).resolve().parents[3] / "vitals" / "raw" / "schemas"
    assert {file.stem for file in folder.glob("*")} == {t.avro_name for t in RECORD_TYPES}


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_change_bytes_or_names_does_not_change_the_canonical_form(kind):
    schema = tree(kind)

    def dress(part):
        if isinstance(part, list):
            return [dress(branch) for branch in part]
        if part == "string":
            return {"type": "string", "avro.java.string": "String"}
        if not isinstance(part, dict):
            return part
        if part["type"] == "record":
            fields = [
                {"type": dress(f["type"]), "doc": "words", "order": "ignore", "aliases": ["other"], "name": f["name"]}
                for f in part["fields"]
            ]
            return {"fields": fields, "doc": "d", "aliases": ["z"]} | {
                k: part[k] for k in part if k not in ("fields", "aliases")
            }
        return {k: dress(v) if k == "items" else v for k, v in part.items()} | {"note": 1}

    assert canonical_form(dress(schema)) == strict_schema(kind).text
    assert identify(json.dumps(dress(schema), indent=3).encode()).allowed


def test_names_are_resolved_against_the_enclosing_namespace():
    inherited = {
        "type": "record",
        "name": "a.b.C",
        "fields": [{"name": "x", "type": {"type": "fixed", "name": "D", "size": 2}}],
    }
    written = {
        "type": "record",
        "name": "C",
        "namespace": "a.b",
        "fields": [{"name": "x", "type": {"type": "fixed", "name": "a.b.D", "size": 2}}],
    }
    elsewhere = {"type": "record", "name": "C", "namespace": "a.c", "fields": written["fields"]}
    assert canonical_form(inherited) == canonical_form(written) != canonical_form(elsewhere)


@pytest.mark.parametrize("kind", KINDS)
def test_a_change_of_the_structure_leaves_the_allow_list_but_not_the_kind(kind):
    for change in (
        lambda s: s["fields"].reverse(),
        lambda s: s["fields"].append({"name": "extra", "type": "long"}),
        lambda s: s["fields"].pop(),
        lambda s: s["fields"][0].update(name="meta"),
        lambda s: s["fields"][-1].update(type="int"),
        lambda s: s.update(namespace="com.example"),
    ):
        schema = tree(kind)
        change(schema)
        found = identify(as_bytes(schema))
        assert (found.kind, found.allowed) == (kind, False)


@pytest.mark.parametrize("logical", ["timestamp-micros", "local-timestamp-millis", "time-millis", "something-new"])
def test_an_integer_in_another_unit_is_another_field(logical):
    schema = tree("steps")
    field = next(f for f in schema["fields"] if f["name"] == "startTimeEpochMillis")
    field["type"] = {"type": "long", "logicalType": logical}
    found = identify(as_bytes(schema))
    assert not found.allowed
    assert '"startTimeEpochMillis"' not in found.canonical
    field["type"]["logicalType"] = "timestamp-millis"
    assert identify(as_bytes(schema)).allowed


def test_the_base_name_and_any_namespace_declare_the_kind_too():
    for name in ("StepsRecord", "com.other.AvroStepsRecord", "x.StepsRecord"):
        assert identify(as_bytes(tree("steps") | {"name": name})).kind == "steps"


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (b"", "unreadable_avro"),
        (b"{", "unreadable_avro"),
        (b"\xff\xfe", "unreadable_avro"),
        (b"[" * 30_000, "unreadable_avro"),
        (b'"long"', "record_type_mismatch"),
        (b"[]", "record_type_mismatch"),
        (b"7", "record_type_mismatch"),
        (b'{"type":"record"}', "record_type_mismatch"),
        (b'{"type":"record","name":7,"fields":[]}', "record_type_mismatch"),
        (b'{"type":"enum","name":"AvroStepsRecord","symbols":["A"]}', "record_type_mismatch"),
        (b'{"type":"record","name":"AvroWeightRecord","fields":[]}', "record_type_mismatch"),
        (b'{"type":"record","name":"AvroStepsRecord"}', "schema_mismatch"),
        (b'{"type":"record","name":"AvroStepsRecord","fields":[7]}', "schema_mismatch"),
        (b'{"type":"record","name":"AvroStepsRecord","fields":[{"name":"a"}]}', "schema_mismatch"),
        (b'{"type":"record","name":"AvroStepsRecord","fields":[{"name":"a","type":{"type":"array"}}]}', "schema_mismatch"),
        (b'{"type":"record","name":"AvroStepsRecord","fields":[{"name":"a","type":{"type":"fixed","name":"f","size":-1}}]}', "schema_mismatch"),
        (b'{"type":"record","name":"AvroStepsRecord","fields":[{"name":"a","type":' + b'{"type":' * 99 + b'"int"' + b"}" * 101 + b"]}", "unreadable_avro"),
        (b'{"type":"record","name":"AvroStepsRecord","fields":[{"name":"a","type":' + b'{"type":' * 99 + b'"int"' + b"}" * 100 + b"]}", "schema_mismatch"),
    ],
)  # fmt: skip
def test_a_schema_that_is_none_of_ours_is_rejected_with_its_reason(schema, expected):
    assert identify(schema).reason == expected


_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.text(max_size=5),
        st.sampled_from(["record", "array", "enum", "long"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["type", "name", "fields", "items", "symbols", "size", "namespace", "logicalType"]), inner
        ),
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=200)
@given(fields=_JSON, name=st.sampled_from(["AvroStepsRecord", "Other"]))
def test_any_json_gives_a_schema_or_a_reason(fields, name):
    found = identify(as_bytes({"type": "record", "name": name, "fields": fields}))
    assert isinstance(found, WriterSchema | Rejected)
    assert isinstance(found, Rejected) or not found.allowed
