"""Whether two lakes share anything: one root that is, holds or lies in another.

Belongs here: comparing roots as the store sees them, however they are written.
Does not belong here: whose a lake is (`belonging`), which tenants there are.

A folder is compared as the file system knows it, so a link, a mount, another case where case does not count, `.` and `..`
hide nothing. What is not there yet is compared by its name below what is; there, names that differ in case or in how
letters are encoded count as one, because nobody can know yet.
"""

import os
import unicodedata
from collections.abc import Mapping
from pathlib import Path

from resources.lake.access import Root, S3Access, parse_root
from vitals.errors import ConflictError

_Place = tuple[object, ...]


def how_they_overlap(one: Root, other: Root) -> str | None:
    """In words what one root is to another: "is", "lies in" or "holds"; None if they share nothing."""
    mine, theirs = _place(one), _place(other)
    if mine == theirs:
        return "is"
    if theirs in _above(one):
        return "lies in"
    return "holds" if mine in _above(other) else None


def refuse_overlap(
    root_url: str, *, tenant: str, others: Mapping[str, str], s3: S3Access | None, attempted: str, remedy: str
) -> None:
    """Go on only if a root shares nothing with the roots of other tenants.

    Args:
        root_url: the tenant's.
        tenant: its name.
        others: name to root URL of all other tenants.
        s3: access to the object store.
        attempted, remedy: for the error.

    Raises:
        ConflictError: it does; says whose.
    """
    root = parse_root(root_url, s3=s3)
    for name, url in sorted(others.items()):
        relation = how_they_overlap(root, parse_root(url, s3=s3))
        if relation is not None:
            raise ConflictError(
                attempted,
                f"tenant {tenant}, {root.url}",
                f"this root {relation} the root of tenant {name}: each would read, write over and erase the other's data",
                remedy,
            )


def _place(root: Root) -> _Place:
    """What a root is to its store."""
    if root.folder is None:
        return ("bucket", (root.bucket or "").lower(), *_parts(root.prefix))
    return _folder(root.folder)


def _above(root: Root) -> set[_Place]:
    """Every place that holds a root."""
    if root.folder is None:
        parts = _parts(root.prefix)
        return {("bucket", (root.bucket or "").lower(), *parts[:end]) for end in range(len(parts))}
    # As written and as links lead: a link within one root to a folder elsewhere makes that folder part of it.
    written, real = Path(os.path.abspath(root.folder)), Path(os.path.realpath(root.folder))  # noqa: PTH100
    return {_folder(folder) for path in (written, real) for folder in path.parents}


def _folder(path: Path) -> _Place:
    missing: list[str] = []
    for there in (path, *path.parents):
        try:
            found = there.stat()
        except OSError:
            missing.insert(0, there.name)
            continue
        return ("folder", found.st_dev, found.st_ino, *map(_folded, missing))
    return ("folder", str(path))


def _parts(prefix: str) -> tuple[str, ...]:
    return tuple(part for part in prefix.split("/") if part)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
