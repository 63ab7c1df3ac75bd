"""Removing a person from the lake: raw objects, quarantine, traces of releases, training lines, tables.

Belongs here: one function per store. Each may be called again and then finishes what was interrupted.
Does not belong here: finding what is theirs (`erasure_search`), the order (`erasure`), releases (`erasure_releases`).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import polars as pl

from operations.erasure.search import SUBJECT, quarantine_keys, raw_keys, tables, training_files
from pipeline.release.releases import trace_facts_key, traces_key
from resources.catalog.erasures import Person
from resources.catalog.rows.uploads import Upload
from resources.lake.lake import Lake
from resources.lake.refusals import refusals_of
from resources.workspace import Workspace
from vitals.raw.owners import is_theirs
from vitals.release.traces import (
    facts_from,
    facts_json,
    forget,
    forget_sources,
    person_digest,
    source_digest,
    traces_from,
    traces_table,
)
from vitals.release.writing import dump

OnStep = Callable[[str], None]


def remove_raw(lake: Lake, person: Person) -> None:
    """Delete a person's uploads, and what was left half written of them."""
    lake.delete_objects(raw_keys(lake, person))


def remove_refusals(workspace: Workspace, tenant: str, person: Person) -> None:
    """Delete what is kept of a person's refusals beside the lake."""
    lake = workspace.lake(tenant)
    theirs = refusals_of(lake, tenant=tenant, subject_id=person.subject_id, key=workspace.subject_key)
    lake.delete_objects(theirs)


def remove_quarantine(lake: Lake, uploads: Sequence[Upload]) -> None:
    """Delete the copies and sidecars of uploads in quarantine."""
    lake.delete_objects(quarantine_keys(lake, uploads))


def remove_lines(lake: Lake, person: Person, *, on_step: OnStep) -> None:
    """Rewrite the training files without a person's lines; the lines of others keep every byte."""
    for key, others, _ in training_files(lake, person.subject_id):
        on_step("training file")
        if others:
            lake.write_object(key, b"".join(line + b"\n" for line in others))
        else:
            lake.delete_objects([key])


def purge_tables(lake: Lake, person: Person, *, on_step: OnStep) -> None:
    """Remove a person's rows from every table, and every table's history with them."""
    for table in tables(lake):
        on_step(f"table {table}")
        lake.purge_rows(table, SUBJECT, person.subject_id)


def clear_leftovers(lake: Lake, person: Person) -> None:
    """Delete half written objects. Below `raw/`, where an uploader may be writing now, only the person's own."""

    def wanted(key: str) -> bool:
        if key.startswith("tenants/"):
            return False
        return not key.startswith("raw/") or is_theirs(key, person.external_user, others=person.others)

    lake.clear_staged(wanted=wanted)


def forget_traces(
    workspace: Workspace, tenant: str, person: Person, uploads: Sequence[Upload], *, on_step: OnStep
) -> None:
    """Rewrite what releases note for comparisons, without the person and their uploads."""
    key, lake = workspace.subject_key, workspace.lake(tenant)
    people = frozenset({person_digest(person.subject_id, key=key)})
    sources = frozenset(source_digest(upload.key_sha256, key=key) for upload in uploads)
    for row in workspace.catalog.datasets.list(tenant):
        on_step("traces")
        _forget_table(lake, traces_key(row.name, row.version), people)
        facts_key = trace_facts_key(row.name, row.version)
        if lake.exists(facts_key):
            facts = facts_from(orjson.loads(lake.read_object(facts_key)))
            lake.write_object(facts_key, dump(facts_json(forget_sources(facts, sources, people))))


def _forget_table(lake: Lake, key: str, people: frozenset[str]) -> None:
    if not lake.exists(key):
        return
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "traces.parquet"
        lake.read_file(key, path)
        kept = forget(traces_from(pl.read_parquet(path)), people)
        traces_table(kept).write_parquet(path, compression="zstd", statistics=False)
        lake.write_file(key, path)
