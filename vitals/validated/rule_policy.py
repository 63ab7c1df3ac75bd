"""By which bounds rows are judged: the shared ones, a tenant's own, and the payloads a person let through.

Belongs here: which bounds may be moved and how far, reading `RULE.BOUND=VALUE`, and the policy that `rules.judge` and
the file score apply.
Does not belong here: the rules themselves (`rules`), or where policies are stored.

A bound moves within hard limits only: beyond them a value is not a measurement, and a formula may not take it (the
logarithm of a glucose of nothing). Rules about presence and time have no bound: a record without an id, or one that
ends before it begins, is no record, and nobody's permission makes it one.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import polars as pl

from vitals.errors import UsageError
from vitals.record_types import RECORD_TYPES, RecordType
from vitals.validated.content_hash import content_hash

SCORE = "score"
THRESHOLD = "threshold"
DURATION = "out_of_range:duration"
LOW_QUALITY = "low_quality"
CONFLICTING = "conflicting_samples"

HARD_LIMITS: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        **{
            f"out_of_range:{column}": limits
            for record_type in RECORD_TYPES
            for column, limits in record_type.hard_limits.items()
        },
        # A longer record would reach days that are not read together with its own.
        DURATION: (0, 48),
        SCORE: (0, 1),
    }
)
"""Rule to the values its bounds may have. In the unit of the column; hours for a duration, a share for the score."""

LETTABLE = frozenset({*HARD_LIMITS, CONFLICTING} - {SCORE})
"""Rules that a person may waive for one record; `unit_suspect` is waived too, as the range still holds."""

_HASHED = ("record_id", "source_app", "start_ms", "end_ms", "start_zone", "end_zone", "modified_ms")


@dataclass(frozen=True)
class BoundChange:
    """One bound of one rule at another value."""

    rule: str
    bound: str
    value: float

    @property
    def name(self) -> str:
        """As it is written: `out_of_range:level_mg_dl.max`."""
        return f"{self.rule}.{self.bound}"


@dataclass(frozen=True)
class RulePolicy:
    """What a tenant changed of the rules; empty for most.

    Attributes:
        bounds: (rule, bound) to value.
        versions: rule to the version of the tenant's bounds, from 1.
        waived: rule to (record id, payload hash) of rows let through.
        waived_uploads: ids of uploads let through although they score low.
    """

    bounds: Mapping[tuple[str, str], float] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    waived: Mapping[str, frozenset[tuple[str, int]]] = field(default_factory=dict)
    waived_uploads: frozenset[str] = frozenset()

    def bound(self, rule: str, bound: str, default: float) -> float:
        """The value of a bound."""
        return self.bounds.get((rule, bound), default)

    def threshold(self, default: float) -> float:
        """Score under which a file is quarantined as a whole."""
        return self.bound(SCORE, THRESHOLD, default)

    def with_change(self, change: BoundChange) -> "RulePolicy":
        """This policy with one bound moved."""
        return RulePolicy(
            bounds={**self.bounds, (change.rule, change.bound): change.value},
            versions={**self.versions, change.rule: self.versions.get(change.rule, 0) + 1},
            waived=self.waived,
            waived_uploads=self.waived_uploads,
        )


SHARED_RULES = RulePolicy()
"""Nothing changed."""


def default_bounds() -> dict[tuple[str, str], float]:
    """Every bound that may be moved, at its shared value; the score's threshold is the installation's own."""
    bounds: dict[tuple[str, str], float] = {}
    for record_type in RECORD_TYPES:
        for column, (low, high) in record_type.plausible.items():
            bounds[f"out_of_range:{column}", "min"] = low
            bounds[f"out_of_range:{column}", "max"] = high
    return bounds


def kinds_of(rule: str) -> tuple[RecordType, ...]:
    """Kinds whose rows a rule judges."""
    column = rule.partition(":")[2]
    if rule == SCORE:
        return RECORD_TYPES
    if rule == DURATION:
        return tuple(t for t in RECORD_TYPES if t.max_duration_hours is not None)
    return tuple(t for t in RECORD_TYPES if column in t.plausible)


def read_change(text: str) -> BoundChange:
    """A change as people write it: `out_of_range:level_mg_dl.max=700`, `score.threshold=0.6`.

    Raises:
        UsageError: another form, no such bound, no number, or a value beyond the hard limits.
    """
    name, equals, number = text.partition("=")
    rule, dot, bound = name.strip().rpartition(".")
    known = {*default_bounds(), (DURATION, "max_hours"), (SCORE, THRESHOLD)}
    attempted = "read the rule change"
    if not equals or not dot or (rule, bound) not in known:
        names = ", ".join(sorted(f"{r}.{b}" for r, b in known))
        raise UsageError(attempted, "RULE=VALUE", "no such bound", f"Write BOUND=NUMBER with one of: {names}.")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    low, high = HARD_LIMITS[rule]
    if not low <= value <= high:
        why = f"the value of {name.strip()} must be a number from {low:g} to {high:g}"
        raise UsageError(attempted, name.strip(), why, "Choose a value within these limits.")
    return BoundChange(rule, bound, value)


def may_be_waived(reason: str) -> bool:
    """Whether a person may let a single row or file through that has this reason."""
    return reason in LETTABLE or reason == LOW_QUALITY or reason.startswith("unit_suspect:")


def payload_hashes(decoded: pl.DataFrame, columns: Iterable[str]) -> pl.Series:
    """Hash of what was judged of each row, wherever it was delivered.

    Args:
        decoded: rows of a decoded frame of one kind.
        columns: names of its value columns in that frame.
    """
    return content_hash(decoded, [*_HASHED, *columns]).alias("payload_hash")
