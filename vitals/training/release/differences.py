"""What changed between two versions of a data set, and why.

Belongs here: matching the examples of two versions, and the one cause of each change.
Does not belong here: what is compared (`traces`), reading stored versions, or printing.

An example is matched by its slot: the same question about the same day of the same person. What is in one version
only was added or removed; what says something else has changed. Each change has one cause. Where the evidence for
several is there, the first of these counts, from what concerns one person alone to what concerns everybody:

    consent_or_erasure  the person was erased or is withdrawn in one version only (added and removed examples)
    completion          a manual completion of its uploads is in force in one version only
    late_data           the facts rest on other uploads than before, and differ; an added example rests on an upload
                        that the older version did not know. New persons are late data
    rule                a metric that both claim has another rule version; for an example in one version only, one of
                        its metrics has another version in the other
    policy              it was made under other settings or another profile; for an example in one version only, the
                        selection or the settings of the two versions differ
    code                other software wrote it
    late_data           none of these, but the facts differ or an example came or went: the same rules, settings and
                        software give other facts only from other data (a night's sleep that arrived late moves the
                        heart rate asleep, whose own uploads are the same)
    code                none of these and equal facts: the wording changed without a new version

Evidence for examples in one version only is also taken from the same day of the same person in the same category
where both versions have another example of it: its uploads and its settings are theirs.

What a diff cannot tell: two causes that strike the same example between the two versions are one change, named by
the first; and an example whose settings changed without any effect on it has not changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from vitals.training.release.traces import ExampleTrace, ManifestFacts

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
    old, new = _Version(before, was), _Version(after, now)
    found = list(_erased(old, new))
    for slot in old.slots.keys() | new.slots.keys():
        gone, come = _without_equal(old.slots.get(slot, []), new.slots.get(slot, []))
        both = min(len(gone), len(come))
        for one, other in zip(gone[:both], come[:both], strict=True):
            found.append(_difference("changed", _cause_of_change(one, other), one, other))
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
    """A version's traces by slot and by day, with what it noted about its build."""

    def __init__(self, traces: Iterable[ExampleTrace], facts: ManifestFacts) -> None:
        self.facts = facts
        self.slots: dict[str, list[ExampleTrace]] = defaultdict(list)
        self.days: dict[str, ExampleTrace] = {}
        self.erased: list[ExampleTrace] = []
        for trace in traces:
            if trace.is_erased:
                self.erased.append(trace)
                continue
            self.slots[trace.slot].append(trace)
            # The first in an order of their own: which of a day's examples stands for it must not hang on rows.
            known = self.days.get(trace.day)
            if known is None or trace.slot < known.slot:
                self.days[trace.day] = trace


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


def _cause_of_change(old: ExampleTrace, new: ExampleTrace) -> Cause:
    facts_differ = old.facts != new.facts
    versions = _versions(old)
    evidence: dict[Cause, bool] = {
        "completion": old.completions != new.completions,
        "late_data": facts_differ and old.sources != new.sources,
        "rule": any(versions.get(metric, version) != version for metric, version in _versions(new).items()),
        "policy": old.policy != new.policy,
        "code": old.processor_version != new.processor_version,
    }
    return _first(evidence, otherwise="late_data" if facts_differ else "code")


def _cause_of_presence(trace: ExampleTrace, here: _Version, there: _Version) -> Cause:
    """Why an example is in one version (`here`) and not in the other."""
    sibling = there.days.get(trace.day)
    ours, theirs = here.facts, there.facts
    evidence: dict[Cause, bool] = {
        "consent_or_erasure": trace.person in theirs.withdrawn,
        "completion": not theirs.completions.issuperset(trace.completions),
        "late_data": not theirs.sources.issuperset(trace.sources)
        or (sibling is not None and sibling.sources != trace.sources),
        "rule": any(
            str(theirs.rule_versions.get(metric, version)) != version for metric, version in _versions(trace).items()
        ),
        "policy": (ours.selection_digest, ours.policy_digest) != (theirs.selection_digest, theirs.policy_digest)
        or (sibling is not None and sibling.policy != trace.policy),
        "code": ours.processor_version != theirs.processor_version,
    }
    return _first(evidence, otherwise="late_data")


def _first(evidence: Mapping[Cause, bool], *, otherwise: Cause) -> Cause:
    return next((cause for cause in CAUSES if evidence.get(cause)), otherwise)


def _versions(trace: ExampleTrace) -> Mapping[str, str]:
    """Metric to version of its rule, as the claims name them."""
    return dict(rule.rsplit("@", 1) for rule in trace.rules)


def _difference(kind: Kind, cause: Cause, old: ExampleTrace | None, new: ExampleTrace | None) -> Difference:
    one = new or old
    assert one is not None
    return Difference(one.category, one.task, kind, cause, old.example_id if old else "", new.example_id if new else "")
