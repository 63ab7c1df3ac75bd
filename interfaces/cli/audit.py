"""`vitalgraph audit`: who decided, changed or read what, and when.

Belongs here: options and printing.
Does not belong here: entering events (`audit_trail`, the stages, the API).
"""

from datetime import UTC, datetime
from typing import Annotated, Any

import orjson
import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.output import (
    INSTANT_FORMATS,
    JsonOption,
    TenantOption,
    console,
    exit_codes,
    in_calendar,
    print_json,
    print_table,
)
from resources.catalog.audit import NO_TENANT, AuditFilter
from resources.catalog.rows.tenants import AuditEvent
from vitals.display_text import escape_line

LONGEST_CELL = 200


def audit(
    actor: Annotated[str | None, typer.Option("--actor", help="Only of this person or key.")] = None,
    action: Annotated[
        str | None, typer.Option("--action", help="Only this kind, as `read`, `partial.complete`.")
    ] = None,
    target: Annotated[str | None, typer.Option("--target", help="Only on this, as a pseudonym or a row's id.")] = None,
    since: Annotated[
        datetime | None,
        typer.Option("--since", formats=INSTANT_FORMATS, callback=in_calendar, help="First instant, UTC."),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=INSTANT_FORMATS, callback=in_calendar, help="First instant after, UTC."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000)] = 100,
    before: Annotated[
        int | None, typer.Option("--before", min=1, help="The next page: the last id of this one.")
    ] = None,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show who decided, changed or read what, newest first. `--tenant -`: refused keys that belong to no tenant.

    Example: vitalgraph audit --action read --since 2026-11-01 --json
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        if tenant != NO_TENANT:
            workspace.catalog.tenants.get(tenant)
        wanted = AuditFilter(actor=actor, action=action, target=target, since=_utc(since), until=_utc(until))
        found = workspace.catalog.audit.recent(tenant, wanted, limit=limit + 1, before=before)
        events, following = found[:limit], found[limit - 1].id if len(found) > limit else None
        if as_json:
            print_json({"events": [_shown(event) for event in events], "next": following})
            return
        print_table(
            f"Audit trail of {tenant}",
            ["id", "at (UTC)", "who", "did", "on", "details"],
            [
                (
                    event.id,
                    f"{event.at:%Y-%m-%d %H:%M:%S}",
                    *(escape_line(text, longest=LONGEST_CELL) for text in (event.actor, event.action, event.target)),
                    escape_line(
                        orjson.dumps(dict(event.details), option=orjson.OPT_SORT_KEYS).decode(), longest=LONGEST_CELL
                    ),
                )
                for event in events
            ],
        )
        if following is not None:
            console.print(f"older ones: --before {following}")


def _utc(instant: datetime | None) -> datetime | None:
    return None if instant is None else instant.replace(tzinfo=UTC)


def _shown(event: AuditEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "actor": event.actor,
        "action": event.action,
        "target": event.target,
        "details": dict(event.details),
        "duration_ms": event.duration_ms,
    }
