"""Every line has the same keys and every key one type, so that tables of any files go together."""

import io
from itertools import combinations

import datasets
import orjson
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.json as paj
import pytest

from tests.vitals.training.fact_frames import DAY, KINDS, facts, random_facts
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.line_check import problems
from vitals.training.line_schema import LINE_SCHEMA, schema_problems
from vitals.training.tasks.mix import TaskMix

MIX = TaskMix(question=2, data_quality=1, abstention=1, preference=1)


def of_kind(kind, frame, mix=MIX):
    return build_examples(kind, frame, tenant="default", processor_version="0", mix=mix)


@pytest.fixture(scope="module")
def files():
    """Files of every kind: full days, days without a single value, days of one task only; and a journal."""
    made = {kind: of_kind(kind, random_facts(kind, 12, seed=3)) for kind in KINDS}
    for kind in KINDS:
        made[f"{kind}, nothing known"] = of_kind(kind, facts(kind, [{}]))
        made[f"{kind}, summaries"] = of_kind(
            kind, random_facts(kind, 2, seed=4), TaskMix(question=0, abstention=0, preference=0)
        )
    tables = {kind: random_facts(kind, 3, seed=5).with_columns(local_date=pl.lit(DAY)) for kind in KINDS}
    made["journal"] = build_journal(tables, local_day=DAY, tenant="default", processor_version="0")
    return {name: lines for name, lines in made.items() if lines}


def test_every_line_is_of_the_schema(files):
    for lines in files.values():
        for line in lines:
            assert schema_problems(orjson.loads(line)) == []
            assert problems(line) == []


def keys_of(value, path=""):
    if isinstance(value, dict):
        return {path} | {key for name, member in value.items() for key in keys_of(member, f"{path}.{name}")}
    if isinstance(value, list):
        return {path} | {key for member in value for key in keys_of(member, f"{path}[]")}
    return {path}


def test_all_lines_have_the_same_keys(files):
    objects = [orjson.loads(line) for lines in files.values() for line in lines]
    assert len({tuple(each) for each in objects}) == 1
    assert len({tuple(each["metadata"]) for each in objects}) == 1
    assert len({tuple(claim) for each in objects for claim in each["metadata"]["claims"]}) == 1


def read_arrow(lines, schema=None):
    options = None if schema is None else paj.ParseOptions(explicit_schema=schema)
    return paj.read_json(io.BytesIO(b"\n".join(lines)), parse_options=options)


def test_pyarrow_reads_any_file_and_any_two_as_one_table(files):
    schema = LINE_SCHEMA
    for lines in files.values():
        assert read_arrow(lines, schema).cast(schema).schema.equals(schema)
        guessed = read_arrow(lines)
        assert guessed.schema.names == schema.names
    for one, other in combinations(files.values(), 2):
        assert read_arrow([*one, *other]).num_rows == len(one) + len(other)
        pa.concat_tables([read_arrow(one, schema), read_arrow(other, schema)])
    union = read_arrow([line for lines in files.values() for line in lines])
    assert union.schema.names == schema.names


def test_polars_and_pandas_read_any_file_and_all_as_one(files):
    whole = b"\n".join(line for lines in files.values() for line in lines)
    for text in (whole, *(b"\n".join(lines) for lines in files.values())):
        assert pl.read_ndjson(io.BytesIO(text), infer_schema_length=None).columns == LINE_SCHEMA.names
        assert list(pd.read_json(io.BytesIO(text), lines=True).columns) == LINE_SCHEMA.names


def test_datasets_read_any_file_and_all_as_one(files, tmp_path):
    paths = []
    for number, lines in enumerate(files.values()):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n")
        paths.append(str(path))
    features = datasets.Features.from_arrow_schema(LINE_SCHEMA)
    for order in (paths, paths[::-1]):
        table = datasets.load_dataset(
            "json", data_files=order, features=features, split="train", cache_dir=str(tmp_path / "c")
        )
        assert len(table) == sum(map(len, files.values()))
    for path in paths[:4]:
        alone = datasets.load_dataset("json", data_files=[path], split="train", cache_dir=str(tmp_path / "c"))
        assert alone.column_names == LINE_SCHEMA.names


SPOILT = [
    (lambda line: line.pop("rejected"), "missing rejected"),
    (lambda line: line.update(extra=1), "the line has other keys"),
    (lambda line: line["metadata"].pop("question"), "missing metadata.question"),
    (lambda line: line["metadata"].update(abstention=None), "metadata.abstention has another type"),
    (lambda line: line["metadata"]["claims"][0].update(value=118), "metadata.claims[].value has another type"),
    (lambda line: line["metadata"]["claims"][0].update(value="07:30"), "metadata.claims[].value has another type"),
    (lambda line: line["metadata"]["claims"][0].pop("operands"), "missing metadata.claims[].operands"),
    (lambda line: line["metadata"].update(provisional=None), "metadata.provisional has another type"),
    (lambda line: line["metadata"].update(records_processed=True), "metadata.records_processed has another type"),
    (lambda line: line["metadata"]["validation_warnings"].append(None), "metadata.validation_warnings[] has another type"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "found"), SPOILT, ids=[found for _, found in SPOILT])
def test_a_line_of_another_shape_is_named(files, spoil, found):
    line = orjson.loads(next(line for line in files["heart_rate"] if orjson.loads(line)["metadata"]["claims"]))
    spoil(line)
    assert schema_problems(line) == [found]
    assert found in problems(orjson.dumps(line))
