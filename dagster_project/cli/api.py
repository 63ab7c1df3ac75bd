"""`vitalgraph api` and `vitalgraph token`: the HTTP API and the keys to it.

Belongs here: starting the server; making, listing and revoking keys.
Does not belong here: routes (`dagster_project.api`).
"""

import threading
from datetime import UTC, datetime
from typing import Annotated

import typer

from dagster_project.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, print_table
from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from resources.catalog_tokens import ROLES
from vitals.errors import UsageError

token = typer.Typer(no_args_is_help=True, help="Keys of the HTTP API.")


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port.")] = 8000,
) -> None:
    """Serve the HTTP API and the review desk.

    Example: vitalgraph api --port 8000
    """
    with exit_codes():
        import uvicorn  # noqa: PLC0415 - heavy, and not needed for --help

        from dagster_project.api.app import build_app  # noqa: PLC0415
        from dagster_project.settling import definitions_of  # noqa: PLC0415

        settings = load_settings()
        app = build_app(settings, build_workspace(settings))
        # So that the first decision need not wait for it.
        threading.Thread(target=definitions_of, args=(settings,), daemon=True).start()
        console.print(f"API: http://{host}:{port}/v1/docs", highlight=False)
        # Access logs hold paths, and a path may hold a pseudonym.
        uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)


@token.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Who it is for; audit events carry it.")],
    role: Annotated[str, typer.Option("--role", help="reader, reviewer or admin.")] = "reader",
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once, and never again.

    Example: vitalgraph token create desk-anna --role reviewer
    """
    with exit_codes():
        if role not in ROLES:
            raise UsageError("make a key", "--role", "it is no role", f"Give one of {', '.join(ROLES)}.")
        catalog = build_workspace(load_settings()).catalog
        catalog.tenants.get(tenant)
        key = catalog.tokens.create(tenant, name=name, role=role, now=datetime.now(UTC))
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
        rows = [(t.name, t.role, t.created_at.isoformat(), t.revoked_at and t.revoked_at.isoformat()) for t in found]
        if as_json:
            print_json({"keys": [dict(zip(("name", "role", "created", "revoked"), row, strict=True)) for row in rows]})
        else:
            print_table("Keys", ["name", "role", "created", "revoked"], rows)


@token.command("revoke")
def revoke(name: Annotated[str, typer.Argument(help="Name of the key.")], tenant: TenantOption = "default") -> None:
    """End a key at once.

    Example: vitalgraph token revoke desk-anna
    """
    with exit_codes():
        build_workspace(load_settings()).catalog.tokens.revoke(tenant, name, now=datetime.now(UTC))
        console.print(f"key {name} revoked")
