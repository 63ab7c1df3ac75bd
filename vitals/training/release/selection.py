"""Which training lines enter a release.

Belongs here: the filters with the reason of each refusal, the cap per person, shared records.
Does not belong here: sides (`splits`), near-duplicates, reading files.

Every line that was read has one fate: it is in the release, or a reason of REASONS kept it out. The counts balance.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from vitals.training.release.spec import ReleaseSpec
from vitals.training.release.splits import Sides, keyed_number, yielding

REASONS = (
    "other_category",
    "other_task",
    "outside_of_days",
    "provisional",
    "low_quality",
    "source_not_licensed",
    "erased_person",
    "no_consent",
    "same_id",
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
) -> str | None:
    """The reason of REASONS that keeps a line out for what it is itself; None for a candidate.

    Args:
        line: the parsed line.
        spec: the filters.
        known_people: pseudonyms of everybody who has not been erased.
        without_consent: pseudonyms of those who do not allow it.
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
        ("provisional", bool(metadata["provisional"]) and not spec.provisional),
        ("low_quality", (metadata.get("quality_score") or 0.0) < spec.min_quality),
        ("source_not_licensed", bool(spec.source_apps) and not _apps(metadata) <= set(spec.source_apps)),
        ("erased_person", metadata["subject_id"] not in known_people),
        ("no_consent", metadata["subject_id"] in without_consent),
    )
    return next((reason for reason, holds in tests if holds), None)


def _apps(metadata: Mapping[str, Any]) -> set[str]:
    return {app for claim in metadata["claims"] for app in claim["sources"]}


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


def within_cap(candidates: Iterable[Candidate], *, cap: int | None, key: bytes) -> set[str]:
    """Ids of the candidates that are left when each person has at most `cap` of them.

    Which ones is decided by a keyed hash of the id: neither the order of rows nor other people matter.
    """
    by_person: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for candidate in candidates:
        rank = keyed_number(key, "cap", candidate.id) if cap is not None else 0
        by_person[candidate.person].append((rank, candidate.id))
    return {id_ for ranked in by_person.values() for _, id_ in sorted(ranked)[:cap]}
