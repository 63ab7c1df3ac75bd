"""The narrative of a day of blood glucose.

Belongs here: what a text says of one row of `clinical/blood_glucose` (docs/spec/narrative.md C) and what it calls things.
Does not belong here: what the sensor cannot deliver (`glucose_sensor_limits`), any computation of glucose, or whether a
value may be stated (clinical withheld it).

    wear and gap -> mean and range -> shares -> night -> episodes -> limits of the sensor -> what is missing

Of a day of single readings (a meter's) it says the readings with their times, their mean and their range.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from vitals.record_types import BLOOD_GLUCOSE
from vitals.training.claims import Claim, constant, further
from vitals.training.common_sentences import (
    day_words,
    gap_clauses,
    provisional,
    range_clause,
    unused_sources,
    used_words,
)
from vitals.training.fact_row import FactRow
from vitals.training.glucose_sensor_limits import is_level_2, say_sensor_limits
from vitals.training.kind_narrative import KindNarrative, SeriesTable
from vitals.training.language import REFERRAL, REFERRAL_OF_READINGS
from vitals.training.narrative import Narrative, Phrases, listing, noun, phrases
from vitals.training.not_assessable import Labels, say_not_assessable
from vitals.training.rounding import write_rounded

HEAD = phrases(
    "Glucose on {day}, {apps}: {amount}",
    "Glucose of {day} from {apps}: {amount}",
    "On {day} {apps} delivered glucose values: {amount}",
    "{day}, glucose by {apps}: {amount}",
)
AMOUNT = phrases(
    "{n} of {expected} possible readings ({wear} %)", "{n} {readings} of {expected} possible, wear {wear} %"
)
AMOUNT_WHOLE = phrases("{n} readings, wear {wear} %", "{n} readings ({wear} % wear)")
AMOUNT_WITHOUT_WEAR = phrases("{n} {readings}", "a count of {n} {readings}")
AMOUNT_SINGLE = phrases("{n} single {readings}", "a count of {n} single {readings}")
AMOUNT_UNKNOWN = phrases("readings present", "some readings")
MEAN = phrases("mean {mean} mg/dL", "the mean was {mean} mg/dL", "mean glucose {mean} mg/dL")
MEAN_BOUND = phrases("mean {side} {mean} mg/dL", "the mean was {side} {mean} mg/dL", "mean glucose {side} {mean} mg/dL")
MEDIAN = phrases("median {median} mg/dL", "median glucose {median} mg/dL")
SPREAD = phrases("standard deviation {sd} mg/dL", "SD {sd} mg/dL")
VARIATION = phrases("coefficient of variation {cv} %", "CV {cv} %")
RANGE = phrases(
    "range {low} (at {low_at}) to {high} (at {high_at}) mg/dL",
    "lowest {low} mg/dL at {low_at}, highest {high} mg/dL at {high_at}",
    "from {low} mg/dL at {low_at} to {high} mg/dL at {high_at}",
)
ONE_LEVEL = phrases("lowest and highest reading {low} mg/dL at {low_at}")
LOWEST_AT = phrases("lowest {low} mg/dL at {low_at}")
HIGHEST_AT = phrases("highest {high} mg/dL at {high_at}")
AT_OR_BELOW = phrases("at or below {value}")
AT_OR_ABOVE = phrases("at or above {value}")
LOWEST = phrases("lowest {low} mg/dL", "minimum {low} mg/dL")
HIGHEST = phrases("highest {high} mg/dL", "maximum {high} mg/dL")
SHARES = phrases("Of the readings, {shares}", "By share of readings: {shares}", "Shares of readings: {shares}")
SHARES_OF_TIME = phrases("Of the time covered, {shares}", "By share of the time covered: {shares}")
BETWEEN = phrases("{share} % were {low}-{high} mg/dL", "{share} % lay at {low}-{high} mg/dL")
ABOVE = phrases("{share} % above {limit} mg/dL", "{share} % over {limit} mg/dL")
BELOW = phrases("{share} % below {limit} mg/dL", "{share} % under {limit} mg/dL")
NIGHT = phrases(
    "Between {start} and {end} the mean was {mean} mg/dL{rest}",
    "Night block {start}-{end}: mean {mean} mg/dL{rest}",
    "From {start} to {end} readings averaged {mean} mg/dL{rest}",
)
NIGHT_N = phrases(" ({n} {readings})", " over {n} {readings}")
MAGE = phrases(
    "mean amplitude of glycaemic excursions (MAGE) {mage} mg/dL",
    "MAGE {mage} mg/dL",
)
EPISODES = phrases(
    "{count} {noun} {side} {limit} mg/dL of {least} min or more",
    "{count} {noun} of at least {least} min {side} {limit} mg/dL",
)
EPISODE_DETAIL = phrases(": {parts}", " ({parts})")
EPISODE = phrases(
    "from {start} for {minutes} min, {extreme_word} {extreme}", "{start}, {minutes} min, {extreme_word} {extreme}"
)
MORE_EPISODES = phrases("{more} more", "a further {more}")
SINGLE = phrases("Single readings: {parts}", "The readings one by one: {parts}")
SINGLE_READING = phrases("{level} mg/dL at {at}")
SINGLE_UNUSED = phrases(
    "{n} single {readings} beside these were not used",
    "not used were {n} single {readings} beside these",
)
OTHER_MEAN = phrases(
    "{app} was also present and not used (mean {value} mg/dL of {n} {counted})",
    "{app} also delivered {n} {counted}, not used (mean {value} mg/dL)",
)

LABELS = Labels(
    BLOOD_GLUCOSE,
    {
        "mean": "mean glucose",
        "pct_70_180": "time in range",
        "pct_70_140": "time in tight range",
        "pct_above_180": "time above range",
        "pct_above_250": "time far above range",
        "episodes_lv1_hyper": "episodes above range",
        "nocturnal_mean": "night mean",
        "mage": "MAGE",
        "pct_below_70": "time below range",
        "pct_below_54": "time below range",
        "episodes_lv1_hypo": "episodes below range",
        "episodes_lv2_hypo": "episodes below range",
        "gmi": "GMI",
        "cv": "CV",
        "gri": "glycaemia index",
        "modd": "day-to-day variability",
    },
)


def _limit(column: str, name: str, value: float) -> Claim:
    return constant(BLOOD_GLUCOSE.metric_prefix + "." + column, name, value, "mg/dL")


def _minutes(column: str, value: float) -> Claim:
    return constant(BLOOD_GLUCOSE.metric_prefix + "." + column, "least_minutes", value, "min")


TIGHT = (_limit("pct_70_140", "from", 70), _limit("pct_70_140", "to", 140))
IN_RANGE = (_limit("pct_70_180", "from", 70), _limit("pct_70_180", "to", 180))
ABOVE_COLUMNS = {
    "pct_above_180": _limit("pct_above_180", "above", 180),
    "pct_above_250": _limit("pct_above_250", "above", 250),
}
BELOW_COLUMNS = {
    "pct_below_70": _limit("pct_below_70", "below", 70),
    "pct_below_54": _limit("pct_below_54", "below", 54),
}
NIGHT_BLOCK = (
    constant("glucose.nocturnal_mean", "from", "00:00", "clock"),
    constant("glucose.nocturnal_mean", "to", "05:59", "clock"),
)
EPISODE_LEVELS = {
    "lv1_hyper": ("above", _limit("episodes_lv1_hyper", "above", 180), _minutes("episodes_lv1_hyper", 15)),
    "lv2_hyper": ("above", _limit("episodes_lv2_hyper", "above", 250), _minutes("episodes_lv2_hyper", 15)),
    "lv1_hypo": ("below", _limit("episodes_lv1_hypo", "below", 70), _minutes("episodes_lv1_hypo", 15)),
    "lv2_hypo": ("below", _limit("episodes_lv2_hypo", "below", 54), _minutes("episodes_lv2_hypo", 15)),
}
_MOST_EPISODES = 3
_MOST_SINGLE = 12


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the day's text: see the module docstring for the order."""
    _amount(row, narrative)
    say_unused(row, narrative)
    _single_readings(row, narrative)
    _level(row, narrative)
    _shares(row, narrative)
    _night(row, narrative)
    _episodes(row, narrative)
    explained = say_sensor_limits(row, narrative)
    say_not_assessable(row, narrative, LABELS, skip=explained)
    provisional(row, narrative)
    say_referral(row, narrative)


