"""Listing objects in lexicographic order, for a local folder and for S3.

Belongs here: order, paging, and names that nobody should have used but somebody did.
Does not belong here: contents.

A single odd key must not hide its neighbours: obstore gives up a whole listing at `raw/x//y`, at `..`, and at
file names that are not UTF-8, and any uploader could write one. So the local folder is walked with
`os.scandir`, and S3 is listed by boto3 (a fifth of the speed) from where obstore gave up.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import obstore
from obstore.exceptions import InvalidPathError
from obstore.store import S3Store

from resources.lake_access import Root
from resources.lake_errors import attempt
from resources.lake_keys import is_usable

PAGE = 1_000

# What obstore calls a file while it is being written.
_STAGED = re.compile(r"#[0-9]+$")


@dataclass(frozen=True)
class ListedObject:
    """An object as a listing shows it.

    Attributes:
        key: relative to the lake's root. It is shown to people by `safe_key` only.
        etag: changes when the object is written again.
        size_bytes: its size.
        modified_utc: when it was last written.
    """

    key: str
    etag: str
    size_bytes: int
    modified_utc: datetime


class Listing(Protocol):
    """What a back end can list."""

    def folders(self, prefix: str) -> list[str]:
        """Immediate sub-folders of a prefix that has no trailing slash, sorted, each with a trailing slash."""

    def objects(self, prefix: str, *, after: str | None) -> Iterator[ListedObject]:
        """Objects below a prefix that has no trailing slash, by key."""

    def head(self, key: str) -> ListedObject | None:
        """One object, or None."""


class LocalListing:
    """Listing of a local folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def folders(self, prefix: str) -> list[str]:
        """See `Listing`."""
        return [key for key, is_folder, _ in self._children(prefix) if is_folder and is_usable(key.rstrip("/"))]

    def objects(self, prefix: str, *, after: str | None) -> Iterator[ListedObject]:
        """See `Listing`. One folder is in memory at a time."""
        for key, is_folder, entry in self._children(prefix):
            if is_folder:
                # Every key in the folder starts with its name; skip it if all of them come before `after`.
                if after is None or key > after or after.startswith(key):
                    yield from self.objects(key.rstrip("/"), after=after)
            elif after is None or key > after:
                found = self._look(key, entry.path)
                if found is not None:
                    yield found

    def head(self, key: str) -> ListedObject | None:
        """See `Listing`."""
        return self._look(key, os.fspath(self._folder / key))

    @staticmethod
    def _look(key: str, path: str) -> ListedObject | None:
        return attempt(lambda: _listed(key, path), attempted="look at the object", where=key)

    def _children(self, prefix: str) -> list[tuple[str, bool, os.DirEntry[str]]]:
        def scan() -> list[tuple[str, bool, os.DirEntry[str]]]:
            try:
                with os.scandir(self._folder / prefix) as entries:
                    return [(*_key(prefix, entry), entry) for entry in entries if not _STAGED.search(entry.name)]
            except (FileNotFoundError, NotADirectoryError):
                return []

        children = attempt(scan, attempted="list the folder", where=f"{prefix}/")
        return sorted(children, key=lambda child: child[0])


def _key(prefix: str, entry: os.DirEntry[str]) -> tuple[str, bool]:
    """Key of a directory entry, a folder's with a trailing slash so that it sorts as its contents do."""
    # A name that is not UTF-8 is shown with escapes: it can be neither hashed nor stored as it is.
    name = os.fsencode(entry.name).decode(errors="backslashreplace")
    is_folder = entry.is_dir()
    return f"{prefix}/{name}".lstrip("/") + ("/" if is_folder else ""), is_folder


def _listed(key: str, path: str) -> ListedObject | None:
    """A local file, or None if it is gone or is no file."""
    try:
        state = os.stat(path)  # noqa: PTH116 - a Path for every object costs more than the look
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(state.st_mode):
        return None
    return ListedObject(
        key=key,
        etag=f'"{state.st_ino:x}-{state.st_mtime_ns // 1000:x}-{state.st_size:x}"',
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

    def objects(self, prefix: str, *, after: str | None) -> Iterator[ListedObject]:
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
