"""Numbers of a day that are parts of a whole, and how they are written so that what is shown adds up.

Belongs here: which columns make up a whole, their second decimals, and how many decimals texts write them with.
Does not belong here: rounding itself (`rounding`), or any wording.

Prompts show two decimals: there the parts are rounded together. Texts write as few decimals as let the parts add up to
the whole, each number rounded half up by itself, and a whole number always without any. So 245.5 + 45.5 + 91 is 382,
and nobody who adds up what is written gets another number than the one beside it.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from vitals.training.claims import VALUE_DECIMALS, percent_decimals
from vitals.training.rounding import round_column, round_half_up, round_parts, round_series

MAX_NAPS = 3
"""Naps that a text names; the time asleep of all sessions is their sum and that of the main sleep."""

_NAPS = tuple(f"nap_{index}" for index in range(1, MAX_NAPS + 1))
_NOISE = 1e-6


class Whole(NamedTuple):
    """Columns that add up to another, on the days on which they do.

    Attributes:
        parts: the columns, none negative.
        total: the column they add up to, or the number; None if only their sum is the whole.
    """

    parts: tuple[str, ...]
    total: str | float | None


class Family(NamedTuple):
    """Wholes with columns in common, all of which are written with the same decimals.

    Attributes:
        wholes: one that is part of another after it.
        within: columns that are part of a part, and are written no coarser than it.
    """

    wholes: tuple[Whole, ...]
    within: tuple[str, ...] = ()


FAMILIES: Mapping[str, tuple[Family, ...]] = MappingProxyType(
    {
        "sleep": (
            Family(
                (
                    Whole(("sol", "tst", "waso", "unscored"), "tib"),
                    Whole(("tst", "waso", "unscored"), "tib"),
                    Whole(("light", "deep", "rem"), "tst"),
                    Whole(("tst", *_NAPS), "total_tst_all_sessions"),
                    Whole(_NAPS, "total_tst_all_sessions"),
                )
            ),
            Family((Whole(("pct_light", "pct_deep", "pct_rem"), 100.0),)),
        ),
        "heart_rate": (
            Family(
                (
                    Whole(
                        (
                            *("zone_very_light_lt57", "zone_light_57_64", "zone_moderate_64_77"),
                            *("zone_vigorous_77_96", "zone_near_max_ge96"),
                        ),
                        None,
                    ),
                )
            ),
        ),
        "blood_glucose": (
            Family(
                (
                    Whole(("pct_below_70", "pct_70_180", "pct_above_180"), 100.0),
                    Whole(("pct_70_180", "pct_above_180"), 100.0),
                    Whole(("pct_below_70", "pct_70_180"), 100.0),
                ),
                within=("pct_70_140", "pct_above_250", "pct_below_54"),
            ),
        ),
    }
)
"""Kind -> the families of its table."""

COVERED: Mapping[str, str] = MappingProxyType(
    {"blood_glucose": "wear_percent", "heart_rate": "coverage_percent", "hrv_rmssd": "coverage_percent"}
)
"""Kind -> the share of time covered, which leaves room for the longest gap."""

Decimals = Mapping[str, Sequence[int | None]]
"""Column -> how many decimals texts write it with, per row; None where nothing has to add up."""


def with_sums(kind: str, facts: pl.DataFrame) -> pl.DataFrame:
    """A clinical table whose parts and wholes have VALUE_DECIMALS and add up; other columns as they are."""
    return _Sums(kind, facts).facts()


def decimals_of(kind: str, facts: pl.DataFrame) -> Decimals:
    """How many decimals texts write the parts and wholes of a table of `with_sums` with."""
    sums = _Sums(kind, facts)
    found: dict[str, Sequence[int | None]] = {}
    for family in FAMILIES.get(kind, ()):
        found |= sums.decimals(family)
    return found | _beside_gap(kind, facts)


class _Sums:
    """The columns of a table that may be parts or wholes."""

    def __init__(self, kind: str, facts: pl.DataFrame) -> None:
        self._facts = facts
        self._families = FAMILIES.get(kind, ())
        names = {name for family in self._families for name in _columns(family)}
        self._exact = _with_naps(facts).select(pl.col(sorted(names & set(_with_naps(facts).columns))).cast(pl.Float64))
        self._shown = self._exact.select(round_column(pl.all(), VALUE_DECIMALS)) if self._exact.width else self._exact

    def facts(self) -> pl.DataFrame:
        """The table with the parts and wholes that add up."""
        changed: dict[str, pl.Series] = {}
        for family in self._families:
            for whole in family.wholes:
                changed |= self._add_up(whole)
                self._shown = self._shown.with_columns(**changed)
        own = [self._shown[name] for name in self._shown.columns if name not in _NAPS]
        return self._facts.with_columns(own)

    def _add_up(self, whole: Whole) -> dict[str, pl.Series]:
        """What has to change of the second decimals, by column."""
        if not isinstance(whole.total, str | float):
            return {}
        holds = self._holds(whole)
        if not holds.any():
            return {}
        off = holds & (np.abs(self._sum(self._shown, whole) - self._total(self._shown, whole)) > _NOISE)
        if not off.any():
            return {}
        if _NAPS[0] in whole.parts:
            # Naps stand in a list of their own, so it is the sum that follows.
            sums = np.where(off, self._sum(self._shown, whole), self._total(self._shown, whole))
            return {str(whole.total): _series(str(whole.total), sums)}
        values = {name: self._shown[name].to_list() for name in whole.parts}
        for row in np.flatnonzero(off):
            exact = [self._exact[name][int(row)] for name in whole.parts]
            total = float(self._total(self._shown, whole)[row])
            for name, value in zip(whole.parts, round_parts(exact, total=total, places=VALUE_DECIMALS), strict=True):
                values[name][row] = value
        return {name: pl.Series(name, column, dtype=pl.Float64) for name, column in values.items()}

    def decimals(self, family: Family) -> dict[str, Sequence[int | None]]:
        """Decimals of a family's columns by row: the fewest with which all its wholes add up."""
        wholes = [(whole, holds) for whole in family.wholes if (holds := self._holds(whole)).any()]
        if not wholes:
            return {}
        is_whole = np.any([holds for _, holds in wholes], axis=0)
        names = [name for name in dict.fromkeys(_columns(family)) if name in self._shown.columns]
        places = np.full(self._facts.height, VALUE_DECIMALS)
        for decimals in reversed(range(VALUE_DECIMALS)):
            rounded = self._shown.select(round_series(self._shown[name], decimals) for name in names)
            fits = np.ones(self._facts.height, dtype=bool)
            for whole, holds in wholes:
                total = self._total(rounded, whole)
                if whole.total is None:
                    total = round_series(_series("", self._sum(self._shown, whole)), decimals).to_numpy()
                fits &= ~holds | (np.abs(self._sum(rounded, whole) - total) < _NOISE)
            if family.wholes[0].total == 100.0:
                fits &= self._least(family) <= decimals
            places[fits] = decimals
        found: dict[str, Sequence[int | None]] = {}
        for name in names:
            own = [
                None if value is None or not counts else _places(value, int(d), is_share=name.startswith("pct_"))
                for value, counts, d in zip(self._shown[name].to_list(), is_whole, places, strict=True)
            ]
            found[name] = own
        return found

    def _least(self, family: Family) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Decimals that keep each part of a row's family from being written as none or all."""
        parts = [name for name in family.wholes[0].parts if name in self._shown.columns]
        each = [[0 if v is None else percent_decimals(v) for v in self._shown[name].to_list()] for name in parts]
        least: np.ndarray[Any, np.dtype[np.int64]] = np.max(np.array(each, dtype=np.int64), axis=0)
        return least

    def _holds(self, whole: Whole) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """On which rows all parts and the whole are known and add up."""
        total = (whole.total,) if isinstance(whole.total, str) else ()
        if not {*whole.parts, *total} <= set(self._exact.columns):
            return np.zeros(self._facts.height, dtype=bool)
        off = np.abs(self._sum(self._exact, whole) - self._total(self._exact, whole))
        positive = np.all([self._exact[name].to_numpy() >= 0 for name in whole.parts], axis=0)
        return np.asarray(positive & (off < _NOISE))

    @staticmethod
    def _sum(frame: pl.DataFrame, whole: Whole) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.sum([frame[name].to_numpy() for name in whole.parts], axis=0)  # type: ignore[no-any-return]

    @classmethod
    def _total(cls, frame: pl.DataFrame, whole: Whole) -> np.ndarray[Any, np.dtype[np.float64]]:
        if isinstance(whole.total, str):
            return frame[whole.total].to_numpy()
        return cls._sum(frame, whole) if whole.total is None else np.full(frame.height, whole.total)


