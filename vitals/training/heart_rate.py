"""The narrative of a day of heart rate.

Belongs here: what a text says of one row of `clinical/heart_rate` (docs/spec/narrative.md C) and what it calls things.
Does not belong here: any computation, a finding about rhythm, or fitness.

    coverage and gap -> time-weighted mean and range -> asleep and awake -> bouts -> zones -> what is missing
"""

from collections.abc import Mapping
from typing import Any

from vitals.record_types import HEART_RATE
from vitals.training.claims import Claim, constant, derived, further
from vitals.training.common_sentences import (
    day_words,
    gap_clauses,
    items_left_out,
    provisional,
    range_clause,
    unused_sources,
    used_words,
)
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative, SeriesTable
from vitals.training.narrative import Narrative, listing, noun, phrases
from vitals.training.not_assessable import Labels, say_not_assessable
from vitals.training.rounding import write_rounded

HEAD = phrases(
    "Heart rate on {day}, {apps}: {amount}",
    "Heart rate of {day} from {apps}: {amount}",
    "On {day} heart rate came from {apps}: {amount}",
    "{day}, heart rate by {apps}: {amount}",
)
AMOUNT = phrases(
    "{coverage} % of the day covered, {n} {minutes} with a sample",
    "{n} {minutes} with a sample, covering {coverage} % of the day",
)
AMOUNT_WITHOUT_COVERAGE = phrases("{n} {minutes} with a sample", "samples in {n} {minutes}")
AMOUNT_WITHOUT_N = phrases("{coverage} % of the day covered", "a coverage of {coverage} % of the day")
AMOUNT_UNKNOWN = phrases("samples present", "some samples")
MEAN = phrases(
    "time-weighted mean {mean} bpm",
    "the time-weighted mean was {mean} bpm",
    "mean {mean} bpm, weighted by time",
)
RANGE = phrases(
    "minute values from {low} (at {low_at}) to {high} bpm (at {high_at})",
    "lowest minute {low} bpm at {low_at}, highest {high} bpm at {high_at}",
    "range {low} bpm at {low_at} to {high} bpm at {high_at}",
)
ONE_RATE = phrases("lowest and highest minute {low} bpm at {low_at}")
LOWEST = phrases("lowest minute {low} bpm", "minimum {low} bpm")
HIGHEST = phrases("highest minute {high} bpm", "maximum {high} bpm")
SPREAD = phrases("SD of minute values {sd} bpm", "standard deviation of minute values {sd} bpm")
ASLEEP = phrases("asleep {mean} bpm", "mean asleep {mean} bpm", "during the main sleep the mean was {mean} bpm")
LOWEST_HALF_HOUR = phrases(
    "lowest {window} min asleep {mean} bpm",
    "the lowest mean over {window} min of sleep was {mean} bpm",
)
AWAKE = phrases("awake {mean} bpm", "mean awake {mean} bpm", "outside sleep {mean} bpm")
DIP = phrases("asleep {dip} % {side} than awake", "the sleeping mean lies {dip} % {side} than the waking mean")
BOUTS = phrases(
    "{count} {noun} of {least} min or more {side} {limit} bpm",
    "{count} {noun} {side} {limit} bpm lasting at least {least} min",
)
BOUT_DETAIL = phrases(": {parts}", " ({parts})")
BOUT = phrases("from {start} for {minutes} min, {word} {extreme} bpm", "{start}, {minutes} min, {word} {extreme} bpm")
MORE_BOUTS = phrases("{more} more", "a further {more}")
IN_COVERED_TIME = phrases("In the time covered: {bouts}", "Within the covered time {bouts}")
ACTIVITY_UNKNOWN = phrases(", activity not recorded", ", with activity not recorded", " (activity not recorded)")
ZONES = phrases(
    "Minutes of the time covered by share of an age-estimated maximum, a sample counting for {hold} min at most: {zones}",
    "Of the time covered, minutes by share of the maximum estimated from age (a sample holds up to {hold} min): {zones}",
    "Covered time by share of the age-estimated maximal rate, in minutes, each sample held for {hold} min at most: {zones}",
)
ZONE_BELOW = phrases("{minutes} below {to} %")
ZONE_BETWEEN = phrases("{minutes} at {start} to under {to} %")
ZONE_ABOVE = phrases("{minutes} at {start} % or above")
OTHER_MEAN = phrases(
    "{app} was also present and not used (mean of its {n} minute {counted} {value} bpm)",
    "{app} also delivered heart rate, not used; the mean of its {n} minute {counted} was {value} bpm",
)

