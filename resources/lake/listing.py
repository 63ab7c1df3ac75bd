"""Listing objects in lexicographic order, for a local folder and for S3.

Belongs here: order, paging, and names that nobody should have used but somebody did.
Does not belong here: contents.

A single odd key must not hide its neighbours: obstore gives up a whole listing at `raw/x//y`, at `..`, and at
file names that are not UTF-8, and any uploader could write one. So the local folder is walked with
`os.scandir`, and S3 is listed by boto3 (a fifth of the speed) from where obstore gave up.

A local folder can hold what is no object: links, pipes, files under several names, folders that cannot be opened.
Nothing of that is listed or followed; whoever lists what others wrote is told of each such entry, and goes on.
"""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import obstore
from obstore.exceptions import InvalidPathError
from obstore.store import S3Store

from resources.lake.access import Root
from resources.lake.errors import attempt
from resources.lake.keys import is_usable
from resources.local_files import FILE, SECOND_NAME, NotAFileError, kind_of, look, opened_folder
from vitals.errors import PermanentError

PAGE = 1_000

# What obstore calls a file while it is being written.
_STAGED = re.compile(r"#[0-9]+$")


@dataclass(frozen=True)
class ListedObject:
    """An object as a listing shows it.

    Attributes:
        key: relative to the lake's root. It is shown to people by `safe_key` only.
        etag: changes when the object is written again. The same object has another one when it was copied: in a
            local folder always (it is made of size and times), in a bucket if the parts it was sent in were others.
        size_bytes: its size.
        modified_utc: when it was last written.
    """

    key: str
    etag: str
    size_bytes: int
    modified_utc: datetime


@dataclass(frozen=True)
class NoObject:
    """An entry of a local folder that is not listed.

    Attributes:
        key: as of an object; a folder's has no trailing slash.
        why: what it is instead, in words: "is a symbolic link".
        is_folder: whether it is a folder, in which nobody has looked.
    """

    key: str
    why: str
    is_folder: bool = False


OnNoObject = Callable[[NoObject], None]


class Listing(Protocol):
    """What a back end can list."""

    def folders(self, prefix: str) -> list[str]:
        """Immediate sub-folders of a prefix that has no trailing slash, sorted, each with a trailing slash."""

    def objects(
        self, prefix: str, *, after: str | None, on_no_object: OnNoObject | None = None
    ) -> Iterator[ListedObject]:
        """Objects below a prefix that has no trailing slash, by key.

        With `on_no_object` a file of several names (hard links) is none either, and a folder that cannot be opened is
        passed over; without it, that is an error.
        """

    def head(self, key: str) -> ListedObject | None:
        """One object, or None."""


