"""Rows of what people decide: bounds, settings, exemptions, completions.

Belongs here: frozen values, closed vocabularies.
Does not belong here: the rows they decide on (`uploads`), consent (`people`), tables, queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Decision:
    """Who decided something, when and why."""

    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class RuleChange:
    """A change of a bound as the catalog has it."""

    id: int
    rule: str
    bound: str
    value: float
    version: int
    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class SettingChange:
    """A change of a tenant's setting as the catalog has it."""

    id: int
    name: str
    value: str
    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class NewExemption:
    """A payload let through although it breaks a rule; no record id and no payload hash: the whole file."""

    kind: str
    upload_id: str
    subject_id: str | None
    record_id: str | None
    payload_hash: int | None
    rule: str


@dataclass(frozen=True, kw_only=True)
class Exemption(NewExemption):
    """An exemption as the catalog has it."""

    id: int
    actor: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class NewCompletion:
    """What a person said of a field of a record; `scope` is the rule it came from, if any."""

    kind: str
    subject_id: str
    record_id: str
    source_app: str
    start_utc_ms: int
    field: str
    value: str
    scope: Mapping[str, str] | None


@dataclass(frozen=True, kw_only=True)
class Completion(NewCompletion):
    """A completion as the catalog has it; one that was undone no longer counts."""

    id: int
    actor: str
    at: datetime
    reason: str
    undone_at: datetime | None
    undone_by: str | None