LABELS = Labels(
    HEART_RATE,
    {
        "mean_time_weighted": "day mean",
        "min": "lowest value",
        "max": "highest value",
        "sleep_mean_time_weighted": "sleeping mean",
        "resting_low30_in_main_sleep": "lowest half-hour asleep",
        "wake_mean_time_weighted": "waking mean",
        "dip_percent": "sleep-wake difference",
        "bouts_ge100": "bouts",
        "bouts_lt50": "bouts",
        "zone_very_light_lt57": "intensity zones",
        "zone_light_57_64": "intensity zones",
        "zone_moderate_64_77": "intensity zones",
        "zone_vigorous_77_96": "intensity zones",
        "zone_near_max_ge96": "intensity zones",
    },
)


def _bpm(column: str, name: str, value: float) -> Claim:
    return constant(f"heart_rate.{column}", name, value, "bpm")


def _minutes(column: str, name: str, value: float) -> Claim:
    return constant(f"heart_rate.{column}", name, value, "min")


def _share(column: str, name: str, value: float) -> Claim:
    return constant(f"heart_rate.{column}", name, value, "% of maximum")


ROLLING_WINDOW = _minutes("resting_low30_in_main_sleep", "window", 30)
BOUT_LEVELS = {
    "bouts_ge100": (
        "ge100",
        "at or above",
        "highest",
        _bpm("bouts_ge100", "from", 100),
        _minutes("bouts_ge100", "least_minutes", 10),
    ),
    "bouts_lt50": (
        "lt50",
        "below",
        "lowest",
        _bpm("bouts_lt50", "below", 50),
        _minutes("bouts_lt50", "least_minutes", 10),
    ),
}
ZONE_BOUNDS: tuple[tuple[str, Claim | None, Claim | None], ...] = tuple(
    (
        column,
        None if start is None else _share(column, "from", start),
        None if to is None else _share(column, "below", to),
    )
    for column, start, to in (
        ("zone_very_light_lt57", None, 57),
        ("zone_light_57_64", 57, 64),
        ("zone_moderate_64_77", 64, 77),
        ("zone_vigorous_77_96", 77, 96),
        ("zone_near_max_ge96", 96, None),
    )
)
SOURCE_MEAN = "source_mean"
"""What clinical gives per source: a plain mean of minute values, not comparable to the time-weighted one."""

LONGEST_HOLD_MINUTES = 11

_MOST_BOUTS = 3


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the day's text: see the module docstring for the order."""
    _amount(row, narrative)
    items_left_out(row.claim("dropped_items"), HEART_RATE.kind, narrative)
    unused_sources(row, narrative, SOURCE_MEAN, OTHER_MEAN, unit="bpm", gate="mean_time_weighted", counted="value")
    _level(row, narrative)
    _asleep_and_awake(row, narrative)
    _bouts(row, narrative)
    _zones(row, narrative)
    say_not_assessable(row, narrative, LABELS)
    provisional(row, narrative)


def _amount(row: FactRow, narrative: Narrative) -> None:
    n, coverage = row.claim("n"), row.claim("coverage_percent")
    if n is not None and coverage is not None:
        amount = narrative.phrase(AMOUNT, n=n, minutes=noun(n, "minute"), coverage=coverage)
    elif n is not None:
        amount = narrative.phrase(AMOUNT_WITHOUT_COVERAGE, n=n, minutes=noun(n, "minute"))
    elif coverage is not None:
        amount = narrative.phrase(AMOUNT_WITHOUT_N, coverage=coverage)
    else:
        amount = narrative.phrase(AMOUNT_UNKNOWN)
    clauses = [narrative.phrase(HEAD, day=day_words(row, narrative), apps=used_words(row), amount=amount)]
    narrative.close(clauses + gap_clauses(row, narrative))


