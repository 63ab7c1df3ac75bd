"""Keys of the HTTP API.

Belongs here: the `api_token` table: making, recognising and revoking keys.
Does not belong here: what a role may do (`dagster_project.api`).

A key is `vg_<id>_<secret>`. The catalog holds the SHA-256 of the secret: it has 192 random bits, which no one guesses,
so a slow hash would protect nothing and cost every request.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, select, update

from resources.catalog_database import CatalogDatabase
from resources.catalog_models import tenants as models
from resources.catalog_sql import fetch, selecting
from vitals.errors import ConflictError, NotFoundError

Role = Literal["reader", "reviewer", "admin"]
ROLES: tuple[Role, ...] = ("reader", "reviewer", "admin")
"""In order of what they may do; each may do what those before it may."""

_KEY = re.compile(r"vg_([0-9a-f]{12})_([A-Za-z0-9_-]{32})")


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A key without its secret."""

    token_id: str
    tenant: str
    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None


class CatalogTokens:
    """The keys of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def create(self, tenant: str, *, name: str, role: Role, now: datetime) -> str:
        """Make a key; the only time that it is shown.

        Raises:
            ConflictError: the tenant has a key of this name.
        """
        token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(24)
        row = {
            "token_id": token_id,
            "tenant": tenant,
            "name": name,
            "role": role,
            "secret_sha256": _hash(secret),
            "created_at": now,
            "revoked_at": None,
        }
        statement = self._database.insert(models.ApiToken).on_conflict_do_nothing().returning(models.ApiToken.token_id)
        if not self._database.write("make a key", lambda connection: connection.execute(statement, [row]).all()):
            raise ConflictError("make a key", f"{tenant}, {name}", "a key of this name exists", "Choose another name.")
        return f"vg_{token_id}_{secret}"

    def recognise(self, key: str) -> ApiToken | None:
        """Whose key it is; None if it is nobody's, or revoked."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        table = models.ApiToken
        statement = select(table).where(table.token_id == match[1], table.revoked_at.is_(None))

        def work(connection: Connection) -> ApiToken | None:
            found = connection.execute(statement).mappings().one_or_none()
            if found is None or not hmac.compare_digest(found["secret_sha256"], _hash(match[2])):
                return None
            return ApiToken(**{name: value for name, value in found.items() if name != "secret_sha256"})

        return self._database.read("recognise a key", work)

    def list(self, tenant: str) -> Sequence[ApiToken]:
        """Keys of a tenant by name, revoked ones too."""
        statement = selecting(models.ApiToken, ApiToken).where(models.ApiToken.tenant == tenant)
        ordered = statement.order_by(models.ApiToken.name)
        return self._database.read("list the keys", lambda connection: fetch(connection, ordered, ApiToken))

    def revoke(self, tenant: str, name: str, *, now: datetime) -> None:
        """End a key.

        Raises:
            NotFoundError: the tenant has no such key that is not revoked.
        """
        table = models.ApiToken
        statement = (
            update(table)
            .where(table.tenant == tenant, table.name == name, table.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(table.token_id)
        )
        if not self._database.write("revoke a key", lambda connection: connection.execute(statement).all()):
            raise NotFoundError("revoke the key", f"{tenant}, {name}", "no such key", "See `vitalgraph token list`.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
