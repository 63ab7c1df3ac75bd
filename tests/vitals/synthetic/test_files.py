"""What the files are made of: schemas, codecs, keys, encoding."""

import io
from pathlib import Path

import fastavro
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.synthetic.reading import header, kind_of, rows
from vitals.raw.keys import BadKey, parse_key
from vitals.raw.schemas import identify
from vitals.record_types import RECORD_TYPES
from vitals.synthetic import avro_fields
from vitals.synthetic.writer_schemas import writer_schema

SAMPLES = Path(__file__).parents[4] / "shared" / "samples"


def test_every_file_without_a_fault_decodes_to_the_rows_of_the_truth(faulty):
    told = {t.key: t for t in faulty.truth.uploads}
    seen = 0
    for upload in faulty.uploads:
        truth = told[upload.key]
        if truth.state in ("processed", "duplicate"):
            decoded = rows(upload)
            assert len(decoded) == truth.rows == upload.rows > 0
            assert {r["appRecordFetchTimeEpochMillis"] for r in decoded} == {upload.fetch_ms}
            seen += 1
    assert seen > 200


def test_files_carry_the_schema_that_the_readers_know(faulty):
    for upload in faulty.uploads[:40]:
        schema, _ = header(upload) if upload.data[:4] == b"Obj\x01" and rows_readable(upload) else (None, None)
        if schema and upload.type_name in {n for t in RECORD_TYPES for n in (t.avro_name, t.prefixed_avro_name)}:
            found = identify(schema.encode())
            assert found.kind in {t.kind for t in RECORD_TYPES}


def rows_readable(upload):
    try:
        rows(upload)
    except Exception:  # noqa: BLE001  # spoiled files fail in every way there is
        return False
    return True


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_writer_schemas_are_on_the_allow_list_of_the_fast_path(kind):
    found = identify(writer_schema(kind).encode())
    assert (found.kind, found.allowed) == (kind, True)


@pytest.mark.skipif(not SAMPLES.exists(), reason="real uploads are not on this machine")
@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_the_header_equals_that_of_real_uploads(record_type):
    for path in SAMPLES.glob(f"{record_type.avro_name}_*.avro"):
        with path.open("rb") as file:
            assert fastavro.reader(file).metadata == {"avro.schema": writer_schema(record_type.kind)}


def test_keys_take_all_forms_and_give_back_user_kind_day_and_fetch(faulty):
    forms = set()
    for truth in faulty.truth.uploads:
        parsed = parse_key(truth.key)
        if truth.file_reason == "bad_key":
            assert isinstance(parsed, BadKey)
            continue
        assert (parsed.user, parsed.type_name, parsed.landing_day) == (truth.user, truth.type_name, truth.landing_day)
        assert parsed.kind == truth.kind
        assert 0 <= truth.fetch_ms - parsed.fetched_ms < 1000
        forms.add((parsed.device is not None, parsed.content_hash is not None))
    assert forms == {(False, True), (True, True), (False, False)}


def test_a_session_stamps_all_kinds_alike(faultless):
    kinds = {}
    for upload in faultless.uploads:
        kinds.setdefault((upload.user, upload.fetch_ms), set()).add(kind_of(upload))
    assert max(map(len, kinds.values())) == len(RECORD_TYPES)


longs = st.integers(-(2**63), 2**63 - 1)
texts = st.text(alphabet=st.characters(blacklist_characters="\x00", codec="utf-8"), max_size=20)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(longs, texts, st.floats(allow_nan=False)), min_size=1, max_size=30))
def test_columns_encode_as_fastavro_encodes_their_rows(values):
    schema = {
        "type": "record",
        "name": "R",
        "fields": [
            {"name": "a", "type": "long"},
            {"name": "b", "type": ["null", "string"]},
            {"name": "c", "type": "double"},
        ],
    }
    parsed = fastavro.parse_schema(schema)
    expected = []
    for a, b, c in values:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, parsed, {"a": a, "b": b or None, "c": c})
        expected.append(out.getvalue())
    data, offsets = avro_fields.rows_of(
        avro_fields.long(np.array([a for a, _, _ in values])),
        avro_fields.optional_string(np.array([b.encode() for _, b, _ in values])),
        avro_fields.double(np.array([c for _, _, c in values])),
    )
    assert [data[i:j] for i, j in zip(offsets[:-1], offsets[1:], strict=True)] == expected


@settings(deadline=None, max_examples=100)
@given(longs)
def test_a_single_long_encodes_like_a_column_of_one(value):
    data, _ = avro_fields.rows_of(avro_fields.long(np.array([value])))
    assert data == avro_fields.long_bytes(value)
