"""A person's last local days in one metric: which have a final value, and the table a prompt shows.

Belongs here: the state of a day, its value as it is compared, the lines of the prompt, claims over the window.
Does not belong here: what is asked (`questions`), or any sentence.

Only a final value counts: a provisional one, a lower bound, a withheld one or one of too little wear does not.
A value counts as summaries write it, as a whole number; table, text, means and comparisons all use that number.
Their sums are exact, and a mean of up to seven has no second rounding to fear: whoever recomputes it agrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Literal, NamedTuple

from vitals.training.claims import VALUE_DECIMALS, Claim, constant, rule_of
from vitals.training.day_journal.day_metrics import LEAST_WEAR_PERCENT, WINDOW_DAYS, DayMetric
from vitals.training.fact_row import FactRow
from vitals.training.not_assessable import reason_in_words
from vitals.training.prompt_words import TOPICS, place_of
from vitals.training.rounding import round_half_up, write_rounded
from vitals.training.source_names import title_of

State = Literal["final", "provisional", "lower_bound", "low_wear", "withheld", "no_data"]

STATE_WORDS: Mapping[State, str] = MappingProxyType(
    {
        "final": "final",
        "provisional": "provisional",
        "lower_bound": "a lower bound",
        "low_wear": "wear below the minimum",
        "withheld": "withheld",
        "no_data": "no data",
    }
)

RULE = "Rule: only final values count; provisional, lower-bound and withheld ones do not"
WEAR_RULE = f"Rule: a day of glucose counts from a wear of {write_rounded(LEAST_WEAR_PERCENT)} %"

SINGLE_READINGS, ONLY_A_BOUND = "single readings only", "only a bound is known"
"""Why a day of glucose has no final mean although it has a mean, or a bound of one."""

MEAN_DECIMALS = 1
"""Decimals that a mean over the window is written with."""

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SATURDAY = 5


class TableDay(NamedTuple):
    """One day of a table.

    Attributes:
        day: the local date.
        state: whether its value counts, and why not.
        claim: its value; None for what is withheld or missing.
        row: its facts; None without data.
        reason: why it is withheld, in the words of a text.
    """

    day: date
    state: State
    claim: Claim | None
    row: FactRow | None
    reason: str = ""

    @property
    def is_weekend(self) -> bool:
        """Whether it is a Saturday or a Sunday."""
        return self.day.weekday() >= _SATURDAY

    def date_claim(self) -> Claim:
        """Claim of its date."""
        return date_claim(self.day)


@dataclass(frozen=True)
class DayTable:
    """The last days of a person in one metric, oldest first.

    Attributes:
        metric: the metric.
        days: WINDOW_DAYS days, the last being the day of the question.
    """

    metric: DayMetric
    days: tuple[TableDay, ...]

    @cached_property
    def final(self) -> tuple[TableDay, ...]:
        """The days that count."""
        return tuple(day for day in self.days if day.state == "final")

    @cached_property
    def values(self) -> tuple[Claim, ...]:
        """The values that count."""
        return tuple(day.claim for day in self.final if day.claim is not None)

    @property
    def window(self) -> str:
        """First and last day as an interval."""
        return f"{self.days[0].day}/{self.days[-1].day}"

    def has_enough_days(self) -> bool:
        """Whether a mean over the window may be stated (docs/spec/narrative.md B)."""
        if len(self.final) < self.metric.least_days:
            return False
        return not self.metric.weekend or any(day.is_weekend for day in self.final)

    def count(self, name: str, of: Sequence[Claim]) -> Claim:
        """Claim of how many values there are."""
        return self._derived(name, len(of), formula="count", of=of, unit="count")

    @cached_property
    def mean_value(self) -> float:
        """Mean of the values that count; there is at least one."""
        return round_half_up(sum(map(_number, self.values)) / len(self.values), VALUE_DECIMALS)

    def mean(self) -> Claim:
        """Claim of the mean of the values that count."""
        return self._derived("window_mean", self.mean_value, formula="mean", of=self.values, decimals=MEAN_DECIMALS)

    def extreme(self, side: Literal["lowest", "highest"]) -> Claim:
        """Claim of the lowest or the highest of the values that count."""
        choose, formula = (min, "min") if side == "lowest" else (max, "max")
        values = self.values
        return self._derived(side, choose(_number(claim) for claim in values), formula=formula, of=values)

    def difference(self, later: Claim, earlier: Claim) -> Claim:
        """Claim of the distance between two of the values."""
        distance = abs(_number(later) - _number(earlier))
        claim = self._derived("difference", distance, formula="abs", of=(later, earlier))
        return claim.changed(formula=f"abs({later.id} - {earlier.id})", window=f"{earlier.window}/{later.window}")

    def lines(self) -> list[str]:
        """The table as lines of a prompt."""
        metric = self.metric
        lines = [f"Record: {TOPICS[metric.kind]}", f"Days: {self.days[0].day} to {self.days[-1].day}", RULE]
        if metric.kind == "blood_glucose" and any(day.row and day.row.values["wear_percent"] for day in self.days):
            lines.append(WEAR_RULE)
        for day in self.days:
            lines.append(self._line(day))
            lines += [_fact_line(claim) for claim in (hours_of(day), newest_of(day)) if claim is not None]
        return lines

    def _line(self, day: TableDay) -> str:
        place = place_of(f"{self.metric.id}#{day.day}", self.metric.unit)
        assert place is not None
        shown = [] if day.claim is None else [f"{day.claim.precise_text()} {place.unit}"]
        shown.append(STATE_WORDS[day.state] + (f" ({day.reason})" if day.reason else ""))
        if day.row is not None and day.row.names:
            shown.append(" and ".join(title_of(name) for name in day.row.names))
        shown.append(_WEEKDAYS[day.day.weekday()])
        return f"{place.fact}: {', '.join(shown)}"

    def _derived(
        self,
        name: str,
        value: float,
        *,
        formula: str,
        of: Sequence[Claim],
        unit: str | None = None,
        decimals: int = 0,
    ) -> Claim:
        metric = self.metric
        ids = tuple(claim.id for claim in of)
        return Claim(
            f"{metric.id}#{name}",
            metric.id,
            value,
            unit or metric.unit,
            self.window,
            len(of),
            tuple(dict.fromkeys(app for claim in of for app in claim.sources)),
            rule_of(metric.id),
            decimals,
            f"{formula}({', '.join(ids)})",
            ids,
        )


def day_table(metric: DayMetric, rows: Mapping[date, FactRow], *, last_day: date) -> DayTable:
    """The table of a person's last days.

    Args:
        metric: what it shows.
        rows: the person's rows of the metric's kind, by local date; others than those of the window are ignored.
        last_day: its last day.
    """
    days = [last_day - timedelta(days=back) for back in reversed(range(WINDOW_DAYS))]
    return DayTable(metric, tuple([_table_day(metric, day, rows.get(day)) for day in days]))


def _table_day(metric: DayMetric, day: date, row: FactRow | None) -> TableDay:
    if row is None:
        return TableDay(day, "no_data", None, None)
    if metric.kind == "blood_glucose" and row.values["wear_percent"] is None:
        return TableDay(day, "withheld", None, row, SINGLE_READINGS)
    if row.values.get(f"{metric.column}_is_bound"):
        return TableDay(day, "withheld", None, row, ONLY_A_BOUND)
    found = row.claim(metric.column)
    if found is None or isinstance(found.value, str):
        reason = row.withheld.reasons.get(metric.id, "")
        return TableDay(day, "withheld", None, row, reason_in_words(metric.id, reason)[0] if reason else "")
    value = round_half_up(float(found.value))
    claim = Claim(f"{metric.id}#{day}", metric.id, value, metric.unit, row.date, found.n, found.sources, found.rule)
    return TableDay(day, _state(metric, row), claim, row)


def _state(metric: DayMetric, row: FactRow) -> State:
    values = row.values
    if values["provisional"]:
        return "provisional"
    if "lower_bound" in values and (values["lower_bound"] is not False or row.is_withheld("lower_bound")):
        return "lower_bound"
    if metric.kind == "blood_glucose" and values["wear_percent"] < LEAST_WEAR_PERCENT:
        return "low_wear"
    return "final"


def date_claim(day: date) -> Claim:
    """Claim of a local date, one of several in a text."""
    return Claim(f"day#{day}", "day", f"{day}", "local date", f"{day}", None, (), rule_of("day"))


def window_days() -> Claim:
    """Claim of the length of the window: a part of the question's definition."""
    return constant("day", "window_days", WINDOW_DAYS, "days")


def least_days(metric: DayMetric) -> Claim:
    """Claim of how many days a mean needs."""
    return constant(metric.id, "least_days", metric.least_days, "days")


def hours_of(day: TableDay) -> Claim | None:
    """Claim of the length of a day that is not 24 h; None for an ordinary day or one without data."""
    hours = None if day.row is None else day.row.day_hours()
    if day.row is None or hours is None:
        return None
    return hours.changed(id=f"{day.row.id_of('day_length')}#{day.day}", metric=day.row.id_of("day_length"))


def newest_of(day: TableDay) -> Claim | None:
    """Claim of the newest data of a day that is still open; None for any other."""
    if day.row is None or day.state not in {"provisional", "lower_bound"}:
        return None
    newest, name = day.row.as_of(), day.row.id_of("newest_data")
    return None if newest is None else newest.changed(id=f"{name}#{day.day}", metric=name)


def _fact_line(claim: Claim) -> str:
    place = place_of(claim.id, claim.unit)
    assert place is not None
    return f"{place.fact}: {claim.precise_text()} {place.unit}".rstrip()


def _number(claim: Claim) -> float:
    return float(claim.value)
