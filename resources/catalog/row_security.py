"""Row-level security of PostgreSQL: whose rows a transaction may see and write.

Belongs here: how a transaction says whose it is, which tables are protected by what, and whether the database does it.
Does not belong here: creating the policies (`migrations`), queries.

A transaction that says nothing sees no row. One of a tenant says `vitalgraph.tenant`; stages, sensors and commands, which
work for all tenants, say `vitalgraph.every_tenant`. Both end with the transaction.
"""

from sqlalchemy import Connection, text

from resources.catalog.models.every import METADATA

OWNED_THROUGH = {
    "dataset_contributor": ("dataset_id", "dataset_version", "id"),
    "desk_session": ("token_id", "api_token", "token_id"),
}
"""Tables without a tenant of their own: column, the table that has one, and its column."""

OF_NO_TENANT = frozenset({"installation"})
"""Tables that hold nothing of any tenant."""


def protected_tables() -> list[str]:
    """Every table of the models that needs a policy: all but those that hold nothing of any tenant."""
    return sorted(set(METADATA.tables) - OF_NO_TENANT)


def say_whose(connection: Connection, tenant: str | None) -> None:
    """Say whose rows this transaction works with: one tenant's, or everybody's; nothing to do on SQLite."""
    if connection.dialect.name != "postgresql":
        return
    connection.execute(
        text(
            "SELECT set_config('vitalgraph.tenant', :tenant, true), "
            "set_config('vitalgraph.every_tenant', :everybody, true)"
        ),
        {"tenant": tenant or "", "everybody": "on" if tenant is None else ""},
    )


def unprotected(connection: Connection) -> list[str]:
    """What keeps the database from hiding one tenant's rows from another, table by table; empty if nothing does."""
    if connection.dialect.name != "postgresql":
        return []
    statement = text(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity, "
        "EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid) "
        "FROM pg_class c WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'"
    )
    found = {row[0]: row[1:] for row in connection.execute(statement)}
    wrong = []
    for name in protected_tables():
        on, forced, has_policy = found.get(name, (False, False, False))
        if not on:
            wrong.append(f"row-level security of table {name} is off")
        elif not has_policy:
            wrong.append(f"table {name} has no policy of row-level security")
        elif not forced:
            wrong.append(f"row-level security of table {name} does not bind the owner of the table (FORCE is missing)")
    return [f"{one}: make it as in `migrations/versions/0015_row_security.py`" for one in wrong]


def bypassed(connection: Connection) -> list[str]:
    """Why the role of this connection is not bound by row-level security; empty if it is."""
    if connection.dialect.name != "postgresql":
        return []
    statement = text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
    return [
        f"row-level security does not bind the role {name} of VITALGRAPH_CATALOG, which {why}: a query that forgets the "
        "tenant sees everybody's rows. Connect as a role that owns the tables and has neither right."
        for name, is_super, bypasses in connection.execute(statement)
        for why, holds in (("is a superuser", is_super), ("has BYPASSRLS", bypasses and not is_super))
        if holds
    ]
