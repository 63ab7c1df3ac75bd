"""What Dagster's own records say of a tenant's partitions, stage by stage.

Belongs here: which days of a stage were ever computed, and at which the last attempt failed.
Does not belong here: what is pending or stale (the catalog knows), or printing (`cli.ledger`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import dagster as dg

from assets.presentation import asset_key
from vitals.record_types import RECORD_TYPES, Stage

STAGES: tuple[Stage, ...] = ("raw", "validated", "clinical", "training")
_TENANT = "dagster/partition/tenant"
_KEY = "dagster/partition"
_MOST_FAILURES = 200
_MOST_RUNS = 20
"""Runs of one partition that are looked at; an older failure that nobody took up again is pending or stale."""


@dataclass(frozen=True)
class StageStatus:
    """Days of a stage, ISO: those that were ever computed, and those whose last attempt failed."""

    computed: list[str]
    failed: list[str]


def stages_of(instance: dg.DagsterInstance, tenant: str) -> dict[Stage, StageStatus]:
    """Each stage of a tenant."""
    failed = set(_failed(instance, tenant))
    found: dict[Stage, StageStatus] = {}
    for stage in STAGES:
        keys = {key for kind in RECORD_TYPES for key in instance.get_materialized_partitions(asset_key(stage, kind))}
        found[stage] = StageStatus(
            computed=sorted({day for key in keys for day in _day_of(key, tenant)}),
            failed=sorted({day for of_stage, key in failed if of_stage == stage for day in _day_of(key, tenant)}),
        )
    return found


def _failed(instance: dg.DagsterInstance, tenant: str) -> Iterator[tuple[str, str]]:
    """Stage and partition of every step that failed when it was last run, checks included."""
    failures = instance.get_runs(
        dg.RunsFilter(tags={_TENANT: tenant}, statuses=[dg.DagsterRunStatus.FAILURE]), limit=_MOST_FAILURES
    )
    for key in sorted({run.tags[_KEY] for run in failures if _KEY in run.tags}):
        seen: set[str] = set()
        for run in instance.get_runs(dg.RunsFilter(tags={_KEY: key}), limit=_MOST_RUNS):
            for step in instance.get_run_step_stats(run.run_id):
                ended = step.status is not None and step.status.value in {"SUCCESS", "FAILURE"}
                if ended and step.step_key not in seen:
                    seen.add(step.step_key)
                    if step.status is not None and step.status.value == "FAILURE":
                        yield step.step_key.split("_", 1)[0], key


def _day_of(key: str, tenant: str) -> list[str]:
    day, _, of = key.partition("|")
    return [day] if of == tenant else []
