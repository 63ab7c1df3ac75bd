"""The files of a release: columns as documented, the same ids everywhere, the same bytes twice, loaded by their users."""

import random
from pathlib import Path

import mlcroissant
import orjson
import pyarrow.parquet as pq
import pytest
from datasets import disable_caching, load_dataset

from tests.vitals.release.released_lines import training_lines
from vitals.release.assembly import Spool, write_all
from vitals.release.card import card
from vitals.release.cases import case_id
from vitals.release.croissant import croissant
from vitals.release.formats import FORMATS
from vitals.release.plots import PLOTS, draw
from vitals.release.spec import FORMAT_NAMES, SIDES, ReleaseSpec
from vitals.release.splits import Sides
from vitals.release.writing import dump, facts_of_file

SPEC = ReleaseSpec(
    name="days", version="1.0.0", license="cc-by-4.0", profile="none", validation_share=0.3, test_share=0.3
)
LINES = training_lines(persons=9, days=2, seed=3)

# As TRL documents its dataset types; written here by hand.
TRL_COLUMNS = {
    "text": ["text"],
    "messages": ["messages"],
    "prompt_completion": ["prompt", "completion"],
    "prompt_completion_chat": ["prompt", "completion"],
    "preference": ["prompt", "chosen", "rejected"],
    "preference_chat": ["prompt", "chosen", "rejected"],
    "alpaca": ["instruction", "input", "output"],
}
CHAT = {"messages", "prompt_completion_chat", "preference_chat"}


def write(folder: Path, lines=LINES):
    sides = Sides(SPEC, key=b"a key for tests only, of no worth")
    folder.mkdir()
    with Spool(folder.parent / f"{folder.name}.spool") as spool:
        entries = [spool.add(line, source=line, side=sides.of(line["metadata"]["subject_id"])) for line in lines]
        written = write_all(folder, SPEC.formats, entries, spool)
    files = {str(path.relative_to(folder)): facts_of_file(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    statistics = written.statistics.as_json()
    (folder / "plots").mkdir()
    for name, picture in draw(statistics).items():
        (folder / "plots" / f"{name}.png").write_bytes(picture)
    fates = {"read": len(lines), "released": len(lines)}
    (folder / "README.md").write_text(card(SPEC, statistics, fates, written.rows))
    (folder / "croissant.json").write_bytes(dump(croissant(SPEC, files, written.rows, description="Made-up days.")))
    return written


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files") / "release"
    return folder, write(folder)


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    disable_caching()
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)


def ids(folder: Path, name: str, side: str) -> list[str]:
    return [orjson.loads(line)["id"] for line in (folder / f"ids/{name}/{side}.jsonl").open("rb")]


def test_every_side_has_people(release):
    assert set(release[1].rows["text"]) == set(SIDES)
    assert sum(release[1].rows["text"].values()) == len(LINES)


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_hugging_face_loads_every_format_from_its_card_with_the_ids_beside_it(release, name, tmp_path):
    folder, written = release
    loaded = load_dataset(str(folder), name, cache_dir=str(tmp_path))
    beside = load_dataset(str(folder), f"{name}_ids", cache_dir=str(tmp_path))
    assert {side: loaded[side].num_rows for side in loaded} == written.rows[name]
    for side in loaded:
        assert beside[side]["id"] == ids(folder, name, side)
        if name != "case":
            assert loaded[side].column_names == TRL_COLUMNS[name]


@pytest.mark.parametrize("name", FORMAT_NAMES)
def test_jsonl_loads_with_the_same_records_as_parquet(release, name, tmp_path):
    folder, written = release
    for side in written.rows[name]:
        path = f"{folder}/data/{name}/{side}"
        parquet = load_dataset("parquet", data_files=f"{path}.parquet", split="train", cache_dir=str(tmp_path))
        jsonl = load_dataset("json", data_files=f"{path}.jsonl", split="train", cache_dir=str(tmp_path))
        if name == "case":
            # The reader of JSON takes a column of dates for times, whatever it is told; the card says so.
            jsonl, parquet = jsonl.remove_columns("local_date"), parquet.remove_columns("local_date")
        assert jsonl.to_list() == parquet.to_list()


@pytest.mark.parametrize("name", sorted(TRL_COLUMNS))
def test_records_are_strings_or_lists_of_messages_as_the_type_asks(release, name):
    folder, _ = release
    record = orjson.loads((folder / f"data/{name}/train.jsonl").open("rb").readline())
    assert list(record) == TRL_COLUMNS[name]
    for value in record.values():
        if name in CHAT:
            assert all(set(message) == {"role", "content"} for message in value)
        else:
            assert isinstance(value, str)


def test_ids_are_the_same_in_every_format_and_each_stands_once(release):
    folder, _ = release
    rejected = {line["id"] for line in LINES if line["rejected"] is not None}
    for name in TRL_COLUMNS:
        found = [id_ for side in SIDES for id_ in ids(folder, name, side)]
        expected = rejected if name.startswith("preference") else {line["id"] for line in LINES}
        assert len(found) == len(set(found))
        assert set(found) == expected


def test_prompt_and_completion_joined_are_the_text(release):
    folder, _ = release
    texts = (folder / "data/text/train.jsonl").read_bytes().splitlines()
    pairs = (folder / "data/prompt_completion/train.jsonl").read_bytes().splitlines()
    for text, pair in zip(map(orjson.loads, texts), map(orjson.loads, pairs), strict=True):
        assert pair["prompt"] + pair["completion"] == text["text"]


def test_a_case_holds_each_claim_of_the_days_lines_once(release):
    folder, _ = release
    by_day = {}
    for line in LINES:
        by_day.setdefault((line["metadata"]["subject_id"], line["metadata"]["local_date"]), []).append(line)
    seen = 0
    for side in release[1].rows["case"]:
        for case in pq.read_table(folder / f"data/case/{side}.parquet").to_pylist():
            lines = by_day[case["subject_id"], case["local_date"]]
            assert case["id"] == case_id(case["subject_id"], case["local_date"])
            assert case["example_ids"] == sorted(line["id"] for line in lines)
            expected = {
                (line["metadata"]["record_type"], c["id"], c["window"]): c["value"] if c["text"] is None else c["text"]
                for line in lines
                for c in line["metadata"]["claims"]
            }
            found = {
                (c["record_type"], c["id"], c["window"]): c["value"] if c["text"] is None else c["text"]
                for c in case["claims"]
            }
            assert found == expected
            assert len(case["claims"]) == len(found)
            assert {fact["metric"] for fact in case["facts"]} <= {id_ for _, id_, _ in expected}
            seen += 1
    assert seen == len(by_day)


def test_monthly_journals_hold_every_whole_line_once_by_id(release):
    folder, written = release
    found = []
    for path, count in written.journals.items():
        lines = [orjson.loads(line) for line in (folder / path).read_bytes().splitlines()]
        assert len(lines) == count
        assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)
        assert path == "journal/2025/03/health_journal_2025_03.jsonl"
        found += lines
    assert sorted(found, key=lambda line: line["id"]) == sorted(LINES, key=lambda line: line["id"])


