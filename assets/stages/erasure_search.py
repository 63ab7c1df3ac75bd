"""Where an erased person's data are: keys, lines, rows, versions.

Belongs here: recognising what is theirs in the lake and counting it. Nothing is changed.
Does not belong here: removing it (`erasure_lake`, `erasure_releases`).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from assets.stages.books import every_upload
from assets.stages.quarantine_files import quarantine_path
from resources.catalog_erasures import Person
from resources.catalog_rows.uploads import Upload
from resources.lake import Lake
from resources.workspace import Workspace
from vitals.external_ids import external_id
from vitals.raw.keys import BadKey, parse_key

SUBJECT = "subject_id"

TABLE_FOLDERS_NOT = frozenset(
    {"erasures/", "quarantine/", "raw/", "release_traces/", "releases/", "tenants/", "training/"}
)
"""Folders of a lake that hold no tables; `tenants/` holds other people's lakes."""


def find_person(workspace: Workspace, tenant: str, user: str) -> Person:
    """A person by the external id, with the keys that name them although nothing can be read from those."""
    user = external_id(user)
    lake = workspace.lake(tenant)
    listed = [found.key for found in lake.objects("raw/")]
    unread = [upload.key for upload in every_upload(workspace, tenant=tenant, states=["quarantined"])]
    keys = {key for key in [*listed, *unread] if is_theirs(key, user)}
    return Person(external_user=user, subject_id=workspace.subject_id(tenant, user), keys=frozenset(keys))


def is_theirs(key: str, user: str) -> bool:
    """Whether an object below `raw/` is of a person: by its user id, or by their id in a name that cannot be read."""
    parsed = parse_key(key)
    if not isinstance(parsed, BadKey):
        return parsed.user == external_id(user)
    name = external_id(key.rpartition("/")[2])
    return re.search(rf"(?<![A-Za-z0-9]){re.escape(external_id(user))}(?![A-Za-z0-9])", name) is not None


def raw_keys(lake: Lake, user: str) -> list[str]:
    """Keys of a person's objects below `raw/`."""
    return [found.key for found in lake.objects("raw/") if is_theirs(found.key, user)]


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
        "raw_objects": len(raw_keys(lake, person.external_user)),
        "quarantine_objects": len(quarantine_keys(lake, uploads)),
        "training_lines": sum(count for _, _, count in training_files(lake, person.subject_id)),
        "table_rows": {table: count for table, count in rows.items() if count},
        "catalog_rows": catalog.erasures.count(tenant, person),
        "dataset_versions": versions,
    }


def is_nothing(found: dict[str, Any]) -> bool:
    """Whether a search came to nothing."""
    return not any(found.values())
