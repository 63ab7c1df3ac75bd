"""Backfills from the command line: which partitions, and running them here or through the daemon.

Belongs here: resolving a selection to assets and partitions of each axis, asking for uploads again, launching.
Does not belong here: options and printing (`cli.runs`).
"""

import time
import uuid
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from assets.forensics import FORENSICS_KEY
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance, why_failed
from dagster_project.partitions import build_axes
from dagster_project.settings import Settings
from pipeline.registration import register, type_folders, utc_now
from pipeline.row_accounting import every_upload
from resources.workspace import Workspace
from sensors.requests import FORENSICS_JOB, LANDING_JOB, LOCAL_DAY_JOB, partition_key, run_tags
from vitals.errors import UsageError
from vitals.record_types import BY_KIND, STAGES

LANDING_STAGES = ("raw", "validated")
POLL_SECONDS = 2
HEARTBEAT_SECONDS = 120
"""A daemon that has not said anything for this long is taken for dead."""


@dataclass(frozen=True)
class Plan:
    """What a backfill runs: assets of one axis over a range of its days.

    Attributes:
        job: the axis' job.
        assets: asset keys, upstream first.
        days: days of the axis, oldest first.
    """

    job: str
    assets: tuple[dg.AssetKey, ...]
    days: tuple[date, ...]
    tenant: str

    @property
    def asset_names(self) -> list[str]:
        """Asset keys as text."""
        return [key.to_user_string() for key in self.assets]

    @property
    def partition_keys(self) -> list[str]:
        """Keys of the partitions."""
        return [partition_key(day, self.tenant) for day in self.days]


@dataclass
class Outcome:
    """How a backfill ended: partitions that failed, why if they ran here, and its id if a daemon ran it."""

    failed: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    backfill_id: str | None = None


def make_plan(settings: Settings, *, selection: str, tenant: str, first_day: date, last_day: date) -> Plan:
    """Resolve a selection: a stage, an asset key with a slash, or a Dagster selection string.

    Raises:
        UsageError: it selects nothing, assets of both axes, or days that are no partitions.
    """
    graph = build_definitions(settings).resolve_asset_graph()
    text = f'group:"{selection}"' if selection in STAGES else f'key:"{selection}"' if "/" in selection else selection
    try:
        with warnings.catch_warnings():
            # Dagster's own parser passes a parameter that Dagster still marks as beta.
            warnings.simplefilter("ignore", category=dg.BetaWarning)
            keys = dg.AssetSelection.from_string(text).resolve(graph)
    except Exception as error:
        raise UsageError("read the selection", "SELECTION", "Dagster does not understand it", _HELP) from error
    if not keys:
        raise UsageError("select assets", "SELECTION", "it selects no asset", _HELP)
    if len(keys) > 1:
        # It has a job of its own: who selects a whole stage means what is computed from it.
        keys = keys - {FORENSICS_KEY}
    on_landing = {key.path[0] in LANDING_STAGES for key in keys}
    if len(on_landing) > 1:
        raise UsageError(
            "backfill both axes at once",
            "SELECTION",
            "raw and validated have landing days, clinical and training have local days",
            "Backfill the landing days first; the local days they touch become stale by themselves.",
        )
    axes = build_axes(settings.first_date)
    days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    impossible = [day.isoformat() for day in days if not axes.is_possible(day)]
    if not days or impossible:
        raise UsageError(
            "backfill these days",
            f"--from {first_day} --to {last_day}",
            "some are not partitions, or the range is empty",
            f"Days run from {axes.first_day} (VITALGRAPH_FIRST_DAY) to tomorrow.",
        )
    ordered = [key for key in graph.toposorted_asset_keys if key in keys]
    job = LANDING_JOB if on_landing == {True} else FORENSICS_JOB if keys == {FORENSICS_KEY} else LOCAL_DAY_JOB
    return Plan(job=job, assets=tuple(ordered), days=tuple(days), tenant=tenant)


_HELP = 'Give a stage (clinical), an asset (clinical/sleep) or a selection string (key:"clinical/sleep"+).'


