"""Where a lake is: which root URLs and endpoints are taken, and that secrets stay out of sight."""

from pathlib import Path

import pytest

from resources.lake.access import parse_root
from resources.lake.lake import Lake, S3Access
from vitals.errors import UsageError

SECRET = "a-secret-nobody-may-see"


@pytest.mark.parametrize(
    "url",
    [
        "http://host/bucket",
        "/absolute/folder",
        "relative",
        "file://host/folder",
        "file:///folder/../elsewhere",
        "s3:///prefix",
        "s3://bucket/a/../b",
        "file:///with[bracket",
        "file:///with%25percent",
        "s3://bucket/tenant=a",
        "s3://bucket/prefix?x=1",
        "",
    ],
)
def test_a_root_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        Lake(url)


@pytest.mark.parametrize(
    "url",
    [
        f"s3://key:{SECRET}@bucket/prefix",
        f"s3://bucket/prefix?token={SECRET}",
        f"file://(local)?token={SECRET}",
        f"http://host/bucket#{SECRET}",
        f"s3://[bucket?token={SECRET}",
    ],
)
def test_a_root_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(UsageError) as refused:
        Lake(url)
    assert SECRET not in str(refused.value)


def test_a_bucket_root_is_taken_apart_without_needless_slashes() -> None:
    root = parse_root("s3://bucket//a/b/", s3=None)
    assert (root.url, root.bucket, root.prefix, root.folder) == ("s3://bucket/a/b", "bucket", "a/b", None)


def test_a_folder_root_may_have_spaces_and_letters_of_any_alphabet(tmp_path: Path) -> None:
    folder = tmp_path / "my läke #1"
    lake = Lake(folder.as_uri())
    lake.write_object("raw/x", b"1")
    assert (folder / "raw" / "x").read_bytes() == b"1"


@pytest.mark.parametrize("endpoint", ["store.example", "ftp://store", "https://", f"https://key:{SECRET}@store"])
def test_an_endpoint_that_is_no_plain_url_is_refused(endpoint: str) -> None:
    with pytest.raises(UsageError) as refused:
        S3Access(endpoint_url=endpoint)
    assert SECRET not in str(refused.value)


def test_plain_http_needs_leave() -> None:
    with pytest.raises(UsageError, match="plain HTTP"):
        S3Access(endpoint_url="http://store.example")
    assert S3Access(endpoint_url="http://store.example", allow_http=True).allow_http


def test_secrets_do_not_show_in_any_representation() -> None:
    access = S3Access(
        endpoint_url="https://store.example", region="x", access_key_id=f"id-{SECRET}", secret_access_key=SECRET
    )
    lake = Lake("s3://bucket/prefix", s3=access)
    shown = [repr(access), str(access), repr(lake), str(lake), repr(parse_root("s3://bucket", s3=access))]
    assert not [text for text in shown if SECRET in text]
