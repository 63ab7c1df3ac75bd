"""`vitalgraph api` and `vitalgraph token`: the HTTP API and the keys to it.

Belongs here: starting the server; making, listing and revoking keys.
Does not belong here: routes (`interfaces.api`).
"""

import re
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.audit_trail import enter
from interfaces.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, print_table
from resources.catalog.tokens import ROLES
from vitals.errors import UsageError

EVERY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - what somebody may give, not what is listened on
"""Addresses that are no name of this server."""

NAME = re.compile(r"[^\x00-\x1f\x7f-\x9f]{1,100}")
MAX_DAYS = 3660

token = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API.")


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port.")] = 8000,
) -> None:
    """Serve the HTTP API and the review desk.

    Example: vitalgraph api --port 8000
    """
    with exit_codes():
        from dagster_project.settling import definitions_of  # noqa: PLC0415
        from interfaces.api.app import build_app  # noqa: PLC0415 - heavy, and not needed for --help
        from interfaces.web.server import server_of  # noqa: PLC0415

        settings = load_settings()
        own = () if host in EVERY_ADDRESS else (f"[{host}]" if ":" in host else host,)
        app = build_app(settings, build_workspace(settings), hosts=own)
        # So that the first decision need not wait for it.
        threading.Thread(target=definitions_of, args=(settings,), daemon=True).start()
        console.print(f"API: http://{host}:{port}/v1/docs", highlight=False)
        # Ctrl-C is how a server is ended; it has answered what it had begun.
        with suppress(KeyboardInterrupt):
            server_of(app, settings, host=host, port=port).run()


@token.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who it is for; audit events carry it.")],
    role: Annotated[str, typer.Option("--role", help="reader, reviewer or admin.")] = "reader",
    expires_days: Annotated[
        float | None, typer.Option("--expires-days", help="Days for which it counts; default until it is revoked.")
    ] = None,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once, and never again.

    Example: vitalgraph token create desk-anna --role reviewer --expires-days 90
    """
    with exit_codes():
        if role not in ROLES:
            raise UsageError("make a key", "--role", "it is no role", f"Give one of {', '.join(ROLES)}.")
        if not NAME.fullmatch(name):
            why = "it is not 1 to 100 printable characters"
            raise UsageError("make a key", "NAME", why, "Give a short name.")
        if expires_days is not None and not 0 < expires_days <= MAX_DAYS:
            why = f"it is not more than 0 and at most {MAX_DAYS} days"
            raise UsageError("make a key", "--expires-days", why, "Give another number, or leave it out.")
        catalog = build_workspace(load_settings()).catalog
        catalog.tenants.get(tenant)
        now = datetime.now(UTC)
        expires_at = None if expires_days is None else now + timedelta(days=expires_days)
        key = catalog.tokens.create(tenant, name=name, role=role, now=now, expires_at=expires_at)
        expires = None if expires_at is None else expires_at.isoformat(timespec="seconds")
        enter(catalog, tenant, "token.create", name, role=role, expires=expires)
        if as_json:
            print_json({"key": key})
        else:
            console.print(key, highlight=False, soft_wrap=True)


@token.command("list")
def list_tokens(tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """List the keys of a tenant, without their secrets.

    Example: vitalgraph token list
    """
    with exit_codes():
        found = build_workspace(load_settings()).catalog.tokens.list(tenant)
        columns = ("name", "role", "created", "expires", "revoked")
        rows = [(t.name, t.role, *map(_written, (t.created_at, t.expires_at, t.revoked_at))) for t in found]
        if as_json:
            print_json({"keys": [dict(zip(columns, row, strict=True)) for row in rows]})
        else:
            print_table("Keys", columns, rows)


def _written(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


@token.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="Name of the key.")], tenant: TenantOption = "default") -> None:
    """End a key at once, and every session at the desk begun with it. Its name may be given again.

    Example: vitalgraph token revoke desk-anna
    """
    with exit_codes():
        catalog = build_workspace(load_settings()).catalog
        catalog.tokens.revoke(tenant, name, now=datetime.now(UTC))
        enter(catalog, tenant, "token.revoke", name)
        console.print(f"key {name} revoked")
