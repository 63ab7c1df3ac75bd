"""Items of a record's list: an impossible one goes, its siblings stay.

Belongs here: what makes a heart-rate sample or a sleep stage impossible, in which order that is asked, and what becomes
of items that say the same thing twice or two things at once.
Does not belong here: rules over whole records (`rules`), or what a list means clinically.

    items -> first broken rule of each -> equal items once -> conflicting samples -> kept items, and what was dropped why

A record that loses items stays, with those that are left; it is quarantined only if nothing sound is left of them, for
the first rule that one of them broke. The same items come out whatever the order in which a list names them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.record_types import RecordType
from vitals.validated.decoded_values import (
    FUTURE_TOLERANCE_MS,
    LATER_THAN_MODIFIED_MS,
    YEAR_2000_MS,
    value_columns,
)
from vitals.validated.rule_policy import CONFLICTING, HARD_LIMITS, RulePolicy, payload_hashes

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Aspect = Literal["schema", "physiological", "temporal"]

EDGE_TOLERANCE_MS = 60_000
"""Writers round the edges of a record to a second or a minute; Health Connect refuses a sample outside its record."""

_SOUND = -1
_BOUND_MS = 1 << 60
"""Times are cut to this before they are added to: they come from 64 bits of anybody's."""


@dataclass(frozen=True)
class ItemList:
    """The list of a kind.

    Attributes:
        column: its column in a decoded frame.
        parts: what every item must have.
        start, end: times of an item; the same part for an instant.
    """

    column: str
    parts: tuple[str, ...]
    start: str
    end: str


ITEMS: Mapping[str, ItemList] = MappingProxyType(
    {
        "heart_rate": ItemList("samples", ("time_ms", "bpm"), "time_ms", "time_ms"),
        "sleep": ItemList("stages", ("start_ms", "end_ms"), "start_ms", "end_ms"),
    }
)
"""Kind to its list."""

DROPPED_TYPE = pl.List(pl.Struct({"reason": pl.String(), "items": pl.Int32()}))

ASPECTS: tuple[Aspect, ...] = ("schema", "physiological", "temporal")
LOST_SHARES = tuple(f"lost_{aspect}" for aspect in ASPECTS)

SCREENED_COLUMNS = pl.Schema(
    {
        # Reasons for which a record lost items, in the order of `item_rules`; null if it lost none.
        "dropped": DROPPED_TYPE,
        # Of a record that keeps nothing of its list: the first of these reasons.
        "lost_reason": pl.String(),
        # Share of its items that broke rules of each aspect.
        **dict.fromkeys(LOST_SHARES, pl.Float64()),
    }
)
"""What `screen_items` adds to a decoded frame."""


@dataclass(frozen=True)
class ItemRule:
    """One rule over the items of a list."""

    reason: str
    version: int
    aspect: Aspect


def item_rules(record_type: RecordType) -> tuple[ItemRule, ...]:
    """Rules over the items of a kind's list, in the order in which they are asked; none without a list."""
    if record_type.kind not in ITEMS:
        return ()
    of = ITEMS[record_type.kind]
    rules = [
        ItemRule(f"missing_required:{of.column}", 3, "schema"),
        ItemRule("time_before_2000", 2, "temporal"),
        ItemRule("end_before_start", 2, "temporal"),
        ItemRule("time_in_future", 2, "temporal"),
        ItemRule("later_than_modified", 1, "temporal"),
        ItemRule("outside_record", 1, "temporal"),
    ]
    if record_type.sampled:
        rules += [ItemRule(f"out_of_range:{column}", 2, "physiological") for column in record_type.plausible]
        rules.append(ItemRule(CONFLICTING, 1, "temporal"))
    return tuple(rules)


