"""What is no regular file below a local lake is not listed, read, written through or deleted, and hides nobody."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from resources.lake.lake import Lake, ReadFailure
from vitals.errors import NotFoundError, PermanentError

SECRET = b"Obj\x01 the subject key and other people's data"
DAY = "raw/StepsRecord/2025/09/20"


@pytest.fixture
def lake(tmp_path) -> Lake:
    found = Lake((tmp_path / "lake").as_uri())
    for name in ("a", "m", "z"):
        found.write_object(f"{DAY}/{name}.avro", b"an upload")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.avro").write_bytes(SECRET)
    (tmp_path / "outside" / "2025").mkdir()
    (tmp_path / "outside" / "2025" / "secret.avro").write_bytes(SECRET)
    return found


def link_to_a_file(folder: Path, day: Path) -> str:
    (day / "link.avro").symlink_to(folder / "outside" / "secret.avro")
    return f"{DAY}/link.avro"


def relative_link(folder: Path, day: Path) -> str:
    (day / "link.avro").symlink_to("../../../../../../outside/secret.avro")
    return f"{DAY}/link.avro"


def link_to_another_upload(folder: Path, day: Path) -> str:
    (day / "link.avro").symlink_to("a.avro")
    return f"{DAY}/link.avro"


def dangling_link(folder: Path, day: Path) -> str:
    (day / "link.avro").symlink_to(folder / "nothing")
    return f"{DAY}/link.avro"


def link_to_itself(folder: Path, day: Path) -> str:
    (day / "link.avro").symlink_to("link.avro")
    return f"{DAY}/link.avro"


def link_to_a_folder(folder: Path, day: Path) -> str:
    (day / "link").symlink_to(folder / "outside")
    return f"{DAY}/link/secret.avro"


def looping_link(folder: Path, day: Path) -> str:
    (day / "link").symlink_to(folder)
    return f"{DAY}/link/outside/secret.avro"


def link_above(folder: Path, day: Path) -> str:
    (folder / "lake" / "raw" / "SleepSessionRecord").symlink_to(folder / "outside")
    return "raw/SleepSessionRecord/2025/secret.avro"


def pipe(folder: Path, day: Path) -> str:
    os.mkfifo(day / "pipe.avro")
    return f"{DAY}/pipe.avro"


def socket_file(folder: Path, day: Path) -> str:
    here = Path.cwd()
    os.chdir(day)  # the path of a socket may have 107 bytes only
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("socket.avro")
    finally:
        os.chdir(here)
    return f"{DAY}/socket.avro"


ODD = [
    link_to_a_file,
    relative_link,
    link_to_another_upload,
    dangling_link,
    link_to_itself,
    link_to_a_folder,
    looping_link,
    link_above,
    pipe,
    socket_file,
]


@pytest.fixture(params=ODD, ids=[make.__name__ for make in ODD])
def odd(request, tmp_path, lake) -> str:
    """Key at which somebody left something that is no object, or behind which it lies."""
    return request.param(tmp_path, tmp_path / "lake" / DAY)


def test_it_is_told_of_and_not_listed_and_its_neighbours_are(lake, odd):
    told = []
    keys = [found.key for found in lake.objects("raw/", on_no_object=told.append)]
    assert keys == [f"{DAY}/{name}.avro" for name in ("a", "m", "z")] == [found.key for found in lake.objects("raw/")]
    assert len(told) == 1
    assert odd.startswith(told[0].key)
    assert any(word in told[0].why for word in ("symbolic link", "named pipe", "socket"))


def test_it_cannot_be_read_by_its_key_either(lake, odd):
    assert lake.head(odd) is None
    with pytest.raises(NotFoundError):
        lake.read_object(odd)
    found = lake.read_objects([f"{DAY}/a.avro", odd])
    assert found[f"{DAY}/a.avro"] == b"an upload"
    assert isinstance(found[odd], ReadFailure)
    assert isinstance(lake.digests([odd])[odd], ReadFailure)
    # Alone in its batch it is one object that is missing, and no broken store.
    assert isinstance(lake.read_objects([odd])[odd], ReadFailure)


@pytest.mark.parametrize("make", [link_to_a_folder, looping_link, link_above])
def test_nothing_is_written_or_deleted_behind_a_link(tmp_path, lake, make):
    key = make(tmp_path, tmp_path / "lake" / DAY)
    with pytest.raises(PermanentError, match="symbolic link"):
        lake.write_object(key, b"other bytes")
    with pytest.raises(PermanentError, match="symbolic link"):
        lake.write_file(key, tmp_path / "outside" / "secret.avro")
    lake.delete_objects([key])
    assert (tmp_path / "outside" / "secret.avro").read_bytes() == SECRET
    assert (tmp_path / "outside" / "2025" / "secret.avro").read_bytes() == SECRET


@pytest.mark.parametrize("make", [link_to_a_file, link_to_another_upload, link_to_itself, pipe, socket_file])
def test_what_is_deleted_or_replaced_is_the_entry_and_not_what_it_leads_to(tmp_path, lake, make):
    key = make(tmp_path, tmp_path / "lake" / DAY)
    lake.write_object(key, b"a file now")
    assert lake.read_object(key) == b"a file now"
    lake.delete_objects([key])
    assert make(tmp_path, tmp_path / "lake" / DAY) == key
    lake.delete_objects([key])
    assert not os.path.lexists(tmp_path / "lake" / key)
    assert (tmp_path / "outside" / "secret.avro").read_bytes() == SECRET
    assert lake.read_object(f"{DAY}/a.avro") == b"an upload"


def test_a_second_name_of_a_file_is_no_upload_wherever_the_first_is(tmp_path, lake):
    for first in (tmp_path / "outside" / "secret.avro", tmp_path / "lake" / DAY / "a.avro"):
        second = tmp_path / "lake" / DAY / "second.avro"
        os.link(first, second)
        told = []
        keys = [found.key for found in lake.objects("raw/", on_no_object=told.append)]
        assert f"{DAY}/second.avro" not in keys
        assert f"{DAY}/second.avro" in {one.key for one in told}
        assert {"hard link" in one.why for one in told} == {True}
        assert isinstance(lake.digests([f"{DAY}/second.avro"])[f"{DAY}/second.avro"], ReadFailure)
        second.unlink()


def test_a_lake_whose_upper_folder_is_a_link_is_refused_rather_than_taken_for_empty(tmp_path, lake):
    shutil.move(tmp_path / "lake" / "raw", tmp_path / "elsewhere")
    (tmp_path / "lake" / "raw").symlink_to(tmp_path / "elsewhere")
    for ask in (lambda: list(lake.objects("raw/")), lambda: lake.folders("raw/")):
        with pytest.raises(PermanentError, match="Make the lake's root the link"):
            ask()


def test_a_root_that_is_reached_through_a_link_is_its_operators_choice(tmp_path, lake):
    (tmp_path / "linked").symlink_to(tmp_path / "lake")
    through = Lake((tmp_path / "linked").as_uri())
    assert [found.key for found in through.objects("raw/")] == [found.key for found in lake.objects("raw/")]
    through.write_object(f"{DAY}/b.avro", b"1")
    assert lake.read_object(f"{DAY}/b.avro") == b"1"


@pytest.mark.skipif(os.getuid() == 0, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_opened_is_told_of_and_its_neighbours_are_listed(tmp_path, lake):
    closed = tmp_path / "lake" / "raw" / "SleepSessionRecord"
    closed.mkdir()
    closed.chmod(0)
    told = []
    assert len(list(lake.objects("raw/", on_no_object=told.append))) == 3
    assert [(one.key, one.is_folder) for one in told] == [("raw/SleepSessionRecord", True)]
    closed.chmod(0o700)


def test_a_folder_whose_name_is_not_utf8_is_told_of(tmp_path, lake):
    Path(os.fsdecode(os.fsencode(tmp_path / "lake" / DAY) + b"/\xff")).mkdir()
    told = []
    assert len(list(lake.objects("raw/", on_no_object=told.append))) == 3
    assert [one.is_folder for one in told] == [True]
