"""Listings: the same order in every store, page after page, and no key that hides its neighbours."""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.lake.lake import Lake
from resources.lake.listing import PAGE
from tests.servers.s3 import BUCKET, S3Server

NAMES = st.text(st.sampled_from("abAB019._-~ é"), min_size=1, max_size=4).filter(lambda n: n not in {".", ".."})


def keys_of(lake: Lake, prefix: str, *, after: str | None = None) -> list[str]:
    return [found.key for found in lake.objects(prefix, after=after)]


def test_keys_come_in_the_order_of_their_bytes(lake: Lake) -> None:
    keys = ["raw/a/2", "raw/a/10", "raw/a.x/1", "raw/a-x/1", "raw/a0/1", "raw/A/1", "raw/é/1", "raw/z/1", "raw/a/b/c"]
    for key in keys:
        lake.write_object(key, b"1")
    assert keys_of(lake, "raw/") == sorted(keys, key=lambda key: key.encode())


def test_a_prefix_is_whole_folders(lake: Lake) -> None:
    for key in ["raw/Steps/1", "raw/StepsRecord/1", "raw/Steps2", "rawer/1", "training/1"]:
        lake.write_object(key, b"1")
    assert keys_of(lake, "raw/Steps") == keys_of(lake, "raw/Steps/") == ["raw/Steps/1"]
    assert keys_of(lake, "raw") == ["raw/Steps/1", "raw/Steps2", "raw/StepsRecord/1"]
    assert len(keys_of(lake, "")) == 5
    assert keys_of(lake, "nothing/here/") == []


def test_folders_are_those_directly_below(lake: Lake) -> None:
    for key in ["raw/StepsRecord/2025/09/20/x", "raw/Sleep.Record/y", "raw/file", "training/z"]:
        lake.write_object(key, b"1")
    assert lake.folders("raw/") == ["raw/Sleep.Record/", "raw/StepsRecord/"]
    assert lake.folders("") == ["raw/", "training/"]
    assert lake.folders("raw/StepsRecord/2025") == ["raw/StepsRecord/2025/09/"]
    assert lake.folders("nothing") == []


def test_a_listing_of_many_pages_is_complete_ordered_and_resumes_anywhere(lake: Lake) -> None:
    keys = sorted(f"raw/{number % 3}/{number}" for number in range(1_250))
    write_all(lake, keys)
    assert keys_of(lake, "raw") == keys
    for position in (0, 999, 1_000, 1_249):
        assert keys_of(lake, "raw", after=keys[position]) == keys[position + 1 :]
    # A time budget ends a listing early; nothing more is asked for then.
    assert [found.key for found in islice(lake.objects("raw"), 3)] == keys[:3]


@settings(max_examples=40, deadline=None)
@given(
    paths=st.sets(st.lists(NAMES, min_size=1, max_size=3).map("/".join), max_size=8),
    after=st.lists(NAMES, max_size=3).map("/".join),
)
def test_after_any_key_come_exactly_the_greater_ones(tmp_path_factory, paths, after) -> None:
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(folder.as_uri())
    written = set()
    for path in sorted(paths, key=len):
        # A local name is either a file or a folder.
        if not any(path.startswith(f"{other}/") or other.startswith(f"{path}/") for other in written):
            lake.write_object(path, b"1")
            written.add(path)
    found = [found.key for found in lake.objects("", after=after or None)]
    assert found == sorted(path for path in written if path > after)


def test_a_local_name_that_nobody_should_have_used_hides_no_other(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.write_object("raw/a", b"1")
    lake.write_object("raw/z", b"1")
    for name in [b"bad\xff", b"new\nline", b"back\\slash"]:
        (Path(os.fsdecode(os.fsencode(tmp_path) + b"/raw/" + name))).write_bytes(b"1")
    keys = keys_of(lake, "raw")
    assert keys == ["raw/a", "raw/back\\slash", "raw/bad\\xff", "raw/new\nline", "raw/z"]
    assert all(key.encode() for key in keys)


def test_a_file_that_is_being_written_is_not_listed(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.write_object("raw/a.avro", b"1")
    (tmp_path / "raw" / "b.avro#1").write_bytes(b"half")
    assert keys_of(lake, "raw") == ["raw/a.avro"]


@pytest.mark.integration
@pytest.mark.parametrize("count", [3, 1_100], ids=["first page", "second page"])
def test_a_bucket_key_that_nobody_should_have_used_hides_no_other(s3: S3Server, count: int) -> None:
    root = f"odd-keys-{count}"
    lake = Lake(f"s3://{BUCKET}/{root}", s3=s3.access)
    good = sorted(f"raw/good/{number}" for number in range(count))
    write_all(lake, good)
    later = ["raw/x/../y", "raw/x/./y"]
    # `raw/good//x` comes before the good keys, so with it the first page would already be the odd one.
    odd = later if count > PAGE else ["raw/good//x", *later]
    put_any_key(s3, [f"{root}/{key}" for key in odd])
    assert keys_of(lake, "raw") == sorted([*good, *odd])
    assert keys_of(lake, "raw", after=good[-2]) == [good[-1], *later]
    assert lake.folders("raw") == ["raw/good/", "raw/x/"]
    assert lake.folders("raw/x") == []


@pytest.mark.integration
def test_a_bucket_without_a_prefix_is_a_lake_too(s3: S3Server) -> None:
    lake = Lake(f"s3://{BUCKET}", s3=s3.access)
    lake.write_object("at-the-root/a", b"1")
    put_any_key(s3, ["at-the-root//odd"])
    assert keys_of(lake, "at-the-root") == ["at-the-root//odd", "at-the-root/a"]
    assert "at-the-root/" in lake.folders("")
    assert lake.read_object("at-the-root/a") == b"1"


@pytest.mark.integration
def test_the_folder_markers_of_bucket_browsers_are_not_objects(s3: S3Server) -> None:
    lake = Lake(f"s3://{BUCKET}/markers", s3=s3.access)
    put_any_key(s3, ["markers/raw/", "markers/raw/StepsRecord/"], body=b"")
    lake.write_object("raw/StepsRecord/empty", b"")
    assert keys_of(lake, "raw") == ["raw/StepsRecord/empty"]
    put_any_key(s3, ["markers/raw//x"])
    assert keys_of(lake, "raw") == ["raw//x", "raw/StepsRecord/empty"]


@pytest.mark.integration
def test_the_store_refuses_to_create_what_exists(s3: S3Server) -> None:
    """Delta Lake stands on this: of two writers of one version, one must lose."""
    store = obstore.store.S3Store(BUCKET, prefix="conditional", **s3.access.obstore_options())
    obstore.put(store, "x", b"first", mode="create")
    with pytest.raises(obstore.exceptions.AlreadyExistsError):
        obstore.put(store, "x", b"second", mode="create")
    assert bytes(obstore.get(store, "x").bytes()) == b"first"


def write_all(lake: Lake, keys: list[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: lake.write_object(key, b"1"), keys))


def put_any_key(server: S3Server, keys: list[str], *, body: bytes = b"1") -> None:
    import boto3

    client = boto3.client("s3", **server.access.boto3_options())
    for key in keys:
        client.put_object(Bucket=BUCKET, Key=key, Body=body)
