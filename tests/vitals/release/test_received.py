"""Copies of a release, checked from their files alone: every changed byte is found."""

import random
import shutil
from hashlib import sha256

import orjson
import pytest

from tests.vitals.release.test_release_files import LINES, SPEC, write
from vitals.release.manifest import MANIFEST
from vitals.release.received import SUMS, sums, verify_folder, verify_listed
from vitals.release.writing import dump, facts_of_file, ids_path


def complete(folder):
    """Write manifest and checksums of what is in a folder."""
    for name in (MANIFEST, SUMS):
        (folder / name).unlink(missing_ok=True)
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        rows = None
        if path.suffix == ".jsonl":
            rows = len(path.read_bytes().splitlines())
        elif path.suffix == ".parquet":
            rows = len(path.with_suffix(".jsonl").read_bytes().splitlines())
        files[path.relative_to(folder).as_posix()] = facts_of_file(path, rows=rows).as_json()
    written = dump({"manifest": 1, "release": {"name": SPEC.name}, "files": files})
    (folder / MANIFEST).write_bytes(written)
    (folder / SUMS).write_bytes(sums(written, {path: facts["sha256"] for path, facts in files.items()}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("received") / "copy"
    write(folder, [line for line in LINES if "impossible" not in line["input"]])
    complete(folder)
    return folder


@pytest.fixture
def copy(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "copy")


def failures(folder):
    return [failure for gate in verify_folder(folder) for failure in gate.failures]


def test_a_whole_copy_passes_and_its_checksums_are_those_of_sha256sum(copy):
    assert failures(copy) == []
    listed = dict(reversed(line.split("  ")) for line in (copy / SUMS).read_text().splitlines())
    assert {path: sha256((copy / path).read_bytes()).hexdigest() for path in listed} == listed
    assert set(listed) == {p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file()} - {SUMS}


def test_one_changed_byte_anywhere_is_found(copy):
    chance = random.Random(5)
    paths = sorted(path for path in copy.rglob("*") if path.is_file())
    for path in [copy / MANIFEST, copy / SUMS, *chance.sample(paths, 25)]:
        before = path.read_bytes()
        place = chance.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ (1 << chance.randrange(8))]) + before[place + 1 :])
        assert failures(copy), (path.name, place)
        path.write_bytes(before)
    assert failures(copy) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda f: (f / "README.md").unlink(),
        lambda f: (f / "data" / "extra.parquet").write_bytes(b"x"),
        lambda f: (f / MANIFEST).unlink(),
        lambda f: (f / SUMS).unlink(),
        lambda f: (f / MANIFEST).write_bytes(b"[]"),
        lambda f: (f / MANIFEST).write_bytes(b'{"files": []}'),
        lambda f: (f / MANIFEST).write_bytes(b'{"withdrawn": {"why": "a licence"}}'),
        lambda f: (f / "statistics.json").write_bytes(b""),
    ],
)
def test_what_is_missing_added_or_no_manifest_is_named(copy, spoil):
    spoil(copy)
    assert failures(copy)


def test_an_id_on_two_sides_is_found_although_all_checksums_fit(copy):
    for suffix in ("jsonl", "parquet"):
        shutil.copy(copy / ids_path("text", "train", suffix), copy / ids_path("text", "test", suffix))
    complete(copy)
    assert any("on two sides" in failure for failure in failures(copy))


def test_a_record_of_other_columns_is_found_although_all_checksums_fit(copy):
    (copy / "data/text/train.jsonl").write_bytes(
        b"".join(
            orjson.dumps({"words": orjson.loads(line)["text"]}) + b"\n"
            for line in (copy / "data/text/train.jsonl").read_bytes().splitlines()
        )
    )
    complete(copy)
    assert failures(copy)


def test_one_file_is_held_against_the_manifest_above_it_and_a_strangers_against_none(copy, tmp_path):
    one = copy / "data/text/train.parquet"
    assert [gate.passed for gate in verify_listed(one)] == [True]
    one.write_bytes(one.read_bytes() + b"\0")
    assert verify_listed(one)[0].failures == ["data/text/train.parquet was changed"]
    (tmp_path / "mine.jsonl").write_bytes(b"{}\n")
    assert verify_listed(tmp_path / "mine.jsonl") is None
