"""What the answers over several days have to say, from the fact frames alone, in plain Python.

Belongs here: a second derivation that shares nothing with the code under test, and reading numbers out of an answer.
Does not belong here: wording.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import polars as pl

OF_METRIC = {
    "glucose.mean": ("blood_glucose", "mean", 4, False),
    "heart_rate.mean_time_weighted": ("heart_rate", "mean_time_weighted", 4, False),
    "sleep.tst": ("sleep", "tst", 4, False),
    "sleep.waso": ("sleep", "waso", 4, False),
    "hrv.rmssd_mean": ("hrv_rmssd", "rmssd_mean", 3, False),
    "steps.recommended_total": ("steps", "recommended_total", 4, True),
    "active_energy.recommended_total": ("active_calories", "recommended_total", 4, True),
}
"""Metric -> kind, column, days a mean needs, whether one of them is on a weekend."""

PAIRS = {
    "nights_below_own_mean_and_steps": ("sleep.tst", "steps.recommended_total"),
    "nights_below_own_mean_and_active_energy": ("sleep.tst", "active_energy.recommended_total"),
    "nights_below_own_mean_and_heart_rate": ("sleep.tst", "heart_rate.mean_time_weighted"),
    "rmssd_below_own_mean_and_steps": ("hrv.rmssd_mean", "steps.recommended_total"),
}

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\b\d\d:\d\d\b")
_NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?")


@dataclass
class Expected:
    """What an answer holds: its numbers as written, its dates, its clock times, and phrases it must contain one of."""

    numbers: list[str] = field(default_factory=list)
    dates: set[str] = field(default_factory=set)
    times: set[str] = field(default_factory=set)
    together: list[tuple[str, ...]] = field(default_factory=list)
    may_answer: bool = True


def read(text: str) -> tuple[list[str], set[str], set[str]]:
    """Numbers in order of size, dates and times of a text."""
    dates = set(_DATE.findall(text))
    rest = _DATE.sub(" ", text)
    times = set(_TIME.findall(rest))
    return sorted(_NUMBER.findall(_TIME.sub(" ", rest))), dates, times


def written(value: float | Fraction, decimals: int = 0) -> str:
    exact = Fraction(value)
    ratio = Decimal(exact.numerator) / Decimal(exact.denominator)
    return f"{ratio.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP):,f}"


class Days:
    """One person's last seven days in one metric."""

    def __init__(self, frames: dict[str, pl.DataFrame], subject_id: str, last: date, metric: str) -> None:
        self.kind, self.column, self.least, self.weekend = OF_METRIC[metric]
        self.dates = [last - timedelta(days=back) for back in range(6, -1, -1)]
        rows = frames[self.kind].filter(pl.col("subject_id") == subject_id).to_dicts()
        self.rows = {row["local_date"]: row for row in rows if row["local_date"] in self.dates}
        self.states = {day: self._state(self.rows.get(day)) for day in self.dates}
        self.values = {day: self._value(day) for day in self.dates if self.states[day] == "final"}

    def _state(self, row: dict[str, Any] | None) -> str:
        if row is None:
            return "no data"
        withheld = {entry["metric"].partition(".")[2] for entry in row["withheld"]}
        if row[self.column] is None or self.column in withheld:
            return "withheld"
        if row["provisional"]:
            return "provisional"
        if self.kind in {"steps", "active_calories"} and row["lower_bound"] is not False:
            return "a lower bound"
        if self.kind == "blood_glucose" and row["wear_percent"] < 70:
            return "wear below the minimum"
        return "final"

    def _value(self, day: date) -> int:
        return int(written(self.rows[day][self.column]).replace(",", ""))

    def mean(self) -> Fraction:
        return Fraction(sum(self.values.values()), len(self.values))

    def below(self) -> list[date]:
        return [day for day, value in self.values.items() if value < self.mean()]

    def has_enough(self) -> bool:
        return len(self.values) >= self.least and (not self.weekend or any(d.weekday() >= 5 for d in self.values))

    def text(self, day: date) -> str:
        return written(self.values[day])

    def moment(self, day: date) -> str:
        """As of when an open day stands, in local time; "" if that is not known."""
        row = self.rows.get(day)
        if self.states[day] not in {"provisional", "a lower bound"} or row is None or row["as_of_utc"] is None:
            return ""
        local: datetime = row["as_of_utc"] + timedelta(hours=-5)
        return f"{local:%Y-%m-%d %H:%M}"

    def name_missing(self, expected: Expected, days: list[date]) -> None:
        for day in days:
            if self.states[day] != "final":
                expected.dates.add(str(day))
                self.name_moment(expected, day)

    def name_moment(self, expected: Expected, day: date) -> None:
        if self.moment(day):
            moment_date, moment_time = self.moment(day).split(" ")
            expected.dates.add(moment_date)
            expected.times.add(moment_time)

    def name_lengths(self, expected: Expected, days: list[date]) -> None:
        for day in days:
            minutes = self.rows[day]["day_minutes"]
            if minutes != 1440:
                expected.numbers.append(f"{minutes / 60:.0f}")
                expected.dates.add(str(day))


