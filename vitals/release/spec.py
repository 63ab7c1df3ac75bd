"""What a release is made of, as one value: everything that decides which examples are in it and where they stand.

Belongs here: the specification, its bounds, its digest.
Does not belong here: doing any of it (`selection`, `splits`, `formats`), or who is in the release.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from hashlib import sha256
from types import MappingProxyType
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, ValidationInfo, model_validator

from vitals.errors import UsageError
from vitals.record_types import RECORD_TYPES
from vitals.release.licences import OTHER, Licence, licence_of
from vitals.training.day_journal.journal import TASK as JOURNAL_TASK
from vitals.training.day_journal.multi_day import TASK as MULTI_DAY_TASK
from vitals.training.tasks.mix import TASKS

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

KNOWN_TASKS = frozenset({*TASKS, JOURNAL_TASK, MULTI_DAY_TASK})

Word = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class ReleaseSpec(BaseModel):
    """Specification of a release.

    Attributes:
        name, version: what the release is called; the version is free text without spaces.
        license: identifier of the licence under which it is passed on, such as `cc-by-4.0`: of SPDX or of the Hub's
            list (`licences`). Required: data without one may not be used by anybody.
        license_name: what a licence is called that is `other`.
        profile: de-identification. Required: `none` is a choice that one must name.
        tenant: whose examples; a release never mixes tenants.
        min_quality: least data quality score of an example.
        categories, tasks: training categories and tasks; empty for all.
        provisional: whether examples of days that are not closed yet are taken; never with `standard`, for they say
            when the release was made.
        first_day, last_day: local days, both included.
        source_apps: apps whose licence allows the release; an example that data of another one touch is left out.
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
    license_name: Annotated[str, StringConstraints(max_length=100)] = ""
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
    def _holds_together(self, info: ValidationInfo) -> "ReleaseSpec":
        _refuse_unknown("category", self.categories, CATEGORIES, aliases=_CATEGORY_OF)
        _refuse_unknown("task", self.tasks, KNOWN_TASKS)
        if not info.context:
            licence_of(self.license, self.license_name)
            if self.provisional and self.profile == "standard":
                raise ValueError(
                    "days that are not closed yet say when the release was made: not with profile standard"
                )
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
    def licence(self) -> Licence:
        """The licence as a card names it."""
        try:
            return licence_of(self.license, self.license_name)
        except ValueError:
            # Of a version that was built before licences were looked up.
            return Licence(OTHER, self.license)

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
        for name in ("name", "version", "license", "license_name", "formats"):
            del kept[name]
        kept["households"] = sorted(map(list, self.households))
        return sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()


_CATEGORY_OF = {
    alias: record_type.category for record_type in RECORD_TYPES for alias in (record_type.kind, record_type.avro_name)
}
"""Record type to its category, for whoever names the former."""


def _refuse_unknown(
    what: str, given: Iterable[str], known: Collection[str], *, aliases: Mapping[str, str] = MappingProxyType({})
) -> None:
    for name in given:
        if name not in known:
            raise ValueError(unknown(what, name, known, aliases=aliases))


def unknown(what: str, name: str, known: Collection[str], *, aliases: Mapping[str, str] = MappingProxyType({})) -> str:
    """Say that there is nothing of a name, with those that look like it, or else all there are."""
    names = {known_name.lower(): known_name for known_name in sorted(known)}
    close = [names[found] for found in get_close_matches(name.lower(), names, n=3, cutoff=0.5)]
    close = [aliases[name]] if name in aliases else close
    meant = f"did you mean {', '.join(close)}?" if close else f"there are {', '.join(sorted(known)) or 'none'}"
    return f"no such {what}: {name!r}; {meant}"


def read_spec(values: Mapping[str, Any], *, stored: bool = False) -> ReleaseSpec:
    """A specification of plain values.

    Args:
        stored: it is of a version that was built before, which may have been allowed more.

    Raises:
        UsageError: a value is missing, unknown or out of bounds; says which.
    """
    try:
        return ReleaseSpec.model_validate(dict(values), context={"stored": True} if stored else None)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'specification'}: {e['msg'].removeprefix('Value error, ')}"
            for e in error.errors()
        )
        raise UsageError("read the specification of the release", "its values", wrong, "Correct them.") from None