def _level(row: FactRow, narrative: Narrative) -> None:
    clauses: list[str] = []
    mean, low, high = row.claim("mean_time_weighted"), row.claim("min"), row.claim("max")
    if mean is not None:
        clauses.append(narrative.phrase(MEAN, mean=mean))
    low_at = row.clock("min", "at", row.values["min_at_local"])
    high_at = row.clock("max", "at", row.values["max_at_local"])
    if low is not None and high is not None and low_at is not None and high_at is not None:
        clauses.append(range_clause(narrative, RANGE, ONE_RATE, low=low, low_at=low_at, high=high, high_at=high_at))
    else:
        if low is not None:
            clauses.append(narrative.phrase(LOWEST, low=low))
        if high is not None:
            clauses.append(narrative.phrase(HIGHEST, high=high))
    spread = row.claim("sd_samples")
    if spread is not None:
        clauses.append(narrative.phrase(SPREAD, sd=spread))
    narrative.close(clauses)


def _asleep_and_awake(row: FactRow, narrative: Narrative) -> None:
    clauses: list[str] = []
    asleep, awake = row.claim("sleep_mean_time_weighted"), row.claim("wake_mean_time_weighted")
    lowest = row.claim("resting_low30_in_main_sleep")
    if asleep is not None:
        clauses.append(narrative.phrase(ASLEEP, mean=asleep))
    if lowest is not None:
        clauses.append(narrative.phrase(LOWEST_HALF_HOUR, window=ROLLING_WINDOW, mean=lowest))
    if awake is not None:
        clauses.append(narrative.phrase(AWAKE, mean=awake))
    dip = row.claim("dip_percent")
    if dip is not None:
        size = derived(f"{dip.id}#size", abs(float(dip.value)), formula=f"abs({dip.id})", of=(dip,))
        narrative.claims[dip.id] = dip
        side = "lower" if float(dip.value) >= 0 else "higher"
        clauses.append(narrative.phrase(DIP, dip=size, side=side))
    narrative.close(clauses, separator=", ")


def _bouts(row: FactRow, narrative: Narrative) -> None:
    clauses: list[str] = []
    for column, (level, side, word, limit, least) in BOUT_LEVELS.items():
        count = row.claim(column)
        if count is None:
            continue
        clause = narrative.phrase(BOUTS, count=count, noun=noun(count, "bout"), side=side, limit=limit, least=least)
        found = [bout for bout in row.values["bouts"] or () if bout["level"] == level]
        parts = [
            _bout(row, narrative, column, index, bout, word=word) for index, bout in enumerate(found[:_MOST_BOUTS], 1)
        ]
        if parts and len(found) > len(parts):
            parts.append(narrative.phrase(MORE_BOUTS, more=further(count, len(parts))))
        if parts:
            clause += narrative.phrase(BOUT_DETAIL, parts="; ".join(parts))
            clause += narrative.phrase(ACTIVITY_UNKNOWN)
        clauses.append(clause)
    if clauses:
        narrative.say(IN_COVERED_TIME, bouts="; ".join(clauses))


def _bout(row: FactRow, narrative: Narrative, column: str, index: int, bout: Mapping[str, Any], *, word: str) -> str:
    start_local = bout["start_local"]
    window = f"{start_local}/PT{write_rounded(bout['minutes']).replace(',', '')}M"
    start = row.part(column, f"{index}:start", start_local, "local time", window=window)
    minutes = row.part(column, f"{index}:minutes", bout["minutes"], "min", window=window)
    extreme = row.part(column, f"{index}:extreme", bout["extreme_bpm"], "bpm", window=window)
    return narrative.phrase(BOUT, start=start, minutes=minutes, word=word, extreme=extreme)


def _zones(row: FactRow, narrative: Narrative) -> None:
    parts: list[str] = []
    for column, start, to in ZONE_BOUNDS:
        minutes = row.claim(column)
        if minutes is None:
            continue
        if start is not None and to is not None:
            parts.append(narrative.phrase(ZONE_BETWEEN, minutes=minutes, start=start, to=to))
        elif start is not None:
            parts.append(narrative.phrase(ZONE_ABOVE, minutes=minutes, start=start))
        elif to is not None:
            parts.append(narrative.phrase(ZONE_BELOW, minutes=minutes, to=to))
    if parts:
        hold = row.part("sample_hold", "most", LONGEST_HOLD_MINUTES, "min")
        narrative.say(ZONES, zones=listing(parts), hold=hold)


NARRATIVE = KindNarrative(
    record_type=HEART_RATE,
    narrate=narrate,
    headline=("mean_time_weighted", "sleep_mean_time_weighted"),
    labels=LABELS,
    counted="minutes",
    source_value=SOURCE_MEAN,
    table=SeriesTable(
        title="Heart rate in bpm, means of a quarter hour by local hour (start minute=value)", decimals=0
    ),
)
