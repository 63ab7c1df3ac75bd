"""Whose data a stage may use, by what people allow.

Belongs here: leaving people out of rows, refusing to show what may not be shown.
Does not belong here: what a decision moves (`consent_decisions`), how it is kept (`resources.catalog.consents`).
"""

from collections.abc import Sequence

import polars as pl

from resources.catalog.rows.people import Purpose
from resources.workspace import Workspace
from vitals.errors import ConflictError


def consenting(workspace: Workspace, tenant: str, rows: pl.DataFrame, purpose: Purpose) -> pl.DataFrame:
    """The rows of people who allow a purpose."""
    without = workspace.catalog.consents.withheld(tenant, purpose)
    return rows.filter(~pl.col("subject_id").is_in(sorted(without))) if without else rows


def hidden_people(workspace: Workspace, tenant: str, people: Sequence[str] | None = None) -> frozenset[str]:
    """Return those of whom nothing may be shown: no record, value, neighbour, chart, fact, gap, line or profile.

    The one place that decides it. What stays visible is that uploads and rows of theirs exist, and what was decided on
    them, because every row has to be accounted for.
    """
    return workspace.catalog.consents.withheld(tenant, "summary", people)


def demand_summary(workspace: Workspace, tenant: str, subject_id: str) -> None:
    """Go on only if a person's facts may be shown.

    Raises:
        ConflictError: they may not.
    """
    if hidden_people(workspace, tenant, [subject_id]):
        raise ConflictError(
            "show the facts",
            f"tenant {tenant}",
            "the person does not allow summaries",
            "Ask the person; `vitalgraph subject consent` enters what they say.",
        )