def amount(row: FactRow, narrative: Narrative) -> str:
    """How many readings there are, and how much of the day they cover."""
    n, wear = row.claim("n"), row.claim("wear_percent")
    expected = row.claim("expected_n")
    if n is None:
        return narrative.phrase(AMOUNT_UNKNOWN)
    if is_single(row):
        return narrative.phrase(AMOUNT_SINGLE, n=n, readings=noun(n, "reading"))
    if wear is None:
        return narrative.phrase(AMOUNT_WITHOUT_WEAR, n=n, readings=noun(n, "reading"))
    if expected is None or float(n.value) > float(expected.value):
        # A sensor a little ahead of its interval, or scanned in between, writes more than the day has room for.
        return narrative.phrase(AMOUNT_WHOLE, n=n, wear=wear)
    return narrative.phrase(AMOUNT, n=n, readings=noun(n, "reading"), expected=expected, wear=wear)


def is_single(row: FactRow) -> bool:
    """Whether the day has single readings only, which cover no time."""
    return row.values["coverage_percent"] is None and (row.values["single_n"] or 0) > 0


def mean_clause(row: FactRow, narrative: Narrative) -> str | None:
    """The mean, or the bound that is known of it."""
    mean = row.claim("mean")
    if mean is not None:
        return narrative.phrase(MEAN, mean=mean)
    is_low = bool(row.values["min_is_bound"])
    bound = row.bound("mean", "at_most" if is_low else "at_least")
    return None if bound is None else narrative.phrase(MEAN_BOUND, side="at most" if is_low else "at least", mean=bound)


