"""Where an erased person's data are: keys, lines, rows, versions.

Belongs here: recognising what is theirs in the lake and counting it. Nothing is changed.
Does not belong here: removing it (`erasure_lake`, `erasure_releases`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from pipeline.row_accounting import every_upload
from pipeline.validated.quarantine_files import quarantine_path
from pipeline.validated.records_table import records_table
from resources.catalog.erasures import Person
from resources.catalog.rows.uploads import Upload
from resources.lake.keys import is_usable
from resources.lake.lake import Lake, NoObject
from resources.lake.refusals import refusals_of
from resources.workspace import Workspace
from vitals.external_ids import external_id
from vitals.raw.keys import BadKey, parse_key
from vitals.raw.owners import is_theirs, may_name
from vitals.record_types import RECORD_TYPES
from vitals.training.source_names import TITLES

SUBJECT = "subject_id"
UPLOADED_TEXTS = ("source_app", "device_model")

TABLE_FOLDERS_NOT = frozenset(
    {"consents/", "erasures/", "quarantine/", "raw/", "release_traces/", "releases/", "tenants/", "training/"}
)
"""Folders of a lake that hold no tables; `tenants/` holds other people's lakes."""


def find_person(workspace: Workspace, tenant: str, user: str) -> Person:
    """A person by the external id, with the keys that name them although nothing can be read from those."""
    user = external_id(user)
    there = entries(workspace.lake(tenant))
    unread = [upload.key for upload in every_upload(workspace, tenant=tenant, states=["quarantined"])]
    left_out = [one.key for one in workspace.catalog.left_out.list(tenant)]
    known = workspace.catalog.subjects.subject_ids(tenant)
    others = {external_id(one) for one in [*known, *(one for key in there.keys for one in _users(key))]} - {user}
    keys = {key for key in [*there.keys, *unread, *left_out] if is_theirs(key, user, others=others)}
    subject_id = workspace.subject_id(tenant, user)
    return Person(
        external_user=user,
        subject_id=subject_id,
        keys=frozenset(keys),
        others=frozenset(others),
        texts=texts_of(workspace, tenant, subject_id),
    )


def texts_of(workspace: Workspace, tenant: str, subject_id: str) -> frozenset[str]:
    """What a person's uploads call their apps and devices, where nobody else's do: free text may name its owner.

    Read from the records, and from what the catalog keeps of them: an erasure that was interrupted has no records left.
    """
    lake = workspace.lake(tenant)
    theirs, of_others = workspace.catalog.erasures.apps(tenant, subject_id)
    for record_type in RECORD_TYPES:
        rows = lake.scan(records_table(record_type), schema=pl.Schema(record_type.columns))
        for column in UPLOADED_TEXTS:
            named = rows.select(text=pl.col(column), is_theirs=pl.col(SUBJECT) == subject_id).unique().drop_nulls()
            for text, is_mine in named.collect().iter_rows():
                (theirs if is_mine else of_others).add(text)
    return frozenset(theirs - of_others - set(TITLES) - set(TITLES.values()))


def _users(key: str) -> list[str]:
    parsed = parse_key(key)
    return [] if isinstance(parsed, BadKey) else [parsed.user]


@dataclass(frozen=True, kw_only=True)
class RawEntries:
    """What there is below `raw/`, whatever it is.

    Attributes:
        keys: of objects, and of entries that are none: links and pipes have names, too.
        closed: of folders in which nobody can look.
    """

    keys: list[str]
    closed: list[str]


def entries(lake: Lake) -> RawEntries:
    """Everything below `raw/` of which a name can be seen; one entry that cannot be read hides no other."""
    none: list[NoObject] = []
    keys = [found.key for found in lake.objects("raw/", on_no_object=none.append)]
    return RawEntries(
        keys=keys + [one.key for one in none if not one.is_folder],
        closed=[one.key for one in none if one.is_folder],
    )


def raw_keys(lake: Lake, person: Person) -> list[str]:
    """Keys of a person's entries below `raw/` that can be removed."""
    return [key for key in entries(lake).keys if is_usable(key) and _is_theirs(key, person)]


@dataclass(frozen=True, kw_only=True)
class Doubtful:
    """Entries below `raw/` that may be a person's.

    Attributes:
        keys: that hold the person's id where no id stands, or a name that no key can name.
        closed: folders in which nobody can look.
    """

    keys: list[str]
    closed: list[str]


def doubtful(lake: Lake, person: Person) -> Doubtful:
    """What of the uploads an erasure leaves, because nobody can tell whose it is."""
    there, user = entries(lake), person.external_user
    named = [key for key in there.keys if may_name(key, user) and not (is_usable(key) and _is_theirs(key, person))]
    return Doubtful(keys=sorted(named), closed=sorted(there.closed))


def _is_theirs(key: str, person: Person) -> bool:
    return is_theirs(key, person.external_user, others=person.others)


def quarantine_keys(lake: Lake, uploads: Sequence[Upload]) -> list[str]:
    """Keys of the copies and sidecars of uploads in quarantine."""
    paths = {quarantine_path(upload) for upload in uploads}
    keys = (f"{path}{ending}" for path in sorted(paths) for ending in (".avro", ".metadata.json"))
    return [key for key in keys if lake.exists(key)]


def training_files(lake: Lake, subject_id: str) -> Iterator[tuple[str, list[bytes], int]]:
    """Key, lines of others and number of a person's lines, of each training file that has any."""
    # The line names its person in a member of its metadata; a text never holds a pseudonym.
    mark = f'"subject_id":"{subject_id}"'.encode()
    for found in lake.objects("training/"):
        lines = lake.read_object(found.key).splitlines()
        others = [line for line in lines if mark not in line]
        if len(others) < len(lines):
            yield found.key, others, len(lines) - len(others)


def tables(lake: Lake) -> list[str]:
    """Every Delta table of a lake, whatever stage it is of."""
    return [t for folder in lake.folders("") if folder not in TABLE_FOLDERS_NOT for t in lake.tables_below(folder)]


def search(workspace: Workspace, tenant: str, person: Person) -> dict[str, Any]:
    """What there is of a person: counts per store, and the published versions that they are in. No id, no value."""
    catalog, lake = workspace.catalog, workspace.lake(tenant)
    uploads = catalog.erasures.uploads(tenant, person)
    rows = {table: lake.count_rows(table, SUBJECT, person.subject_id) for table in tables(lake)}
    versions = [
        {"name": row.name, "version": row.version}
        for row in catalog.datasets.with_person(tenant, [person.subject_id])
        if row.state == "published"
    ]
    return {
        "raw_objects": len(raw_keys(lake, person)),
        "quarantine_objects": len(quarantine_keys(lake, uploads)),
        "kept_refusals": len(refusals_of(lake, tenant=tenant, subject_id=person.subject_id, key=workspace.subject_key)),
        "training_lines": sum(count for _, _, count in training_files(lake, person.subject_id)),
        "table_rows": {table: count for table, count in rows.items() if count},
        "catalog_rows": catalog.erasures.count(tenant, person),
        "dataset_versions": versions,
    }


def is_nothing(found: dict[str, Any]) -> bool:
    """Whether a search came to nothing."""
    return not any(found.values())
