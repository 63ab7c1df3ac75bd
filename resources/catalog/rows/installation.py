"""Rows of the installation.

Belongs here: frozen values.
Does not belong here: tables, queries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Installation:
    """The installation a catalog belongs to.

    Attributes:
        installation_id: random; its lakes carry it too.
        subject_key_check, erasure_key_check: digests by which its keys are told from others.
        next_key_check: the digest of a new subject key; None unless one is being brought into use.
        former_keys: earlier subject keys, latest first, encrypted with the present one.
    """

    installation_id: str
    subject_key_check: str
    erasure_key_check: str
    created_at: datetime
    next_key_check: str | None = None
    former_keys: Sequence[str] = ()
