"""One row of a clinical table, as claims.

Belongs here: reading a row of any kind: its metrics, times, sources, offset. A withheld metric or a missing
value is None here, so that no sentence can be written with it.
Does not belong here: wording, or a number that clinical did not compute.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from vitals.clinical.metrics import BY_ID
from vitals.record_types import RecordType
from vitals.training.claims import EXTRA_DECIMALS, Claim, percent_decimals, rule_of
from vitals.training.source_names import identifier_of

_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")
_FULL_DAY_MINUTES = 1440


class FactRow:
    """A row of a kind's clinical table.

    Attributes:
        record_type: the kind.
        values: column name to value; lists of structs are lists of mappings.
        date: local date, ISO.
        offsets: UTC offsets in force during the day, in order, as "-05:00".
        used, others: entries of `sources` that the facts rest on, and the rest.
        apps: identifiers of the used sources.
        withheld: metric ids that may not be stated, with reasons.
    """

    __slots__ = (
        "_n",
        "_prefix",
        "_withheld",
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
        """Wrap the values of a row."""
        self.record_type = record_type
        self.values = values
        self.date: str = values["local_date"].isoformat()
        self.offsets: tuple[str, ...] = tuple((values["zone"] or "+00:00").split(">"))
        sources: list[Mapping[str, Any]] = values["sources"] or []
        self.used = [source for source in sources if source["used"]]
        self.others = [source for source in sources if not source["used"]]
        self.apps: tuple[str, ...] = tuple(identifier_of(source["app"]) for source in self.used)
        self._prefix = record_type.metric_prefix + "."
        self.withheld = tuple((entry["metric"], entry["reason"] or "") for entry in values["withheld"] or ())
        self._withheld = dict(self.withheld)
        n = values.get("n")
        self._n: int | None = values["records"] if n is None else n

    def id_of(self, column: str) -> str:
        """Metric id of a column."""
        return self._prefix + column

    def is_withheld(self, column: str) -> bool:
        """Whether the metric of a column may not be stated."""
        return self._prefix + column in self._withheld

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
        metric = self._prefix + column
        if value is None or metric in self._withheld or value != value:  # noqa: PLR0124 - NaN
            return None
        if unit is None:
            unit = BY_ID[metric].unit
        if decimals is None:
            decimals = percent_decimals(value) if unit == "%" else 0
        if isinstance(value, float):
            value = round(value, decimals + EXTRA_DECIMALS)
        return Claim(
            metric,
            metric,
            value,
            unit,
            self.date if window is None else window,
            self._n if n is None else n,
            self.apps,
            rule_of(metric),
            decimals,
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
        metric = self._prefix + column
        if isinstance(value, float):
            value = round(value, decimals + EXTRA_DECIMALS)
        return Claim(
            f"{metric}#{qualifier}",
            metric,
            value,
            unit,
            self.date if window is None else window,
            n,
            self.apps if sources is None else sources,
            rule_of(metric),
            decimals,
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
        value = round(hours, decimals + EXTRA_DECIMALS)
        return Claim("day#hours", "day", value, "h", self.date, None, (), rule_of("day"), decimals)

    def local(self, moment_utc: datetime) -> str:
        """A UTC time in the day's last offset, as ISO text to the minute."""
        match = _OFFSET.fullmatch(self.offsets[-1])
        if match is None:
            return moment_utc.isoformat(timespec="minutes")[:16]
        sign, hours, minutes = match.groups()
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        local = moment_utc + shift if sign == "+" else moment_utc - shift
        return local.isoformat(timespec="minutes")[:16]

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