def extreme(row: FactRow, narrative: Narrative, column: Literal["min", "max"]) -> Claim | str | None:
    """The lowest or highest level, as a claim, or in words where the sensor tells only a side."""
    value = row.claim(column)
    bound = row.bound(column, "at_most" if column == "min" else "at_least")
    if value is not None or bound is None:
        return value
    return narrative.phrase(AT_OR_BELOW if column == "min" else AT_OR_ABOVE, value=bound)


def say_unused(row: FactRow, narrative: Narrative) -> None:
    """Name the sources and the single readings that were not used."""
    unused_sources(
        row,
        narrative,
        "mean",
        OTHER_MEAN,
        unit="mg/dL",
        counted="reading",
    )
    n = None if is_single(row) else row.claim("single_n")
    if n is not None and n.value:
        narrative.say(SINGLE_UNUSED, n=n, readings=noun(n, "reading"))


def say_referral(row: FactRow, narrative: Narrative) -> None:
    """Add the one permitted referral where a level-2 value is stated."""
    if is_level_2(row):
        narrative.sentences.append(REFERRAL_OF_READINGS if is_single(row) else REFERRAL)


def _amount(row: FactRow, narrative: Narrative) -> None:
    words = amount(row, narrative)
    clauses = [narrative.phrase(HEAD, day=day_words(row, narrative), apps=used_words(row), amount=words)]
    narrative.close(clauses + gap_clauses(row, narrative))


def _single_readings(row: FactRow, narrative: Narrative) -> None:
    readings = row.values["single_readings"] or ()
    n = row.claim("n")
    if n is None or not is_single(row) or not readings:
        return
    parts = []
    for index, reading in enumerate(readings[:_MOST_SINGLE], 1):
        at = reading["utc"] + timedelta(seconds=reading["offset_seconds"])
        level = row.part("single_readings", f"{index}:level", reading["value"], "mg/dL")
        time = row.part("single_readings", f"{index}:at", at.isoformat(timespec="minutes"), "local time")
        parts.append(narrative.phrase(SINGLE_READING, level=level, at=time))
    if len(readings) > len(parts):
        parts.append(narrative.phrase(MORE_EPISODES, more=further(n, len(parts))))
    narrative.say(SINGLE, parts=listing(parts))


def _level(row: FactRow, narrative: Narrative) -> None:
    mean, median = mean_clause(row, narrative), row.claim("median")
    clauses = [] if mean is None else [mean]
    if median is not None:
        clauses.append(narrative.phrase(MEDIAN, median=median))
    clauses += _range(row, narrative)
    spread, variation, mage = row.claim("sd"), row.claim("cv"), row.claim("mage")
    if spread is not None:
        clauses.append(narrative.phrase(SPREAD, sd=spread))
    if variation is not None:
        clauses.append(narrative.phrase(VARIATION, cv=variation))
    if mage is not None:
        clauses.append(narrative.phrase(MAGE, mage=mage))
    narrative.close(clauses, separator=", ")


def _range(row: FactRow, narrative: Narrative) -> list[str]:
    low, high = extreme(row, narrative, "min"), extreme(row, narrative, "max")
    low_at = row.clock("min", "at", row.values["min_at_local"])
    high_at = row.clock("max", "at", row.values["max_at_local"])
    if low_at is None or high_at is None:
        return extremes(narrative, low, high)
    if isinstance(low, Claim) and isinstance(high, Claim):
        return [range_clause(narrative, RANGE, ONE_LEVEL, low=low, low_at=low_at, high=high, high_at=high_at)]
    clauses = []
    if low is not None:
        clauses.append(narrative.phrase(LOWEST_AT, low=low, low_at=low_at))
    if high is not None:
        clauses.append(narrative.phrase(HIGHEST_AT, high=high, high_at=high_at))
    return clauses