def screen_items(decoded: pl.DataFrame, record_type: RecordType, policy: RulePolicy) -> pl.DataFrame:
    """Take impossible and repeated items out of the lists of a decoded frame.

    Args:
        decoded: decoded frame of one kind.
        policy: the tenant's own bounds, and what was let through.

    Returns:
        The frame with SCREENED_COLUMNS. A list of which nothing is left stays as it was delivered.
    """
    if record_type.kind not in ITEMS:
        return _nothing_lost(decoded)
    of = ITEMS[record_type.kind]
    suspects = _suspects(decoded, of, record_type, policy)
    if not suspects.size:
        return _nothing_lost(decoded)
    items = _Items.of_rows(decoded, of, suspects)
    rules = item_rules(record_type)
    broken = _first_broken(items, rules, record_type, policy)
    repeated = _settle_repeated(items, broken, rules, record_type, policy)
    kept = (broken == _SOUND) & ~repeated
    if kept.all():
        return _nothing_lost(decoded)
    return _losses(_with_lists(decoded, items, kept), items, broken, kept, rules)


@dataclass(frozen=True)
class _Items:
    """The items of some lists of a frame, flat.

    Attributes:
        of: which list it is.
        flat: the items, one a row, parts as columns.
        row: row of the frame of each, ascending.
        count: items of each row of the frame; 0 of rows whose items are not looked at.
        start, end: their times; 0 where they lack one.
        incomplete: which of them lack a part.
        decoded: the frame.
    """

    of: ItemList
    flat: pl.DataFrame
    row: Ints
    count: Ints
    start: Ints
    end: Ints
    incomplete: Flags
    decoded: pl.DataFrame

    @classmethod
    def of_rows(cls, decoded: pl.DataFrame, of: ItemList, rows: Ints) -> "_Items":
        """The items of some rows of a decoded frame, in ascending order of the rows."""
        lists = decoded[of.column].gather(rows).fill_null([])
        count = np.zeros(decoded.height, dtype=np.int64)
        count[rows] = lists.list.len().to_numpy()
        flat = lists.explode(empty_as_null=False).struct.unnest()
        return cls(
            of=of,
            flat=flat,
            row=np.repeat(rows, count[rows]),
            count=count,
            start=_times(flat[of.start]),
            end=_times(flat[of.end]),
            incomplete=flat.select(pl.any_horizontal(pl.col(of.parts).is_null())).to_series().to_numpy(),
            decoded=decoded,
        )

    def of_record(self, column: str) -> tuple[Ints, Flags]:
        """A time of each item's record, and whether the record has it."""
        times = self.decoded[column]
        return _times(times)[self.row], times.is_not_null().to_numpy()[self.row]


def _times(column: pl.Series) -> Ints:
    numbers: Ints = column.fill_null(0).to_numpy().astype(np.int64)
    return np.clip(numbers, -_BOUND_MS, _BOUND_MS)


def _nothing_lost(decoded: pl.DataFrame) -> pl.DataFrame:
    return decoded.with_columns(
        pl.lit(0.0 if dtype == pl.Float64 else None, dtype=dtype).alias(name)
        for name, dtype in SCREENED_COLUMNS.items()
    )


def _suspects(decoded: pl.DataFrame, of: ItemList, record_type: RecordType, policy: RulePolicy) -> Ints:
    """Rows that may lose items: what the smallest and the largest of a list tell without a look at each item.

    Nearly every list is sound and in order of time, and most of a batch is lists.
    """

    def part(name: str) -> pl.Expr:
        return pl.col(of.column).list.eval(pl.element().struct.field(name))

    first, last = part(of.start).list.min(), part(of.end).list.max()
    suspicious = [
        first < YEAR_2000_MS,
        last > pl.col("fetched_ms") + FUTURE_TOLERANCE_MS,
        part(of.start).list.max() > pl.col("modified_ms") + LATER_THAN_MODIFIED_MS,
        first < pl.col("start_ms") - EDGE_TOLERANCE_MS,
        last > pl.col("end_ms") + EDGE_TOLERANCE_MS,
    ]
    if of.start != of.end:
        spans = pl.element().struct.field(of.end) - pl.element().struct.field(of.start)
        suspicious.append(pl.col(of.column).list.eval(spans).list.min() < 0)
    for column, (low, high) in record_type.plausible.items() if record_type.sampled else ():
        reason = f"out_of_range:{column}"
        suspicious.append(part(column).list.min() < policy.bound(reason, "min", low))
        suspicious.append(part(column).list.max() > policy.bound(reason, "max", high))
    items = decoded[of.column].explode(empty_as_null=False).struct
    if any(items.field(name).null_count() for name in of.parts):
        lacks = pl.any_horizontal(pl.element().struct.field(name).is_null() for name in of.parts)
        suspicious.append(pl.col(of.column).list.eval(lacks).list.any())
    found = decoded.select(pl.any_horizontal(suspicious).fill_null(value=False)).to_series().arg_true().to_numpy()
    lengths = decoded[of.column].list.len().fill_null(0).to_numpy()
    return np.union1d(found, _rows_out_of_order(items.field(of.start), lengths)).astype(np.int64)


