"""The nightly upkeep: tables are compacted, and versions nobody needs any more are forgotten.

Belongs here: the job and its schedule.
Does not belong here: the work (`operations.table_maintenance`).
"""

from datetime import timedelta

import dagster as dg

from assets.failures import retold
from operations.table_maintenance import clear_half_written, tidy_tenant
from resources.workspace import Workspace

UPKEEP_JOB = "upkeep"


def build_upkeep(*, keep_days: int) -> dg.ScheduleDefinition:
    """The job, which tidies the tables of all active tenants, every night at 03:40 UTC."""

    @dg.op(
        description="Compacts the Delta tables of every tenant; deletes files of old versions and half-written ones."
    )
    @retold("the nightly upkeep", attempted="tidy the tables")
    def tidy_tables(context: dg.OpExecutionContext, workspace: dg.ResourceParam[Workspace]) -> None:
        for tenant in workspace.catalog.tenants.active():
            tidied = tidy_tenant(workspace, tenant=tenant, keep=timedelta(days=keep_days))
            removed = sum(t.files_removed for t in tidied.values())
            live = sum(t.files_after for t in tidied.values())
            half = clear_half_written(workspace, tenant=tenant)
            context.log.info("%s: %s tables, %s live files, %s files removed", tenant, len(tidied), live, removed)
            context.log.info("%s: %s half-written files removed", tenant, half)

    @dg.job(name=UPKEEP_JOB, description="Keeps tables small; changes no row.")
    def upkeep() -> None:
        tidy_tables()

    return dg.ScheduleDefinition(
        name="nightly_upkeep",
        job=upkeep,
        cron_schedule="40 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