def _columns(family: Family) -> Iterator[str]:
    for whole in family.wholes:
        yield from whole.parts
        if isinstance(whole.total, str):
            yield whole.total
    yield from family.within


def _with_naps(facts: pl.DataFrame) -> pl.DataFrame:
    """The table with the time asleep of each nap as a column; null on days with more than a text names."""
    if "naps" not in facts.columns:
        return facts
    asleep = pl.col("naps").list.eval(pl.element().struct.field("tst_minutes"))
    known = (
        (asleep.list.len() > 0) & (asleep.list.len() <= MAX_NAPS) & ~asleep.list.eval(pl.element().is_null()).list.any()
    )
    return facts.with_columns(
        pl.when(known).then(asleep.list.get(index, null_on_oob=True).fill_null(0.0)).alias(name)
        for index, name in enumerate(_NAPS)
    )


def _places(value: float, decimals: int, *, is_share: bool) -> int:
    """Decimals of one number: none if it is whole, and enough to keep a share from being none or all."""
    if value == int(value):
        return 0
    return max(decimals, percent_decimals(value)) if is_share else decimals


def _series(name: str, values: np.ndarray[Any, np.dtype[np.float64]]) -> pl.Series:
    """Numbers as a column with VALUE_DECIMALS, where NaN is none."""
    return round_series(pl.Series(name, values).fill_nan(None), VALUE_DECIMALS)