def _rows_out_of_order(times: pl.Series, lengths: NDArray[np.uint32]) -> Ints:
    """Rows whose items are not in ascending order of time, or have two at one instant."""
    instants = times.fill_null(0).to_numpy()
    ends = np.cumsum(lengths.astype(np.int64))
    behind = np.flatnonzero(instants[1:] <= instants[:-1]) + 1
    rows = np.searchsorted(ends, behind, side="right")
    # The first item of a list comes after an item of another list.
    return np.unique(rows[behind != ends[rows] - lengths[rows]])


def _first_broken(
    items: _Items, rules: Sequence[ItemRule], record_type: RecordType, policy: RulePolicy
) -> NDArray[np.int8]:
    """Position of the first rule that each item breaks, or _SOUND. Conflicts are settled afterwards."""
    found = np.full(items.row.size, _SOUND, dtype=np.int8)
    broken = dict(_broken(items, record_type, policy))
    for position in reversed(range(len(rules))):
        flags = broken.get(rules[position].reason)
        if flags is not None and flags.any():
            found[flags] = position
    return found


def _broken(items: _Items, record_type: RecordType, policy: RulePolicy) -> Iterator[tuple[str, Flags]]:
    """Reason, and which items break its rule."""
    yield f"missing_required:{items.of.column}", items.incomplete
    yield "time_before_2000", np.minimum(items.start, items.end) < YEAR_2000_MS
    yield "end_before_start", items.end < items.start
    fetched, is_fetched = items.of_record("fetched_ms")
    yield "time_in_future", is_fetched & (np.maximum(items.start, items.end) > fetched + FUTURE_TOLERANCE_MS)
    modified, is_modified = items.of_record("modified_ms")
    yield "later_than_modified", is_modified & (items.start > modified + LATER_THAN_MODIFIED_MS)
    begins, has_begin = items.of_record("start_ms")
    ends, has_end = items.of_record("end_ms")
    # A stage that leaves its session is cut to it when the night is read; one that never meets it is not of it.
    yield (
        "outside_record",
        (has_begin & (items.end < begins - EDGE_TOLERANCE_MS)) | (has_end & (items.start > ends + EDGE_TOLERANCE_MS)),
    )
    for column, (low, high) in record_type.plausible.items() if record_type.sampled else ():
        reason = f"out_of_range:{column}"
        values = items.flat[column].fill_null(0).to_numpy()
        outside = (values < policy.bound(reason, "min", low)) | (values > policy.bound(reason, "max", high))
        least, most = HARD_LIMITS[reason]
        let_through = _let_through(items, outside, reason, record_type, policy) & (values >= least) & (values <= most)
        yield reason, outside & ~let_through


def _let_through(items: _Items, broken: Flags, reason: str, record_type: RecordType, policy: RulePolicy) -> Flags:
    """Which of the items are of records that a person let through although they break the rule."""
    waived = policy.waived.get(reason)
    if not waived or not broken.any():
        return np.zeros(broken.size, dtype=np.bool_)
    rows = np.unique(items.row[broken])
    judged = items.decoded[rows]
    keys = zip(judged["record_id"], payload_hashes(judged, value_columns(record_type)), strict=True)
    let = rows[np.array([key in waived for key in keys], dtype=np.bool_)]
    return np.isin(items.row, let)


