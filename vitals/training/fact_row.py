"""One row of a clinical table, as claims.

Belongs here: reading a row of any kind: its metrics, times, sources, offset. A withheld metric or a missing
value is None here, so that no sentence can be written with it.
Does not belong here: wording, or a number that clinical did not compute.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import polars as pl

from vitals.clinical.metrics import BY_ID
from vitals.record_types import RecordType
from vitals.training.claims import LOGARITHM_DECIMALS, VALUE_DECIMALS, Claim, claim_of, percent_decimals, rule_of
from vitals.training.source_names import identifier_of

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_FULL_DAY_MINUTES = 1440
_UNIT_SEPARATOR, _RECORD_SEPARATOR = "\x1f", "\x1e"

LONG_LISTS = ("series", "stages")
"""Columns that only prompts need, as tables made column by column."""


@lru_cache(maxsize=1024)
def _spec(prefix: str, column: str) -> tuple[str, str, str]:
    """Metric id, unit ("" for a support column) and rule of a column."""
    metric = prefix + column
    return metric, BY_ID[metric].unit if metric in BY_ID else "", rule_of(metric)


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
        as_json: the same as in the metadata of an example.
    """

    reasons: Mapping[str, str]
    as_json: Sequence[Mapping[str, str]]


@lru_cache(maxsize=4096)
def withheld_of(text: str) -> Withheld:
    """Withheld metrics from the text that `_prepared` makes of them."""
    reasons = dict(entry.split(_UNIT_SEPARATOR) for entry in text.split(_RECORD_SEPARATOR)) if text else {}
    return Withheld(reasons, tuple({"metric": metric, "reason": reason} for metric, reason in reasons.items()))


def fact_rows(record_type: RecordType, facts: pl.DataFrame) -> Iterator["FactRow"]:
    """Rows of a clinical table, in order; the long lists (`LONG_LISTS`) are not in them."""
    for values in _prepared(record_type, facts).iter_rows(named=True):
        yield FactRow(record_type, values)


def _prepared(record_type: RecordType, facts: pl.DataFrame) -> pl.DataFrame:
    """Facts without the long lists, fractions rounded, and `withheld` as one text, which is cheap to hand over."""
    entry = pl.element().struct
    text = pl.concat_str(entry.field("metric"), entry.field("reason").fill_null(""), separator=_UNIT_SEPARATOR)
    short = facts.drop(LONG_LISTS, strict=False)
    prefix = record_type.metric_prefix + "."
    return short.with_columns(
        pl.col("withheld").list.eval(text).list.join(_RECORD_SEPARATOR),
        *(
            pl.col(name).round(LOGARITHM_DECIMALS if "ln" in _spec(prefix, name)[1] else VALUE_DECIMALS).fill_nan(None)
            for name, dtype in short.schema.items()
            if dtype.is_float()
        ),
    )


class FactRow:
    """A row of a kind's clinical table.

    Attributes:
        record_type: the kind.
        values: column name to value; lists of structs are lists of mappings.
        date: local date, ISO.
        offsets: UTC offsets in force during the day, in order, as "-05:00".
        used, others: entries of `sources` that the facts rest on, and the rest.
        apps: identifiers of the used sources.
        withheld: what may not be stated.
    """

    __slots__ = (
        "_n",
        "_prefix",
        "apps",
        "date",
        "offsets",
        "others",
        "record_type",
        "used",
        "values",
        "withheld",
    )

    def __init__(self, record_type: RecordType, values: Mapping[str, Any]) -> None:
        """Wrap the values of a row of `_prepared` facts."""
        self.record_type = record_type
        self.values = values
        self.date: str = values["local_date"].isoformat()
        self.offsets: tuple[str, ...] = tuple((values["zone"] or "+00:00").split(">"))
        sources: list[Mapping[str, Any]] = values["sources"] or []
        self.used = [source for source in sources if source["used"]]
        self.others = [source for source in sources if not source["used"]]
        self.apps: tuple[str, ...] = tuple(identifier_of(source["app"]) for source in self.used)
        self._prefix = record_type.metric_prefix + "."
        self.withheld = withheld_of(values["withheld"] or "")
        n = values.get("n")
        self._n: int | None = values["records"] if n is None else n

    def id_of(self, column: str) -> str:
        """Metric id of a column."""
        return self._prefix + column

    def is_withheld(self, column: str) -> bool:
        """Whether the metric of a column may not be stated."""
        return self._prefix + column in self.withheld.reasons

    def claim(
        self,
        column: str,
        *,
        decimals: int | None = None,
        unit: str | None = None,
        window: str | None = None,
        n: int | None = None,
    ) -> Claim | None:
        """Claim of a metric or support column; None if it is withheld or missing.

        Args:
            column: name of the column.
            decimals: decimals in text; for a percentage None means as few as keep it from "0" and "100",
                for other metrics 0.
            unit: unit of a support column; a metric knows its own.
            window: what it describes, if not the local day.
            n: what it rests on, if not the kind's n.
        """
        value = self.values[column]
        if value is None:
            return None
        metric, metric_unit, rule = _spec(self._prefix, column)
        if metric in self.withheld.reasons:
            return None
        if unit is None:
            unit = metric_unit
        if decimals is None:
            decimals = percent_decimals(value) if unit == "%" else 0
        return claim_of(
            {
                "decimals": decimals,
                "id": metric,
                "metric": metric,
                "n": self._n if n is None else n,
                "rule": rule,
                "sources": self.apps,
                "unit": unit,
                "value": value,
                "window": self.date if window is None else window,
            }
        )

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
        metric, _, rule = _spec(self._prefix, column)
        if isinstance(value, float):
            value = round(value, VALUE_DECIMALS)
        return claim_of(
            {
                "decimals": decimals,
                "id": f"{metric}#{qualifier}",
                "metric": metric,
                "n": n,
                "rule": rule,
                "sources": self.apps if sources is None else sources,
                "unit": unit,
                "value": value,
                "window": self.date if window is None else window,
            }
        )

    def clock(self, column: str, qualifier: str, moment: datetime | None, *, window: str | None = None) -> Claim | None:
        """Claim of a local time, written HH:MM; None without a moment."""
        if moment is None:
            return None
        return self.part(column, qualifier, moment.isoformat(timespec="minutes"), "local time", window=window)

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
        value = round(hours, VALUE_DECIMALS)
        return Claim("day#hours", "day", value, "h", self.date, None, (), rule_of("day"), decimals)

    def local(self, moment_utc: datetime) -> str:
        """A UTC time in the day's last offset, as ISO text to the minute."""
        return (moment_utc + _offset(self.offsets[-1])).isoformat(timespec="minutes")[:16]

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
