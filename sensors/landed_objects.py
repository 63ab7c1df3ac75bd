"""The sensor that sees uploads land in the object store.

Belongs here: list, enter in the books, and ask for every landing partition that has something pending.
Does not belong here: what a key means (`vitals.raw.keys`) or what a run does (`assets`).

What protects the data is the books, not this sensor: it may look twice, miss a tick or lose its cursor. An upload
whose run failed or was killed is still pending in the books, so the next tick asks for it again.

The cursor holds only where the full sweep stands, per tenant. Every tick lists the last landing days; a full sweep
now and then finds what landed under an old day.
"""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import dagster as dg
import orjson

from assets.stages.registration import register
from resources.lake import Lake, ListedObject
from resources.workspace import Workspace
from sensors.requests import LANDING_JOB, partition_key, run_tags, unfinished_partitions

REGISTER_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class SensorPolicy:
    """Bounds of a tick.

    Attributes:
        interval_seconds: least time between two ticks.
        look_back_days: landing days listed in every tick, today included.
        sweep_minutes: time between two full sweeps of a tenant.
        time_budget_seconds: listing stops after this and resumes in the next tick.
        max_requests: runs asked for in one tick.
    """

    interval_seconds: int = 30
    look_back_days: int = 3
    sweep_minutes: int = 60
    time_budget_seconds: float = 20
    max_requests: int = 25


@dataclass
class SweepCursor:
    """Where the full sweep of each tenant stands: `after` a key, or done at a time."""

    after: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> "SweepCursor":
        """The cursor, or a fresh one if there is none or it cannot be read: sweeping again does no harm."""
        try:
            state = orjson.loads(text or "{}")
            return cls(after=dict(state.get("after", {})), done=dict(state.get("done", {})))
        except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
            return cls()

    def text(self) -> str:
        """The cursor for storage."""
        return orjson.dumps({"after": self.after, "done": self.done}).decode()

    def is_due(self, tenant: str, *, now: datetime, every: timedelta) -> bool:
        """Whether a sweep of the tenant is under way or should start."""
        done = self.done.get(tenant)
        return tenant in self.after or done is None or now - datetime.fromisoformat(done) >= every


def recent_objects(lake: Lake, *, today: date, look_back_days: int) -> Iterator[ListedObject]:
    """Objects of the last landing days, of every type folder, tomorrow included for clocks that run ahead."""
    days = [today + timedelta(days=1 - back) for back in range(look_back_days + 1)]
    for folder in lake.folders("raw/"):
        for day in days:
            yield from lake.objects(f"{folder.rstrip('/')}/{day:%Y/%m/%d}/")


def look(
    workspace: Workspace,
    *,
    tenants: Sequence[str],
    cursor: SweepCursor,
    policy: SensorPolicy,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Enter in the books what landed, within the time budget. Moves the cursor.

    Returns:
        Number of object versions that were new.
    """
    deadline = clock() + policy.time_budget_seconds
    new = 0
    for tenant in tenants:
        recent = recent_objects(workspace.lake(tenant), today=now.date(), look_back_days=policy.look_back_days)
        while batch := list(islice(recent, REGISTER_AT_ONCE)):
            new += register(workspace, tenant=tenant, listed=batch, today=now.date()).new
            if clock() > deadline:
                return new
    for tenant in tenants:
        if not cursor.is_due(tenant, now=now, every=timedelta(minutes=policy.sweep_minutes)):
            continue
        everything = workspace.lake(tenant).objects("raw/", after=cursor.after.get(tenant))
        while batch := list(islice(everything, REGISTER_AT_ONCE)):
            new += register(workspace, tenant=tenant, listed=batch, today=now.date()).new
            cursor.after[tenant] = batch[-1].key
            if clock() > deadline:
                return new
        cursor.after.pop(tenant, None)
        cursor.done[tenant] = now.isoformat()
    return new


def choose(
    pending: Collection[tuple[date, str]], *, running: Collection[str], possible: Callable[[date], bool], limit: int
) -> list[tuple[date, str]]:
    """Landing partitions to ask for: pending, not being worked on, newest first.

    Args:
        pending: (landing day, tenant) with uploads that are not done.
        running: keys of partitions with an unfinished run.
        possible: whether a day is a partition at all; one unknown key would fail the whole tick.
    """
    free = [(day, tenant) for day, tenant in pending if possible(day) and partition_key(day, tenant) not in running]
    return sorted(free, reverse=True)[:limit]


def build_landed_objects_sensor(
    *, policy: SensorPolicy, tenant_partitions: dg.DynamicPartitionsDefinition, possible_day: Callable[[date], bool]
) -> dg.SensorDefinition:
    """The sensor over all tenants that are not paused."""

    @dg.sensor(
        name="landed_objects",
        job_name=LANDING_JOB,
        minimum_interval_seconds=policy.interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Lists what landed, enters it in the books, and asks for the landing days that have something pending.",
    )
    def landed_objects(context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]) -> dg.SensorResult:
        tenants = list(workspace.catalog.tenants.active())
        cursor = SweepCursor.parse(context.cursor)
        new = look(workspace, tenants=tenants, cursor=cursor, policy=policy, now=datetime.now(UTC))
        pending = [
            (day, tenant) for tenant in tenants for day, _ in workspace.catalog.uploads.pending_partitions(tenant)
        ]
        chosen = choose(
            pending,
            running=unfinished_partitions(context.instance, LANDING_JOB),
            possible=possible_day,
            limit=policy.max_requests,
        )
        known = set(context.instance.get_dynamic_partitions(tenant_partitions.name or ""))
        missing = sorted({tenant for _, tenant in chosen} - known)
        context.log.info("%s new uploads, %s partitions pending, %s asked for", new, len(pending), len(chosen))
        return dg.SensorResult(
            # No run key: Dagster would remember it for ever, and never run a failed partition again.
            run_requests=[
                dg.RunRequest(partition_key=partition_key(day, tenant), tags=run_tags(tenant, lane="landing"))
                for day, tenant in chosen
            ],
            dynamic_partitions_requests=[tenant_partitions.build_add_request(missing)] if missing else [],
            cursor=cursor.text(),
            skip_reason=None if chosen else f"{new} new uploads; {len(pending)} partitions pending, none free to run",
        )

    return landed_objects
