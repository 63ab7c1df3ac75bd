"""Gates: what leaks, names somebody or does not load is found; what is clean passes."""

import copy
from datetime import date

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.vitals.release.released_lines import training_lines
from vitals.release.gates import (
    PATTERNS,
    Placed,
    balance_gate,
    erased_gate,
    formats_gate,
    identifiers_gate,
    records_gate,
    splits_gate,
    words_of,
)
from vitals.release.line_gates import LINE_GATES, line_problems, report
from vitals.release.selection import SharedRecord
from vitals.release.spec import ReleaseSpec
from vitals.release.splits import Sides
from vitals.release.writing import FormatFiles

SPEC = ReleaseSpec(name="days", version="1", license="mit", profile="none", validation_share=0.3, test_share=0.3)
SIDES = Sides(SPEC, key=b"a key for tests only, of no worth")
LINES = training_lines(persons=12, days=1, seed=5, kinds=("blood_glucose", "sleep"))


def placed(lines=LINES):
    for line in lines:
        metadata = line["metadata"]
        person = metadata["subject_id"]
        category, day = metadata["training_category"], metadata["local_date"]
        yield Placed(line["id"], person, SIDES.of(person), category, day), line


def on(side: str) -> dict:
    return max(
        (line for line in LINES if SIDES.of(line["metadata"]["subject_id"]) == side),
        key=lambda line: len(line["output"]),
    )


def test_clean_lines_pass():
    gate = splits_gate(placed(), shared=[], sides=SIDES)
    assert gate.passed
    assert gate.figures["people"] == 12


def test_a_person_on_two_sides_blocks():
    (place, line), *rest = placed()
    other = next(side for side in ("train", "test") if side != place.side)
    twice = [(place, line), (Placed("copy", place.person, other, place.category, place.local_date), line)]
    gate = splits_gate([*twice, *rest])
    assert gate.failures == ["1 people on two sides"]


def test_a_near_duplicate_on_two_sides_blocks_even_with_a_word_changed():
    original = on("test")
    thief = on("train")["metadata"]["subject_id"]
    copied = copy.deepcopy(original)
    copied["output"] = copied["output"].replace(" the ", " that ", 1)
    copied["metadata"]["subject_id"] = thief
    copied["id"] = "copied"
    assert copied["output"] != original["output"]
    assert splits_gate(placed([*LINES, copied])).failures == ["1 near duplicates on two sides"]
    assert splits_gate(placed([copied, *LINES])).failures == ["1 near duplicates on two sides"]


def test_a_source_record_on_two_sides_blocks():
    light, heavy = on("train")["metadata"], on("test")["metadata"]
    shared = SharedRecord(
        light["training_category"],
        date.fromisoformat(light["local_date"]),
        frozenset({light["subject_id"], heavy["subject_id"]}),
    )
    gate = splits_gate(placed(), shared=[shared], sides=SIDES)
    expected = sum(
        line["metadata"]["subject_id"] == light["subject_id"]
        and line["metadata"]["training_category"] == light["training_category"]
        for line in LINES
    )
    assert gate.failures == [f"{expected} examples that share a record with another side"]
    assert expected


def data(lines) -> list[bytes]:
    return [orjson.dumps(line, option=orjson.OPT_SORT_KEYS) for line in lines]


PLANTED = {
    "e-mail addresses": "anna.b@example.org",
    "UUIDs": "3f1e9a70-11aa-4c3d-9f00-aabbccddeeff",
    "URLs of stores": "s3://bucket/x",
    "keys of uploads": "raw/StepsRecord/2025",
    "MAC addresses": "aa:bb:cc:00:11:22",
    "IP addresses": "192.168.10.1",
}


def test_made_up_lines_hold_nothing_that_looks_like_an_identifier():
    assert identifiers_gate(data(LINES), {"anna@example.org", "p7", "1"}).passed


@pytest.mark.parametrize("name", PATTERNS)
def test_what_looks_like_an_identifier_blocks(name):
    lines = copy.deepcopy(LINES[:5])
    lines[2]["metadata"]["withheld"] = [{"metric": "x", "reason": f"see {PLANTED[name]} there"}]
    assert f"1 lines with {name}" in identifiers_gate(data(lines), ()).failures


@pytest.mark.parametrize("where", ["input", "output", "instruction"])
@pytest.mark.parametrize("canary", ["anna", "user-0042", "Ünal", "a|b c"])
def test_a_known_identifier_blocks_wherever_it_stands_as_a_word(where, canary):
    lines = copy.deepcopy(LINES)
    lines[7][where] += f" ({canary}),"
    gate = identifiers_gate(data(lines), {canary, "somebody-else"})
    assert gate.failures == ["1 lines with a known identifier"]
    lines[7][where] = LINES[7][where] + f" x{canary}x"
    assert identifiers_gate(data(lines), {canary}).passed