def test_the_same_lines_in_any_order_give_the_same_bytes(release, tmp_path):
    folder, _ = release
    shuffled = list(LINES)
    random.Random(1).shuffle(shuffled)
    write(tmp_path / "again", shuffled)
    for path in folder.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "again" / path.relative_to(folder)).read_bytes(), path.name


def test_croissant_is_valid_and_its_records_can_be_read(release):
    folder, written = release
    dataset = mlcroissant.Dataset(jsonld=str(folder / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    sets = {record_set.id for record_set in dataset.metadata.record_sets}
    assert sets == {f"{name}-{side}" for name, by_side in written.rows.items() for side in by_side}
    records = list(dataset.records("prompt_completion-train"))
    assert len(records) == written.rows["prompt_completion"]["train"]
    first = orjson.loads((folder / "data/prompt_completion/train.jsonl").open("rb").readline())
    assert records[0]["prompt_completion-train/prompt"].decode() == first["prompt"]


def test_the_card_names_licence_profile_and_every_format_and_shows_pictures_that_exist(release):
    folder, _ = release
    text = (folder / "README.md").read_text()
    front, body = text.removeprefix("---\n").split("\n---\n")
    assert 'license: "cc-by-4.0"' in front
    assert "**None.**" in body
    for name in FORMAT_NAMES:
        assert f"- config_name: {name}\n" in front
        assert f"| `{name}` |" in body
    for name in PLOTS:
        assert f"(plots/{name}.png)" in body
        assert (folder / f"plots/{name}.png").read_bytes().startswith(b"\x89PNG")


def test_neither_card_nor_statistics_nor_croissant_names_a_person(release):
    folder, written = release
    people = {line["metadata"]["subject_id"] for line in LINES}
    texts = [(folder / name).read_text() for name in ("README.md", "croissant.json")]
    texts.append(str(written.statistics.as_json()))
    assert not [person for person in people for text in texts if person in text]


def test_statistics_count_what_is_there(release):
    counted = release[1].statistics.as_json()
    assert counted["examples"] == len(LINES) == sum(counted["examples_per_person"]) == sum(counted["tokens"].values())
    assert counted["people"] == 9 == sum(counted["people_by_side"].values())
    tasks = [line["metadata"]["task"] for line in LINES]
    assert counted["examples_by_task"] == {task: tasks.count(task) for task in sorted(set(tasks))}


def test_there_is_a_format_for_every_name():
    assert {*FORMATS, "case"} == set(FORMAT_NAMES)
