"""What changed between two versions of a data set, and why.

Belongs here: matching the examples of two versions, and the one cause of each change.
Does not belong here: what is compared (`traces`), reading stored versions, or printing.

An example is matched by its slot: the same question about the same day of the same person. What is in one version
only was added or removed; what says something else has changed. Each change has one cause. Where the evidence for
several is there, the first of these counts, from what concerns one person alone to what concerns everybody:

    consent_or_erasure  the person was erased or is withdrawn in one version only (added and removed examples)
    completion          a manual completion of its uploads is in force in one version only
    late_data           the facts differ and rest on an upload that the other version did not know. New persons are
                        late data
    rule                a metric that both claim has another rule version; for an example in one version only, one of
                        its metrics has another version in the other
    policy              other settings or another profile of its person, or the tenant decided otherwise about a kind
                        that it reads; for an example in one version only, also another selection
    late_data           the facts differ and rest on other uploads than before, though all were known (lines not yet
                        rendered anew), or its kind also reads another of which an upload is new: a night that
                        arrived late moves the heart rate asleep, whose own uploads are the same
    code                other software wrote it
    late_data           none of these, but the facts differ or an example came or went: the same rules, settings and
                        software give other facts only from other data
    code                none of these and equal facts: the wording changed without a new version

Evidence for examples in one version only is also taken from the same day of the same person in the same category:
its uploads are theirs.

What a diff cannot tell: two causes that strike the same example between the two versions are one change, named by
the first; and an example whose settings changed without any effect on it has not changed. Nor can it tell a change
of settings from whatever else moved a kind that is only read along, as sleep is for heart rate: then it says policy.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.release.traces import ExampleTrace, ManifestFacts

Cause = Literal["consent_or_erasure", "completion", "late_data", "rule", "policy", "code"]
CAUSES: tuple[Cause, ...] = ("consent_or_erasure", "completion", "late_data", "rule", "policy", "code")
"""In order of precedence."""

Kind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, order=True)
class Difference:
    """One example that differs between two versions.

    Attributes:
        category, task: of the example.
        kind: what happened to it, from the first version to the second.
        cause: why.
        before, after: ids of its line in the training lake; "" where there is none, or where it was erased.
    """

    category: str
    task: str
    kind: Kind
    cause: Cause
    before: str
    after: str


def differences(
    before: Iterable[ExampleTrace], after: Iterable[ExampleTrace], was: ManifestFacts, now: ManifestFacts
) -> list[Difference]:
    """Every example that was added, removed or changed, each with its cause, in a fixed order.

    Args:
        before, after: traces of the two versions, in any order.
        was, now: what the two versions noted about their builds.
    """
    old, new = _Version(before, was, now), _Version(after, now, was)
    found = list(_erased(old, new))
    for slot in old.slots.keys() | new.slots.keys():
        gone, come = _without_equal(old.slots.get(slot, []), new.slots.get(slot, []))
        both = min(len(gone), len(come))
        for one, other in zip(gone[:both], come[:both], strict=True):
            found.append(_difference("changed", _cause_of_change(one, other, old, new), one, other))
        found += [_difference("removed", _cause_of_presence(one, old, new), one, None) for one in gone[both:]]
        found += [_difference("added", _cause_of_presence(one, new, old), None, one) for one in come[both:]]
    return sorted(found)


def by_cause(found: Iterable[Difference]) -> dict[Cause, int]:
    """Number of differences by cause, every cause named, in order of precedence."""
    counts = dict.fromkeys(CAUSES, 0)
    for difference in found:
        counts[difference.cause] += 1
    return counts


class _Version:
    """A version's traces by slot, with what they tell of days and persons, and what it noted about its build.

    Attributes:
        facts: what it noted.
        slots: slot to its examples.
        days: day to the uploads that its examples rest on.
        news: person and category of examples that rest on an upload which the other version did not know.
        policies: person to the settings of one of their examples; all of a person's are the same.
        erased: examples of persons erased since.
    """

    def __init__(self, traces: Iterable[ExampleTrace], facts: ManifestFacts, other: ManifestFacts) -> None:
        self.facts = facts
        self.slots: dict[str, list[ExampleTrace]] = defaultdict(list)
        self.days: dict[str, set[str]] = defaultdict(set)
        self.news: set[tuple[str, str]] = set()
        self.policies: dict[str, str] = {}
        self.erased: list[ExampleTrace] = []
        for trace in traces:
            if trace.is_erased:
                self.erased.append(trace)
                continue
            self.slots[trace.slot].append(trace)
            self.days[trace.day].update(trace.sources)
            self.policies[trace.person] = trace.policy
            if not other.sources.issuperset(trace.sources):
                self.news.add((trace.person, trace.category))

    def has_news_for(self, trace: ExampleTrace) -> bool:
        """Whether a kind that a trace's own kind also reads has an upload which the other version did not know."""
        categories = {BY_KIND[need].category for kind in _own_kinds(trace) for need in BY_KIND[kind].needs}
        return any((trace.person, category) in self.news for category in categories)


