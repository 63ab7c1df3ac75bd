"""Releases: training lines as a named, immutable version, visible only when every gate passed.

Belongs here: bringing what was built and passed to the lake and the catalog; building again from a manifest.
Does not belong here: building (`release_build`), the gates (`release_gates`).

Nothing of a release is in the lake before all its gates passed, and nobody relies on it before the catalog says
`published`, which is the last thing that happens. A crash leaves `building`, which may be built again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from assets.stages.registration import utc_now
from assets.stages.release_build import Built, OnStep, build
from assets.stages.release_gates import journal_lines, judge
from resources.lake import Lake
from resources.workspace import Workspace
from vitals.training.release.deidentify import age_bucket
from vitals.training.release.gates import GateResult
from vitals.training.release.manifest import MANIFEST, changes, spec_of
from vitals.training.release.reidentification import report
from vitals.training.release.spec import ReleaseSpec, read_spec
from vitals.training.release.traces import facts_json, traces_table
from vitals.training.release.writing import dump, facts_of_file


@dataclass(frozen=True)
class Released:
    """How building a release ended.

    Attributes:
        gates: what each gate found.
        published: whether all passed.
        manifest_sha256: checksum of the manifest.
        statistics, fates: as in `Built`.
        files: number of files.
        size_bytes: of all files.
    """

    gates: Sequence[GateResult]
    published: bool
    manifest_sha256: str
    statistics: Mapping[str, Any]
    fates: Mapping[str, int]
    files: int
    size_bytes: int


def traces_key(name: str, release_version: str) -> str:
    """Key of the traces of a release; what it notes beside them has the same key with another suffix."""
    return f"release_traces/{name}/{release_version}.parquet"


def trace_facts_key(name: str, release_version: str) -> str:
    """Key of what a release notes about its build for comparisons; never among its files."""
    return f"release_traces/{name}/{release_version}.json"


def risk_key(name: str, release_version: str) -> str:
    """Key of the re-identification report: it points at persons, so it is never among the files."""
    return f"release_traces/{name}/{release_version}.reidentification.json"


def release(
    workspace: Workspace, spec: ReleaseSpec, *, run_id: str | None, on_step: OnStep = lambda _: None
) -> Released:
    """Build a release, judge it, and publish or block it.

    Raises:
        ConflictError: this version is published already.
        PermanentError: no line is left to release.
    """
    datasets = workspace.catalog.datasets
    lake = workspace.lake(spec.tenant)
    with workspace.catalog.exclusive(f"release-{spec.tenant}", wait=True), TemporaryDirectory() as temporary:
        dataset_id = datasets.begin(
            spec.tenant, spec.name, spec.version, spec=spec.as_json(), run_id=run_id, now=utc_now()
        )
        built = build(workspace, spec, Path(temporary), on_step=on_step)
        on_step("judging")
        judged = judge(workspace, spec, built)
        if judged.passed:
            on_step("publishing")
            _publish(lake, spec, built, risk=_risk(workspace, spec, built))
        files = [*built.manifest["files"].values()]
        manifest_sha256 = facts_of_file(built.folder / MANIFEST).sha256
        datasets.finish(
            dataset_id,
            reasons=judged.reasons,
            manifest_sha256=manifest_sha256,
            contributors=Counter(entry.person for entry in built.entries),
            now=utc_now(),
        )
    return Released(
        gates=judged.gates,
        published=judged.passed,
        manifest_sha256=manifest_sha256,
        statistics=built.statistics,
        fates=built.fates,
        files=len(files) + 1,
        size_bytes=sum(file["bytes"] for file in files),
    )


def reproduce(workspace: Workspace, document: Mapping[str, Any], *, on_step: OnStep = lambda _: None) -> list[str]:
    """Build a release again from its manifest, publish nothing; what differs, empty if every byte is the same.

    Raises:
        UsageError: the manifest cannot be read here.
    """
    shown = document.get("spec", {})
    tenant, name, release_version = (str(shown.get(member, "")) for member in ("tenant", "name", "version"))
    known = {(row.name, row.version): row for row in workspace.catalog.datasets.list(tenant)}
    stored = known.get((name, release_version))
    households = stored.spec["households"] if stored else []
    spec = read_spec(spec_of(document, households=households))
    with TemporaryDirectory() as temporary:
        return changes(document, build(workspace, spec, Path(temporary), on_step=on_step).manifest)


def _risk(workspace: Workspace, spec: ReleaseSpec, built: Built) -> bytes:
    """The re-identification report on the files as they are, as JSON."""
    ages = {p.subject_id: p.age_years for p in workspace.catalog.subjects.profiles(spec.tenant)}
    known = {entry.subject_id: ages.get(entry.person) for entry in built.entries}
    found = report(
        map(orjson.loads, journal_lines(built.folder)),
        age_buckets={person: age_bucket(age) for person, age in sorted(known.items()) if age is not None},
    )
    # Group sizes are numbers, which are no names in JSON.
    return dump({**asdict(found), "groups": {str(size): count for size, count in sorted(found.groups.items())}})


def _publish(lake: Lake, spec: ReleaseSpec, built: Built, *, risk: bytes) -> None:
    """Bring the files to the lake; what an earlier attempt left of this version goes first."""
    lake.delete_objects([found.key for found in lake.objects(spec.folder)])
    with TemporaryDirectory() as temporary:
        table = Path(temporary) / "traces.parquet"
        traces_table(built.traces).write_parquet(table, compression="zstd", statistics=False)
        lake.write_file(traces_key(spec.name, spec.version), table)
    lake.write_object(trace_facts_key(spec.name, spec.version), dump(facts_json(built.facts)))
    lake.write_object(risk_key(spec.name, spec.version), risk)
    for path in sorted([*built.manifest["files"], MANIFEST]):
        lake.write_file(f"{spec.folder}/{path}", built.folder / path)
