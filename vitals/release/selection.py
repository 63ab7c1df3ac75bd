"""Which training lines enter a release.

Belongs here: the filters with the reason of each refusal, the cap per person, shared records.
Does not belong here: sides (`splits`), near-duplicates, reading files.

Every line that was read has one fate: it is in the release, or a reason of REASONS kept it out. The counts balance.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from vitals.release.last_stretch import days_left_out
from vitals.release.rare_sources import apps_of
from vitals.release.spec import ReleaseSpec
from vitals.release.splits import Sides, keyed_number, yielding
from vitals.training.fewer_details import OTHER_SOURCES
from vitals.training.line_metadata import DIFFERENT_VALUE
from vitals.training.source_names import UNLISTED

REASONS = (
    "other_category",
    "other_task",
    "outside_of_days",
    "provisional",
    "low_quality",
    "source_not_licensed",
    "source_not_named",
    "erased_person",
    "no_consent",
    "same_id",
    "last_stretch",
    "first_stretch",
    "shared_record",
    "beyond_cap",
    "near_duplicate",
)
"""Why a line is not in a release, in the order in which they are looked for."""

REACH_DAYS = 1
"""A record of a UTC date belongs to a local day that is at most so far from it."""

LOOK_BACK_DAYS = 6
"""A day journal states facts of so many days before its own."""

JOURNAL = "day_journal"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A line that passed the filters, without its text.

    Attributes:
        id: id of the line in the training lake.
        person: pseudonym.
        category, task, local_date: of the line.
    """

    id: str
    person: str
    category: str
    task: str
    local_date: str


