"""Consent: what each person allows their data to be used for.

Belongs here: the `consent` table. Does not belong here: what follows from a decision (`operations.consent`).

Purposes: `summary` (facts may be shown), `training` (lines may be rendered), `sharing` (lines may be released).
Whoever has decided nothing is under the tenant's own rule; a tenant that has set none allows everything, as in a
study whose people signed before they were enrolled.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import people as models
from resources.catalog.rows.people import PURPOSES, ConsentDecision, Purpose
from resources.catalog.sql import fetch, selecting


class CatalogConsents:
    """The consents of a catalog. Decisions are added, never changed: the last of a purpose counts."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def decide(
        self, tenant: str, subject_id: str | None, granted: Mapping[Purpose, bool], *, actor: str, now: datetime
    ) -> None:
        """Enter decisions.

        Args:
            tenant: whose person.
            subject_id: the person; None for everybody of the tenant who has decided nothing.
            granted: purpose to decision; purposes not named stay as they are.
            actor: who entered it.
            now: when.
        """
        rows = [
            {"tenant": tenant, "subject_id": subject_id, "purpose": p, "granted": yes, "actor": actor, "at": now}
            for p, yes in sorted(granted.items())
        ]
        if rows:
            self._database.write("enter consent", lambda connection: connection.execute(insert(models.Consent), rows))

    def of(self, tenant: str, subject_id: str) -> dict[Purpose, bool]:
        """What a person allows now."""
        return {purpose: subject_id not in self.withheld(tenant, purpose, [subject_id]) for purpose in PURPOSES}

    def history(self, tenant: str, subject_id: str | None) -> Sequence[ConsentDecision]:
        """Decisions of a person, or the tenant's own rules, oldest first."""
        table = models.Consent
        whose = table.subject_id.is_(None) if subject_id is None else table.subject_id == subject_id
        statement = selecting(table, ConsentDecision).where(table.tenant == tenant, whose).order_by(table.id)
        return self._database.read("look up consent", lambda connection: fetch(connection, statement, ConsentDecision))

    def refusals(self, tenant: str) -> list[tuple[str | None, Purpose]]:
        """Person, None for the tenant's own rule, and purpose of every refusal that counts now."""
        table = models.Consent
        statement = (
            select(table.subject_id, table.purpose, table.granted).where(table.tenant == tenant).order_by(table.id)
        )
        rows = self._database.read("look up consent", lambda connection: connection.execute(statement).all())
        last = {(subject, purpose): granted for subject, purpose, granted in rows}
        return [one for one, granted in last.items() if not granted]  # type: ignore[misc]

    def entered_by(self, tenant: str, actor: str) -> Sequence[ConsentDecision]:
        """Decisions that somebody entered, oldest first."""
        table = models.Consent
        statement = (
            selecting(table, ConsentDecision).where(table.tenant == tenant, table.actor == actor).order_by(table.id)
        )
        return self._database.read("look up consent", lambda connection: fetch(connection, statement, ConsentDecision))

    def withheld(self, tenant: str, purpose: Purpose, people: Sequence[str] | None = None) -> frozenset[str]:
        """Pseudonyms of those who do not allow a purpose: of all known people, or of the named ones."""
        table, subjects = models.Consent, models.Subject
        decisions = (
            select(table.subject_id, table.granted)
            .where(table.tenant == tenant, table.purpose == purpose)
            .order_by(table.id)
        )
        known = select(subjects.subject_id).where(subjects.tenant == tenant)

        def work(connection: Connection) -> frozenset[str]:
            decided: dict[str | None, bool] = dict(connection.execute(decisions).tuples().all())
            by_rule = decided.get(None, True)
            if by_rule and all(decided.values()):
                return frozenset()
            asked = connection.scalars(known) if people is None else people
            return frozenset(person for person in asked if not decided.get(person, by_rule))

        return self._database.read("look up consent", work)
