"""`vitalgraph ingest` and `vitalgraph backfill`: run partitions from the command line.

Belongs here: options, progress and what is printed.
Does not belong here: running (`dagster_project.execution`, `dagster_project.backfills`).
"""

import time
from datetime import date, datetime
from typing import Annotated

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.audit_trail import enter
from interfaces.cli.output import (
    DAY_FORMATS,
    DONE,
    FAILED,
    WAITING,
    JsonOption,
    console,
    exit_codes,
    in_calendar,
    print_error,
    print_json,
    print_table,
    problems,
    progress_bar,
)
from vitals.errors import UsageError

WATCH_SECONDS = 10


def ingest(
    tenant: Annotated[str | None, typer.Option("--tenant", "-t", help="Only this tenant; default all.")] = None,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=DAY_FORMATS, callback=in_calendar, help="First landing day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=DAY_FORMATS, callback=in_calendar, help="Last landing day.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on looking until interrupted.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 if anything waits for a person.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Register what landed and run every stage for what is pending and stale, without a daemon.

    Example: vitalgraph ingest --tenant default
    """
    with exit_codes():
        from dagster_project.definitions import build_definitions  # noqa: PLC0415 - Dagster takes a second to import
        from dagster_project.execution import Runner, local_instance, run_everything  # noqa: PLC0415
        from sensors.landed_objects import told_left_out  # noqa: PLC0415

        if first is not None and last is not None and last < first:
            raise UsageError("ingest these days", "--from and --to", "the last day is before the first", "Swap them.")
        settings = load_settings()
        workspace = build_workspace(settings)
        tenants = [workspace.catalog.tenants.get(tenant).name] if tenant else list(workspace.catalog.tenants.active())
        with local_instance(settings) as instance:
            runner = Runner(build_definitions(settings), instance, settings.log_level)
            while True:
                with progress_bar(quiet=as_json) as progress:
                    tasks = {axis: progress.add_task(axis, total=None) for axis in ("landing days", "local days")}

                    def on_step(axis: str, done: int, total: int) -> None:
                        progress.update(tasks[axis], completed=done, total=total)  # noqa: B023 - used in this round only

                    work = run_everything(
                        workspace,
                        runner,
                        tenants=tenants,
                        first_day=_date(first),
                        last_day=_date(last),
                        settings=settings,
                        on_step=on_step,
                    )
                for name, error in work.unreachable.items():
                    print_error(error, of=f"tenant {name}")
                for key, why in sorted(work.reasons.items()):
                    print_error(why, of=key)
                for said in told_left_out(work.left_out):
                    problems.print(said, highlight=False, markup=False, soft_wrap=True)
                if not watch:
                    break
                time.sleep(WATCH_SECONDS)
        if as_json:
            print_json(
                {
                    "landing_partitions": work.landing,
                    "local_partitions": work.local,
                    "failed": work.failed,
                    "reasons": work.reasons,
                    "left_out": work.left_out,
                }
            )
        else:
            console.print(f"{work.landing} landing days and {work.local} local days run, {len(work.failed)} failed")
        waiting = work.left_out or any(sum(workspace.catalog.partials.counts(name).values()) for name in tenants)
        raise typer.Exit(FAILED if work.failed or work.unreachable else WAITING if strict and waiting else DONE)


def backfill(
    selection: Annotated[str, typer.Argument(help="A stage, an asset key (stage/kind) or a Dagster selection.")],
    first: Annotated[
        datetime, typer.Option("--from", formats=DAY_FORMATS, callback=in_calendar, help="First day of the axis.")
    ],
    last: Annotated[
        datetime, typer.Option("--to", formats=DAY_FORMATS, callback=in_calendar, help="Last day of the axis.")
    ],
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="The tenant.")] = "default",
    reprocess: Annotated[bool, typer.Option("--reprocess", help="Read uploads again that are done.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would run.")] = False,
    in_process: Annotated[bool, typer.Option("--in-process", help="Run here, without a daemon.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run partitions of either axis again; resumable, and Ctrl-C does no harm.

    Example: vitalgraph backfill clinical --from 2025-09-01 --to 2025-09-30 --in-process
    """
    with exit_codes():
        from dagster_project import backfills  # noqa: PLC0415 - Dagster takes a second to import

        settings = load_settings()
        workspace = build_workspace(settings)
        workspace.catalog.tenants.get(tenant)
        plan = backfills.make_plan(
            settings, selection=selection, tenant=tenant, first_day=first.date(), last_day=last.date()
        )
        if dry_run:
            if as_json:
                print_json({"assets": plan.asset_names, "partitions": plan.partition_keys})
            else:
                print_table(
                    "Would run",
                    ["asset", "partitions"],
                    [(name, len(plan.partition_keys)) for name in plan.asset_names],
                )
            return
        if reprocess:
            uploads = backfills.ask_again(workspace, plan)
            days = {"first_day": str(plan.days[0]), "last_day": str(plan.days[-1]), "uploads": uploads}
            enter(workspace.catalog, plan.tenant, "reprocess", ", ".join(plan.asset_names), **days)
        with progress_bar(quiet=as_json) as progress:
            task = progress.add_task("partitions", total=len(plan.partition_keys))

            def on_step(done: int) -> None:
                progress.update(task, completed=done)

            outcome = (
                backfills.run_here(settings, plan, on_step=on_step)
                if in_process
                else backfills.launch(settings, plan, on_step=on_step)
            )
        for key in outcome.failed:
            print_error(outcome.reasons.get(key, "its run failed; see it in the UI"), of=key)
        if as_json:
            print_json(
                {"partitions": len(plan.partition_keys), "failed": outcome.failed, "backfill": outcome.backfill_id}
            )
        else:
            console.print(f"{len(plan.partition_keys)} partitions, {len(outcome.failed)} failed")
        raise typer.Exit(FAILED if outcome.failed else DONE)


def _date(value: datetime | None) -> date | None:
    return value.date() if value else None
