"""The sensor that asks for local days whose facts or examples no longer follow from the records.

Belongs here: from the catalog's marks to run requests, one per local day and tenant, with exactly the assets that
are stale.
Does not belong here: what makes a day stale (`pipeline.staleness`).
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from assets.day_journal import JOURNAL_KEY
from assets.failures import retold
from assets.presentation import asset_key
from pipeline.training_paths import JOURNAL
from resources.catalog.rows.days import StaleDay, StaleStage
from resources.workspace import Workspace
from sensors.requests import (
    LOCAL_DAY_JOB,
    partition_key,
    resting_partitions,
    run_tags,
    told,
    unfinished_partitions,
)
from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.training.day_journal.day_metrics import WINDOW_DAYS

PATIENCE = timedelta(minutes=10)
"""While uploads of a tenant are pending its days will change again: they wait, but not for ever."""


@dataclass(frozen=True)
class DayRequest:
    """One local day of a tenant, and the assets to recompute."""

    local_day: date
    tenant: str
    assets: tuple[dg.AssetKey, ...]


def stale_assets(marks: Iterable[StaleDay]) -> tuple[dg.AssetKey, ...]:
    """Assets of one day's marks: a kind's facts and examples, or the examples alone; the journal after any facts."""
    marks = list(marks)
    facts = {m.kind for m in marks if m.stage == "clinical"}
    examples = facts | {m.kind for m in marks if m.stage == "training"}
    return (
        *(asset_key("clinical", t) for t in RECORD_TYPES if t.kind in facts),
        *(asset_key("training", t) for t in RECORD_TYPES if t.kind in examples),
        *((JOURNAL_KEY,) if facts or JOURNAL in examples else ()),
    )


def choose_days(
    marks: Collection[StaleDay],
    *,
    busy_tenants: Collection[str],
    running: Collection[str],
    possible: Callable[[date], bool],
    now: datetime,
    limit: int,
) -> list[DayRequest]:
    """Local days to ask for, oldest first.

    A journal whose own day has no stale facts waits while a day that it looks back on has some: it would only be
    stale again.

    Args:
        marks: stale days of all tenants; kinds that no longer exist are ignored.
        busy_tenants: tenants with pending uploads.
        running: keys of local-day partitions that are being run, or rest after failed runs.
        possible: whether a day is a partition at all.
    """
    days: dict[tuple[date, str], list[StaleDay]] = {}
    for mark in marks:
        if (mark.kind in BY_KIND or mark.kind == JOURNAL) and possible(mark.local_date):
            days.setdefault((mark.local_date, mark.tenant), []).append(mark)
    days = {key: kept for key, found in days.items() if (kept := _without_waiting_journal(*key, days))}
    ready = [
        DayRequest(day, tenant, stale_assets(found))
        for (day, tenant), found in sorted(days.items())
        if partition_key(day, tenant) not in running
        and (tenant not in busy_tenants or now - min(m.marked_at for m in found) > PATIENCE)
    ]
    return ready[:limit]


def _without_waiting_journal(day: date, tenant: str, days: Mapping[tuple[date, str], list[StaleDay]]) -> list[StaleDay]:
    """Marks of a day, without that of its journal if it is to wait."""
    found = days[day, tenant]
    if any(mark.stage == "clinical" for mark in found):
        return found
    earlier = ((day - timedelta(days=back), tenant) for back in range(1, WINDOW_DAYS))
    waits = any(mark.stage == "clinical" for key in earlier for mark in days.get(key, ()))
    return [mark for mark in found if not (waits and mark.kind == JOURNAL)]


def all_marks(workspace: Workspace, tenants: Iterable[str]) -> list[StaleDay]:
    """Marks of both stages of these tenants."""
    stages: tuple[StaleStage, ...] = ("clinical", "training")
    return [mark for tenant in tenants for stage in stages for mark in workspace.catalog.stale_days.list(tenant, stage)]


def build_stale_days_sensor(
    *,
    interval_seconds: int,
    max_requests: int,
    tenant_partitions: dg.DynamicPartitionsDefinition,
    possible_day: Callable[[date], bool],
) -> dg.SensorDefinition:
    """The sensor over all tenants that are not paused."""

    @dg.sensor(
        name="stale_days",
        job_name=LOCAL_DAY_JOB,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Asks for the local days that late data, better zone evidence or a later fetch made stale.",
    )
    @retold("the sensor stale_days", attempted="tick")
    def stale_days(context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]) -> dg.SensorResult:
        tenants = list(workspace.catalog.tenants.active())
        marks = all_marks(workspace, tenants)
        now = datetime.now(UTC)
        resting = resting_partitions(context.instance, LOCAL_DAY_JOB, now=now)
        chosen = choose_days(
            marks,
            busy_tenants=[t for t in tenants if workspace.catalog.uploads.pending_partitions(t)],
            running=unfinished_partitions(context.instance, LOCAL_DAY_JOB) | resting.keys(),
            possible=possible_day,
            now=now,
            limit=max_requests,
        )
        known = set(context.instance.get_dynamic_partitions(tenant_partitions.name or ""))
        missing = sorted({request.tenant for request in chosen} - known)
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    partition_key=partition_key(request.local_day, request.tenant),
                    asset_selection=list(request.assets),
                    tags=run_tags(request.tenant, lane=f"local-day-{request.local_day}"),
                )
                for request in chosen
            ],
            dynamic_partitions_requests=[tenant_partitions.build_add_request(missing)] if missing else [],
            skip_reason=None if chosen else f"{len(marks)} marks, none free to run{told(resting)}",
        )

    return stale_days
