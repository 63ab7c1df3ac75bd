"""Running asset checks alone, partition by partition.

Belongs here: the two check-only jobs and the collection of their results.
Does not belong here: which partitions have data, or printing (`cli.checks`).
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import dagster as dg

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance
from dagster_project.settings import Settings
from sensors.requests import LANDING_CHECKS_JOB, LOCAL_DAY_CHECKS_JOB, partition_key


def run_checks(
    settings: Settings,
    *,
    tenant: str,
    landing: Sequence[date],
    local: Sequence[date],
    on_step: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Evaluate the checks of these partitions in this process; one plain mapping per evaluation.

    A check that crashed counts as failed: what could not be checked is not good.
    """
    results: list[dict[str, Any]] = []
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, settings.log_level)
        for job, days in ((LANDING_CHECKS_JOB, landing), (LOCAL_DAY_CHECKS_JOB, local)):
            for day in days:
                run = runner.run_checks(job, day=day, tenant=tenant)
                partition = partition_key(day, tenant)
                results += [_plain(found, partition) for found in run.get_asset_check_evaluations()]
                results += [
                    {
                        "asset": event.step_key or "",
                        "check": "ran",
                        "partition": partition,
                        "passed": False,
                        "severity": "ERROR",
                        "figures": "the check itself failed; see the run",
                    }
                    for event in run.get_step_failure_events()
                    if not run.get_asset_check_evaluations()
                ]
                on_step()
    return results


def _plain(found: dg.AssetCheckEvaluation, partition: str) -> dict[str, Any]:
    return {
        "asset": found.asset_key.to_user_string(),
        "check": found.check_name,
        "partition": partition,
        "passed": found.passed,
        "severity": found.severity.value,
        "figures": ", ".join(f"{name}: {value.value}" for name, value in found.metadata.items()),
    }
