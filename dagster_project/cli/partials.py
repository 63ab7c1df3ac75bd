"""`vitalgraph partial`: what waits for a person, completing it, taking it back.

Belongs here: reading arguments and printing.
Does not belong here: what a completion does (`assets.stages.completions`).
"""

import os
import pwd
from datetime import date
from typing import Annotated

import typer

from dagster_project.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, print_table
from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from vitals.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Records that lack context and wait for a person.")


def login_name() -> str:
    """Who works at this terminal: the actor of decisions, unless `--by` names another."""
    return pwd.getpwuid(os.getuid()).pw_name


ByOption = Annotated[str | None, typer.Option("--by", help="Who decides; default the login name.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the decision. No name, no health value.")]
NEXT = "`vitalgraph ingest` (or the sensor) does the rest"


@app.command("list")
def list_partials(tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """List what waits, what each item lacks and what it blocks.

    Example: vitalgraph partial list
    """
    with exit_codes():
        from assets.stages.held_back import inbox  # noqa: PLC0415 - heavy, and not needed for --help

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        items = inbox(workspace, tenant=tenant)
        if as_json:
            print_json({"waiting": [vars(item) for item in items]})
            return
        print_table(
            f"Waiting in {tenant}",
            ["id", "what", "kind", "subject", "lacks", "sources", "uploads", "blocks metrics", "days"],
            [
                (
                    item.partial_id,
                    item.what,
                    item.kind,
                    item.subject_id[:8],
                    ", ".join(item.lacks),
                    ", ".join(item.sources),
                    item.deliveries,
                    len(item.blocks),
                    _days(item.days),
                )
                for item in items
            ],
        )


@app.command("complete")
def complete_partials(
    said: Annotated[list[str] | None, typer.Argument(help="Ids and FIELD=VALUE, as `12 13 zone=-05:00`.")] = None,
    reason: ReasonOption = "",
    rule: Annotated[
        str | None,
        typer.Option("--rule", help='Complete all that waits in a scope: "source_app=com.acme.meter FIELD=VALUE".'),
    ] = None,
    preview: Annotated[
        bool, typer.Option("--preview", help="Only say how many records the rule would complete.")
    ] = False,
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Say what records lack; the days they belong to are computed again.

    Example: vitalgraph partial complete --rule "source_app=com.acme.meter specimen_source=CAPILLARY_BLOOD" --reason "sold for fingers only"
    """
    with exit_codes():
        from assets.stages.completions import complete, in_scope, read_rule  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        given = said or []
        ids = [int(part) for part in given if part.isdigit()]
        scope, fields = read_rule(rule) if rule else ({}, dict(_pair(part) for part in given if not part.isdigit()))
        if bool(rule) == bool(given):
            raise UsageError(
                "complete records", "partial complete", "not exactly one of ids and --rule is given", "See --help."
            )
        if rule:
            ids = [row.id for row in in_scope(workspace, tenant=tenant, scope=scope, fields=fields)]
            console.print(f"{len(ids)} waiting records are in the scope of the rule")
        if preview or (rule and not ids):
            return
        done = complete(
            workspace,
            tenant=tenant,
            ids=ids,
            said=fields,
            actor=by or login_name(),
            reason=needed(reason),
            scope=scope or None,
        )
        console.print(
            f"{done.records} records completed (completions {_span(done.completions)}); "
            f"{len(done.uploads)} uploads are read again: {NEXT}"
        )


@app.command("discard")
def discard_partials(
    ids: Annotated[list[int], typer.Argument(help="Ids of `partial list`.")],
    reason: ReasonOption = "",
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Give records up that nobody can complete: they count nowhere and wait no longer, so that their batch closes.

    Example: vitalgraph partial discard 12 --reason "the meter was lent to somebody"
    """
    with exit_codes():
        from assets.stages.completions import discard  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        records = discard(workspace, tenant=tenant, ids=ids, actor=by or login_name(), reason=needed(reason))
        console.print(f"{records} discarded")


@app.command("undo")
def undo_completions(
    ids: Annotated[list[int], typer.Argument(help="Ids of completions, as `partial complete` prints them.")],
    reason: ReasonOption = "",
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Take completions back: the records wait again, and all that followed is as it was.

    Example: vitalgraph partial undo 4 5 --reason "wrong meter"
    """
    with exit_codes():
        from assets.stages.completions import undo  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        done = undo(workspace, tenant=tenant, ids=ids, actor=by or login_name(), reason=needed(reason))
        console.print(f"{done.records} records wait again; {len(done.uploads)} uploads are read again: {NEXT}")


@app.command("require")
def require(
    kind: Annotated[str, typer.Argument(help="The kind of record.")],
    fields: Annotated[list[str] | None, typer.Argument(help="Fields its rows must have; none for the default.")] = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Demand context of a tenant's rows of a kind: rows without it wait.

    Example: vitalgraph partial require blood_glucose specimen_source relation_to_meal --reason "study protocol 4.2"
    """
    with exit_codes():
        from assets.stages.completions import require_context  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        uploads = require_context(
            workspace, tenant=tenant, kind=kind, fields=fields or [], actor=by or login_name(), reason=needed(reason)
        )
        console.print(f"{len(uploads)} uploads are read again: {NEXT}")


def _days(days: list[date]) -> str:
    if not days:
        return "not shown"
    return f"{days[0]}" + (f" and {len(days) - 1} more" if len(days) > 1 else "")


def needed(reason: str) -> str:
    """The reason given.

    Raises:
        UsageError: none is.
    """
    if not reason.strip():
        raise UsageError("decide", "--reason", "no reason is given", "Say why: it stays with the decision.")
    return reason.strip()


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(
            "complete records", "FIELD=VALUE", "an argument is neither an id nor FIELD=VALUE", "See --help."
        )
    return name, value


def _span(ids: list[int]) -> str:
    return " ".join(map(str, ids)) if len(ids) < 8 else f"{ids[0]} to {ids[-1]}"
