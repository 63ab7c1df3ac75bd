"""Questions over two kinds: nights below their own mean, and what was recorded on the day that followed.

Belongs here: pairing nights with the days after them, and listing both.
Does not belong here: any statement that one depends on the other. Two lists stand side by side, no more.

A night belongs to the local date on which it ended, so the day that followed it has the same date.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from vitals.training.claims import Claim
from vitals.training.day_journal.day_metrics import (
    ENERGY_TOTAL,
    HEART_RATE_MEAN,
    RMSSD_MEAN,
    STEP_TOTAL,
    TIME_ASLEEP,
    DayMetric,
)
from vitals.training.day_journal.day_table import STATE_WORDS, DayTable, TableDay, date_claim
from vitals.training.day_journal.questions import (
    days_below,
    refuse_mean,
    say_basis,
    say_missing,
)
from vitals.training.narrative import Narrative, noun, phrases

ASK = phrases(
    "Which nights from {first} to {last} had a {night} below their own mean, and what was the {day} of the day that"
    " followed each?",
    "List the nights of the last {days} local days, up to {last}, with a {night} below its own mean, each with the {day}"
    " of the following day.",
)
NIGHTS = phrases(
    "The {night} was below its own mean of {mean} {unit} in {below} of {count} {noun} with a final value, {first} to {last}",
    "Of {count} {noun} with a final value from {first} to {last}, {below} had a {night} below its own mean of {mean}"
    " {unit}",
)
FOLLOWED = phrases(
    "Night ending on {date}: {night} {value} {unit}; day that followed: {day} {other} {other_unit}",
    "The night ending on {date} had a {night} of {value} {unit}, and the day that followed a {day} of {other} {other_unit}",
)
NOT_FOLLOWED = phrases(
    "Night ending on {date}: {night} {value} {unit}; the day that followed has no final {day} ({state})",
    "The night ending on {date} had a {night} of {value} {unit}; for the day that followed there is no final {day} ({state})",
)


@dataclass(frozen=True)
class Pair:
    """A metric of nights and one of the days that follow them.

    Attributes:
        name: name in `metadata.question`.
        night, day: the metrics.
    """

    name: str
    night: DayMetric
    day: DayMetric


PAIRS: tuple[Pair, ...] = (
    Pair("nights_below_own_mean_and_steps", TIME_ASLEEP, STEP_TOTAL),
    Pair("nights_below_own_mean_and_active_energy", TIME_ASLEEP, ENERGY_TOTAL),
    Pair("nights_below_own_mean_and_heart_rate", TIME_ASLEEP, HEART_RATE_MEAN),
    Pair("rmssd_below_own_mean_and_steps", RMSSD_MEAN, STEP_TOTAL),
)


def may_answer(night: DayTable, day: DayTable) -> bool:
    """Whether nights can be compared with their mean, and one below it was followed by a day with a final value."""
    return night.has_enough_days() and any(_same_day(day, found).state == "final" for found in days_below(night))


def may_refuse(night: DayTable) -> bool:
    """Whether the nights are too few for a mean of their own."""
    return not night.has_enough_days()


def answer(night: DayTable, day: DayTable, narrative: Narrative) -> None:
    """List the nights below their mean, each with the day that followed."""
    below = days_below(night)
    count = night.count("valid_days", night.values)
    narrative.say(
        NIGHTS,
        night=night.metric.name,
        mean=night.mean(),
        unit=night.metric.unit,
        below=night.count("days_below_mean", [found.claim for found in below if found.claim is not None]),
        count=count,
        noun=noun(count, "night"),
        first=date_claim(night.days[0].day),
        last=date_claim(night.days[-1].day),
    )
    for found in below:
        _say_pair(night, day, found, narrative)
    used = [other for other in (_same_day(day, found) for found in below) if other.state == "final"]
    say_basis((*night.final, *used), narrative)
    say_missing(night.days, narrative)


def refuse(night: DayTable, narrative: Narrative) -> None:
    """Say why the nights have no mean of their own."""
    refuse_mean(night, narrative)


def fields(pair: Pair) -> Mapping[str, str]:
    """Words of an instruction."""
    return {"night": pair.night.name, "day": pair.day.name}


def _say_pair(night: DayTable, day: DayTable, found: TableDay, narrative: Narrative) -> None:
    value, other = found.claim, _same_day(day, found)
    assert value is not None
    words: dict[str, Claim | str] = {
        "date": found.date_claim(),
        "night": night.metric.name,
        "value": value,
        "unit": night.metric.unit,
        "day": day.metric.name,
    }
    if other.state == "final" and other.claim is not None:
        narrative.say(FOLLOWED, other=other.claim, other_unit=day.metric.unit, **words)
        return
    narrative.say(NOT_FOLLOWED, state=STATE_WORDS[other.state], **words)


def _same_day(table: DayTable, found: TableDay) -> TableDay:
    return next(day for day in table.days if day.day == found.day)
