"""Releases: training lines as a named, immutable version, visible only when every gate passed.

Belongs here: bringing what was built and passed to the lake and the catalog; building again from a manifest.
Does not belong here: building (`release_build`), the gates (`release_gates`).

Nothing of a release is in the lake before all its gates passed, and nobody relies on it before the catalog says
`published`, which is the last thing that happens. What ends a build on the way makes it `failed`, with the reason; what
killed its process is found out by the next command that looks at releases (`end_abandoned`). Both may be built again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from pipeline.registration import utc_now
from pipeline.release.build import Built, OnStep, build
from pipeline.release.inputs import known_apps
from pipeline.release.quality_gates import judge
from resources.catalog.datasets import refuse_to_build_again
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.errors import UsageError, VitalgraphError
from vitals.release.deidentify import age_bucket
from vitals.release.gates import GateResult
from vitals.release.manifest import MANIFEST, changes, spec_of
from vitals.release.received import SUMS, journal_lines
from vitals.release.reidentification import report
from vitals.release.spec import ReleaseSpec, read_spec, unknown
from vitals.release.traces import facts_json, traces_table
from vitals.release.writing import dump, facts_of_file
from vitals.training.source_names import TITLES


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
        UsageError: it names an app that the tenant has no data of.
        ConflictError: this version is published already, or was.
        PermanentError: no line is left to release.
    """
    check_request(workspace, spec)
    with workspace.catalog.exclusive(_lane(spec.tenant), wait=True):
        dataset_id = workspace.catalog.datasets.begin(
            spec.tenant, spec.name, spec.version, spec=spec.as_json(), run_id=run_id, now=utc_now()
        )
        try:
            return _release(workspace, spec, dataset_id, on_step=on_step)
        except BaseException as error:
            workspace.catalog.datasets.fail(dataset_id, reason=_why(error), now=utc_now())
            with suppress(VitalgraphError):
                # What was brought there is of no version. A store that is away keeps it for the next attempt.
                lake = workspace.lake(spec.tenant)
                lake.delete_objects([found.key for found in lake.objects(spec.folder)])
            raise


def check_request(workspace: Workspace, spec: ReleaseSpec) -> None:
    """Refuse before anything is built what cannot be meant.

    Raises:
        UsageError: an app is one that the tenant has no data of and no text has a title for; names those like it.
        ConflictError: the version is or was published.
        NotFoundError: no such tenant.
    """
    for row in workspace.catalog.datasets.list(spec.tenant):
        if (row.name, row.version) == (spec.name, spec.version):
            refuse_to_build_again(row)
    if not spec.source_apps:
        return
    known = known_apps(workspace.lake(spec.tenant)) | TITLES.keys()
    aliases = {title: app for app, title in TITLES.items()}
    for app in spec.source_apps:
        if app not in known:
            raise UsageError(
                "build the release", "--source-app", unknown("app", app, known, aliases=aliases), "Correct it."
            )


ABANDONED = "the process that built it ended before it was done"


def end_abandoned(workspace: Workspace, tenant: str) -> None:
    """Mark as failed what was being built by a process that is gone: it holds the tenant's lane no longer."""
    if not any(row.state == "building" for row in workspace.catalog.datasets.list(tenant)):
        return
    with workspace.catalog.exclusive(_lane(tenant), wait=False) as held:
        if not held:
            return
        for row in workspace.catalog.datasets.list(tenant):
            if row.state == "building":
                workspace.catalog.datasets.fail(row.id, reason=ABANDONED, now=utc_now())


def _lane(tenant: str) -> str:
    return f"release-{tenant}"


def _why(error: BaseException) -> str:
    """Why a build ended, in one sentence; an error that is not one of ours may quote what it met."""
    if isinstance(error, VitalgraphError):
        return error.why
    # An interrupt is no Exception, whether Python's own or that which Dagster makes of it.
    return f"an unexpected {type(error).__name__}" if isinstance(error, Exception) else "it was interrupted"


def _release(workspace: Workspace, spec: ReleaseSpec, dataset_id: int, *, on_step: OnStep) -> Released:
    datasets, lake = workspace.catalog.datasets, workspace.lake(spec.tenant)
    with TemporaryDirectory() as temporary:
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
        files=len(files) + 2,
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
    for path in sorted([*built.manifest["files"], MANIFEST, SUMS]):
        lake.write_file(f"{spec.folder}/{path}", built.folder / path)
