"""What a release is made of, as one value: everything that decides which examples are in it and where they stand.

Belongs here: the specification, its bounds, its digest.
Does not belong here: doing any of it (`selection`, `splits`, `formats`), or who is in the release.
"""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from vitals.errors import UsageError
from vitals.record_types import RECORD_TYPES

ProfileName = Literal["standard", "none"]
Side = Literal["train", "validation", "test"]
SIDES: tuple[Side, ...] = ("train", "validation", "test")

FormatName = Literal[
    "messages", "prompt_completion", "prompt_completion_chat", "alpaca", "text", "preference", "preference_chat", "case"
]
FORMAT_NAMES: tuple[FormatName, ...] = (
    "messages",
    "prompt_completion",
    "prompt_completion_chat",
    "alpaca",
    "text",
    "preference",
    "preference_chat",
    "case",
)

CATEGORIES = frozenset({*(record_type.category for record_type in RECORD_TYPES), "day_journal"})

Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ReleaseSpec(BaseModel):
    """Specification of a release.

    Attributes:
        name, version: what the release is called; the version is free text without spaces.
        license: identifier of the licence under which it is passed on, such as `cc-by-4.0`. Required: data without
            one may not be used by anybody.
        profile: de-identification. Required: `none` is a choice that one must name.
        tenant: whose examples; a release never mixes tenants.
        min_quality: least data quality score of an example.
        categories, tasks: training categories and tasks; empty for all.
        provisional: whether examples of days that are not closed yet are taken.
        first_day, last_day: local days, both included.
        source_apps: apps whose licence allows the release; an example that rests on another one is left out.
            Empty: all of them allow it.
        validation_share, test_share: shares of persons; the rest is for training.
        split_key: names the draw of the sides. Another name draws again; keep it over the versions of a release.
        max_examples_per_person: a person's examples beyond it are left out, chosen by hash; None for no cap.
        households: persons (pseudonyms) who must be on one side. The first named decides the side of all, so a
            person appended later moves nobody.
        formats: formats to write.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$")]
    license: Word
    profile: ProfileName
    tenant: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")] = "default"
    min_quality: Annotated[float, Field(ge=0, le=1)] = 0.0
    categories: tuple[Word, ...] = ()
    tasks: tuple[Word, ...] = ()
    provisional: bool = False
    first_day: date | None = None
    last_day: date | None = None
    source_apps: tuple[Word, ...] = ()
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    split_key: Word = "people"
    max_examples_per_person: Annotated[int, Field(gt=0)] | None = None
    households: tuple[tuple[Word, ...], ...] = ()
    formats: Annotated[tuple[FormatName, ...], Field(min_length=1)] = FORMAT_NAMES

    @model_validator(mode="after")
    def _holds_together(self) -> "ReleaseSpec":
        unknown = sorted(set(self.categories) - CATEGORIES)
        if unknown:
            raise ValueError(f"no such category: {', '.join(unknown)}")
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share leave nothing for training")
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("first_day is after last_day")
        people = [person for household in self.households for person in household]
        if len(people) != len(set(people)):
            raise ValueError("a person is in two households")
        return self

    @property
    def release_id(self) -> str:
        """Name and version in one word, as in paths."""
        return f"{self.name}/{self.version}"

    @property
    def folder(self) -> str:
        """Prefix of the release's files in the lake."""
        return f"releases/{self.release_id}"

    def as_json(self) -> dict[str, Any]:
        """All of it, households included: for the catalog only."""
        return self.model_dump(mode="json")

    def public(self) -> dict[str, Any]:
        """The specification as it may be shown: without the persons of households."""
        shown = self.as_json()
        shown["households"] = len(self.households)
        return shown

    def selection_digest(self) -> str:
        """Digest of what decides which examples are in it and on which side; not of its name or formats."""
        kept = self.as_json()
        for name in ("name", "version", "license", "formats"):
            del kept[name]
        kept["households"] = sorted(map(list, self.households))
        return sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()


def read_spec(values: Mapping[str, Any]) -> ReleaseSpec:
    """A specification of plain values.

    Raises:
        UsageError: a value is missing, unknown or out of bounds; says which.
    """
    try:
        return ReleaseSpec.model_validate(dict(values))
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'specification'}: {e['msg']}" for e in error.errors())
        raise UsageError("read the specification of the release", "its values", wrong, "Correct them.") from None
