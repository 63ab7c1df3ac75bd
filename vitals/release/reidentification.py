"""How far the lines of a release still let persons be told apart.

Belongs here: the figures of the report that comes with a release.
Does not belong here: the de-identification itself (`deidentify`), or whether a figure blocks a release.

The report names persons by the pseudonyms of the release and holds no value of anybody: extremes are named by the
metric and the side, never by how extreme.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from vitals.release.rare_sources import STAND_IN, apps_of
from vitals.training.rounding import round_half_up
from vitals.training.source_names import UNLISTED

FEWEST_ALIKE = 5
"""A person who shares sources, offsets and age with fewer than this many, themselves counted, is conspicuous."""

OUTLYING_TIMES = 5
"""A person with more than this many times the median number of examples is an outlier."""

UNKNOWN_AGE = "unknown"


@dataclass(frozen=True, order=True)
class Outlier:
    """A person with many more examples than others.

    Attributes:
        subject_id: pseudonym of the release.
        examples: number of their examples.
        share: their share of all examples.
    """

    subject_id: str
    examples: int
    share: float


@dataclass(frozen=True, order=True)
class Extreme:
    """A person who alone has the highest or the lowest value of a metric in the release.

    Attributes:
        subject_id: pseudonym of the release.
        metric: metric id.
        rank: which end.
    """

    subject_id: str
    metric: str
    rank: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """What is left to tell persons apart by.

    Attributes:
        persons, examples: how many there are.
        top_person_share: share of the examples that the person with the most has.
        outliers: persons with more than OUTLYING_TIMES the median number of examples.
        smallest_group: fewest persons who are alike in sources, UTC offsets and age bucket; 0 without persons.
        groups: number of persons in a group of alike persons -> number of such groups.
        conspicuous: persons in groups of fewer than FEWEST_ALIKE.
        extremes: who alone stands at an end of a metric; a metric that one person has is left out.
        clock_changes: persons with a day whose offset changed: the true date of a clock change is public.
        canary_hits: lines in which one of the canaries was found.
    """

    persons: int
    examples: int
    top_person_share: float
    outliers: Sequence[Outlier]
    smallest_group: int
    groups: Mapping[int, int]
    conspicuous: Sequence[str]
    extremes: Sequence[Extreme]
    clock_changes: Sequence[str]
    canary_hits: int


@dataclass
class _Person:
    examples: int = 0
    sources: set[str] = field(default_factory=set)
    offsets: set[str] = field(default_factory=set)
    clock_changes: bool = False


def report(
    lines: Iterable[Mapping[str, Any]], *, age_buckets: Mapping[str, str], canaries: Sequence[str] = ()
) -> Report:
    """Figures of a release, in one pass over its lines; memory grows with persons and metrics only.

    Args:
        lines: finished lines as they are released, in any order.
        age_buckets: pseudonym of the release -> `deidentify.age_bucket`, where the age is known.
        canaries: texts that must not be in any line: external ids, record ids, subject ids of the lake.
    """
    persons: dict[str, _Person] = defaultdict(_Person)
    ends: dict[tuple[str, str], _End] = defaultdict(_End)
    hits = 0
    # As they would stand in the JSON of a line, without the quotes around them.
    needles = [orjson.dumps(canary)[1:-1] for canary in canaries]
    for line in lines:
        metadata = line["metadata"]
        subject_id = metadata["subject_id"]
        person = persons[subject_id]
        person.examples += 1
        offsets = set()
        person.sources.update(UNLISTED if app.startswith(STAND_IN) else app for app in apps_of(line))
        for claim in metadata["claims"]:
            if claim["unit"] == "UTC offset":
                offsets.add(claim["text"])
            elif claim["window"] and claim["id"] == claim["metric"] and claim["value"] is not None:
                ends[claim["metric"], "highest"].offer(claim["value"], subject_id)
                ends[claim["metric"], "lowest"].offer(-claim["value"], subject_id)
        person.offsets |= offsets
        person.clock_changes |= len(offsets) > 1
        if needles:
            text = orjson.dumps(line)
            hits += any(needle in text for needle in needles)
    alike = _alike(persons, age_buckets)
    counts = sorted(person.examples for person in persons.values())
    total = sum(counts)
    return Report(
        persons=len(persons),
        examples=total,
        top_person_share=_share(counts[-1], total) if counts else 0.0,
        outliers=_outliers(persons, counts),
        smallest_group=min((len(group) for group in alike), default=0),
        groups=dict(sorted(Counter(len(group) for group in alike).items())),
        conspicuous=sorted(each for group in alike if len(group) < FEWEST_ALIKE for each in group),
        extremes=sorted(
            Extreme(end.holder, metric, rank) for (metric, rank), end in ends.items() if end.contested and end.holder
        ),
        clock_changes=sorted(each for each, person in persons.items() if person.clock_changes),
        canary_hits=hits,
    )


class _End:
    """Who holds the greatest value so far; nobody if several do."""

    __slots__ = ("best", "contested", "first", "holder")

    def __init__(self) -> None:
        self.best = float("-inf")
        self.holder = ""
        self.first = ""
        self.contested = False

    def offer(self, value: float, subject_id: str) -> None:
        self.first = self.first or subject_id
        self.contested |= subject_id != self.first
        if value > self.best:
            self.best, self.holder = value, subject_id
        elif value == self.best and subject_id != self.holder:
            self.holder = ""


def _alike(persons: Mapping[str, _Person], age_buckets: Mapping[str, str]) -> list[list[str]]:
    """Persons grouped by all of: sources (those without a name count as one), UTC offsets, age bucket."""
    groups: dict[tuple[frozenset[str], frozenset[str], str], list[str]] = defaultdict(list)
    for subject_id, person in persons.items():
        age = age_buckets.get(subject_id, UNKNOWN_AGE)
        groups[frozenset(person.sources), frozenset(person.offsets), age].append(subject_id)
    return list(groups.values())


def _outliers(persons: Mapping[str, _Person], counts: Sequence[int]) -> list[Outlier]:
    if not counts:
        return []
    median, total = counts[len(counts) // 2], sum(counts)
    return sorted(
        Outlier(subject_id, person.examples, _share(person.examples, total))
        for subject_id, person in persons.items()
        if person.examples > OUTLYING_TIMES * median
    )


def _share(part: int, total: int) -> float:
    return round_half_up(part / total, 4)
