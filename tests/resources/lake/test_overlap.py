"""Roots that share anything are told, however they are written; those that share nothing are not refused."""

import pytest

from resources.lake.access import parse_root
from resources.lake.overlap import how_they_overlap, refuse_overlap
from vitals.errors import ConflictError, UsageError


def relation(one: str, other: str) -> str | None:
    return how_they_overlap(parse_root(one, s3=None), parse_root(other, s3=None))


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "lake" / "tenants").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "lake")
    (tmp_path / "to-elsewhere").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "lake" / "inside").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "chain").symlink_to(tmp_path / "link")
    return tmp_path


OVERLAPPING_FOLDERS = {
    "the same": ("lake", "lake", "is"),
    "a slash at the end": ("lake/", "lake", "is"),
    "two slashes": ("//lake", "lake", "is"),
    "within": ("lake/raw", "lake", "lies in"),
    "deep within, nothing there yet": ("lake/a/b/c", "lake", "lies in"),
    "around": ("", "lake", "holds"),
    "through a link": ("link", "lake", "is"),
    "through two links": ("chain", "lake", "is"),
    "within, through a link": ("link/raw", "lake", "lies in"),
    "a link within the other": ("lake/inside", "lake", "lies in"),
    "where a link within the other leads": ("elsewhere", "lake/inside", "is"),
    "below where a link leads": ("to-elsewhere/x", "elsewhere", "lies in"),
    "percent-encoded": ("l%61ke", "lake", "is"),
    "neither is there yet": ("new/one", "new", "lies in"),
    "neither is there yet, another case": ("New", "new", "is"),
    "neither is there yet, another encoding of letters": ("caf%C3%A9", "cafe%CC%81", "is"),
}


@pytest.mark.parametrize("case", OVERLAPPING_FOLDERS)
def test_folders_that_share_something_are_told(folder, case):
    one, other, expected = OVERLAPPING_FOLDERS[case]
    assert relation(f"file://{folder}/{one}", f"file://{folder}/{other}") == expected
    backwards = {"is": "is", "lies in": "holds", "holds": "lies in"}[expected]
    assert relation(f"file://{folder}/{other}", f"file://localhost{folder}/{one}") == backwards


@pytest.mark.parametrize(
    ("one", "other"), [("lake", "lake2"), ("lake/a", "lake/b"), ("new", "newer"), ("elsewhere", "lake"), ("a/x", "b/x")]
)
def test_folders_that_share_nothing_are_not(folder, one, other):
    assert relation(f"file://{folder}/{one}", f"file://{folder}/{other}") is None


OVERLAPPING_PREFIXES = [
    ("s3://bucket", "s3://bucket", "is"),
    ("s3://bucket/", "s3://bucket", "is"),
    ("s3://bucket/a//b/", "s3://bucket/a/b", "is"),
    ("s3://bucket/a/b", "s3://bucket/a", "lies in"),
    ("s3://bucket/a", "s3://bucket", "lies in"),
    ("s3://bucket", "s3://bucket/a/b/c", "holds"),
    ("s3://BUCKET/a", "s3://bucket/a/b", "holds"),
    ("S3://bucket/%61", "s3://bucket/a", "is"),
]


@pytest.mark.parametrize(("one", "other", "expected"), OVERLAPPING_PREFIXES)
def test_prefixes_that_share_something_are_told(one, other, expected):
    assert relation(one, other) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("s3://bucket/a", "s3://bucket/ab"),
        ("s3://bucket/a", "s3://other/a"),
        ("s3://bucket/A", "s3://bucket/a"),
        ("s3://bucket/a/b", "s3://bucket/a/c"),
        ("s3://tmp", "file:///tmp"),
    ],
)
def test_prefixes_that_share_nothing_are_not(one, other):
    assert relation(one, other) is None


@pytest.mark.parametrize(
    "url", ["s3://bucket:9000/a", "s3://bucket:443", "file:///a/../b", "file:///a/%2e%2e/b", "s3://b/../c"]
)
def test_roots_that_are_written_to_mean_something_else_are_no_roots(url):
    with pytest.raises(UsageError):
        parse_root(url, s3=None)


def test_the_error_says_whose_root_it_is_and_what_to_do(folder):
    with pytest.raises(ConflictError, match=r"tenant new.*this root lies in the root of tenant default.*Name another"):
        refuse_overlap(
            f"file://{folder}/link/raw",
            tenant="new",
            others={"default": f"file://{folder}/lake", "study": f"file://{folder}/elsewhere"},
            s3=None,
            attempted="add the tenant",
            remedy="Name another.",
        )
