"""Rows of releases: where each version stands.

Belongs here: frozen values, closed vocabularies.
Does not belong here: what is asked for in a release (`vitals.release.spec`), tables, queries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

DatasetState = Literal["building", "published", "blocked", "failed", "tombstoned", "withdrawn"]


@dataclass(frozen=True, kw_only=True)
class DatasetVersion:
    """A version of a release as the catalog knows it.

    Attributes:
        state: `building`: files may be there, nobody may rely on them. `published`: every gate passed.
            `blocked`: a gate did not, see reasons. `failed`: building it ended early. `tombstoned`: its files are gone,
            because somebody who was in it may no longer be in it. `withdrawn`: its files are gone, because somebody
            took the version back.
        reasons: names of the gates that did not pass, each with what it found, without content; or why it failed or
            was withdrawn.
        manifest_sha256: checksum of the manifest, which holds those of all other files.
        examples, people: how many are in it.
        tombstoned_at, successor: when, and the version without that person, if there is one.
    """

    id: int
    tenant: str
    name: str
    version: str
    state: DatasetState
    spec: Mapping[str, Any]
    reasons: list[str]
    manifest_sha256: str | None
    examples: int
    people: int
    run_id: str | None
    created_at: datetime
    finished_at: datetime | None
    tombstoned_at: datetime | None
    successor: str | None
