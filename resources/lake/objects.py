"""Reading, writing and deleting whole objects of a lake.

Belongs here: object I/O through obstore for a local folder and for S3.
Does not belong here: listing (`lake_listing`), tables (`lake_tables`), what an object holds.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeVar

import obstore
from obstore.store import LocalStore, S3Store

from resources import local_files
from resources.lake.access import Root
from resources.lake.errors import NotAnObjectError, attempt
from resources.lake.keys import checked_key
from resources.lake.listing import Listing, LocalListing, S3Listing
from vitals.errors import NotFoundError, PermanentError, TransientError, UsageError

DELETE_AT_ONCE = 1_000
PIECE_BYTES = 8 * 2**20

T = TypeVar("T")


@dataclass(frozen=True)
class ReadFailure:
    """Why one object of many could not be read.

    Attributes:
        kind: `missing`: there is none. `no_object`: there is a link, a pipe or the like. `transient`: reading it again later may work. `denied`: the store refuses
            this object while it gives out others.
        reason: in words, fit to be shown.
    """

    kind: Literal["missing", "no_object", "transient", "denied"]
    reason: str


def open_store(root: Root) -> tuple[LocalStore | S3Store, Listing]:
    """The obstore store of a root and its listing. A local folder is created."""

    def open_it() -> tuple[LocalStore | S3Store, Listing]:
        if root.folder is not None:
            return LocalStore(root.folder, mkdir=True), LocalListing(root.folder)
        options: dict[str, Any] = root.s3.obstore_options() if root.s3 else {}
        store = S3Store(root.bucket, prefix=root.prefix or None, **options)
        return store, S3Listing(root, store)

    return attempt(open_it, attempted="open the lake", where=root.url)


class Objects:
    """Whole objects of one lake, by key.

    Args:
        store: where they are.
        folder: the same place, if it is a local folder.
    """

    def __init__(self, store: LocalStore | S3Store, *, folder: Path | None) -> None:
        self._store = store
        self._folder = folder

    def read(self, key: str) -> bytes:
        """Bytes of an object (see `Lake.read_object`)."""
        checked_key(key, attempted="read the object")
        return attempt(lambda: self._bytes(key), attempted="read the object", where=key)

    def read_many(self, keys: Sequence[str], *, concurrency: int) -> dict[str, bytes | ReadFailure]:
        """Bytes of many objects (see `Lake.read_objects`)."""
        found = _of_many(keys, self.read, concurrency=concurrency)
        refused = [outcome for outcome in found.values() if isinstance(outcome, PermanentError)]
        if refused and len(refused) == len(found):
            # Not about single objects: the bucket, the credentials or the settings are wrong.
            raise refused[0]
        return {key: _told(outcome) for key, outcome in found.items()}

    def digest_many(self, keys: Sequence[str], *, concurrency: int) -> dict[str, str | ReadFailure]:
        """SHA-256 of many objects (see `Lake.digests`)."""
        return {key: _told(outcome) for key, outcome in _of_many(keys, self._digest, concurrency=concurrency).items()}

    def write(self, key: str, data: bytes) -> None:
        """Write an object (see `Lake.write_object`)."""
        self._put(key, data)

    def write_file(self, key: str, path: Path) -> None:
        """Write a local file (see `Lake.write_file`)."""
        self._put(key, path)

    def _put(self, key: str, data: bytes | Path) -> None:
        checked_key(key, attempted="write the object")

        def put() -> None:
            self._refuse_links(key)
            obstore.put(self._store, key, data)

        attempt(put, attempted="write the object", where=key)

    def read_file(self, key: str, path: Path) -> None:
        """Read into a local file (see `Lake.read_file`)."""
        checked_key(key, attempted="read the object")

        def read() -> None:
            self._refuse_links(key)
            with path.open("wb") as file:
                for piece in obstore.get(self._store, key).stream(min_chunk_size=PIECE_BYTES):
                    file.write(piece)

        attempt(read, attempted="read the object", where=key)

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects (see `Lake.delete_objects`)."""
        doomed = [checked_key(key, attempted="delete the object") for key in keys]
        # obstore stops at the first local file that is missing, and a missing one is what is wanted.
        step = 1 if isinstance(self._store, LocalStore) else DELETE_AT_ONCE
        for start in range(0, len(doomed), step):
            batch = doomed[start : start + step]
            try:
                attempt(lambda batch=batch: self._remove(batch), attempted="delete the objects", where=batch[0])  # type: ignore[misc]
            except NotFoundError:
                continue

    def _remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._refuse_links(key)
        obstore.delete(self._store, keys)

    def _refuse_links(self, key: str) -> None:
        if self._folder is not None:
            local_files.refuse_links(self._folder, key)

    def _bytes(self, key: str) -> bytes:
        if self._folder is None:
            return bytes(obstore.get(self._store, key).bytes())
        # Through obstore, a small local file takes four times as long, and links are followed.
        return local_files.read(self._folder, key)

    def _digest(self, key: str) -> str:
        checked_key(key, attempted="read the object")

        def work() -> str:
            if self._folder is not None:
                return local_files.digest(self._folder, key)
            total = sha256()
            for piece in obstore.get(self._store, key).stream(min_chunk_size=PIECE_BYTES):
                total.update(piece)
            return total.hexdigest()

        return attempt(work, attempted="read the object", where=key)


def _of_many(
    keys: Sequence[str], work: Callable[[str], T], *, concurrency: int
) -> dict[str, T | ReadFailure | PermanentError]:
    """What some work on each of many objects came to, in the order of the keys."""
    if not keys:
        return {}
    wanted = list(dict.fromkeys(keys))
    workers = min(concurrency, len(wanted))
    found: dict[int, T | ReadFailure | PermanentError] = {}

    def take_share(worker: int) -> None:
        for place in range(worker, len(wanted), workers):
            found[place] = _or_failure(work, wanted[place])

    # Threads, not asyncio: notebooks and servers already run an event loop. Reading releases the GIL. A thread
    # gets all its keys at once: handing over each alone costs as much as reading it.
    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(take_share, range(workers)))
    return {key: found[place] for place, key in enumerate(wanted)}


def _told(outcome: T | ReadFailure | PermanentError) -> T | ReadFailure:
    return ReadFailure("denied", outcome.why) if isinstance(outcome, PermanentError) else outcome


def _or_failure(work: Callable[[str], T], key: str) -> T | ReadFailure | PermanentError:
    try:
        return work(key)
    except NotAnObjectError as error:
        return ReadFailure("no_object", error.why)
    except NotFoundError as error:
        return ReadFailure("missing", error.why)
    except TransientError as error:
        return ReadFailure("transient", error.why)
    except UsageError:
        raise
    except PermanentError as error:
        return error
