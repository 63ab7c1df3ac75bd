"""Rows of people: what metrics need to know of them, what they allow, and that they were erased.

Belongs here: frozen values, closed vocabularies.
Does not belong here: what they uploaded (`uploads`), tables, queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

Diabetes = Literal["yes", "no", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What metrics need to know of a person. Holds the pseudonym only."""

    subject_id: str
    age_years: float | None
    weight_kg: float | None
    diabetes: Diabetes
    source_priority: Mapping[str, list[str]]


Purpose = Literal["summary", "training", "sharing"]


PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


@dataclass(frozen=True, kw_only=True)
class ConsentDecision:
    """A decision on a purpose; no subject id: what holds for everybody of the tenant who has decided nothing."""

    id: int
    subject_id: str | None
    purpose: Purpose
    granted: bool
    actor: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Erasure:
    """An erasure as the catalog has it.

    Attributes:
        tombstone: keyed hash of tenant and external user id.
        steps: step to counts of what it removed; a step that is here is done.
        certificate: the signed document, once everything is done.
    """

    erasure_id: str
    tenant: str
    tombstone: str
    actor: str
    begun_at: datetime
    finished_at: datetime | None
    steps: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
