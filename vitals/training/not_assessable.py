"""What a text and a prompt say of the metrics that were withheld.

Belongs here: grouping withheld metrics by reason, and their wording.
Does not belong here: why a metric is withheld (`vitals.clinical`), which ones a kind mentions (its module).

The same metrics are withheld for the same reasons on most days of most people, so whole groups are remembered.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from vitals.record_types import RecordType
from vitals.training.claims import Claim, rule_of
from vitals.training.fact_row import FactRow, Withheld
from vitals.training.language import violations
from vitals.training.narrative import Narrative, listing, phrases
from vitals.training.source_names import TITLES

NOT_ASSESSABLE = phrases(
    "Not assessable: {what}",
    "Not stated for this day: {what}",
    "Cannot be assessed here: {what}",
    "Left open by these data: {what}",
)

NEUTRAL_REASON = "its precondition is not met"
"""Stands in for a reason whose own words a text may not use (a profile that names a disease)."""

_MOST_LABELS = 8
_MOST_REASONS = 5
_NUMBER = re.compile(r"\d\d:\d\d|\d+(?:,\d{3})*(?:\.\d+)?")


@dataclass(frozen=True, eq=False)
class Labels:
    """What a kind calls its metrics where they are not assessable; others are not mentioned.

    Attributes:
        record_type: the kind.
        names: column -> words without a number, in order of mention. Several columns may share one.
    """

    record_type: RecordType
    names: Mapping[str, str]

    def of(self, metric: str) -> str | None:
        """Words for a metric id; None if it is not to be mentioned."""
        return self.names.get(metric.partition(".")[2])

    def rank(self, metric: str) -> int:
        """Position of a metric id in the order of mention."""
        return list(self.names).index(metric.partition(".")[2])


def say_not_assessable(row: FactRow, narrative: Narrative, labels: Labels, *, skip: tuple[str, ...] = ()) -> None:
    """Say which metrics are not assessable and why, grouped by reason.

    Args:
        row: the facts.
        narrative: where to write.
        labels: what the metrics are called.
        skip: columns that another sentence has explained already.
    """
    what, claims = _sentence(labels, row.withheld, skip)
    for claim in claims:
        narrative.claims.setdefault(claim.id, claim)
    if what:
        narrative.say(NOT_ASSESSABLE, what=what)


@lru_cache(maxsize=4096)
def prompt_lines(labels: Labels, withheld: Withheld) -> str:
    """The withheld metrics as lines of a prompt, one per reason; "" without any."""
    groups = _by_reason(labels, withheld, ())
    return "\n".join(f"Not assessable: {', '.join(names)}: {_sayable(reason)}" for reason, (_, names) in groups.items())


@lru_cache(maxsize=4096)
def _sentence(labels: Labels, withheld: Withheld, skip: tuple[str, ...]) -> tuple[str, tuple[Claim, ...]]:
    clauses: list[str] = []
    claims: list[Claim] = []
    for reason, (metric, names) in list(_by_reason(labels, withheld, skip).items())[:_MOST_REASONS]:
        named = listing(names if len(names) <= _MOST_LABELS else [*names[:_MOST_LABELS], "others"])
        why, numbers = reason_in_words(metric, reason)
        claims += numbers
        clauses.append(f"{named} ({why})" if why else named)
    return "; ".join(clauses), tuple(claims)


def _by_reason(labels: Labels, withheld: Withheld, skip: tuple[str, ...]) -> dict[str, tuple[str, list[str]]]:
    """Reason -> the first metric withheld for it, and the words for all of them."""
    prefix = labels.record_type.metric_prefix + "."
    skipped = {prefix + column for column in skip}
    entries = [
        entry for entry in withheld.reasons.items() if entry[0] not in skipped and labels.of(entry[0]) is not None
    ]
    entries.sort(key=lambda entry: labels.rank(entry[0]))
    groups: dict[str, tuple[str, list[str]]] = {}
    for metric, reason in entries:
        names = groups.setdefault(reason, (metric, []))[1]
        name = labels.of(metric)
        if name is not None and name not in names:
            names.append(name)
    return groups


@lru_cache(maxsize=4096)
def reason_in_words(metric: str, reason: str) -> tuple[str, tuple[Claim, ...]]:
    """A reason as a text may say it, with the claims of its numbers; metric is what is withheld for it."""
    words, claims = _with_claims(metric, _sayable(reason))
    return words, tuple(claims)


def _sayable(reason: str) -> str:
    """A reason as a text may say it; the neutral one if its words are forbidden."""
    words = reason.strip().rstrip(".").removeprefix("not assessable: ")
    for app, title in TITLES.items():
        words = words.replace(app, title)
    return NEUTRAL_REASON if violations(words) else words


def _with_claims(metric: str, reason: str) -> tuple[str, list[Claim]]:
    """A reason with each number in it rendered by a claim."""
    claims: list[Claim] = []

    def render(match: re.Match[str]) -> str:
        claims.append(_threshold(metric, len(claims) + 1, match.group()))
        return claims[-1].text()

    return _NUMBER.sub(render, reason), claims


def _threshold(metric: str, index: int, token: str) -> Claim:
    value: float | str
    decimals = 0
    if ":" in token:
        value, unit = token, "clock"
    else:
        plain, unit = token.replace(",", ""), ""
        decimals = len(plain.partition(".")[2])
        value = float(plain) if decimals else int(plain)
    rule = rule_of("sufficiency")
    return Claim(f"{metric}#needs_{index}", "sufficiency", value, unit, "", None, (), rule, decimals)