def test_a_short_identifier_is_looked_for_as_a_whole_value():
    lines = copy.deepcopy(LINES[:3])
    lines[0]["output"] += " of p7 there"
    assert identifiers_gate(data(lines), {"p7"}).passed
    lines[0]["metadata"]["user"] = "p7"
    assert identifiers_gate(data(lines), {"p7"}).failures == ["1 lines with a known identifier"]


def test_a_number_of_few_digits_is_not_taken_for_an_identifier_but_one_of_many_is():
    lines = copy.deepcopy(LINES[:3])
    lines[0]["output"] += " 7 and 1440 and 20250917"
    gate = identifiers_gate(data(lines), {"7", "1440"})
    assert gate.passed
    assert gate.figures["known_identifiers"] == 0
    assert not identifiers_gate(data(lines), {"20250917"}).passed


def test_words_of_lines_hold_every_id_of_a_record_that_stands_there():
    record = "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert record.encode() in words_of([*data(LINES[:2]), f'{{"a": "of {record}."}}'.encode()]) | words_of(
        [f'"{record}"'.encode()]
    )
    assert not records_gate(1, 10).passed
    assert records_gate(0, 10).passed


def test_somebody_whom_the_catalog_does_not_know_blocks():
    assert erased_gate({"a", "b"}, {"a", "b", "c"}).passed
    assert erased_gate(["a", "a", "b"], {"a"}).failures == ["1 erased or unknown people"]


def test_books_that_do_not_balance_block():
    fates = {"read": 10, "released": 6, "low_quality": 3, "beyond_cap": 1}
    good = {"unbalanced_uploads": 0, "unbalanced_kinds": 0}
    assert balance_gate(fates, 6, **good).passed
    assert not balance_gate(fates, 7, **good).passed
    assert not balance_gate({**fates, "read": 11}, 6, **good).passed
    assert not balance_gate(fates, 6, **{**good, "unbalanced_uploads": 1}).passed
    assert not balance_gate(fates, 6, **{**good, "unbalanced_kinds": 1}).passed


@pytest.fixture
def texts(tmp_path):
    files = FormatFiles(tmp_path, "text", "train", pa.schema([("text", pa.string())]))
    for n in range(3):
        files.add(f"id{n}", {"text": f"text {n}"})
    files.close()
    return tmp_path


def test_files_that_agree_load(texts):
    gate = formats_gate(texts, {"text": {"train": 3}})
    assert gate.passed
    assert gate.figures["records"] == 3


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda f: (f / "data/text/train.jsonl").write_bytes(b'{"text":"text 0"}\n' * 3), "1 files that disagree"),
        (lambda f: (f / "data/text/train.jsonl").write_bytes(b'{"text":"text 0"}\n'), "1 files that disagree"),
        (lambda f: (f / "ids/text/train.jsonl").write_bytes(b'{"id":"id0"}\n' * 3), "2 repeated ids"),
        (
            lambda f: pq.write_table(pa.table({"text": ["a"], "id": ["b"]}), f / "data/text/train.parquet"),
            "1 files with other columns",
        ),
    ],
    ids=["other record", "missing record", "repeated id", "another column"],
)
def test_files_that_do_not_agree_block(texts, change, finding):
    change(texts)
    assert finding in formats_gate(texts, {"text": {"train": 3}}).failures


def test_every_made_up_line_passes_all_gates_on_lines():
    assert report(data(LINES)).as_json()["passed"]


@pytest.mark.parametrize(
    ("gate", "spoil"),
    [
        ("shape", lambda line: line.pop("input")),
        ("language", lambda line: _say(line, line["output"] + " You have diabetes.")),
        ("grounding", lambda line: _say(line, line["output"] + " The mean was 999 mg/dL.")),
        ("sufficiency", lambda line: line.update(input="Nothing is known.")),
    ],
)
def test_a_spoiled_line_fails_the_gate_it_should_and_is_named_by_number(gate, spoil):
    line = next(
        copy.deepcopy(one)
        for one in LINES
        if one["metadata"]["task"] == "daily_summary" and len(one["metadata"]["claims"]) > 5
    )
    spoil(line)
    assert gate in line_problems(*data([line]))
    found = report([*data(LINES[:4]), *data([line])])
    assert found.numbers[gate] == [5]
    assert found.lines == 5


def _say(line, text):
    line["output"] = text
    line["messages"][1]["content"] = text


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'{"a": 1}', b'"text"', b"\xff"])
def test_anything_may_stand_in_a_file_of_somebody_elses(line):
    assert set(line_problems(line)) == {"shape"}


def test_problems_hold_nothing_of_the_line():
    line = copy.deepcopy(LINES[0])
    _say(line, "The mean glucose was 9,876 mg/dL. You have diabetes.")
    line["input"] = "secret"
    text = str(report(data([line])).as_json())
    assert "9,876" not in text
    assert "secret" not in text
    assert set(report(data([line])).as_json()["gates"]) == set(LINE_GATES)
