"""`vitalgraph partial`: what waits for a person, completing it, taking it back.

Belongs here: reading arguments and printing.
Does not belong here: what a completion does (`operations.completions`).
"""

import os
import pwd
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any, TypeVar

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.audit_trail import LISTED, note_read
from interfaces.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, print_table
from vitals.errors import UsageError
from vitals.record_types import BY_KIND

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, help="Records that lack context and wait for a person.")


def login_name() -> str:
    """Who works at this terminal: the actor of decisions, unless `--by` names another."""
    return pwd.getpwuid(os.getuid()).pw_name


ByOption = Annotated[str | None, typer.Option("--by", help="Who decides; default the login name.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Why; kept with the decision. No name, no health value.")]
NEXT = "`vitalgraph ingest` (or the sensor) does the rest"


def decide(decision: Callable[..., T], ids: list[int], *, reason: str, by: str | None, tenant: str) -> T:
    """Make a decision on rows by their ids, in the name of who works here or of `--by`."""
    workspace = build_workspace(load_settings())
    return decision(workspace, tenant=tenant, ids=ids, actor=by or login_name(), reason=needed(reason))


@app.command("list")
def list_partials(tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """List what waits, what each item lacks and what it blocks.

    Example: vitalgraph partial list
    """
    with exit_codes():
        from operations.review_queue import inbox  # noqa: PLC0415 - heavy, and not needed for --help

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        note_read(workspace.catalog, tenant, LISTED, "partial list")
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


@app.command("show")
def show_partial(
    partial_id: Annotated[int, typer.Argument(help="Id of `partial list`.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show a record that waits or waited: what it blocks, and where each of its fields is from.

    A field is `avro` (from the file), `manual` (completed by a person), `inferred` (a zone, from the person's other
    records, with the time to the nearest of them and a confidence) or `missing`.

    Example: vitalgraph partial show 12
    """
    with exit_codes():
        from operations.provenance import provenance_of_partial  # noqa: PLC0415
        from operations.review_queue import metrics_reading  # noqa: PLC0415
        from pipeline.consent import hidden_people  # noqa: PLC0415 - heavy, and not needed for --help

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        row = workspace.catalog.partials.get(tenant, partial_id)
        note_read(workspace.catalog, tenant, row.subject_id, "partial show")
        hidden = bool(hidden_people(workspace, tenant, [row.subject_id]))
        shown: dict[str, Any] = {
            "id": row.id,
            "kind": row.kind,
            "status": row.status,
            "subject_id": row.subject_id,
            "blocks": metrics_reading(BY_KIND[row.kind]) if row.status == "waiting" else [],
            "fields": provenance_of_partial(workspace, tenant, row, hidden=hidden),
        }
        if as_json:
            print_json(shown)
            return
        print_table(
            "Record",
            ["id", "kind", "status", "metrics that wait for it"],
            [(row.id, row.kind, row.status, ", ".join(shown["blocks"]))],
        )
        print_table(
            "Fields",
            ["field", "from", "value", "why"],
            [(name, of["provenance"], of.get("value"), evidence_words(of)) for name, of in shown["fields"].items()],
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
        from operations.completions import complete, in_scope, read_rule  # noqa: PLC0415 - heavy

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
        from operations.completions import discard  # noqa: PLC0415 - heavy

        console.print(f"{decide(discard, ids, reason=reason, by=by, tenant=tenant)} discarded")


@app.command("restore")
def restore_partials(
    ids: Annotated[list[int], typer.Argument(help="Ids of records that were given up.")],
    reason: ReasonOption = "",
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Take a `discard` back: the records wait again, in every delivery.

    Example: vitalgraph partial restore 12 --reason "the meter came back"
    """
    with exit_codes():
        from operations.completions import restore  # noqa: PLC0415 - heavy

        console.print(f"{decide(restore, ids, reason=reason, by=by, tenant=tenant)} wait again: {NEXT}")


@app.command("choose")
def choose(
    subject_id: Annotated[str, typer.Argument(help="The person's pseudonym, as `partial list --json` gives it.")],
    kind: Annotated[str, typer.Argument(help="The kind of record.")],
    source_app: Annotated[str, typer.Argument(help="The app that counts first.")],
    device: Annotated[
        str | None, typer.Option("--device", help="Only its devices of this type, as WATCH, where several disagree.")
    ] = None,
    reason: ReasonOption = "",
    by: ByOption = None,
    tenant: TenantOption = "default",
) -> None:
    """Choose which source of a person counts first where two disagree; `partial undo` takes it back.

    Example: vitalgraph partial choose 1f0c… steps com.ouraring.oura --reason "the phone lay on the desk"
    """
    with exit_codes():
        from operations.source_choices import choose_source  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        completion = choose_source(
            workspace,
            tenant=tenant,
            subject_id=subject_id,
            kind=kind,
            source_app=source_app,
            device=device,
            actor=by or login_name(),
            reason=needed(reason),
        )
        console.print(f"chosen (completion {completion}); the person's days are computed again: {NEXT}")


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
        from operations.completions import undo  # noqa: PLC0415 - heavy

        done = decide(undo, ids, reason=reason, by=by, tenant=tenant)
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
        from operations.completions import require_context  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        uploads = require_context(
            workspace, tenant=tenant, kind=kind, fields=fields or [], actor=by or login_name(), reason=needed(reason)
        )
        console.print(f"{len(uploads)} uploads are read again: {NEXT}")


def evidence_words(field: Mapping[str, Any]) -> str:
    """What the provenance of a field rests on, in words."""
    if field["provenance"] == "manual":
        return f"{field['by']}, {field['at'][:16].replace('T', ' ')}: {field['reason']} (completion {field['completion_id']})"
    if field["provenance"] == "inferred":
        return f"confidence {field['confidence']}: another record of the person gives it {field['evidence_hours']:g} h away"
    return ""


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
