"""Row rules: what makes a record unusable, with an id and a version.

Belongs here: rules over the decoded frame of one kind, as data (an id, a version, the aspect of quality it
speaks of, a Polars expression). A row's reason is the first rule it breaks; its siblings flow.
Does not belong here: rules over the items of a list (`items`), file rules (`raw.container`, `file_quality`), or any
clinical judgement.

A rule's version goes up when its meaning changes; the version stands beside every quarantined row, so that a
row can be judged again when the rule moves.
"""

from dataclasses import dataclass

import polars as pl

from vitals.display_text import FLAG, LONGEST_NAME, ORDERS, SEEN
from vitals.raw.flatten import COMMON_COLUMNS
from vitals.record_types import RecordType
from vitals.validated.decoded_values import (
    DECODED_NAMES,
    FUTURE_TOLERANCE_MS,
    LATER_THAN_MODIFIED_MS,
    YEAR_2000_MS,
    YEAR_2100_MS,
    rounded,
    value_columns,
)
from vitals.validated.items import ITEMS, LOST_SHARES, Aspect, item_rules, screen_items
from vitals.validated.rule_policy import DURATION, HARD_LIMITS, SHARED_RULES, RulePolicy, payload_hashes
from vitals.validated.units import in_other_unit
from vitals.validated.zone_offsets import is_unreadable

CLOCK_AHEAD = "clock_ahead"
TOO_LONG, CONTROL_CHARACTERS = f"longer_than_{LONGEST_NAME}", "control_characters"
LATEST_FETCH = "latest_fetch_ms"
"""Column of a decoded frame: the latest time (epoch ms) at which the row's file can have been fetched (`landing`)."""
MODIFIED_TOLERANCE_MS = 24 * 3_600_000
"""A lastModified far after the fetch would win over every later revision."""


@dataclass(frozen=True)
class Rule:
    """One row rule.

    Attributes:
        reason: rule id, with the field after a colon where it concerns one field.
        version: goes up when the meaning changes.
        aspect: the part of the quality score it lowers.
        broken: Boolean expression over the screened frame (`items.screen_items`); null counts as broken.
        impossible: the same for what no person may let through, if that is less.
    """

    reason: str
    version: int
    aspect: Aspect
    broken: pl.Expr
    impossible: pl.Expr | None = None

    @property
    def rule_id(self) -> str:
        """The reason without its field."""
        return self.reason.split(":", 1)[0]


def rules_of(record_type: RecordType, policy: RulePolicy = SHARED_RULES) -> tuple[Rule, ...]:
    """All row rules of a kind by a policy's bounds, in the order in which they are applied."""
    return (
        *_presence(),
        *_names(record_type),
        Rule("bad_zone_offset", 1, "temporal", _bad_zone(record_type)),
        Rule("time_before_2000", 2, "temporal", _EARLIEST < YEAR_2000_MS),
        Rule(CLOCK_AHEAD, 1, "temporal", _AHEAD),
        Rule("end_before_start", 2, "temporal", _reversed(record_type)),
        Rule("time_in_future", 2, "temporal", _IN_FUTURE),
        Rule("later_than_modified", 1, "temporal", pl.col("start_ms") > pl.col("modified_ms") + LATER_THAN_MODIFIED_MS),
        *_durations(record_type, policy),
        # Last of what makes a row none: one that lacks only its value may be given it (`completions`).
        *_values_present(record_type),
        *_ranges(record_type, policy),
        *_items(record_type),
    )


def _presence() -> list[Rule]:
    rules = [
        Rule(f"missing_required:{name}", 2, "schema", pl.col(name).map_batches(_blank, return_dtype=pl.Boolean))
        for name in ("record_id", "source_app")
    ]
    rules += [
        Rule(f"missing_required:{column}", 1, "schema", pl.col(source).is_null())
        for column, source in (
            ("start_utc", "start_ms"),
            ("end_utc", "end_ms"),
            ("modified_utc", "modified_ms"),
            ("fetched_utc", "fetched_ms"),
        )
    ]
    return rules


