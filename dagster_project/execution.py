"""Running partitions without a daemon: the same jobs, in this process, until nothing is pending.

Belongs here: what `ingest`, `check` and in-process backfills share.
Does not belong here: deciding what is pending (`sensors`) or printing (`cli`).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg

import vitals.errors
from dagster_project.dead_runs import end_dead_runs, process_tags
from dagster_project.partitions import build_axes
from dagster_project.settings import Settings
from resources.workspace import Workspace
from sensors.landed_objects import SensorPolicy, SweepCursor, choose, look
from sensors.requests import LANDING_JOB, LOCAL_DAY_JOB, partition_key, run_tags
from sensors.stale_days import all_marks, choose_days
from vitals.errors import PermanentError, VitalgraphError

ROUNDS = 12
"""A landing day may be asked for again (evidence that arrived later places rows that waited), but not for ever."""


@dataclass
class Work:
    """What a call of `run_everything` did.

    Attributes:
        landing, local: partitions run, by axis.
        failed: keys of partitions whose run failed.
        reasons: why, by key.
        unreachable: tenants that could not be listed, and why; nothing of theirs was run.
        left_out: tenant to the reasons for which entries are in no books, and how many each.
    """

    landing: int = 0
    local: int = 0
    failed: list[str] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    unreachable: dict[str, VitalgraphError] = field(default_factory=dict)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)


@contextmanager
def local_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance of the home, whatever DAGSTER_HOME says."""
    with dg.DagsterInstance.from_config(str(settings.home_path)) as instance:
        yield instance


@dataclass(frozen=True)
class Runner:
    """Runs partitions of the two jobs in this process, recorded in the instance like any run.

    Runs whose process was killed are ended first: they would pass for work that is under way.
    """

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    log_level: str = "WARNING"

    def __post_init__(self) -> None:
        end_dead_runs(self.instance)

    def run(
        self, job: str, *, day: date, tenant: str, assets: Sequence[dg.AssetKey] | None = None
    ) -> dg.ExecuteInProcessResult:
        """Run one partition; a failed step is in the result, not an exception.

        Raises:
            KeyboardInterrupt: the run was interrupted.
        """
        self.instance.add_dynamic_partitions("tenant", [tenant])
        return raise_interrupt(
            self.definitions.resolve_job_def(job).execute_in_process(
                instance=self.instance,
                partition_key=partition_key(day, tenant),
                asset_selection=None if assets is None else list(assets),
                tags={**run_tags(tenant, lane=job), **process_tags()},
                run_config=self._quiet,
                raise_on_error=False,
            )
        )

    def run_checks(self, job: str, *, day: date, tenant: str) -> dg.ExecuteInProcessResult:
        """Run a job of checks alone. Such a job has no partitions of its own: the run carries the key as tags.

        Raises:
            KeyboardInterrupt: the run was interrupted.
        """
        partition = {
            "dagster/partition": partition_key(day, tenant),
            "dagster/partition/day": day.isoformat(),
            "dagster/partition/tenant": tenant,
        }
        return raise_interrupt(
            self.definitions.resolve_job_def(job).execute_in_process(
                instance=self.instance,
                tags={**run_tags(tenant, lane=job), **process_tags(), **partition},
                run_config=self._quiet,
                raise_on_error=False,
            )
        )

    @property
    def _quiet(self) -> dict[str, Any]:
        return {"loggers": {"console": {"config": {"log_level": self.log_level}}}}


def raise_interrupt(result: dg.ExecuteInProcessResult) -> dg.ExecuteInProcessResult:
    """Return the result of a run, or raise the interrupt that ended it: Dagster makes a failed step of it and goes on.

    Raises:
        KeyboardInterrupt: the run was interrupted.
    """
    # Of steps, of resources, or of the run itself.
    errors = [getattr(event.event_specific_data, "error", None) for event in result.all_events if event.is_failure]
    while errors:
        error = errors.pop()
        if error is not None:
            if error.cls_name in {dg.DagsterExecutionInterruptedError.__name__, KeyboardInterrupt.__name__}:
                raise KeyboardInterrupt
            errors.append(error.cause)
    return result


def why_failed(result: dg.ExecuteInProcessResult) -> str:
    """Why a run failed: the text of an error of ours, or the class of another, whose text may quote what it read."""
    for event in result.get_step_failure_events():
        failure = event.step_failure_data
        if failure.user_failure_data is not None and failure.user_failure_data.description:
            return failure.user_failure_data.description
        error = failure.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None and error.cls_name is not None:
            ours = isinstance(getattr(vitals.errors, error.cls_name, None), type)
            text = error.message.partition(": ")[2].strip() if ours else error.cls_name
            return f"{text} See run {result.run_id} in the UI."
    return f"See run {result.run_id} in the UI."


def run_everything(
    workspace: Workspace,
    runner: Runner,
    *,
    tenants: Sequence[str],
    first_day: date | None = None,
    last_day: date | None = None,
    settings: Settings,
    on_step: Callable[[str, int, int], None] = lambda *_: None,
) -> Work:
    """List, register, and run every stage for what is pending and stale, until nothing is.

    Args:
        first_day, last_day: landing days to run; local days follow from what they touch.
        on_step: called with the axis, partitions done and partitions known so far.

    Raises:
        PermanentError: partitions are still pending after several rounds; says which.
    """
    axes = build_axes(settings.first_date)
    work = Work()
    failed: dict[str, str] = {}
    for _ in range(ROUNDS):
        now = datetime.now(UTC)
        unbounded = SensorPolicy(time_budget_seconds=float("inf"))
        looked = look(workspace, tenants=tenants, cursor=SweepCursor(), policy=unbounded, now=now)
        reachable = [tenant for tenant in tenants if tenant not in looked.unreachable]
        pending = [
            (day, tenant)
            for tenant in reachable
            for day, _ in workspace.catalog.uploads.pending_partitions(tenant)
            if (first_day is None or day >= first_day) and (last_day is None or day <= last_day)
        ]
        landing = sorted(choose(pending, running=failed, possible=axes.is_possible, limit=len(pending)))
        for done, (day, tenant) in enumerate(landing):
            on_step("landing days", done, len(landing))
            result = runner.run(LANDING_JOB, day=day, tenant=tenant)
            work.landing += 1
            if not result.success:
                failed[partition_key(day, tenant)] = why_failed(result)
        on_step("landing days", len(landing), len(landing))
        marks = all_marks(workspace, reachable)
        days = choose_days(marks, busy_tenants=(), running=failed, possible=axes.is_possible, now=now, limit=len(marks))
        for done, request in enumerate(days):
            on_step("local days", done, len(days))
            result = runner.run(LOCAL_DAY_JOB, day=request.local_day, tenant=request.tenant, assets=request.assets)
            work.local += 1
            if not result.success:
                failed[partition_key(request.local_day, request.tenant)] = why_failed(result)
        on_step("local days", len(days), len(days))
        if not landing and not days:
            work.failed, work.reasons, work.unreachable = sorted(failed), failed, looked.unreachable
            work.left_out = looked.left_out
            return work
    raise PermanentError(
        "bring everything up to date",
        ", ".join(sorted(failed)) or "all partitions",
        f"something was still pending after {ROUNDS} rounds",
        "Look at `vitalgraph status` and at the runs in the UI.",
    )