def expected_of(frames: dict[str, pl.DataFrame], subject_id: str, last: date, question: str) -> Expected:
    """What the answer or the refusal of a question holds."""
    name, _, metric = question.partition(":")
    if name in PAIRS:
        return _pair(frames, subject_id, last, *PAIRS[name])
    return _ONE[name](Days(frames, subject_id, last, metric))


def _two_days(days: Days) -> Expected:
    earlier, later = days.dates[-2:]
    expected = Expected(dates={str(earlier), str(later)})
    if not {earlier, later} <= set(days.values):
        days.name_missing(expected, [earlier, later])
        expected.may_answer = False
        return expected
    expected.numbers = [days.text(later), days.text(earlier)]
    distance = days.values[later] - days.values[earlier]
    if distance:
        difference = written(abs(distance))
        expected.numbers.append(difference)
        expected.together.append((f"{difference} {{unit}} {'higher' if distance > 0 else 'lower'} than",))
    else:
        expected.together.append(("the same",))
    days.name_lengths(expected, [earlier, later])
    return expected


def _window(days: Days, numbers: list[str]) -> Expected:
    expected = Expected(numbers=numbers, dates={str(days.dates[0]), str(days.dates[-1])})
    days.name_lengths(expected, list(days.values))
    days.name_missing(expected, days.dates)
    return expected


def _too_few(days: Days) -> Expected:
    expected = Expected(dates={str(days.dates[0]), str(days.dates[-1])}, may_answer=False)
    if len(days.values) < days.least:
        expected.numbers = [str(days.least)] + ([str(len(days.values))] if days.values else [])
    days.name_missing(expected, days.dates)
    return expected


def _mean(days: Days) -> Expected:
    if not days.has_enough():
        return _too_few(days)
    return _window(days, ["7", written(days.mean(), 1), str(len(days.values))])


def _extremes(days: Days) -> Expected:
    low, high = min(days.values.values()), max(days.values.values())
    expected = _window(days, ["7", written(low), written(high), str(len(days.values))])
    for value in (low, high):
        found = [str(day) for day in days.values if days.values[day] == value]
        expected.dates.update(found)
        joined = found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"
        expected.together.append((f"{written(value)} {{unit}} on {joined}",))
    return expected


def _below(days: Days) -> Expected:
    if not days.has_enough():
        return _too_few(days)
    below = days.below()
    numbers = [written(days.mean(), 1), str(len(days.values))]
    expected = _window(days, numbers + ([str(len(below))] if below else []) + [days.text(day) for day in below])
    for day in below:
        expected.dates.add(str(day))
        expected.together.append((f"{day} with {days.text(day)} {{unit}}", f"{day} ({days.text(day)} {{unit}})"))
    return expected


def _count(days: Days) -> Expected:
    expected = _window(days, ["7"] + ([str(len(days.values))] if days.values else []))
    expected.dates.update(map(str, days.values))
    return expected


def _pair(frames: dict[str, pl.DataFrame], subject_id: str, last: date, night: str, day: str) -> Expected:
    nights, days = Days(frames, subject_id, last, night), Days(frames, subject_id, last, day)
    if not nights.has_enough():
        return _too_few(nights)
    below = nights.below()
    numbers = [written(nights.mean(), 1), str(len(nights.values)), str(len(below))]
    expected = _window(nights, numbers + [nights.text(each) for each in below])
    expected.may_answer = any(each in days.values for each in below)
    for each in below:
        expected.dates.add(str(each))
        if each in days.values:
            expected.numbers.append(days.text(each))
            if each not in nights.values:
                days.name_lengths(expected, [each])
    return expected


_ONE = {
    "two_days": _two_days,
    "window_mean": _mean,
    "window_extremes": _extremes,
    "days_below_own_mean": _below,
    "days_with_final_value": _count,
}
