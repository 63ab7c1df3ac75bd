"""Keys of the HTTP API.

Belongs here: the `api_token` table: making, recognising and revoking keys.
Does not belong here: what a role may do (`interfaces.api`).

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

from sqlalchemy import Connection, delete, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import tenants as models
from resources.catalog.sql import fetch, selecting
from vitals.errors import ConflictError, NotFoundError

Role = Literal["reader", "reviewer", "admin"]
ROLES: tuple[Role, ...] = ("reader", "reviewer", "admin")
"""In order of what they may do; each may do what those before it may."""

Refusal = Literal["malformed", "unknown", "wrong secret", "revoked", "expired"]

_KEY = re.compile(r"vg_([0-9a-f]{12})_([A-Za-z0-9_-]{32})")


@dataclass(frozen=True, kw_only=True)
class ApiToken:
    """A key without its secret."""

    token_id: str
    tenant: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True)
class Recognition:
    """What is known of a key that somebody showed.

    Attributes:
        token: the key that its id names, whether or not it counts; None if there is none.
        refusal: why it does not count; None if it does.
    """

    token: ApiToken | None
    refusal: Refusal | None

    @property
    def accepted(self) -> ApiToken | None:
        """The key, if it counts."""
        return self.token if self.refusal is None else None


class CatalogTokens:
    """The keys of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def create(self, tenant: str, *, name: str, role: Role, now: datetime, expires_at: datetime | None = None) -> str:
        """Make a key; the only time that it is shown.

        Raises:
            ConflictError: the tenant has a key of this name that counts.
        """
        token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(24)
        table = models.ApiToken
        row = {
            "token_id": token_id,
            "tenant": tenant,
            "name": name,
            "role": role,
            "secret_sha256": _hash(secret),
            "created_at": now,
            "expires_at": expires_at,
            "revoked_at": None,
        }
        # A key that has expired is done with: its name is free as that of a revoked one is.
        expired = (
            update(table)
            .where(table.tenant == tenant, table.name == name, table.revoked_at.is_(None), table.expires_at <= now)
            .values(revoked_at=table.expires_at)
        )
        statement = self._database.insert(table).on_conflict_do_nothing().returning(table.token_id)

        def work(connection: Connection) -> bool:
            connection.execute(expired)
            return bool(connection.execute(statement, [row]).all())

        if not self._database.write("make a key", work):
            raise ConflictError(
                "make a key", f"{tenant}, {name}", "a key of this name exists", "Choose another name, or revoke it."
            )
        return f"vg_{token_id}_{secret}"

    def recognise(self, key: str, *, now: datetime) -> Recognition:
        """Look up whose key it is, and whether it counts."""
        match = _KEY.fullmatch(key)
        if match is None:
            return Recognition(None, "malformed")
        table = models.ApiToken
        statement = select(table).where(table.token_id == match[1])

        def work(connection: Connection) -> Recognition:
            found = connection.execute(statement).mappings().one_or_none()
            if found is None:
                return Recognition(None, "unknown")
            token = ApiToken(**{name: value for name, value in found.items() if name != "secret_sha256"})
            if not hmac.compare_digest(found["secret_sha256"], _hash(match[2])):
                return Recognition(token, "wrong secret")
            return Recognition(token, refusal_of(token, now))

        return self._database.read("recognise a key", work)

    def list(self, tenant: str) -> Sequence[ApiToken]:
        """Keys of a tenant by name, oldest first, revoked ones too."""
        statement = selecting(models.ApiToken, ApiToken).where(models.ApiToken.tenant == tenant)
        ordered = statement.order_by(models.ApiToken.name, models.ApiToken.created_at, models.ApiToken.token_id)
        return self._database.read("list the keys", lambda connection: fetch(connection, ordered, ApiToken))

    def revoke(self, tenant: str, name: str, *, now: datetime) -> None:
        """End a key, and every session at the desk that was begun with it.

        Raises:
            NotFoundError: the tenant has no such key that is not revoked.
        """
        table, sessions = models.ApiToken, models.DeskSession
        statement = (
            update(table)
            .where(table.tenant == tenant, table.name == name, table.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(table.token_id)
        )

        def work(connection: Connection) -> bool:
            ended = list(connection.scalars(statement))
            connection.execute(delete(sessions).where(sessions.token_id.in_(ended)))
            return bool(ended)

        if not self._database.write("revoke a key", work):
            raise NotFoundError("revoke the key", f"{tenant}, {name}", "no such key", "See `vitalgraph token list`.")


def refusal_of(token: ApiToken, now: datetime) -> Refusal | None:
    """Say why a key does not count any more; None if it does."""
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else None


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
