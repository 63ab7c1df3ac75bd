"""Objects of a lake: what is written is read, and one bad object does not hold up the others."""

import os
from pathlib import Path

import pytest

from resources.lake.lake import Lake, ReadFailure
from vitals.errors import NotFoundError, UsageError

ODD_BUT_FINE = ["raw/with space/é ü.avro", "raw/100%/a%2Fb.avro", "raw/a+b&c=d?e#f", "raw/'\"`$.avro", "raw/日本/x"]


@pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 40_000], ids=["empty", "one", "ten megabytes"])
def test_what_is_written_is_read(lake: Lake, data: bytes) -> None:
    lake.write_object("quarantine/x.avro", data)
    assert lake.read_object("quarantine/x.avro") == data
    found = lake.head("quarantine/x.avro")
    assert found is not None
    assert found.size_bytes == len(data)


@pytest.mark.parametrize("key", ODD_BUT_FINE)
def test_an_odd_but_harmless_key_is_written_listed_and_read_under_the_same_name(lake: Lake, key: str) -> None:
    lake.write_object(key, b"1")
    assert [found.key for found in lake.objects("raw/")] == [key]
    assert lake.read_objects([key]) == {key: b"1"}
    lake.delete_objects([key])
    assert not lake.exists(key)


def test_writing_again_replaces_the_object_and_changes_its_etag(lake: Lake) -> None:
    lake.write_object("training/x.jsonl", b"a longer first version")
    before = lake.head("training/x.jsonl")
    lake.write_object("training/x.jsonl", b"second")
    after = lake.head("training/x.jsonl")
    assert lake.read_object("training/x.jsonl") == b"second"
    assert before is not None
    assert after is not None
    assert before.etag != after.etag


def test_a_listing_and_a_single_look_agree(lake: Lake) -> None:
    lake.write_object("raw/a/x", b"12345")
    [listed] = lake.objects("raw/")
    assert lake.head("raw/a/x") == listed
    assert listed.modified_utc.utcoffset().total_seconds() == 0


def test_a_missing_object_is_no_object(lake: Lake) -> None:
    lake.write_object("raw/a/x", b"1")
    for missing in ["raw/a/y", "raw/a", "raw/a/x/y"]:
        assert lake.head(missing) is None
        assert not lake.exists(missing)
        with pytest.raises(NotFoundError):
            lake.read_object(missing)


def test_reading_many_gives_the_missing_ones_as_values_and_the_siblings_flow(lake: Lake) -> None:
    wanted = [f"raw/{number:03}" for number in range(60)]
    for key in wanted[::2]:
        lake.write_object(key, key.encode())
    found = lake.read_objects([*wanted, wanted[0]], concurrency=7)
    assert list(found) == wanted
    for number, (key, data) in enumerate(found.items()):
        if number % 2 == 0:
            assert data == key.encode()
        else:
            assert isinstance(data, ReadFailure)
            assert data.kind == "missing"


def test_reading_none_gives_none(lake: Lake) -> None:
    assert lake.read_objects([]) == {}


def test_deleting_takes_away_what_is_named_and_nothing_else(lake: Lake) -> None:
    for name in "abcd":
        lake.write_object(f"training/{name}", b"")
    lake.delete_objects(["training/a", "training/never-there", "training/c"])
    assert [found.key for found in lake.objects("training")] == ["training/b", "training/d"]
    lake.delete_objects(["training/a"])
    lake.delete_objects([])


def test_a_write_leaves_no_half_file_beside_it(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    for _ in range(3):
        lake.write_object("raw/x", os.urandom(1000))
    assert [path.name for path in (tmp_path / "raw").iterdir()] == ["x"]


def test_a_local_file_goes_into_the_lake_and_comes_back_as_it_was(lake: Lake, tmp_path: Path) -> None:
    data = os.urandom(9 * 2**20)
    (tmp_path / "here").write_bytes(data)
    lake.write_file("releases/a/1/data.parquet", tmp_path / "here")
    assert lake.read_object("releases/a/1/data.parquet") == data
    lake.read_file("releases/a/1/data.parquet", tmp_path / "there")
    assert (tmp_path / "there").read_bytes() == data
    with pytest.raises(NotFoundError):
        lake.read_file("releases/a/1/none", tmp_path / "nowhere")
    with pytest.raises(UsageError):
        lake.write_file("../outside", tmp_path / "here")
