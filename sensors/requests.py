"""What both sensors and the command line need to ask for a run.

Belongs here: job names, partition keys, run tags, and which partitions are being worked on.
Does not belong here: what to ask for.
"""

from datetime import date

import dagster as dg

LANDING_JOB = "landing"
LOCAL_DAY_JOB = "local_day"
LANDING_CHECKS_JOB = "landing_checks"
LOCAL_DAY_CHECKS_JOB = "local_day_checks"
RELEASE_JOB = "release"
FORENSICS_JOB = "forensics"

TENANT_TAG = "vitalgraph/tenant"
LANE_TAG = "vitalgraph/lane"

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def partition_key(day: date, tenant: str) -> str:
    """Key of a (day, tenant) partition of either axis."""
    return str(dg.MultiPartitionKey({"day": day.isoformat(), "tenant": tenant}))


def run_tags(tenant: str, *, lane: str) -> dict[str, str]:
    """Tags by which the run queue limits concurrency: per tenant, and one at a time per (lane, tenant).

    Local days do not race with each other, so their lane is the day's own; landing days of a tenant share one.
    """
    return {TENANT_TAG: tenant, LANE_TAG: f"{lane}-{tenant}"}


def unfinished_partitions(instance: dg.DagsterInstance, job_name: str) -> set[str]:
    """Partition keys of the job with a run that is queued or under way."""
    runs = instance.get_runs(filters=dg.RunsFilter(job_name=job_name, statuses=UNFINISHED))
    return {run.tags[key] for run in runs for key in ("dagster/partition",) if key in run.tags}
