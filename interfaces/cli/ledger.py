"""`vitalgraph status` and `vitalgraph uploads`: the books.

Belongs here: reading and printing them.
Does not belong here: changing them.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.output import (
    JsonOption,
    TenantOption,
    check_filter,
    console,
    exit_codes,
    print_json,
    print_table,
)
from pipeline.row_accounting import every_upload
from pipeline.validated.records_table import record_count, records_table
from resources.catalog.rows.uploads import Upload, UploadState
from resources.workspace import Workspace
from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.training.rounding import round_half_up

FATES = ("accepted", "duplicate", "superseded", "presumed_deleted", "partial", "quarantined")

uploads = typer.Typer(no_args_is_help=True, help="Row accounting: what became of every uploaded row.")


@uploads.command("list")
def list_uploads(
    tenant: TenantOption = "default",
    state: Annotated[str | None, typer.Option("--state", help="Only uploads in this state.")] = None,
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind.")] = None,
    as_json: JsonOption = False,
) -> None:
    """List uploads with the fate of their rows, and totals per kind.

    Example: vitalgraph uploads list --json
    """
    with exit_codes():
        check_filter("--state", state, get_args(UploadState))
        check_filter("--kind", kind, BY_KIND)
        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        filters: dict[str, Any] = {"kind": kind, "states": [state] if state else None}
        found = sorted(every_upload(workspace, tenant=tenant, **filters), key=lambda u: (u.key, u.landed_at))
        totals = kind_totals(workspace, tenant, found)
        left_out = [
            {"key": one.key, "why": one.why, "since": one.first_seen.isoformat(timespec="seconds")}
            for one in workspace.catalog.left_out.list(tenant)
        ]
        if as_json:
            print_json({"uploads": [upload_json(u) for u in found], "totals": totals, "left_out": left_out})
            return
        print_table(
            f"Uploads of {tenant}",
            ["key", "state", "rows", "fates"],
            [(u.key, f"{u.state}: {u.reason}" if u.reason else u.state, u.rows_total, _fates(u)) for u in found],
        )
        print_table(
            "Totals",
            ["kind", "uploads", "rows", *FATES, "records"],
            [(k, t["uploads"], t["total"], *(t[fate] for fate in FATES), t["records"]) for k, t in totals.items()],
        )
        if left_out:
            print_table(
                "Left out: not entered, and looked at again with every listing",
                ["key", "why", "since (UTC)"],
                [(one["key"], one["why"], one["since"][:16].replace("T", " ")) for one in left_out],
            )


@uploads.command("show")
def show_upload(
    key: Annotated[str, typer.Argument(help="Key of the object, as `uploads list` prints it.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Explain one upload: each version, its state, the fate of its rows, the rules that rows broke.

    `dropped_items` counts the heart-rate samples or sleep stages that were taken out of good rows, by reason.

    Example: vitalgraph uploads show raw/StepsRecord/2025/09/20/anna_1758407139312_0a1b2c3d4e5f.avro
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        versions = workspace.catalog.uploads.versions(tenant, key)
        shown = [{**upload_json(u), "quarantine": _quarantine(workspace, u)} for u in versions]
        if as_json:
            print_json({"versions": shown})
            return
        for version in shown:
            console.print_json(data=version, sort_keys=True)


def upload_json(upload: Upload) -> dict[str, Any]:
    """One upload as the contract has it."""
    return {
        "key": upload.key,
        "kind": upload.kind,
        "type": upload.type_name,
        "state": upload.state,
        "reason": upload.reason,
        "detail": upload.detail,
        "rows": {"total": upload.rows_total, **{fate: getattr(upload, f"rows_{fate}") for fate in FATES}},
        "dropped_items": dict(upload.dropped_items),
        "score": upload.score,
        "landing_day": upload.landing_day.isoformat(),
        "size_bytes": upload.size_bytes,
        "attempts": upload.attempts,
        "run_id": upload.run_id,
    }


def kind_totals(workspace: Workspace, tenant: str, found: Iterable[Upload]) -> dict[str, dict[str, int]]:
    """Totals per kind over these uploads; `records` counts the current records, without those presumed deleted."""
    found = list(found)
    totals: dict[str, dict[str, int]] = {}
    for record_type in RECORD_TYPES:
        of_kind = [u for u in found if u.kind == record_type.kind]
        if not of_kind:
            continue
        totals[record_type.kind] = {
            "uploads": len(of_kind),
            "total": sum(u.rows_total for u in of_kind),
            **{fate: sum(getattr(u, f"rows_{fate}") for u in of_kind) for fate in FATES},
            "records": record_count(workspace.lake(tenant), record_type)
            - workspace.catalog.deletions.count(tenant, record_type.kind),
        }
    return totals


def _fates(upload: Upload) -> str:
    """The fates that rows of an upload had, in words: a column for each leaves no room for the key."""
    counts = {fate: getattr(upload, f"rows_{fate}") for fate in FATES}
    counts["dropped items"] = sum(upload.dropped_items.values())
    return ", ".join(f"{count} {fate}" for fate, count in counts.items() if count)


def _quarantine(workspace: Workspace, upload: Upload) -> list[dict[str, Any]]:
    return [
        {"row": row.row_index, "reason": row.reason, "rule_version": row.rule_version, "first_seen": row.first_seen}
        for row in workspace.catalog.quarantine.list(upload.tenant, upload_id=upload.upload_id)
    ]


def status(
    tenant: Annotated[str | None, typer.Option("--tenant", "-t", help="Only this tenant; default all.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is done, pending, stale and waiting, and how late each source is.

    Example: vitalgraph status
    """
    with exit_codes():
        from dagster_project.execution import local_instance  # noqa: PLC0415 - Dagster takes a second to import
        from dagster_project.stage_status import stages_of  # noqa: PLC0415

        settings = load_settings()
        workspace = build_workspace(settings)
        tenants = [workspace.catalog.tenants.get(tenant)] if tenant else list(workspace.catalog.tenants.list())
        with local_instance(settings) as instance:
            report = {
                t.name: {
                    **tenant_status(workspace, t.name, paused=t.paused),
                    "stages": {
                        stage: {"computed_days": len(of.computed), "failed_days": of.failed}
                        for stage, of in stages_of(instance, t.name).items()
                    },
                }
                for t in tenants
            }
        if as_json:
            print_json(report)
            return
        for name, found in report.items():
            console.rule(f"{name}{' (paused)' if found['paused'] else ''}")
            landing = found["pending_landing_days"]
            to_do = {"raw": landing, "validated": landing, **found["stale_days"]}
            print_table(
                "Stages",
                ["stage", "days", "to do", "failed"],
                [
                    (stage, of["computed_days"], len(to_do[stage]), ", ".join(of["failed_days"]))
                    for stage, of in found["stages"].items()
                ],
            )
            print_table("Uploads by state", ["state", "uploads"], sorted(found["uploads"].items()))
            print_table(
                "Waiting",
                ["what", "number"],
                [
                    ("rows quarantined", found["quarantined"]),
                    ("rows partial", found["partial"]),
                    *((f"entries left out: {why}", count) for why, count in sorted(found["left_out"].items())),
                ],
            )
            print_table(
                "Sources",
                ["kind", "source", "newest (UTC)", "lag, min"],
                [
                    (s["kind"], s["source_app"], s["newest_utc"][:16].replace("T", " "), s["median_lag_minutes"])
                    for s in found["sources"]
                ],
            )