def refusal(
    line: Mapping[str, Any],
    spec: ReleaseSpec,
    *,
    known_people: Collection[str],
    without_consent: Collection[str] = frozenset(),
    read_along: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> str | None:
    """The reason of REASONS that keeps a line out for what it is itself; None for a candidate.

    Args:
        line: the parsed line.
        spec: the filters.
        known_people: pseudonyms of everybody who has not been erased.
        without_consent: pseudonyms of those who do not allow it.
        read_along: pseudonym -> apps of the records that another kind's facts read without naming their app.
    """
    metadata = line["metadata"]
    day = metadata["local_date"]
    tests = (
        ("other_category", bool(spec.categories) and metadata["training_category"] not in spec.categories),
        ("other_task", bool(spec.tasks) and metadata["task"] not in spec.tasks),
        (
            "outside_of_days",
            (spec.first_day is not None and day < spec.first_day.isoformat())
            or (spec.last_day is not None and day > spec.last_day.isoformat()),
        ),
        ("provisional", bool(metadata["provisional"]) and not (spec.provisional and spec.profile == "none")),
        ("low_quality", (metadata.get("quality_score") or 0.0) < spec.min_quality),
        ("source_not_licensed", bool(spec.source_apps) and bool(_other_apps(line, spec, read_along))),
        ("source_not_named", bool(spec.source_apps) and touches_unnamed_app(line)),
        ("erased_person", metadata["subject_id"] not in known_people),
        ("no_consent", metadata["subject_id"] in without_consent),
    )
    return next((reason for reason, holds in tests if holds), None)


def _other_apps(line: Mapping[str, Any], spec: ReleaseSpec, read_along: Mapping[str, Collection[str]]) -> set[str]:
    """Apps that touch a line and are not licensed: named in any of its texts or metadata, or read along."""
    apps = set(apps_of(line))
    if reads_sleep_along(line):
        apps |= set(read_along.get(line["metadata"]["subject_id"], ()))
    return apps - set(spec.source_apps)


def reads_sleep_along(line: Mapping[str, Any]) -> bool:
    """Whether a claim of another kind rests on where a sleep session begins and ends; such a claim names no app of it."""
    return any("sleep" in claim["metric"].partition(".")[2] for claim in line["metadata"]["claims"])


def touches_unnamed_app(line: Mapping[str, Any]) -> bool:
    """Whether an app that the line does not name has a part in it, so that nobody can tell whether it is licensed."""
    texts = (line["input"], line["output"], line["instruction"], line.get("rejected") or "")
    return any(UNLISTED in text for text in texts) or (
        DIFFERENT_VALUE in line["metadata"]["validation_warnings"] and _hides_sources(line["input"])
    )


def _hides_sources(prompt: str) -> bool:
    """Whether a prompt had no room for the sources that were not used."""
    return OTHER_SOURCES in prompt or "Source " not in prompt


def candidate_of(line: Mapping[str, Any]) -> Candidate:
    """The candidate of a parsed line."""
    metadata = line["metadata"]
    return Candidate(
        line["id"], metadata["subject_id"], metadata["training_category"], metadata["task"], metadata["local_date"]
    )


@dataclass(frozen=True)
class SharedRecord:
    """A source record id that several people delivered.

    Attributes:
        category: training category of its kind.
        utc_date: where it stands.
        people: who delivered it.
    """

    category: str
    utc_date: date
    people: frozenset[str]


def spoiled_days(shared: Iterable[SharedRecord], sides: Sides) -> set[tuple[str, str, str]]:
    """Person, category and local date of examples that rest on a record which a heavier side has, too.

    Generous by a day on either side, because which local day a record belongs to is known to clinical only; day
    journals are spoiled as long as they look back on the record.
    """
    found: set[tuple[str, str, str]] = set()
    for record in shared:
        for person in yielding(record.people, sides):
            for offset in range(-REACH_DAYS, REACH_DAYS + LOOK_BACK_DAYS + 1):
                day = (record.utc_date + timedelta(days=offset)).isoformat()
                if offset <= REACH_DAYS:
                    found.add((person, record.category, day))
                found.add((person, JOURNAL, day))
    return found


class Histories:
    """First and last closed day of each person of a tenant, whatever a release takes of them.

    Args:
        spec: its days bound the histories, for everybody can read them in the manifest.
    """

    def __init__(self, spec: ReleaseSpec) -> None:
        self._spec = spec
        self._ends: dict[str, tuple[str, str]] = {}

    def add(self, line: Mapping[str, Any]) -> None:
        """Take note of a line's day."""
        metadata = line["metadata"]
        day, spec = metadata["local_date"], self._spec
        if metadata["provisional"] or (spec.last_day is not None and day > spec.last_day.isoformat()):
            return
        if spec.first_day is not None and day < spec.first_day.isoformat():
            return
        first, last = self._ends.get(metadata["subject_id"], (day, day))
        self._ends[metadata["subject_id"]] = min(first, day), max(last, day)

    def left_out(self, candidates: Iterable[Candidate], *, key: bytes) -> dict[str, str]:
        """Reason of each candidate that a de-identified release goes without, by id: `last_stretch`, `first_stretch`.

        The first stretch goes only where the release names a first day: that is the true first day of everybody who
        has earlier ones.
        """
        kept = {person: self._kept(person, ends, key) for person, ends in self._ends.items()}
        found: dict[str, str] = {}
        for candidate in candidates:
            first, last = kept[candidate.person]
            if candidate.local_date > last:
                found[candidate.id] = "last_stretch"
            elif candidate.local_date < first:
                found[candidate.id] = "first_stretch"
        return found

    def _kept(self, person: str, ends: tuple[str, str], key: bytes) -> tuple[str, str]:
        first, last = map(date.fromisoformat, ends)
        days = (last - first).days + 1
        last -= timedelta(days=days_left_out(person, days, key=key))
        if self._spec.first_day is not None:
            first += timedelta(days=days_left_out(person, days, key=key, end="first") // 2)
        return first.isoformat(), last.isoformat()


def within_cap(candidates: Iterable[Candidate], *, cap: int | None, key: bytes) -> set[str]:
    """Ids of the candidates that are left when each person has at most `cap` of them.

    Which ones is decided by a keyed hash of the id: neither the order of rows nor other people matter.
    """
    by_person: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for candidate in candidates:
        rank = keyed_number(key, "cap", candidate.id) if cap is not None else 0
        by_person[candidate.person].append((rank, candidate.id))
    return {id_ for ranked in by_person.values() for _, id_ in sorted(ranked)[:cap]}
