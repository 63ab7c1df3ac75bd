"""The sensor that sees uploads land in the object store.

Belongs here: list, enter in the books, and ask for every landing partition that has something pending.
Does not belong here: what a key means (`vitals.raw.keys`) or what a run does (`assets`).

What protects the data is the books, not this sensor: it may look twice, miss a tick or lose its cursor. An upload
whose run failed or was killed is still pending in the books, so the next tick asks for it again.

The cursor holds only where listing stands. A round lists the last landing days of every tenant, and then goes on with
the full sweeps that now and then find what landed under an old day. A tick that runs out of time ends in the middle of
a round, and the next one goes on there: however much a tenant has, the others and the sweeps get their turn. A tenant
whose lake cannot be read holds nobody else up.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import dagster as dg
import orjson

from assets.failures import retold
from operations.consent import follow_taken_over
from pipeline.registration import names_erased, register, utc_now
from resources.lake.lake import Lake, ListedObject, NoObject
from resources.workspace import Workspace
from sensors.requests import (
    LANDING_JOB,
    partition_key,
    resting_partitions,
    run_tags,
    told,
    unfinished_partitions,
)
from vitals.errors import VitalgraphError

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
    """Where listing stands.

    Attributes:
        after: tenants whose full sweep is under way, and the key it has come to.
        done: when the last full sweep of each tenant ended.
        recent: the tenant at whose last landing days the round was interrupted, and the key it had come to.
        begun: when the full sweep of each tenant began that is under way.
    """

    after: dict[str, str] = field(default_factory=dict)
    done: dict[str, str] = field(default_factory=dict)
    recent: dict[str, str] = field(default_factory=dict)
    begun: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str | None) -> "SweepCursor":
        """The cursor, or a fresh one if there is none or it cannot be read: listing again does no harm."""
        try:
            state = orjson.loads(text or "{}")
            return cls(**{name: dict(state.get(name, {})) for name in ("after", "done", "recent", "begun")})
        except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError):
            return cls()

    def text(self) -> str:
        """The cursor for storage."""
        return orjson.dumps(vars(self)).decode()

    def object_keys(self) -> list[str]:
        """Keys of objects that it names."""
        return [*self.after.values(), *self.recent.values()]

    def is_due(self, tenant: str, *, now: datetime, every: timedelta) -> bool:
        """Whether a sweep of the tenant is under way or should start."""
        done = self.done.get(tenant)
        return tenant in self.after or done is None or now - datetime.fromisoformat(done) >= every


@dataclass
class Look:
    """What a look at the lakes came to.

    Attributes:
        new: object versions that were not in the books.
        left_out: tenant to the reasons for which entries are in no books, and how many each.
        unreachable: tenants that could not be listed to the end, and why.
    """

    new: int = 0
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)
    unreachable: dict[str, VitalgraphError] = field(default_factory=dict)


def recent_objects(
    lake: Lake,
    *,
    today: date,
    look_back_days: int,
    after: str | None = None,
    on_no_object: Callable[[NoObject], None] = lambda _: None,
) -> Iterator[ListedObject]:
    """Objects of the last landing days, of every type folder, tomorrow included for clocks that run ahead.

    Args:
        after: key of the object that was the last one in an earlier call; it begins behind it.
        on_no_object: told of what is there and is none.
    """
    days = [today + timedelta(days=1 - back) for back in range(look_back_days + 1)]
    prefixes = [f"{folder.rstrip('/')}/{day:%Y/%m/%d}/" for folder in lake.folders("raw/") for day in days]
    known = [at for at, prefix in enumerate(prefixes) if after is not None and after.startswith(prefix)]
    for at, prefix in enumerate(prefixes):
        if not known or at > known[0]:
            yield from lake.objects(prefix, on_no_object=on_no_object)
        elif at == known[0]:
            yield from lake.objects(prefix, after=after, on_no_object=on_no_object)


def look(
    workspace: Workspace,
    *,
    tenants: Sequence[str],
    cursor: SweepCursor,
    policy: SensorPolicy,
    now: datetime,
    clock: Callable[[], float] = time.monotonic,
) -> Look:
    """Enter in the books what landed, within the time budget. Moves the cursor."""
    looking = _Looking(workspace, policy, now, clock, clock() + policy.time_budget_seconds)
    if looking.recent(tenants, cursor):
        cursor.recent.clear()
        looking.everything(tenants, cursor)
    # An erasure may have begun since: what is stored after it has passed Dagster's storage names nobody any more.
    for reached in (cursor.after, cursor.recent):
        for tenant in [tenant for tenant, key in reached.items() if names_erased(workspace, tenant, key)]:
            del reached[tenant]
    looking.looked.left_out = left_out_of(workspace, tenants)
    return looking.looked


@dataclass
class _Looking:
    """One look at the lakes on its way."""

    workspace: Workspace
    policy: SensorPolicy
    now: datetime
    clock: Callable[[], float]
    deadline: float
    looked: Look = field(default_factory=Look)
    none: list[NoObject] = field(default_factory=list)

    def recent(self, tenants: Sequence[str], cursor: SweepCursor) -> bool:
        """Look at the last landing days of every tenant; False when the time is over."""
        interrupted = next(iter(cursor.recent), None)
        for tenant in tenants[tenants.index(interrupted) :] if interrupted in tenants else tenants:
            with _unless_unreachable(tenant, self.looked):
                lake, after = self.workspace.lake(tenant), cursor.recent.pop(tenant, None)
                follow_taken_over(self.workspace, tenant=tenant)
                objects = recent_objects(
                    lake,
                    today=self.now.date(),
                    look_back_days=self.policy.look_back_days,
                    after=after,
                    on_no_object=self.none.append,
                )
                if not self._has_time(tenant, objects, cursor.recent):
                    return False
        return True

    def everything(self, tenants: Sequence[str], cursor: SweepCursor) -> None:
        """Look at all landing days of the tenants whose turn it is, until the time is over."""
        every = timedelta(minutes=self.policy.sweep_minutes)
        for tenant in tenants:
            if tenant in self.looked.unreachable or not cursor.is_due(tenant, now=self.now, every=every):
                continue
            with _unless_unreachable(tenant, self.looked):
                if tenant not in cursor.after:
                    cursor.begun[tenant] = utc_now().isoformat()
                lake = self.workspace.lake(tenant)
                objects = lake.objects("raw/", after=cursor.after.get(tenant), on_no_object=self.none.append)
                if not self._has_time(tenant, objects, cursor.after):
                    return
                cursor.done[tenant] = self.now.isoformat()
                begun = cursor.begun.pop(tenant, None)
                if begun is not None:
                    self.workspace.catalog.left_out.forget(tenant, not_seen_since=datetime.fromisoformat(begun))

    def _has_time(self, tenant: str, objects: Iterator[ListedObject], reached: dict[str, str]) -> bool:
        """Register the objects in turn; False, and the key it has come to in `reached`, when the time is over."""
        self.none.clear()
        while batch := list(islice(objects, REGISTER_AT_ONCE)):
            self._enter(tenant, batch)
            reached[tenant] = batch[-1].key
            if self.clock() > self.deadline:
                return False
        if self.none:
            self._enter(tenant, [])
        reached.pop(tenant, None)
        return True

    def _enter(self, tenant: str, batch: Sequence[ListedObject]) -> None:
        told = list(self.none)
        self.none.clear()
        today = self.now.date()
        self.looked.new += register(self.workspace, tenant=tenant, listed=batch, no_objects=told, today=today).new


def left_out_of(workspace: Workspace, tenants: Sequence[str]) -> dict[str, dict[str, int]]:
    """Why entries of tenants are in no books, and how many for each reason; tenants without any are left out."""
    found = {tenant: Counter(row.why for row in workspace.catalog.left_out.list(tenant)) for tenant in tenants}
    return {tenant: dict(reasons) for tenant, reasons in found.items() if reasons}


def told_left_out(left_out: Mapping[str, Mapping[str, int]]) -> list[str]:
    """A sentence for each tenant with something left out."""
    return [
        f"{tenant}: {sum(reasons.values())} entries below raw/ are left out ("
        + "; ".join(f"{count} {why}" for why, count in sorted(reasons.items()))
        + "); `vitalgraph uploads list` names them"
        for tenant, reasons in left_out.items()
    ]


@contextmanager
def _unless_unreachable(tenant: str, looked: Look) -> Iterator[None]:
    """Note the failure of one tenant, for the others to go on."""
    try:
        yield
    except VitalgraphError as error:
        looked.unreachable[tenant] = error


def choose(
    pending: Collection[tuple[date, str]], *, running: Collection[str], possible: Callable[[date], bool], limit: int
) -> list[tuple[date, str]]:
    """Landing partitions to ask for: pending, not being worked on, newest first.

    Args:
        pending: (landing day, tenant) with uploads that are not done.
        running: keys of partitions that are being run, or rest after failed runs.
        possible: whether a day is a partition at all; one unknown key would fail the whole tick.
    """
    free = [(day, tenant) for day, tenant in pending if possible(day) and partition_key(day, tenant) not in running]
    return sorted(free, reverse=True)[:limit]


def _why_nothing(looked: Look, pending: Sequence[tuple[date, str]], resting: Mapping[str, datetime]) -> str:
    """What a tick says that asks for no run."""
    said = [f"{looked.new} new uploads; {len(pending)} partitions pending, none free to run{told(resting)}"]
    said += [f"{tenant}: {error}" for tenant, error in looked.unreachable.items()]
    said += told_left_out(looked.left_out)
    return "; ".join(said)


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
    @retold("the sensor landed_objects", attempted="tick")
    def landed_objects(context: dg.SensorEvaluationContext, workspace: dg.ResourceParam[Workspace]) -> dg.SensorResult:
        tenants = list(workspace.catalog.tenants.active())
        cursor = SweepCursor.parse(context.cursor)
        looked = look(workspace, tenants=tenants, cursor=cursor, policy=policy, now=datetime.now(UTC))
        for tenant, error in looked.unreachable.items():
            context.log.error("%s: %s", tenant, error)
        for said in told_left_out(looked.left_out):
            context.log.warning(said)
        if looked.unreachable and len(looked.unreachable) == len(tenants):
            raise next(iter(looked.unreachable.values()))
        pending = [
            (day, tenant) for tenant in tenants for day, _ in workspace.catalog.uploads.pending_partitions(tenant)
        ]
        resting = resting_partitions(context.instance, LANDING_JOB, now=datetime.now(UTC))
        chosen = choose(
            pending,
            running=unfinished_partitions(context.instance, LANDING_JOB) | resting.keys(),
            possible=possible_day,
            limit=policy.max_requests,
        )
        known = set(context.instance.get_dynamic_partitions(tenant_partitions.name or ""))
        missing = sorted({tenant for _, tenant in chosen} - known)
        context.log.info("%s new uploads, %s partitions pending, %s asked for", looked.new, len(pending), len(chosen))
        return dg.SensorResult(
            # No run key: Dagster would remember it for ever, and never run a failed partition again.
            run_requests=[
                dg.RunRequest(partition_key=partition_key(day, tenant), tags=run_tags(tenant, lane="landing"))
                for day, tenant in chosen
            ],
            dynamic_partitions_requests=[tenant_partitions.build_add_request(missing)] if missing else [],
            cursor=cursor.text(),
            skip_reason=None if chosen else _why_nothing(looked, pending, resting),
        )

    return landed_objects
