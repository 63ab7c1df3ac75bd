"""Whether runs are queued or under way, for commands that no run may cross.

Belongs here: the look at Dagster's runs.
Does not belong here: a command.
"""

from dagster_project.settings import Settings
from vitals.errors import ConflictError


def refuse_while_running(settings: Settings, tenant: str | None, *, attempted: str) -> None:
    """Refuse while a run of a tenant, or of any, has not ended: it would go on with what it has read.

    Runs of this machine whose process was killed are ended first and refuse nothing.

    Raises:
        ConflictError: some have not.
    """
    import dagster as dg  # noqa: PLC0415 - heavy, and not needed for --help

    from dagster_project.dead_runs import end_dead_runs  # noqa: PLC0415
    from dagster_project.execution import local_instance  # noqa: PLC0415
    from sensors.requests import TENANT_TAG, UNFINISHED  # noqa: PLC0415

    tags = {} if tenant is None else {TENANT_TAG: tenant}
    with local_instance(settings) as instance:
        end_dead_runs(instance)
        running = instance.get_runs_count(dg.RunsFilter(statuses=UNFINISHED, tags=tags))
    if running:
        raise ConflictError(
            attempted,
            f"tenant {tenant or 'any'}",
            f"{running} runs are queued or under way",
            "Pause the tenant (`vitalgraph tenant pause`) and let them end, or cancel them in the UI.",
        )