def tenant_status(workspace: Workspace, tenant: str, *, paused: bool) -> dict[str, Any]:
    """Where a tenant stands, as plain values."""
    from sensors.landed_objects import left_out_of  # noqa: PLC0415 - Dagster takes a second to import

    catalog = workspace.catalog
    stale = {
        stage: sorted({mark.local_date.isoformat() for mark in catalog.stale_days.list(tenant, stage)})
        for stage in ("clinical", "training")
    }
    return {
        "paused": paused,
        "uploads": dict(catalog.uploads.counts(tenant)),
        "pending_landing_days": [day.isoformat() for day, _ in catalog.uploads.pending_partitions(tenant)],
        "stale_days": stale,
        "quarantined": sum(catalog.quarantine.counts(tenant).values()),
        "left_out": left_out_of(workspace, [tenant]).get(tenant, {}),
        "partial": sum(n for (_, state), n in catalog.partials.counts(tenant).items() if state == "waiting"),
        "sources": source_lags(workspace, tenant),
        "as_of": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def source_lags(workspace: Workspace, tenant: str) -> list[dict[str, Any]]:
    """Newest data per kind and source, and how long after an instant the source published it."""
    import polars as pl  # noqa: PLC0415 - half of the start-up time of this command group

    lake = workspace.lake(tenant)
    found: list[dict[str, Any]] = []
    for record_type in RECORD_TYPES:
        # A total of a day that is not over tells nothing of how late its source is.
        lag = ((pl.col("modified_utc") - pl.col("end_utc")).dt.total_seconds() / 60).filter(
            pl.col("modified_utc") >= pl.col("end_utc")
        )
        table = lake.scan(records_table(record_type), schema=pl.Schema(record_type.columns))
        sources = (
            table.group_by("source_app")
            .agg(newest=pl.col("start_utc").max(), lag=lag.median())
            .sort("source_app")
            .collect()
        )
        found += [
            {
                "kind": record_type.kind,
                "source_app": app,
                "newest_utc": newest.isoformat(timespec="minutes"),
                "median_lag_minutes": None if median is None else int(round_half_up(median)),
            }
            for app, newest, median in sources.iter_rows()
        ]
    return found
