"""Files of a local folder that others may write to: only regular files, and nothing that lies behind a link.

Belongs here: opening a file or a folder without following a link in any part of its path below the folder.
Does not belong here: which files there should be.

A link below `raw/` would let whoever may upload read what the service can read: its contents would be copied to
quarantine, its names into the books. So every part of a path is opened by itself and refused if it is a link, and a
pipe, a socket or a device, which reading could wait on for ever, is no file either. The folder itself may be a link:
it is the operator's.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

PIECE_BYTES = 2**20
FILE = "file"
SECOND_NAME = "it has a second name (a hard link), so whose contents it shows cannot be told"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a pipe waits for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class NotAFileError(OSError):
    """The path leads to something else than a regular file, or through a link."""

    def __init__(self, why: str) -> None:
        super().__init__(errno.ELOOP, why)
        self.why = why


@contextmanager
def opened_folder(root: Path, key: str) -> Iterator[int]:
    """Descriptor of a folder below the root; of the root itself if the key is empty.

    Raises:
        NotAFileError: a part of the path is a link.
        FileNotFoundError, NotADirectoryError: there is no such folder.
    """
    # The root may be reached through links; what is below it may not.
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in key.split("/") if key else ():
            inner = _open(part, _FOLDER, descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def opened_file(root: Path, key: str) -> Iterator[int]:
    """Descriptor of a regular file below the root, for reading.

    Raises:
        NotAFileError: it is something else, or a part of its path is a link.
        FileNotFoundError, NotADirectoryError: there is no such file.
    """
    folder, _, name = key.rpartition("/")
    with opened_folder(root, folder) as parent:
        descriptor = _open(name, _FILE, parent)
    try:
        kind = kind_of(os.fstat(descriptor).st_mode)
        if kind != FILE:
            raise NotAFileError(f"it is a {kind}")
        yield descriptor
    finally:
        os.close(descriptor)


def read(root: Path, key: str) -> bytes:
    """Bytes of a regular file below the root; errors as of `opened_file`."""
    with opened_file(root, key) as descriptor, os.fdopen(os.dup(descriptor), "rb") as file:
        return file.read()


def digest(root: Path, key: str) -> str:
    """SHA-256 (hex) of a regular file below the root that has one name only, read piece by piece.

    Raises:
        NotAFileError: as of `opened_file`, or it has another name.
    """
    total = sha256()
    with opened_file(root, key) as descriptor:
        if os.fstat(descriptor).st_nlink > 1:
            raise NotAFileError(SECOND_NAME)
        while piece := os.read(descriptor, PIECE_BYTES):
            total.update(piece)
    return total.hexdigest()


def look(root: Path, key: str) -> os.stat_result | None:
    """What there is below the root, links not followed; None if nothing is.

    Raises:
        NotAFileError: a folder of its path is a link.
    """
    folder, _, name = key.rpartition("/")
    try:
        with opened_folder(root, folder) as parent:
            return os.stat(name, dir_fd=parent, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return None


def refuse_links(root: Path, key: str) -> None:
    """Refuse to write or delete a file if a folder of its path is a link; folders that are missing are no fault.

    Raises:
        NotAFileError: one of them is.
    """
    look(root, key)


def kind_of(mode: int) -> str:
    """What a mode says there is, in words: FILE for a regular one."""
    kinds = (
        (stat.S_ISREG, FILE),
        (stat.S_ISDIR, "folder"),
        (stat.S_ISLNK, "symbolic link"),
        (stat.S_ISFIFO, "named pipe"),
        (stat.S_ISSOCK, "socket"),
    )
    return next((name for is_kind, name in kinds if is_kind(mode)), "device")


def _open(name: str, flags: int, parent: int) -> int:
    try:
        return os.open(name, flags, dir_fd=parent)
    except OSError as error:
        # Linux says ENOTDIR of a link that should have been a folder, and ENXIO of a socket.
        if error.errno in {errno.ELOOP, errno.ENOTDIR, errno.ENXIO} and (why := _not_a_file(name, parent)):
            raise NotAFileError(why) from None
        raise


def _not_a_file(name: str, parent: int) -> str | None:
    """Why something that could not be opened is neither a file nor a folder; None if it is one."""
    try:
        kind = kind_of(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return None
    return None if kind in {FILE, "folder"} else f"a part of its path is a {kind}"