def ask_again(workspace: Workspace, plan: Plan) -> int:
    """Put the done uploads of the plan's landing days and kinds back, to be read again; number of uploads.

    Those whose object is no longer in the store, or was written over, keep what they came to: reading them again would
    only lose it.
    """
    lake = workspace.lake(plan.tenant)
    kinds = {key.path[1] for key in plan.assets if key.path[0] in LANDING_STAGES}
    listed = [
        found
        for kind in sorted(kinds)
        for day in plan.days
        for folder in type_folders(BY_KIND[kind], day)
        for found in lake.objects(folder, on_no_object=lambda _: None)
    ]
    # Afterwards the books have the etags that were listed just now.
    register(workspace, tenant=plan.tenant, listed=listed, today=utc_now().date())
    present = {(found.key, found.etag) for found in listed}
    uploads = [
        upload.upload_id
        for kind in sorted(kinds)
        for upload in every_upload(
            workspace, tenant=plan.tenant, kind=kind, from_day=plan.days[0], to_day=plan.days[-1]
        )
        if (upload.key, upload.etag) in present and upload.reason != "bad_key"
    ]
    return len(workspace.catalog.uploads.reland(uploads))


def run_here(settings: Settings, plan: Plan, *, on_step: Callable[[int], None]) -> Outcome:
    """Run the partitions one after the other in this process. Each is complete in itself: stop at any time."""
    outcome = Outcome()
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, settings.log_level)
        for done, day in enumerate(plan.days):
            on_step(done)
            result = runner.run(plan.job, day=day, tenant=plan.tenant, assets=plan.assets)
            if not result.success:
                outcome.failed.append(partition_key(day, plan.tenant))
                outcome.reasons[outcome.failed[-1]] = why_failed(result)
        on_step(len(plan.days))
    return outcome


def launch(settings: Settings, plan: Plan, *, on_step: Callable[[int], None]) -> Outcome:
    """Hand the backfill to the daemon and follow it. Ctrl-C cancels what has not started; what ran stays."""
    definitions = build_definitions(settings)
    with local_instance(settings) as instance:
        if not _daemon_is_alive(instance):
            raise UsageError(
                "launch the backfill",
                str(settings.home_path),
                "no Dagster daemon of this home is running",
                "Start one with `make dev`, or add --in-process.",
            )
        instance.add_dynamic_partitions("tenant", [plan.tenant])
        backfill = PartitionBackfill.from_asset_partitions(
            backfill_id=uuid.uuid4().hex[:8],
            asset_graph=definitions.resolve_asset_graph(),
            partition_names=plan.partition_keys,
            asset_selection=list(plan.assets),
            backfill_timestamp=datetime.now(UTC).timestamp(),
            tags=run_tags(plan.tenant, lane="backfill"),
            dynamic_partitions_store=instance,
            all_partitions=False,
            title=f"vitalgraph backfill {plan.asset_names[0]} …",
            description=None,
            run_config=None,
        )
        instance.add_backfill(backfill)
        try:
            return _follow(instance, backfill.backfill_id, plan, on_step)
        except KeyboardInterrupt:
            stored = instance.get_backfill(backfill.backfill_id)
            if stored is not None:
                instance.update_backfill(stored.with_status(BulkActionStatus.CANCELING))  # type: ignore[no-untyped-call]
            raise


def _follow(instance: dg.DagsterInstance, backfill_id: str, plan: Plan, on_step: Callable[[int], None]) -> Outcome:
    while True:
        runs = instance.get_runs(filters=dg.RunsFilter(tags={"dagster/backfill": backfill_id}))
        on_step(sum(run.is_finished for run in runs))
        stored = instance.get_backfill(backfill_id)
        if stored is None or stored.status not in (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING):
            failed = [run.tags.get("dagster/partition", "?") for run in runs if run.is_failure_or_canceled]
            if stored is not None and stored.status is BulkActionStatus.FAILED and not failed:
                failed = plan.partition_keys
            return Outcome(failed=sorted(set(failed)), backfill_id=backfill_id)
        time.sleep(POLL_SECONDS)


def _daemon_is_alive(instance: dg.DagsterInstance) -> bool:
    heartbeats = instance.get_daemon_heartbeats()
    now = datetime.now(UTC).timestamp()
    return any(now - beat.timestamp < HEARTBEAT_SECONDS for beat in heartbeats.values())