def _settle_repeated(
    items: _Items, broken: NDArray[np.int8], rules: Sequence[ItemRule], record_type: RecordType, policy: RulePolicy
) -> Flags:
    """Which sound items only repeat another; conflicting samples are entered in `broken`."""
    repeated = np.zeros(broken.size, dtype=np.bool_)
    sound = np.flatnonzero(broken == _SOUND)
    row, start = items.row[sound], items.start[sound]
    # Nearly every list is in order of time, and then no instant occurs twice.
    unordered = (row[1:] == row[:-1]) & (start[1:] <= start[:-1])
    if not unordered.any():
        return repeated
    candidates = sound[np.isin(row, row[1:][unordered])]
    found = items.flat[candidates].with_columns(row=items.row[candidates], position=candidates)
    distinct = found.unique(["row", *items.flat.columns], keep="first", maintain_order=True)
    repeated[candidates] = True
    repeated[distinct["position"].to_numpy()] = False
    if record_type.sampled:
        losers = _conflicting(distinct, items.of.start, next(iter(record_type.plausible)))
        flags = np.zeros(broken.size, dtype=np.bool_)
        flags[losers] = True
        flags &= ~_let_through(items, flags, CONFLICTING, record_type, policy)
        broken[flags] = [rule.reason for rule in rules].index(CONFLICTING)
    return repeated


def _conflicting(samples: pl.DataFrame, instant: str, value: str) -> Ints:
    """Positions of samples that are given up because their record says something else of the same instant.

    Of several values at one instant the one stays that is nearest to the median of the record's other instants; of
    two as near, the lower. A record without another instant tells nothing of which is right: none of them stays.
    """
    rivals = pl.len().over("row", instant)
    typical = pl.col(value).filter(rivals == 1).median().over("row")
    judged = samples.select(
        "row", instant, value, "position", rivals=rivals, distance=(pl.col(value) - typical).abs()
    ).filter(pl.col("rivals") > 1)
    best = judged.drop_nulls("distance").sort("distance", value).unique(["row", instant], keep="first")
    lost: Ints = judged.join(best, on="position", how="anti")["position"].to_numpy()
    return lost


def _with_lists(decoded: pl.DataFrame, items: _Items, kept: Flags) -> pl.DataFrame:
    """The frame with only the kept items in its lists, where any are kept."""
    changed = np.isin(items.row, np.unique(items.row[~kept])) & kept
    lists = (
        items.flat.filter(changed)
        .select(item=pl.struct(items.flat.columns), row=items.row[changed])
        .group_by("row", maintain_order=True)
        .agg(kept="item")
    )
    row = pl.DataFrame({"row": np.arange(decoded.height)})
    new = row.join(lists, on="row", how="left", maintain_order="left")["kept"]
    return decoded.with_columns(pl.coalesce(new, items.of.column).alias(items.of.column))


def _losses(
    decoded: pl.DataFrame, items: _Items, broken: NDArray[np.int8], kept: Flags, rules: Sequence[ItemRule]
) -> pl.DataFrame:
    """The frame with SCREENED_COLUMNS."""
    dropped = broken != _SOUND
    numbers = items.row[dropped] * len(rules) + broken[dropped]
    counts = np.bincount(numbers, minlength=decoded.height * len(rules)).reshape(-1, len(rules))
    rows = np.flatnonzero(counts.any(axis=1))
    by_rule = counts[rows]
    reasons = [rule.reason for rule in rules]
    keeps = np.bincount(items.row[kept], minlength=decoded.height)[rows]
    of = pl.DataFrame(
        {
            "row": rows,
            "dropped": [
                [{"reason": reason, "items": count} for reason, count in zip(reasons, row, strict=True) if count]
                for row in by_rule.tolist()
            ],
            "lost_reason": [
                None if keep else reasons[first]
                for keep, first in zip(keeps.tolist(), (by_rule > 0).argmax(axis=1).tolist(), strict=True)
            ],
            **{
                name: by_rule[:, [rule.aspect == aspect for rule in rules]].sum(axis=1) / items.count[rows]
                for aspect, name in zip(ASPECTS, LOST_SHARES, strict=True)
            },
        },
        schema={"row": pl.Int64(), **SCREENED_COLUMNS},
    )
    row = pl.DataFrame({"row": np.arange(decoded.height)})
    joined = row.join(of, on="row", how="left", maintain_order="left").drop("row")
    return decoded.with_columns(joined.with_columns(pl.col(LOST_SHARES).fill_null(0.0)))
