"""One row of a clinical table, as claims.

Belongs here: reading a row of any kind: its metrics, times, sources, offset. A withheld metric or a missing
value is None here, so that no sentence can be written with it.
Does not belong here: wording, or a number that clinical did not compute.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import polars as pl

from vitals.clinical.metrics import BY_ID
from vitals.clinical.sufficiency import DOES_NOT_APPLY
from vitals.record_types import RecordType
from vitals.training.claims import VALUE_DECIMALS, Claim, rule_of
from vitals.training.fact_columns import RECORD_SEPARATOR, UNIT_SEPARATOR, TableClaims, columns_of, prepared, row_values
from vitals.training.parts import decimals_of, with_sums
from vitals.training.rounding import round_half_up
from vitals.training.source_names import identifier_of, with_names

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_FULL_DAY_MINUTES = 1440

Side = Literal["at_most", "at_least"]
"""Which way a bound goes."""

LONG_LISTS = ("series", "stages")
"""Columns that only prompts need, as tables made column by column."""


@lru_cache(maxsize=256)
def _offset(text: str) -> timedelta:
    """A UTC offset such as "-05:00"; zero if it is none."""
    match = _OFFSET.fullmatch(text)
    if match is None:
        return timedelta(0)
    sign, hours, minutes = match.groups()
    size = timedelta(hours=int(hours), minutes=int(minutes))
    return size if sign == "+" else -size


@dataclass(frozen=True, eq=False)
class Withheld:
    """What may not be stated of a row. Rows with the same share one object, so that what is said of it is too.

    Attributes:
        reasons: metric id -> reason, in the order of the table.
        as_json: the same as in the metadata of an example, without what data of this sort do not have.
    """

    reasons: Mapping[str, str]
    as_json: Sequence[Mapping[str, str]]


@lru_cache(maxsize=4096)
def withheld_of(text: str) -> Withheld:
    """Withheld metrics from the text that `fact_columns` makes of them."""
    reasons = dict(entry.split(UNIT_SEPARATOR) for entry in text.split(RECORD_SEPARATOR)) if text else {}
    told = {metric: reason for metric, reason in reasons.items() if not reason.startswith(DOES_NOT_APPLY)}
    return Withheld(reasons, tuple({"metric": metric, "reason": reason} for metric, reason in told.items()))


def fact_rows(record_type: RecordType, facts: pl.DataFrame) -> Iterator["FactRow"]:
    """Rows of a clinical table, in order; the long lists (`LONG_LISTS`) are not in them."""
    summed = with_sums(record_type.kind, facts.drop(LONG_LISTS, strict=False))
    table = prepared(record_type, summed)
    rows = [FactRow(record_type, values) for values in row_values(table)]
    claims = TableClaims(
        record_type,
        table,
        windows=[row.date for row in rows],
        counts=[row.n for row in rows],
        apps=[row.apps for row in rows],
        decimals=decimals_of(record_type.kind, summed),
    )
    for position, row in enumerate(rows):
        row.numbers = claims, position
        yield row


class FactRow:
    """A row of a kind's clinical table.

    Attributes:
        record_type: the kind.
        values: column name to value: local times as ISO text to the minute, UTC times without a zone, lists of
            structs as lists of mappings.
        date: local date, ISO.
        offsets: UTC offsets in force during the day, in order, as "-05:00".
        used, others: entries of `sources` that the facts rest on, and the rest, with their `name` (`source_names`).
        apps: identifiers of the apps used.
        names: names of the sources used (`source_names`): apps, and devices where an app has several.
        withheld: what may not be stated.
        n: what a claim rests on unless it is told otherwise.
        numbers: claims of the numbers of the table, and the row's position there.
    """

    __slots__ = (
        "_columns",
        "apps",
        "date",
        "n",
        "names",
        "numbers",
        "offsets",
        "others",
        "record_type",
        "used",
        "values",
        "withheld",
    )

    def __init__(self, record_type: RecordType, values: Mapping[str, Any]) -> None:
        """Wrap the values of a row, as `fact_columns.row_values` gives them."""
        self.record_type = record_type
        self.values = values
        self.date: str = values["local_date"].isoformat()
        self.offsets: tuple[str, ...] = tuple((values["zone"] or "+00:00").split(">"))
        sources = with_names(values["sources"] or [])
        self.used = [source for source in sources if source["used"]]
        self.others = [source for source in sources if not source["used"]]
        self.apps: tuple[str, ...] = tuple(dict.fromkeys(identifier_of(source["app"]) for source in self.used))
        self.names: tuple[str, ...] = tuple(dict.fromkeys(source["name"] for source in self.used))
        self.withheld = withheld_of(values["withheld"] or "")
        self._columns = columns_of(record_type.metric_prefix)
        n = values.get("n")
        self.n: int | None = values["records"] if n is None else n
        self.numbers: tuple[TableClaims | None, int] = (None, 0)

    def without(self, columns: Iterable[str], *, sources: Sequence[Mapping[str, Any]] | None = None) -> "FactRow":
        """The row with columns taken out, and other sources if given."""
        gone: dict[str, Any] = dict.fromkeys(columns)
        values = {**self.values, **gone}
        if sources is not None:
            values["sources"] = sources
        row = FactRow(self.record_type, values)
        row.numbers = self.numbers
        return row

    def id_of(self, column: str) -> str:
        """Metric id of a column."""
        return self._columns[column].metric

    def is_withheld(self, column: str) -> bool:
        """Whether the metric of a column may not be stated."""
        return self._columns[column].metric in self.withheld.reasons

    def claim(
        self,
        column: str,
        *,
        decimals: int | None = None,
        window: str | None = None,
        n: int | None = None,
    ) -> Claim | None:
        """Claim of a metric or support column; None if it is withheld, missing, or only a bound (`bound`).

        Args:
            column: name of the column.
            decimals: decimals in text; None means as few as let parts add up to their whole (`parts`), and for a
                percentage as keep it from "0" and "100".
            window: what it describes, if not the local day.
            n: what it rests on, if not the kind's n.
        """
        if self.values[column] is None or self.values.get(f"{column}_is_bound"):
            return None
        table, position = self.numbers
        claim = None if table is None else table[column][position]
        if claim is None or claim.metric in self.withheld.reasons:
            return None
        if n is None:
            n = self.n
        if window is None:
            window = self.date
        if n != claim.n or window != claim.window or self.apps != claim.sources:
            claim = claim.about(window=window, n=n, sources=self.apps)
        return claim if decimals is None else claim.changed(decimals=decimals)

    def bound(self, column: str, side: Side) -> Claim | None:
        """Claim of a metric that is only a bound, as ``<metric id>#at_most`` or ``#at_least``; None if it is not."""
        is_bound = self.values.get(f"{column}_is_bound") and not self.is_withheld(column)
        if self.values[column] is None or not is_bound:
            return None
        return self.part(column, side, self.values[column], BY_ID[self.id_of(column)].unit, n=self.n)

    def places(self, column: str) -> int:
        """Decimals in text of a number that stands in a list, where `parts` knows it as a column; else 0."""
        table, position = self.numbers
        decimals = None if table is None else table.decimals.get(column)
        return 0 if decimals is None else decimals[position] or 0

    def part(
        self,
        column: str,
        qualifier: str,
        value: float | str,
        unit: str,
        *,
        decimals: int = 0,
        window: str | None = None,
        n: int | None = None,
        sources: tuple[str, ...] | None = None,
    ) -> Claim:
        """Claim of something that belongs to a metric: a time, one episode, the value of another source.

        Args:
            column: column of the metric it belongs to.
            qualifier: what it is; the id is ``<metric id>#<qualifier>``.
            value: number, or ISO text with a TextUnit.
            unit: its unit.
            decimals: decimals in text.
            window: what it describes, if not the local day.
            n: what it rests on.
            sources: apps it rests on, if not those used.
        """
        metric, _, rule = self._columns[column]
        if isinstance(value, float):
            value = round_half_up(value, VALUE_DECIMALS)
        return Claim(
            f"{metric}#{qualifier}",
            metric,
            value,
            unit,
            self.date if window is None else window,
            n,
            self.apps if sources is None else sources,
            rule,
            decimals,
        )

    def clock(self, column: str, qualifier: str, moment: str | None, *, window: str | None = None) -> Claim | None:
        """Claim of a local time in ISO form, written HH:MM; None without a moment."""
        return None if moment is None else self.part(column, qualifier, moment, "local time", window=window)

    def session_window(self) -> str | None:
        """Start and end of the main sleep session, as the window of a claim; None where one is not known."""
        start, end = self.values["session_start_local"], self.values["session_end_local"]
        return None if start is None or end is None else f"{start}/{end}"

    def day(self) -> Claim:
        """Claim of the local date."""
        return Claim("day#date", "day", self.date, "local date", self.date, None, (), rule_of("day"))

    def offset(self, index: int) -> Claim:
        """Claim of one of the day's UTC offsets, by position in `offsets`."""
        return Claim(
            f"day#offset_{index + 1}",
            "day",
            self.offsets[index],
            "UTC offset",
            self.date,
            None,
            (),
            rule_of("day"),
        )

    def day_hours(self) -> Claim | None:
        """Claim of the length of a day that is not 24 h; None for an ordinary day."""
        minutes: float = self.values["day_minutes"]
        if minutes == _FULL_DAY_MINUTES:
            return None
        hours = minutes / 60
        decimals = 0 if minutes % 60 == 0 else 1 if minutes % 6 == 0 else 2
        value = round_half_up(hours, VALUE_DECIMALS)
        return Claim("day#hours", "day", value, "h", self.date, None, (), rule_of("day"), decimals)

    def local(self, moment_utc: datetime) -> str:
        """A UTC time in the day's last offset, as ISO text to the minute."""
        return (moment_utc + _offset(self.offsets[-1])).isoformat(timespec="minutes")

    def as_of(self) -> Claim | None:
        """Claim of the time that the day's facts are as of, in the day's last offset."""
        moment = self.values["as_of_utc"]
        if moment is None:
            return None
        return Claim(
            "day#as_of",
            "day",
            self.local(moment),
            "local date and time",
            self.date,
            self.values["records"],
            self.apps,
            rule_of("day"),
        )
