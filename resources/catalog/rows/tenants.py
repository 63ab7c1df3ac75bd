"""Rows of a tenant: the organisation itself, and what was decided in it.

Belongs here: frozen values, closed vocabularies.
Does not belong here: its people (`people`), tables, queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """An isolated organisation or study; no root URL means the default lake.

    Attributes:
        attempts_before: attempts at uploads that the lake has rows of from a catalog that was lost.
    """

    name: str
    root_url: str | None
    paused: bool
    created_at: datetime
    attempts_before: int = 0


@dataclass(frozen=True, kw_only=True)
class NewAuditEvent:
    """Something decided. `target` and `details` hold no health value and no external user id."""

    tenant: str
    at: datetime
    actor: str
    action: str
    target: str
    details: Mapping[str, Any] = field(default_factory=dict)
    duration_ms: int | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEvent(NewAuditEvent):
    """A decision as the catalog has it."""

    id: int