def _without_equal(gone: list[ExampleTrace], come: list[ExampleTrace]) -> tuple[list[ExampleTrace], list[ExampleTrace]]:
    """Examples of one slot that have no counterpart of equal content, in a fixed order."""
    spare: dict[str, int] = defaultdict(int)
    for trace in come:
        spare[trace.content] += 1
    left = []
    for trace in sorted(gone, key=lambda trace: trace.content):
        if spare[trace.content]:
            spare[trace.content] -= 1
        else:
            left.append(trace)
    rest = []
    for trace in sorted(come, key=lambda trace: trace.content):
        if spare[trace.content]:
            spare[trace.content] -= 1
            rest.append(trace)
    return left, rest


def _erased(old: _Version, new: _Version) -> Iterator[Difference]:
    """Examples of persons erased since; what both versions lost is in neither."""
    lost: dict[tuple[str, str], int] = defaultdict(int)
    for trace in old.erased:
        lost[trace.category, trace.task] += 1
    for trace in new.erased:
        lost[trace.category, trace.task] -= 1
    for (category, task), count in lost.items():
        for _ in range(count):
            yield Difference(category, task, "removed", "consent_or_erasure", "", "")


def _cause_of_change(one: ExampleTrace, other: ExampleTrace, old: _Version, new: _Version) -> Cause:
    facts_differ = one.facts != other.facts
    versions = _versions(one)
    unknown = not old.facts.sources.issuperset(other.sources) or not new.facts.sources.issuperset(one.sources)
    moved = one.sources != other.sources or old.has_news_for(one) or new.has_news_for(other)
    evidence: list[tuple[Cause, bool]] = [
        ("completion", one.completions != other.completions),
        ("late_data", facts_differ and unknown),
        ("rule", any(versions.get(metric, version) != version for metric, version in _versions(other).items())),
        ("policy", one.policy != other.policy or _decided_otherwise(old, new, {*_kinds(one), *_kinds(other)})),
        ("late_data", facts_differ and moved),
        ("code", one.processor_version != other.processor_version),
    ]
    return _first(evidence, otherwise="late_data" if facts_differ else "code")


def _cause_of_presence(trace: ExampleTrace, here: _Version, there: _Version) -> Cause:
    """Why an example is in one version (`here`) and not in the other."""
    ours, theirs = here.facts, there.facts
    mine, others = here.days[trace.day], there.days.get(trace.day, set())
    evidence: list[tuple[Cause, bool]] = [
        ("consent_or_erasure", trace.person in theirs.withdrawn),
        ("completion", not theirs.completions.issuperset(trace.completions)),
        ("late_data", not theirs.sources.issuperset(mine) or not ours.sources.issuperset(others)),
        (
            "rule",
            any(
                str(theirs.rule_versions.get(metric, version)) != version
                for metric, version in _versions(trace).items()
            ),
        ),
        (
            "policy",
            (ours.selection_digest, ours.policy_digest) != (theirs.selection_digest, theirs.policy_digest)
            or there.policies.get(trace.person, trace.policy) != trace.policy
            or _decided_otherwise(here, there, _kinds(trace)),
        ),
        ("late_data", (bool(others) and mine != others) or here.has_news_for(trace) or there.has_news_for(trace)),
        ("code", ours.processor_version != theirs.processor_version),
    ]
    return _first(evidence, otherwise="late_data")


def _first(evidence: Sequence[tuple[Cause, bool]], *, otherwise: Cause) -> Cause:
    return next((cause for cause, is_there in evidence if is_there), otherwise)


def _decided_otherwise(one: _Version, other: _Version, kinds: Iterable[str]) -> bool:
    """Whether the tenant's decisions about one of these kinds are others."""
    ours, theirs = one.facts.kind_policies, other.facts.kind_policies
    return any(ours.get(kind) != theirs.get(kind) for kind in kinds)


def _own_kinds(trace: ExampleTrace) -> set[str]:
    """Kinds that an example is about: that of its category, or those whose metrics it claims, or all."""
    prefixes = {metric.partition(".")[0] for metric in _versions(trace)}
    of_category = {each.kind for each in RECORD_TYPES if each.category == trace.category}
    claimed = {each.kind for each in RECORD_TYPES if each.metric_prefix in prefixes}
    return of_category or claimed or set(BY_KIND)


def _kinds(trace: ExampleTrace) -> set[str]:
    """Kinds whose records an example reads."""
    own = _own_kinds(trace)
    return own | {need for kind in own for need in BY_KIND[kind].needs}


def _versions(trace: ExampleTrace) -> Mapping[str, str]:
    """Metric to version of its rule, as the claims name them."""
    return dict(rule.rsplit("@", 1) for rule in trace.rules)


def _difference(kind: Kind, cause: Cause, old: ExampleTrace | None, new: ExampleTrace | None) -> Difference:
    one = new or old
    assert one is not None
    return Difference(one.category, one.task, kind, cause, old.example_id if old else "", new.example_id if new else "")
