"""Sessions of the review desk.

Belongs here: the `desk_session` table: beginning, finding and ending sessions.
Does not belong here: the cookie that carries a session's secret (`interfaces.desk`), keys (`catalog_tokens`).

The secret has 192 random bits and is kept as its SHA-256, as that of a key is: who reads the catalog can sign in nowhere.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import tenants as models
from resources.catalog.sql import columns_of
from resources.catalog.tokens import ApiToken, refusal_of

SEEN_STEP = timedelta(minutes=1)
"""A session is written down as seen once in so long: looking at a page is no reason to write each time."""


class CatalogSessions:
    """The sessions of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def begin(self, token_id: str, *, now: datetime, lasts: timedelta) -> str:
        """Begin a session with a key, and remove those that are over; its secret, which is kept nowhere."""
        secret = secrets.token_urlsafe(24)
        table = models.DeskSession
        row = {
            "session_sha256": _hash(secret),
            "token_id": token_id,
            "begun_at": now,
            "seen_at": now,
            "expires_at": now + lasts,
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(table).where(table.expires_at <= now))
            connection.execute(self._database.insert(table), [row])

        self._database.write("begin a session", work)
        return secret

    def find(self, secret: str, *, now: datetime, idle: timedelta) -> ApiToken | None:
        """Return the key that a session was begun with; None if the session is over or its key no longer counts.

        Args:
            secret: as `begin` returned it.
            now: the instant of asking.
            idle: a session that was not used for so long is over.
        """
        table, tokens = models.DeskSession, models.ApiToken
        statement = (
            select(*columns_of(tokens, ApiToken), table.seen_at, table.expires_at.label("over_at"))
            .join(tokens, tokens.token_id == table.token_id)
            .where(table.session_sha256 == _hash(secret))
        )
        found = self._database.read(
            "find a session", lambda connection: connection.execute(statement).mappings().one_or_none()
        )
        if found is None:
            return None
        row = dict(found)
        seen_at, over_at = row.pop("seen_at"), row.pop("over_at")
        token = ApiToken(**row)
        if refusal_of(token, now) is not None or over_at <= now or seen_at + idle <= now:
            self.end(secret)
            return None
        if now - seen_at >= min(SEEN_STEP, idle / 2):
            seen = update(table).where(table.session_sha256 == _hash(secret)).values(seen_at=now)
            self._database.write("keep a session", lambda connection: connection.execute(seen))
        return token

    def end(self, secret: str) -> None:
        """End a session; one that is over already stays over."""
        table = models.DeskSession
        statement = delete(table).where(table.session_sha256 == _hash(secret))
        self._database.write("end a session", lambda connection: connection.execute(statement))


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
