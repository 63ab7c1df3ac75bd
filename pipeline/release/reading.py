"""Reading releases that were published: checking them again, comparing two, copying one out.

Belongs here: what is done with a version that stands in the lake.
Does not belong here: building one (`release_build`) or publishing it (`releases`).
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import polars as pl

from pipeline.release.build import OnStep
from pipeline.release.quality_gates import canaries_of, text_lines
from pipeline.release.releases import trace_facts_key, traces_key
from resources.catalog.rows.releases import DatasetVersion
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.errors import ConflictError
from vitals.release.differences import Difference, differences
from vitals.release.gates import (
    GateResult,
    erased_gate,
    formats_gate,
    identifiers_gate,
    splits_gate,
)
from vitals.release.line_gates import line_results, report
from vitals.release.manifest import MANIFEST
from vitals.release.received import SUMS, journal_lines, placed, sides_of
from vitals.release.spec import SIDES, ReleaseSpec, read_spec
from vitals.release.traces import ExampleTrace, ManifestFacts, facts_from, traces_from
from vitals.release.writing import data_path, facts_of_file


def published(workspace: Workspace, tenant: str, name: str, version: str) -> DatasetVersion:
    """A version that may be relied on.

    Raises:
        NotFoundError: no such version.
        ConflictError: it is not published.
    """
    row = workspace.catalog.datasets.get(tenant, name, version)
    if row.state != "published":
        raise ConflictError(
            "use the release",
            f"{name} {version}",
            f"it is {row.state}{': ' + '; '.join(row.reasons).rstrip('.') if row.reasons else ''}",
            "Use another version." if row.state in {"tombstoned", "withdrawn"} else "Build it again.",
        )
    return row


def read_manifest(lake: Lake, name: str, version: str) -> dict[str, Any]:
    """The manifest of a version in the lake.

    Raises:
        NotFoundError: there is none.
    """
    found: dict[str, Any] = orjson.loads(lake.read_object(f"releases/{name}/{version}/{MANIFEST}"))
    return found


def verify(
    workspace: Workspace, *, tenant: str, name: str, version: str, on_step: OnStep = lambda _: None
) -> list[GateResult]:
    """Look at a published version again, from its files alone: checksums first, then every gate that they allow.

    Shared source records cannot be judged from the files, which do not name records.
    """
    row = published(workspace, tenant, name, version)
    spec = read_spec(row.spec, stored=True)
    lake = workspace.lake(tenant)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        on_step("reading")
        checked = _fetch(lake, row, folder)
        if not checked.passed:
            return [checked]
        on_step("judging")
        return [checked, *_gates(workspace, spec, row, folder)]


def _fetch(lake: Lake, row: DatasetVersion, folder: Path) -> GateResult:
    """Bring all files of a version into a folder and compare their checksums."""
    root = f"releases/{row.name}/{row.version}"
    there = {found.key.removeprefix(f"{root}/") for found in lake.objects(root)}
    wrong: list[str] = []
    if MANIFEST not in there:
        return GateResult("checksums", {"files": len(there)}, [f"{MANIFEST} is missing"])
    lake.read_file(f"{root}/{MANIFEST}", folder / MANIFEST)
    if facts_of_file(folder / MANIFEST).sha256 != row.manifest_sha256:
        wrong.append(f"{MANIFEST} is not the one that was published")
    listed = orjson.loads((folder / MANIFEST).read_bytes())["files"]
    wrong += [f"{path} is not in the manifest" for path in sorted(there - {*listed, MANIFEST, SUMS})]
    for path, expected in listed.items():
        if path not in there:
            wrong.append(f"{path} is missing")
            continue
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        lake.read_file(f"{root}/{path}", folder / path)
        if facts_of_file(folder / path).sha256 != expected["sha256"]:
            wrong.append(f"{path} was changed")
    return GateResult("checksums", {"files": len(listed) + 1}, wrong)


def _gates(workspace: Workspace, spec: ReleaseSpec, row: DatasetVersion, folder: Path) -> list[GateResult]:
    subjects = workspace.catalog.subjects.subject_ids(spec.tenant)
    sides = sides_of(folder)
    rows: dict[Any, dict[str, int]] = {
        name: {
            side: sum(1 for _ in path.open("rb"))
            for side in SIDES
            if (path := folder / data_path(name, side, "jsonl")).exists()
        }
        for name in spec.formats
    }
    return [
        *line_results(report(journal_lines(folder))),
        splits_gate(
            (placed(line, side), line)
            for line in map(orjson.loads, journal_lines(folder))
            for side in sides.get(line["id"], ())
        ),
        identifiers_gate(text_lines(folder), canaries_of(spec, subjects)),
        erased_gate(list(workspace.catalog.datasets.contributors(row.id)), subjects.values()),
        formats_gate(folder, rows),
    ]


def compare(workspace: Workspace, *, tenant: str, before: tuple[str, str], after: tuple[str, str]) -> list[Difference]:
    """Every difference between two versions (name, version), each with its cause.

    The earlier one may have been taken back since: its traces are kept without the person.

    Raises:
        ConflictError: one is not published.
    """
    lake = workspace.lake(tenant)
    if workspace.catalog.datasets.get(tenant, *before).state not in {"tombstoned", "withdrawn"}:
        published(workspace, tenant, *before)
    published(workspace, tenant, *after)
    was, now = _traces(lake, *before), _traces(lake, *after)
    return differences(was[0], now[0], was[1], now[1])


def _traces(lake: Lake, name: str, version: str) -> tuple[list[ExampleTrace], ManifestFacts]:
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "traces.parquet"
        lake.read_file(traces_key(name, version), path)
        traces = list(traces_from(pl.read_parquet(path)))
    return traces, facts_from(orjson.loads(lake.read_object(trace_facts_key(name, version))))
