"""What a person decided, carried through to the training lines at once, in this process.

Belongs here: running exactly the partitions that a decision put back, one tenant at a time, in the background.
Does not belong here: decisions, or a way of their own through the stages: these are the jobs that the sensors launch.

Nothing depends on it: a decision leaves pending uploads and stale days in the catalog, and the sensors find those if
this process dies. So a crash here loses a few seconds, and work that both begin is done once (lanes, attempts).
"""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

import dagster as dg

from assets.presentation import asset_key
from dagster_project.execution import Runner, local_instance
from dagster_project.partitions import build_axes
from dagster_project.settings import Settings
from resources.workspace import Workspace
from sensors.requests import LANDING_JOB, LOCAL_DAY_JOB, partition_key, unfinished_partitions
from sensors.stale_days import all_marks, choose_days
from vitals.record_types import BY_KIND

log = logging.getLogger(__name__)

ROUNDS = 4
"""A journal follows its day's facts, and a row may wait for evidence that another brings; not for ever."""


@lru_cache(maxsize=4)
def definitions_of(settings: Settings) -> dg.Definitions:
    """The definitions of these settings; loading them takes seconds, once in a process."""
    from dagster_project.definitions import build_definitions  # noqa: PLC0415 - the API answers before it is needed

    return build_definitions(settings)


def settle(workspace: Workspace, settings: Settings, *, tenant: str, kinds: Collection[str], since: datetime) -> int:
    """Run what is pending of these kinds, then the days that went stale since then, of any kind; partitions run.

    A backlog that was there before is left to the sensors.
    """
    possible = build_axes(settings.first_date).is_possible
    done = 0
    with local_instance(settings) as instance:
        runner = Runner(definitions_of(settings), instance, settings.log_level)
        failed: set[str] = set()
        for _ in range(ROUNDS):
            before = done
            others = failed | unfinished_partitions(instance, LANDING_JOB)
            for day, pending in workspace.catalog.uploads.pending_partitions(tenant):
                mine = [asset_key("validated", BY_KIND[kind]) for kind in pending if kind in kinds]
                key = partition_key(day, tenant)
                if mine and possible(day) and key not in others:
                    done += 1
                    if not runner.run(LANDING_JOB, day=day, tenant=tenant, assets=mine).success:
                        failed.add(key)
            marks = [mark for mark in all_marks(workspace, [tenant]) if mark.marked_at >= since]
            for request in choose_days(
                marks,
                busy_tenants=(),
                running=failed | unfinished_partitions(instance, LOCAL_DAY_JOB),
                possible=possible,
                now=datetime.now(UTC),
                limit=len(marks),
            ):
                done += 1
                if not runner.run(LOCAL_DAY_JOB, day=request.local_day, tenant=tenant, assets=request.assets).success:
                    failed.add(partition_key(request.local_day, tenant))
            if done == before:
                break
    return done


@dataclass(frozen=True)
class Request:
    """Kinds to settle, and the instant before the decision."""

    kinds: frozenset[str]
    since: datetime


class Settler:
    """Settles in the background: one thread per tenant, which ends when nothing more was asked for.

    Args:
        work: settles kinds of a tenant.
    """

    def __init__(self, work: Callable[[str, Request], object]) -> None:
        self._work = work
        self._changed = threading.Condition()
        self._asked: dict[str, dict[int, Request]] = {}
        self._running: set[str] = set()
        self._tickets = 0
        self._ended = False

    def end(self, *, seconds: float) -> bool:
        """Begin nothing more, and wait so long at most for what is under way; whether all of it ended.

        What is left stands in the catalog, and the sensors do it.
        """
        with self._changed:
            self._ended = True
            return self._changed.wait_for(lambda: not self._running, timeout=seconds)

    def wake(self, tenant: str, kinds: Collection[str], *, since: datetime) -> int:
        """Ask for kinds of a tenant to be settled; a ticket to wait for.

        Args:
            kinds: kinds whose uploads the decision landed again.
            since: an instant before the decision.
        """
        with self._changed:
            self._tickets += 1
            self._asked.setdefault(tenant, {})[self._tickets] = Request(frozenset(kinds), since)
            if tenant not in self._running:
                self._running.add(tenant)
                threading.Thread(target=self._run, args=(tenant,), name="settling", daemon=True).start()
            return self._tickets

    def wait(self, tenant: str, ticket: int, *, seconds: float) -> bool:
        """Wait until what was asked for is settled, so long at most; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: ticket not in self._asked.get(tenant, {}), timeout=seconds)

    def is_settling(self, tenant: str) -> bool:
        """Whether something of the tenant is being settled now."""
        with self._changed:
            return tenant in self._running

    def _run(self, tenant: str) -> None:
        while True:
            with self._changed:
                taken = dict(self._asked.get(tenant, {}))
                if not taken or self._ended:
                    self._running.discard(tenant)
                    self._changed.notify_all()
                    return
            kinds = frozenset[str]().union(*(one.kinds for one in taken.values()))
            try:
                self._work(tenant, Request(kinds, min(one.since for one in taken.values())))
            except Exception as error:  # noqa: BLE001 - whatever it is, the sensors do the work later
                # The type only: a message of a library may quote what it read.
                log.warning("settling failed (%s); the sensors will take it up", type(error).__name__)
            with self._changed:
                for ticket in taken:
                    del self._asked[tenant][ticket]
                self._changed.notify_all()
