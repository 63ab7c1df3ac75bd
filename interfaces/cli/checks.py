"""`vitalgraph check`: the asset checks in CI, without a daemon.

Belongs here: running the checks of every partition that has data, and failing the build when one fails.
Does not belong here: a check (`assets`).
"""

from datetime import date
from typing import Annotated, Any

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.output import (
    DONE,
    FAILED,
    WAITING,
    JsonOption,
    TenantOption,
    exit_codes,
    print_json,
    print_table,
    progress_bar,
)
from pipeline.row_accounting import every_upload
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES


def check(
    tenant: TenantOption = "default",
    strict: Annotated[bool, typer.Option("--strict", help="Exit 3 if a check warns.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run every asset check of the tenant's partitions; exit 1 if one fails.

    Example: vitalgraph check --tenant default
    """
    with exit_codes():
        from dagster_project.check_runs import run_checks  # noqa: PLC0415 - Dagster takes a second to import

        settings = load_settings()
        workspace = build_workspace(settings)
        workspace.catalog.tenants.get(tenant)
        if damaged := damaged_files(workspace, tenant):
            # Whatever reads such a table fails: its checks would say less.
            _print([], damaged, as_json=as_json)
            raise typer.Exit(FAILED)
        landing = landing_days(workspace, tenant)
        local = local_days(workspace, tenant)
        with progress_bar(quiet=as_json) as progress:
            task = progress.add_task("partitions", total=len(landing) + len(local))
            results = run_checks(
                settings, tenant=tenant, landing=landing, local=local, on_step=lambda: progress.advance(task)
            )
        bad = [r for r in results if not r["passed"]]
        _print(results, bad, as_json=as_json)
        if any(r["severity"] == "ERROR" for r in bad):
            raise typer.Exit(FAILED)
        raise typer.Exit(WAITING if strict and bad else DONE)


def _print(results: list[dict[str, Any]], bad: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json({"checks": len(results), "not_passed": bad})
    else:
        columns = ["asset", "check", "partition", "severity", "figures"]
        rows: list[list[Any]] = [[r[column] for column in columns] for r in bad]
        print_table(f"{len(results)} checks run, {len(bad)} not passed", columns, rows)


def damaged_files(workspace: Workspace, tenant: str) -> list[dict[str, Any]]:
    """Files of tables that are gone or unreadable, as checks that did not pass."""
    lake = workspace.lake(tenant)
    return [
        {
            "asset": table,
            "check": "readable",
            "partition": next((part.partition("=")[2] for part in file.split("/") if "=" in part), ""),
            "passed": False,
            "severity": "ERROR",
            "figures": f"{why}: {file}",
        }
        for stage in ("validated", "clinical")
        for table in lake.tables_below(stage)
        for file, why in lake.damaged_files(table).items()
    ]


def landing_days(workspace: Workspace, tenant: str) -> list[date]:
    """Landing days with uploads of a kind that is processed."""
    return sorted({u.landing_day for u in every_upload(workspace, tenant=tenant) if u.kind is not None})


def local_days(workspace: Workspace, tenant: str) -> list[date]:
    """Local days with facts of any kind."""
    import polars as pl  # noqa: PLC0415 - heavy, and not needed for --help

    from pipeline.clinical import clinical_schema, clinical_table  # noqa: PLC0415

    lake = workspace.lake(tenant)
    found: set[date] = set()
    for record_type in RECORD_TYPES:
        table = lake.scan(clinical_table(record_type), schema=clinical_schema(record_type))
        found |= set(table.select(pl.col("local_date").unique()).collect()["local_date"])
    return sorted(found)
