"""A tenant's own bounds of rules, and the rows and files a person let through.

Belongs here: the `rule_policy` and `rule_exemption` tables. Both only grow: the last change of a bound counts.
Does not belong here: what a bound means (`vitals.validated.rule_policy`), or which uploads a change moves.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, insert, select

from resources.catalog.database import CatalogDatabase
from resources.catalog.models import decisions as models
from resources.catalog.rows.decisions import Decision, Exemption, NewExemption, RuleChange
from resources.catalog.sql import fetch, selecting, values_of


class CatalogRulePolicies:
    """The rule policies of a catalog."""

    def __init__(self, database: CatalogDatabase) -> None:
        self._database = database

    def change(self, tenant: str, *, rule: str, bound: str, value: float, decision: Decision) -> int:
        """Store a new bound; the version of the rule's policy that begins with it."""
        table = models.RulePolicy

        def work(connection: Connection) -> int:
            last = select(func.coalesce(func.max(table.version), 0)).where(table.tenant == tenant, table.rule == rule)
            version = int(connection.execute(last).scalar_one()) + 1
            row = {"tenant": tenant, "rule": rule, "bound": bound, "value": value, "version": version}
            connection.execute(insert(table).values(**row, **values_of(decision)))
            return version

        return self._database.write("change a rule", work)

    def changes(self, tenant: str) -> Sequence[RuleChange]:
        """Every change, oldest first."""
        table = models.RulePolicy
        statement = selecting(table, RuleChange).where(table.tenant == tenant).order_by(table.id)
        return self._database.read("look up the rules", lambda connection: fetch(connection, statement, RuleChange))

    def exempt(self, tenant: str, exemptions: Iterable[NewExemption], *, decision: Decision) -> None:
        """Let payloads through."""
        rows = [{"tenant": tenant, **values_of(one), **values_of(decision)} for one in exemptions]
        if rows:
            statement = insert(models.RuleExemption)
            self._database.write("exempt rows", lambda connection: connection.execute(statement, rows))

    def exemptions(self, tenant: str, *, kind: str | None = None) -> Sequence[Exemption]:
        """Every exemption, oldest first."""
        table = models.RuleExemption
        statement = selecting(table, Exemption).where(table.tenant == tenant).order_by(table.id)
        if kind is not None:
            statement = statement.where(table.kind == kind)
        return self._database.read("look up exemptions", lambda connection: fetch(connection, statement, Exemption))