def _names(record_type: RecordType) -> list[Rule]:
    """Rules over all texts of a row but its zones, which are of one form or none."""
    texts = [name for name, dtype in COMMON_COLUMNS.items() if dtype == pl.String and not name.endswith("_zone")]
    texts += [name for name, dtype in record_type.value_columns.items() if dtype == pl.String]
    return [
        Rule(f"{rule}:{name}", 1, "schema", pl.col(name).map_batches(broken, return_dtype=pl.Boolean))
        for name in texts
        for rule, broken in ((TOO_LONG, _too_long), (CONTROL_CHARACTERS, _with_orders))
    ]


def _too_long(texts: pl.Series) -> pl.Series:
    # No text has more characters than bytes, and nearly none has so many.
    longest = texts.str.len_bytes().max()
    if not isinstance(longest, int) or longest <= LONGEST_NAME:
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(texts))
    return (texts.str.len_chars() > LONGEST_NAME).fill_null(value=False)


def _with_orders(texts: pl.Series) -> pl.Series:
    """Whether a text holds what no name does (`vitals.display_text`)."""
    found = texts.str.contains(ORDERS).fill_null(value=False)
    suspects = found.arg_true()
    if suspects.is_empty():
        return found
    return found.scatter(suspects, texts.gather(suspects).str.replace_all(FLAG, "").str.contains(ORDERS))


def _values_present(record_type: RecordType) -> list[Rule]:
    if record_type.sampled:
        samples = pl.col(record_type.sampled).list.len() == 0
        return [Rule(f"missing_required:{record_type.sampled}", 3, "schema", samples)]
    values = {column: pl.col(DECODED_NAMES.get(column, column)) for column in record_type.plausible}
    return [
        Rule(f"missing_required:{column}", 2, "schema", value.is_null() | ~value.cast(float).is_finite())
        for column, value in values.items()
    ]


def _blank(texts: pl.Series) -> pl.Series:
    """Whether a text is absent, or nothing of it is seen."""
    # What begins with a printed ASCII character is not blank, and nearly every text does.
    if not texts.null_count() and ((texts >= "!") & (texts < "\x7f")).all():
        return pl.Series([False], dtype=pl.Boolean).new_from_index(0, len(texts))
    return ~texts.str.contains(SEEN).fill_null(value=False)


def _bad_zone(record_type: RecordType) -> pl.Expr:
    # The end of an instant is its start.
    ends = ["start_zone"] if record_type.instant else ["start_zone", "end_zone"]
    return pl.any_horizontal(is_unreadable(pl.col(column)) for column in ends)


# Of a frame whose files' landing is not known, no fetch is too late.
_AHEAD = (pl.col("fetched_ms") > pl.col(LATEST_FETCH)).fill_null(value=False)
_EARLIEST = pl.min_horizontal("start_ms", "fetched_ms", "modified_ms")
_IN_FUTURE = (
    (pl.col("start_ms") > pl.col("fetched_ms") + FUTURE_TOLERANCE_MS)
    | (pl.col("modified_ms") > pl.col("fetched_ms") + MODIFIED_TOLERANCE_MS)
    # A fetch or an end beyond this century is a broken clock; a day bucket's end some hours after its fetch is
    # ordinary.
    | (pl.max_horizontal("end_ms", "fetched_ms") > YEAR_2100_MS)
)


def _reversed(record_type: RecordType) -> pl.Expr:
    if record_type.kind == "sleep":
        # A session of no length is no session; a heart-rate spot or a step record may have none.
        return pl.col("end_ms") <= pl.col("start_ms")
    return pl.col("end_ms") < pl.col("start_ms")


def _durations(record_type: RecordType, policy: RulePolicy) -> list[Rule]:
    if record_type.max_duration_hours is None:
        return []
    hours = (pl.col("end_ms") - pl.col("start_ms")) / 3_600_000
    longest = policy.bound(DURATION, "max_hours", record_type.max_duration_hours)
    return [Rule(DURATION, 1, "temporal", hours > longest, hours > HARD_LIMITS[DURATION][1])]


def _items(record_type: RecordType) -> list[Rule]:
    """Rules over items, broken by a record of whose list nothing sound is left; what was let through is not there."""
    return [
        Rule(rule.reason, rule.version, rule.aspect, lost, impossible=lost)
        for rule in item_rules(record_type)
        for lost in (pl.col("lost_reason").eq_missing(pl.lit(rule.reason)),)
    ]


