"""Taking a person out of releases: old versions are taken back, new ones are built without the person.

Belongs here: what happens to each version that a person is in, for erasure and for consent alike.
Does not belong here: building a release (`releases`), who may be in one (`release_build`).

A version is taken back before its successor is built: for a moment nobody can use the release, rather than anybody
the person's lines. Both can be done again at any point.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pipeline.registration import utc_now
from pipeline.release.releases import release, risk_key, trace_facts_key, traces_key
from resources.catalog.rows.releases import DatasetVersion
from resources.workspace import Workspace
from vitals.errors import PermanentError, TransientError
from vitals.release.spec import read_spec

OnStep = Callable[[str], None]

_SUCCESSOR = re.compile(r"(.+)-e([0-9]+)")
LONGEST_VERSION = 41


def plan(workspace: Workspace, tenant: str, subject_id: str) -> list[dict[str, Any]]:
    """Published versions that a person is in, each with the name of the version that will take its place."""
    rows = workspace.catalog.datasets.list(tenant)
    taken = {(row.name, row.version) for row in rows}
    planned = []
    for row in workspace.catalog.datasets.with_person(tenant, [subject_id]):
        if row.state != "published":
            continue
        successor = _successor(row, taken)
        taken.add((row.name, successor))
        planned.append({"name": row.name, "version": row.version, "successor": successor})
    return planned


def _successor(row: DatasetVersion, taken: set[tuple[str, str]]) -> str:
    earlier = _SUCCESSOR.fullmatch(row.version)
    stem, number = (earlier[1], int(earlier[2])) if earlier else (row.version, 0)
    while True:
        number += 1
        ending = f"-e{number}"
        name = stem[: LONGEST_VERSION - len(ending)] + ending
        if (row.name, name) not in taken:
            return name


def take_back(workspace: Workspace, tenant: str, planned: Sequence[Mapping[str, Any]], *, on_step: OnStep) -> None:
    """Remove the files of the planned versions, and of all that were never published; mark the former."""
    datasets, lake = workspace.catalog.datasets, workspace.lake(tenant)
    gone = {(one["name"], one["version"]) for one in planned}
    for row in datasets.list(tenant):
        is_planned = (row.name, row.version) in gone
        if row.state == "withdrawn" or (row.state == "published" and not is_planned):
            continue
        on_step("release")
        # What never got as far as `published` may still have files, and nobody knows of whom.
        lake.delete_objects([found.key for found in lake.objects(f"releases/{row.name}/{row.version}")])
        # Its traces stay, without the person: they say why examples are missing from the version that follows.
        lake.delete_objects([risk_key(row.name, row.version)])
        if is_planned:
            datasets.tombstone(tenant, row.id, successor=None, now=utc_now())
        elif row.state != "tombstoned":
            lake.delete_objects([traces_key(row.name, row.version), trace_facts_key(row.name, row.version)])


def build_successors(
    workspace: Workspace, tenant: str, planned: Sequence[Mapping[str, Any]], *, on_step: OnStep
) -> list[dict[str, Any]]:
    """Build the version that takes the place of each; what became of them: `published`, or why not.

    Raises:
        TransientError: training lines are being rendered anew; nothing of the person comes back by trying again.
    """
    return [{**one, **_build(workspace, tenant, one, on_step=on_step)} for one in planned]


def _build(workspace: Workspace, tenant: str, one: Mapping[str, Any], *, on_step: OnStep) -> dict[str, Any]:
    datasets = workspace.catalog.datasets
    old = datasets.get(tenant, one["name"], one["version"])
    known = {(row.name, row.version): row for row in datasets.list(tenant)}
    done = known.get((one["name"], one["successor"]))
    outcome: str = done.state if done is not None else "none"
    if outcome != "published":
        on_step("successor")
        try:
            spec = read_spec({**old.spec, "version": one["successor"]}, stored=True)
            outcome = "published" if release(workspace, spec, run_id=None).published else "blocked"
        except TransientError:
            raise
        except PermanentError as error:
            outcome = f"none: {error.why}"
    successor = one["successor"] if outcome == "published" else None
    datasets.tombstone(tenant, old.id, successor=successor, now=utc_now())
    return {"successor": successor, "outcome": outcome}