def _beside_gap(kind: str, facts: pl.DataFrame) -> dict[str, Sequence[int | None]]:
    """Decimals of the share of time covered, so that with the longest gap it is no more than the whole."""
    column = COVERED.get(kind)
    if column is None or not {column, "longest_gap_minutes"} <= set(facts.columns):
        return {}
    whole = _covered_whole(kind, facts)
    if whole is None:
        return {}
    found: list[int | None] = []
    rows = facts.select(column, "longest_gap_minutes", whole=whole).iter_rows()
    for share, gap, minutes in rows:
        found.append(None if None in {share, gap, minutes} else _share_places(share, gap, minutes))
    return {column: found}


def _covered_whole(kind: str, facts: pl.DataFrame) -> pl.Expr | None:
    """The minutes that a share of time covered is one of."""
    if kind != "hrv_rmssd":
        return pl.col("day_minutes")
    if not {"session_start_local", "session_end_local"} <= set(facts.columns):
        return None
    minutes = (pl.col("session_end_local") - pl.col("session_start_local")).dt.total_milliseconds() / 60_000
    # Wall clocks tell how long a session was where the offset did not change.
    return pl.when(~pl.col("zone").str.contains(">", literal=True)).then(minutes)


def _share_places(share: float, gap: float, minutes: float) -> int | None:
    """Decimals of a share of minutes beside a gap; None where both do not fit into them anyway."""
    kept, written_gap = round_half_up(share, VALUE_DECIMALS), round_half_up(gap)
    if not minutes or share * minutes / 100 + gap > minutes * (1 + 1e-4):
        return None
    for decimals in range(percent_decimals(kept), VALUE_DECIMALS):
        if round_half_up(kept, decimals) * minutes / 100 + written_gap <= minutes + _NOISE:
            return decimals
    return VALUE_DECIMALS
