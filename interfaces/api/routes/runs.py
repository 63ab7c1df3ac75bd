"""Dagster runs of the tenant.

Belongs here: `/v1/runs`: what ran, on which partition, and how it ended.
Does not belong here: logs and plots, which Dagster's own page shows.
"""

from typing import Annotated, Any

import dagster as dg
from fastapi import APIRouter, Query, Request

from dagster_project.execution import local_instance
from interfaces.api.access import Reader
from interfaces.api.pages import Limit, Page, page
from interfaces.api.problems import described
from sensors.requests import TENANT_TAG

router = APIRouter(prefix="/v1/runs", tags=["runs"])


@router.get("", summary="Runs, newest first", responses=described())
def list_runs(
    caller: Reader,
    request: Request,
    limit: Limit = 50,
    after: Annotated[str | None, Query(max_length=64, description="Run id of the last one seen.")] = None,
) -> Page:
    """Runs that worked on partitions of this tenant."""
    with local_instance(request.app.state.settings) as instance:
        mine = dg.RunsFilter(tags={TENANT_TAG: caller.tenant})
        known = after is None or instance.get_runs(dg.RunsFilter(tags={TENANT_TAG: caller.tenant}, run_ids=[after]))
        records = instance.get_run_records(mine, limit=limit + 1, cursor=after) if known else []
    return page(records, limit=limit, cursor=lambda record: record.dagster_run.run_id, shown=_shown)


def _shown(record: dg.RunRecord) -> dict[str, Any]:
    run = record.dagster_run
    return {
        "run_id": run.run_id,
        "job": run.job_name,
        "partition": run.tags.get("dagster/partition"),
        "status": run.status.value,
        "started": record.start_time,
        "ended": record.end_time,
    }
