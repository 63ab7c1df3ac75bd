"""What both sensors and the command line need to ask for a run.

Belongs here: job names, partition keys, run tags, which partitions are being worked on, and which ones rest after failures.
Does not belong here: what to ask for.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

import dagster as dg

LANDING_JOB = "landing"
LOCAL_DAY_JOB = "local_day"
LANDING_CHECKS_JOB = "landing_checks"
LOCAL_DAY_CHECKS_JOB = "local_day_checks"
RELEASE_JOB = "release"
FORENSICS_JOB = "forensics"

TENANT_TAG = "vitalgraph/tenant"
LANE_TAG = "vitalgraph/lane"

FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=15)
FAILURES_COUNT_FOR = timedelta(hours=1)

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


def resting_partitions(instance: dg.DagsterInstance, job_name: str, *, now: datetime) -> dict[str, datetime]:
    """Partitions of the job that failed again and again, and until when a sensor leaves each alone.

    What failed once is asked for again at once: a worker that was killed, a store that was away. From the second failure
    within the hour on, a partition rests for a minute, then two, then four, a quarter of an hour at most: a damaged table
    would otherwise start runs without end. A person who mended the cause need not wait: `vitalgraph ingest` does not.
    """
    failed = instance.get_run_records(
        filters=dg.RunsFilter(
            job_name=job_name, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - FAILURES_COUNT_FOR
        )
    )
    times, last = Counter[str](), dict[str, datetime]()
    for record in failed:
        key = record.dagster_run.tags.get("dagster/partition")
        if key is not None:
            ended = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp
            times[key] += 1
            last[key] = max(last.get(key, ended), ended)
    until = {key: last[key] + rest_after(count) for key, count in times.items()}
    return {key: end for key, end in until.items() if end > now}


def rest_after(failures: int) -> timedelta:
    """How long a partition rests after so many failures within the hour."""
    if failures < 2:
        return timedelta()
    return min(FIRST_REST * (1 << min(failures - 2, 10)), LONGEST_REST)


def told(resting: Mapping[str, datetime]) -> str:
    """The end of a sensor's sentence about partitions that rest; empty if none does."""
    if not resting:
        return ""
    key, end = min(resting.items(), key=lambda item: (item[1], item[0]))
    return f"; {len(resting)} rest after failed runs, {key} until {end:%H:%M:%S} UTC"
