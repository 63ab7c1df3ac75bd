"""`vitalgraph quarantine`: rows and files that broke a rule, what a change would do, and letting them through.

Belongs here: reading arguments and printing.
Does not belong here: what a decision does (`operations.quarantine`).
"""

from dataclasses import asdict
from typing import Annotated, Any, cast, get_args

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
from interfaces.cli.partials import NEXT, ByOption, ReasonOption, decide, login_name, needed
from interfaces.quarantine_rows import quarantine_item
from resources.catalog.rows.uploads import QuarantineStatus
from vitals.errors import UsageError
from vitals.record_types import BY_KIND

app = typer.Typer(no_args_is_help=True, help="Rows and files that broke a rule. Nothing here is ever deleted.")

WhatArgument = Annotated[list[str], typer.Argument(help="RULE.BOUND=VALUE, or ids of `quarantine list`.")]


@app.command("list")
def list_quarantine(
    tenant: TenantOption = "default",
    kind: Annotated[str | None, typer.Option("--kind", help="Only this kind.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Only this rule id, as `out_of_range`.")] = None,
    status: Annotated[str, typer.Option("--status", help="waiting, discarded or released.")] = "waiting",
    limit: Annotated[int, typer.Option("--limit", min=1)] = 1000,
    after: Annotated[int, typer.Option("--after", help="The next page: the last id of the one before.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """List rows and files in quarantine.

    Example: vitalgraph quarantine list --kind blood_glucose
    """
    with exit_codes():
        check_filter("--status", status, get_args(QuarantineStatus))
        check_filter("--kind", kind, BY_KIND)
        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        rows = workspace.catalog.quarantine.list(
            tenant, kind=kind, rule_id=rule, status=cast("QuarantineStatus", status), limit=limit, after=after
        )
        if as_json:
            print_json({"quarantine": [quarantine_item(row) for row in rows]})
            return
        print_table(
            f"Quarantine of {tenant} ({status})",
            ["id", "kind", "upload", "row", "judged by", "first seen"],
            [
                (
                    row.id,
                    row.kind,
                    row.upload_id[:12],
                    "whole file" if row.row_index is None else row.row_index,
                    row.judged_by,
                    f"{row.first_seen:%Y-%m-%d %H:%M}",
                )
                for row in rows
            ],
        )


@app.command("show")
def show(
    ids: Annotated[list[int], typer.Argument(help="Ids of `quarantine list`.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show rows with their status and where their bytes are.

    Example: vitalgraph quarantine show 12
    """
    with exit_codes():
        from pipeline.validated.quarantine_files import quarantine_path  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        rows = workspace.catalog.quarantine.get(tenant, ids)
        uploads = workspace.catalog.uploads.get(row.upload_id for row in rows)
        shown = [
            {**quarantine_item(row), "sidecar": f"{quarantine_path(uploads[row.upload_id])}.metadata.json"}
            for row in rows
        ]
        if as_json:
            print_json(shown)
            return
        for row_shown in shown:
            console.print_json(data=row_shown, sort_keys=True, default=str)


@app.command("what-if")
def what_if(what: WhatArgument, tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """Say what a rule change, or letting rows through, would do. Nothing is changed.

    Example: vitalgraph quarantine what-if out_of_range:level_mg_dl.max=700
    """
    with exit_codes():
        from operations.quarantine import what_if_rows, what_if_rule  # noqa: PLC0415 - heavy
        from vitals.validated.rule_policy import read_change  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        ids = _ids(what)
        if ids is None:
            found = what_if_rule(workspace, tenant=tenant, change=read_change(what[0]))
        else:
            found = what_if_rows(workspace, tenant=tenant, ids=ids)
        if as_json:
            print_json(asdict(found))
            return
        for title, rows in (
            ("Released", found.released),
            ("Captured", found.captured),
            ("Other reason", found.renamed),
        ):
            print_table(
                f"{title}: {len(rows)}",
                ["kind", "upload", "row", "was", "becomes"],
                [(r.kind, r.upload_id[:12], r.row_index, r.was, r.becomes) for r in rows],
            )
        lost = {**dict.fromkeys(found.dropped_before, 0), **found.dropped_after}
        if found.dropped_before != found.dropped_after:
            print_table(
                "Items taken out of lists",
                ["reason", "now", "then"],
                [(reason, found.dropped_before.get(reason, 0), items) for reason, items in sorted(lost.items())],
            )
        print_table("Days computed again", ["kind", "local day"], found.stale_days)
        console.print(
            f"{len(found.uploads)} uploads are read again; {len(found.training_files)} training files change: "
            f"{len(found.examples_gone)} lines go, {len(found.examples_new)} come"
        )
        for name, version in found.datasets:
            console.print(f"release {name} {version} holds people of these lines")


@app.command("release")
def release(
    what: WhatArgument, reason: ReasonOption = "", by: ByOption = None, tenant: TenantOption = "default"
) -> None:
    """Move a bound, or let single rows or files through; exactly what moves is read again.

    Example: vitalgraph quarantine release out_of_range:level_mg_dl.max=700 --reason "meter reads to 700"
    """
    with exit_codes():
        from operations.quarantine import release_rows, release_rule  # noqa: PLC0415 - heavy
        from vitals.validated.rule_policy import read_change  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        who: dict[str, Any] = {"tenant": tenant, "actor": by or login_name(), "reason": needed(reason)}
        ids = _ids(what)
        if ids is None:
            done = release_rule(workspace, change=read_change(what[0]), **who)
        else:
            done = release_rows(workspace, ids=ids, **who)
        console.print(f"{len(done.uploads)} uploads are read again: {NEXT}")


@app.command("discard")
def discard(
    ids: Annotated[list[int], typer.Argument(help="Ids of `quarantine list`.")],
    reason: ReasonOption = "",
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Give rows up: they stay accounted as quarantined, and wait no longer.

    Example: vitalgraph quarantine discard 12 --reason "test device"
    """
    with exit_codes():
        from operations.quarantine import discard_rows  # noqa: PLC0415 - heavy

        decide(discard_rows, ids, reason=reason, by=by, tenant=tenant)
        console.print(f"{len(ids)} discarded")


def _ids(what: list[str]) -> list[int] | None:
    """Ids, or None for a rule change."""
    if all(part.isdigit() for part in what):
        return [int(part) for part in what]
    if len(what) == 1:
        return None
    raise UsageError("read what to release", "arguments", "neither ids nor one rule change", "See --help.")
