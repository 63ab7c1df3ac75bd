"""Every place of an installation that a person's text can reach, and what an erasure does there.

Belongs here: the one list. A test writes into all of them, erases, and searches every byte of the home.
Does not belong here: erasing (`operations.erasure`, `run_history`).

A file of a home that no entry covers is not the installation's own: somebody put it there, an export for example. It is
searched, and named where it holds the person or cannot be searched, and left.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

Way = Literal["removed", "purged", "redacted", "compacted", "names nobody"]


@dataclass(frozen=True, kw_only=True)
class Store:
    """A kind of place.

    Attributes:
        name: what it is.
        patterns: its files below the home, or keys of a lake below `lake/`; `*` crosses folders.
        holds: what of a person gets there.
        way: whole objects or rows are removed; tables lose rows and all older versions; texts are redacted in place;
            files are rewritten so that free pages and logs hold nothing; or nothing in it names anybody.
    """

    name: str
    patterns: tuple[str, ...]
    holds: str
    way: Way


STORES: tuple[Store, ...] = (
    Store(name="uploads", patterns=("lake/raw/*",), holds="their files and half-written ones", way="removed"),
    Store(name="quarantine", patterns=("lake/quarantine/*",), holds="copies of refused files", way="removed"),
    Store(
        name="records",
        patterns=("lake/validated/*",),
        holds="rows, older versions, uncommitted files, statistics in the tables' logs",
        way="purged",
    ),
    Store(name="facts", patterns=("lake/clinical/*",), holds="as of records", way="purged"),
    Store(name="training lines", patterns=("lake/training/*",), holds="their lines", way="removed"),
    Store(name="releases", patterns=("lake/releases/*",), holds="lines of every version they are in", way="removed"),
    Store(name="traces of releases", patterns=("lake/release_traces/*",), holds="keyed digests", way="removed"),
    Store(name="refusals", patterns=("lake/consents/*",), holds="keyed digests", way="removed"),
    Store(name="guards", patterns=("lake/erasures/*",), holds="the keyed hash that keeps them out", way="names nobody"),
    Store(name="lake marker", patterns=("lake/installation.json",), holds="", way="names nobody"),
    Store(name="lakes of tenants", patterns=("lake/tenants/*",), holds="as of the lake, of others", way="names nobody"),
    Store(
        name="catalog",
        patterns=("catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db-journal"),
        holds="rows of every table; texts of reasons, scopes and audit events; free pages and log of the database",
        way="compacted",
    ),
    Store(
        name="runs",
        patterns=("history/*.db", "history/*.db-wal", "history/*.db-shm", "history/*.db-journal"),
        holds="run configuration, tags, events, errors and metadata, present and past",
        way="redacted",
    ),
    Store(
        name="ticks",
        patterns=("schedules/*.db", "schedules/*.db-wal", "schedules/*.db-shm", "schedules/*.db-journal"),
        holds="cursors of sensors and ticks, present and past",
        way="redacted",
    ),
    Store(
        name="logs",
        patterns=("*.log", "logs/*", "storage/*.out", "storage/*.err", "storage/*.log", "storage/*.complete"),
        holds="output of steps, of the daemon and of servers",
        way="redacted",
    ),
    Store(name="certificates", patterns=("certificates/*.json",), holds="counts and a keyed hash", way="names nobody"),
    Store(
        name="configuration",
        patterns=("dagster.yaml", "*.key", "*.key.next", "instance.created", "instance.lock", "locks/*"),
        holds="",
        way="names nobody",
    ),
)


def store_of(name: str) -> Store | None:
    """The store that a file belongs to, by its path below the home; None if it is not the installation's."""
    return next((one for one in STORES if any(_fits(name, pattern) for pattern in one.patterns)), None)


def _fits(name: str, pattern: str) -> bool:
    # A pattern without a folder is of files that lie in the home itself.
    return fnmatchcase(name, pattern) and ("/" in pattern) == ("/" in name)


def files(home: Path) -> Iterator[tuple[str, Path]]:
    """Name below the home and path of every regular file; links are not followed."""
    for path in sorted(home.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path.relative_to(home).as_posix(), path