def extremes(narrative: Narrative, low: Claim | str | None, high: Claim | str | None) -> list[str]:
    """Lowest and highest level without their times."""
    clauses = []
    if low is not None:
        clauses.append(narrative.phrase(LOWEST, low=low))
    if high is not None:
        clauses.append(narrative.phrase(HIGHEST, high=high))
    return clauses


def _shares(row: FactRow, narrative: Narrative) -> None:
    parts: list[str] = []
    for column, (low, high) in (("pct_70_140", TIGHT), ("pct_70_180", IN_RANGE)):
        share = row.claim(column)
        if share is not None:
            parts.append(narrative.phrase(BETWEEN, share=share, low=low, high=high))
    for columns, wording in ((ABOVE_COLUMNS, ABOVE), (BELOW_COLUMNS, BELOW)):
        for column, limit in columns.items():
            share = row.claim(column)
            if share is not None:
                parts.append(narrative.phrase(wording, share=share, limit=limit))
    if parts:
        narrative.say(shares_words(row), shares=listing(parts))


def shares_words(row: FactRow) -> Phrases:
    """What a share is one of: of the readings, or of time where readings do not all stand for as much."""
    return SHARES_OF_TIME if row.values["sampling_interval_minutes"] is None else SHARES


def _night(row: FactRow, narrative: Narrative) -> None:
    window = f"{row.date}T00:00/PT6H"
    mean = row.claim("nocturnal_mean", window=window, n=row.values["nocturnal_n"])
    if mean is None:
        return
    n = row.claim("nocturnal_n", window=window)
    rest = "" if n is None else narrative.phrase(NIGHT_N, n=n, readings=noun(n, "reading"))
    narrative.say(NIGHT, start=NIGHT_BLOCK[0], end=NIGHT_BLOCK[1], mean=mean, rest=rest)


def _episodes(row: FactRow, narrative: Narrative) -> None:
    clauses: list[str] = []
    for level, (side, limit, least) in EPISODE_LEVELS.items():
        count = row.claim(f"episodes_{level}")
        if count is None:
            continue
        clause = narrative.phrase(
            EPISODES,
            count=count,
            noun=noun(count, "episode"),
            side=side,
            limit=limit,
            least=least,
        )
        found = [episode for episode in row.values["episodes"] or () if episode["level"] == level]
        parts = [
            _episode(row, narrative, f"episodes_{level}", index, episode, side=side)
            for index, episode in enumerate(found[:_MOST_EPISODES], 1)
        ]
        if parts and len(found) > len(parts):
            parts.append(narrative.phrase(MORE_EPISODES, more=further(count, len(parts))))
        if parts:
            clause += narrative.phrase(EPISODE_DETAIL, parts="; ".join(parts))
        clauses.append(clause)
    narrative.close(clauses)


def _episode(
    row: FactRow, narrative: Narrative, column: str, index: int, episode: Mapping[str, Any], *, side: str
) -> str:
    start_local = episode["start_local"]
    window = f"{start_local}/PT{write_rounded(episode['minutes']).replace(',', '')}M"
    start = row.part(column, f"{index}:start", start_local, "local time", window=window)
    minutes = row.part(column, f"{index}:minutes", episode["minutes"], "min", window=window)
    is_bound = episode.get("extreme_is_bound")
    name = f"{index}:extreme" + ("" if not is_bound else "_at_least" if side == "above" else "_at_most")
    level: Claim | str = row.part(column, name, episode["extreme_mg_dl"], "mg/dL", window=window)
    if is_bound:
        level = narrative.phrase(AT_OR_ABOVE if side == "above" else AT_OR_BELOW, value=level)
    word = "highest" if side == "above" else "lowest"
    return narrative.phrase(EPISODE, start=start, minutes=minutes, extreme_word=word, extreme=level)


NARRATIVE = KindNarrative(
    record_type=BLOOD_GLUCOSE,
    narrate=narrate,
    headline=("mean", "pct_70_180"),
    labels=LABELS,
    counted="readings",
    table=SeriesTable(
        title="Readings in mg/dL by local hour (minute=value)",
        decimals=0,
        limits=("limit_low_mg_dl", "limit_high_mg_dl"),
    ),
)