class LocalListing:
    """Listing of a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folders(self, prefix: str) -> list[str]:
        """See `Listing`."""
        return [key for key, found in self._children(prefix, None) if found is None and is_usable(key.rstrip("/"))]

    def objects(
        self, prefix: str, *, after: str | None, on_no_object: OnNoObject | None = None
    ) -> Iterator[ListedObject]:
        """See `Listing`. One folder is in memory at a time."""
        for key, found in self._children(prefix, on_no_object):
            if found is not None:
                if after is None or key > after:
                    yield found
            # Every key in the folder starts with its name; skip it if all of them come before `after`.
            elif after is None or key > after or after.startswith(key):
                yield from self.objects(key.rstrip("/"), after=after, on_no_object=on_no_object)

    def head(self, key: str) -> ListedObject | None:
        """See `Listing`."""

        def work() -> ListedObject | None:
            try:
                state = look(self._folder, key)
            except NotAFileError:
                return None
            return None if state is None or kind_of(state.st_mode) != FILE else _listed(key, state)

        return attempt(work, attempted="look at the object", where=key)

    def _children(self, prefix: str, on_no_object: OnNoObject | None) -> list[tuple[str, ListedObject | None]]:
        """Keys of what a folder holds, in their order, with the object; a folder has none, and a slash at its end."""

        def scan() -> list[tuple[str, ListedObject | None]]:
            try:
                with opened_folder(self._folder, prefix) as folder, os.scandir(folder) as entries:
                    return [child for entry in entries for child in _child(prefix, entry, on_no_object)]
            except NotAFileError as error:
                if "/" not in prefix:
                    # Not an upload among others: everything below would look as if it were gone.
                    raise PermanentError(
                        "list the folder",
                        f"{prefix}/",
                        "it is a link, and nothing behind a link is read",
                        "Make the lake's root the link or the mount, and this a folder below it.",
                    ) from None
                (on_no_object or _ignore)(NoObject(prefix, f"cannot be opened: {error.why}", is_folder=True))
            except (FileNotFoundError, NotADirectoryError):
                pass
            except OSError as error:
                if on_no_object is None or "/" not in prefix:
                    raise
                on_no_object(NoObject(prefix, f"cannot be opened: {error.strerror}", is_folder=True))
            return []

        children = attempt(scan, attempted="list the folder", where=f"{prefix}/")
        return sorted(children, key=lambda child: child[0])


def _ignore(_: NoObject) -> None:
    """Nobody asked."""


def _child(
    prefix: str, entry: os.DirEntry[str], on_no_object: OnNoObject | None
) -> list[tuple[str, ListedObject | None]]:
    """Key and object of a directory entry; none of what is being written, is gone again, or is neither file nor folder."""
    if _STAGED.search(entry.name):
        return []
    # A name that is not UTF-8 is shown with escapes: it can be neither hashed nor stored as it is.
    name = os.fsencode(entry.name).decode(errors="backslashreplace")
    key = f"{prefix}/{name}".lstrip("/")
    why, found = None, None
    if entry.is_dir(follow_symlinks=False):
        # Nothing can be listed of one that has another name than it shows.
        why = None if name == entry.name else "is a folder whose name is not UTF-8"
        key += "/"
    else:
        try:
            state = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            return []
        why, found = _why_no_object(state, strict=on_no_object is not None), _listed(key, state)
    if why is None:
        return [(key, found)]
    (on_no_object or _ignore)(NoObject(key.rstrip("/"), why, is_folder=found is None))
    return []


def _why_no_object(state: os.stat_result, *, strict: bool) -> str | None:
    kind = kind_of(state.st_mode)
    if kind != FILE:
        return f"is a {kind}"
    if strict and state.st_nlink > 1:
        return SECOND_NAME.removeprefix("it ")
    return None


def _listed(key: str, state: os.stat_result) -> ListedObject:
    return ListedObject(
        key=key,
        # The time of the last change cannot be set by whoever writes, unlike that of the last writing.
        etag=f'"{state.st_size:x}-{state.st_mtime_ns:x}-{state.st_ctime_ns:x}"',
        size_bytes=state.st_size,
        modified_utc=datetime.fromtimestamp(state.st_mtime, tz=UTC),
    )


class S3Listing:
    """Listing of a bucket."""

    def __init__(self, root: Root, store: S3Store) -> None:
        self._root = root
        self._store = store

    def folders(self, prefix: str) -> list[str]:
        """See `Listing`."""
        where = f"{prefix}/"
        found = attempt(lambda: self._quick_folders(prefix), attempted="list the folder", where=where)
        if found is None:
            start = f"{prefix}/" if prefix else ""
            pages = self._pages(start, after=None, delimiter="/")
            found = [self._relative(f["Prefix"]) for page in pages for f in page.get("CommonPrefixes", [])]
        return sorted(folder for folder in found if is_usable(folder.removesuffix("/")))

    def objects(
        self,
        prefix: str,
        *,
        after: str | None,
        on_no_object: OnNoObject | None = None,  # noqa: ARG002 - a bucket holds objects only
    ) -> Iterator[ListedObject]:
        """See `Listing`. One page is in memory at a time."""
        where = f"{prefix}/"
        pages = iter(obstore.list(self._store, prefix or None, offset=after, chunk_size=PAGE))
        last = after
        while True:
            page = attempt(lambda: _next_page(pages), attempted="list the objects", where=where)
            if page is None:
                break
            for meta in page:
                found = _from_meta(meta)
                # obstore drops the slash of folder markers (`a/` becomes `a`), and then the key does not exist.
                if found.size_bytes or self.head(found.key):
                    yield found
                last = found.key
            if not page:
                return
        start = f"{prefix}/" if prefix else ""
        for slow_page in self._pages(start, after=last, delimiter=""):
            for item in slow_page.get("Contents", []):
                key = self._relative(item["Key"])
                if not key.endswith("/"):
                    yield ListedObject(key, item["ETag"], item["Size"], item["LastModified"].astimezone(UTC))

    def head(self, key: str) -> ListedObject | None:
        """See `Listing`."""

        def look() -> ListedObject | None:
            try:
                return _from_meta(obstore.head(self._store, key))
            except FileNotFoundError:
                return None

        return attempt(look, attempted="look at the object", where=key)

    def _quick_folders(self, prefix: str) -> list[str] | None:
        try:
            found = obstore.list_with_delimiter(self._store, prefix or None)
        except InvalidPathError:
            return None
        return [f"{folder}/" for folder in found["common_prefixes"]]

    def _pages(self, prefix: str, *, after: str | None, delimiter: str) -> Iterator[Any]:
        """Pages of boto3, which takes any key."""
        # Imported here: it takes half a second, and hardly any lake needs it.
        import boto3  # type: ignore[import-untyped]  # noqa: PLC0415 - it has no types
        from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]  # noqa: PLC0415

        where = prefix
        full_prefix = f"{self._root.prefix}/{prefix}".lstrip("/")
        start = {"StartAfter": f"{self._root.prefix}/{after}".lstrip("/")} if after else {}
        access = self._root.s3.boto3_options() if self._root.s3 else {}

        def paged() -> Iterator[Any]:
            client = boto3.client("s3", **access)
            paginator = client.get_paginator("list_objects_v2")
            yield from paginator.paginate(Bucket=self._root.bucket, Prefix=full_prefix, Delimiter=delimiter, **start)

        def turn(pages: Iterator[Any]) -> Any:
            try:
                return next(pages, None)
            except (BotoCoreError, ClientError) as error:
                raise OSError(str(error)) from None

        pages = paged()
        while (page := attempt(lambda: turn(pages), attempted="list the objects", where=where)) is not None:
            yield page

    def _relative(self, key: str) -> str:
        return key.removeprefix(f"{self._root.prefix}/") if self._root.prefix else key


def _next_page(pages: Iterator[Any]) -> Any:
    """The next page, an empty one at the end, None where obstore gives up at an odd key."""
    try:
        return next(pages, [])
    except InvalidPathError:
        return None


def _from_meta(meta: Any) -> ListedObject:
    modified = meta["last_modified"]
    return ListedObject(
        key=meta["path"],
        etag=meta["e_tag"] or f"{modified.isoformat()}-{meta['size']}",
        size_bytes=meta["size"],
        modified_utc=modified,
    )