def _ranges(record_type: RecordType, policy: RulePolicy) -> list[Rule]:
    rules = []
    for column, other in record_type.unit_suspect.items():
        low, high = shared = record_type.plausible[column]
        rule = f"out_of_range:{column}"
        bounds = policy.bound(rule, "min", low), policy.bound(rule, "max", high)
        suspect = in_other_unit(DECODED_NAMES.get(column, column), column, other, shared=shared, bounds=bounds)
        rules.append(Rule(f"unit_suspect:{column}", 2, "physiological", suspect))
    for column, (low, high) in () if record_type.sampled else record_type.plausible.items():
        rule = f"out_of_range:{column}"
        bounds = policy.bound(rule, "min", low), policy.bound(rule, "max", high)
        broken, impossible = (_outside(column, *limits) for limits in (bounds, HARD_LIMITS[rule]))
        rules.append(Rule(rule, 1, "physiological", broken, impossible))
    return rules


def _outside(column: str, low: float, high: float) -> pl.Expr:
    value = pl.col(DECODED_NAMES.get(column, column))
    return ~rounded(value, column).is_between(low, high)


def _waived(
    decoded: pl.DataFrame,
    record_type: RecordType,
    rules: tuple[Rule, ...],
    broken: pl.DataFrame,
    policy: RulePolicy,
) -> list[pl.Series]:
    """The columns of `broken` in which rows that a person let through no longer count."""
    changed = []
    for i, rule in enumerate(rules):
        waived = policy.waived.get(rule.reason)
        rows = broken[str(i)].arg_true()
        if not waived or rows.is_empty():
            continue
        judged = decoded[rows]
        keys = zip(judged["record_id"], payload_hashes(judged, value_columns(record_type)), strict=True)
        let = pl.Series([key in waived for key in keys], dtype=pl.Boolean)
        if rule.impossible is not None:
            let &= ~judged.select(rule.impossible.fill_null(value=True)).to_series()
        changed.append(broken[str(i)].scatter(rows.filter(let), values=False))
    return changed


def judge(decoded: pl.DataFrame, record_type: RecordType, policy: RulePolicy = SHARED_RULES) -> pl.DataFrame:
    """Take impossible items out of lists, and add the first broken rule of each row.

    Args:
        decoded: decoded frame of one kind; with LATEST_FETCH, if it is known when the files landed.
        policy: the tenant's own bounds, and what was let through.

    Returns:
        The frame with `reason` (String, null for a good row), `rule_version` (Int32), `aspect` (String) and
        `items.SCREENED_COLUMNS`. A row with a reason has its list as it was delivered, and has lost nothing by itself.
    """
    rules = rules_of(record_type, policy)
    if LATEST_FETCH not in decoded.columns:
        decoded = decoded.with_columns(pl.lit(None, dtype=pl.Int64).alias(LATEST_FETCH))
    screened = screen_items(decoded, record_type, policy)
    broken = screened.select(rule.broken.fill_null(value=True).alias(str(i)) for i, rule in enumerate(rules))
    broken = broken.with_columns(_waived(screened, record_type, rules, broken, policy))
    first: pl.Expr = pl.lit(None, dtype=pl.Int32)
    for i in reversed(range(len(rules))):
        if broken[str(i)].any():
            first = pl.when(pl.lit(broken[str(i)])).then(pl.lit(i, dtype=pl.Int32)).otherwise(first)
    names = dict(enumerate(rule.reason for rule in rules))
    versions = dict(enumerate(rule.version for rule in rules))
    aspects = dict(enumerate(rule.aspect for rule in rules))
    judged = (
        screened.with_columns(__first=first)
        .with_columns(
            reason=pl.col("__first").replace_strict(names, default=None, return_dtype=pl.String),
            rule_version=pl.col("__first").replace_strict(versions, default=None, return_dtype=pl.Int32),
            aspect=pl.col("__first").replace_strict(aspects, default=None, return_dtype=pl.String),
        )
        .drop("__first", LATEST_FETCH)
    )
    if judged["dropped"].null_count() == judged.height:
        return judged
    # What a person is shown, and what a release hashes, is what was delivered.
    column, is_good = ITEMS[record_type.kind].column, pl.col("reason").is_null()
    nothing = [pl.when(is_good).then(name).otherwise(0.0).alias(name) for name in LOST_SHARES]
    return judged.with_columns(
        pl.when(is_good).then(column).otherwise(decoded[column]).alias(column),
        pl.when(is_good).then("dropped"),
        *nothing,
    )
