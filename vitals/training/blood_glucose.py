"""The narrative of a day of blood glucose.

Belongs here: what a text says of one row of `clinical/blood_glucose` (NARRATIVE.md C) and what it calls things.
Does not belong here: what the sensor cannot deliver (`glucose_sensor_limits`), any computation of glucose, or whether a
value may be stated (clinical withheld it).

    wear and gap -> mean and range -> shares -> night -> episodes -> limits of the sensor -> what is missing
"""

from collections.abc import Mapping
from typing import Any

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
from vitals.training.language import REFERRAL
from vitals.training.narrative import Narrative, listing, noun, phrases
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
AMOUNT_UNKNOWN = phrases("readings present", "some readings")
MEAN = phrases("mean {mean} mg/dL", "the mean was {mean} mg/dL", "mean glucose {mean} mg/dL")
MEDIAN = phrases("median {median} mg/dL", "median glucose {median} mg/dL")
SPREAD = phrases("standard deviation {sd} mg/dL", "SD {sd} mg/dL")
VARIATION = phrases("coefficient of variation {cv} %", "CV {cv} %")
RANGE = phrases(
    "range {low} (at {low_at}) to {high} (at {high_at}) mg/dL",
    "lowest {low} mg/dL at {low_at}, highest {high} mg/dL at {high_at}",
    "from {low} mg/dL at {low_at} to {high} mg/dL at {high_at}",
)
ONE_LEVEL = phrases("lowest and highest reading {low} mg/dL at {low_at}")
LOWEST = phrases("lowest {low} mg/dL", "minimum {low} mg/dL")
HIGHEST = phrases("highest {high} mg/dL", "maximum {high} mg/dL")
SHARES = phrases("Of the readings, {shares}", "By share of readings: {shares}", "Shares of readings: {shares}")
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


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the day's text: see the module docstring for the order."""
    _amount(row, narrative)
    unused_sources(row, narrative, "mean", OTHER_MEAN, unit="mg/dL", counted="reading")
    low, high = row.claim("min"), row.claim("max")
    _level(row, narrative, low, high)
    _shares(row, narrative)
    _night(row, narrative)
    _episodes(row, narrative)
    explained = say_sensor_limits(row, narrative)
    say_not_assessable(row, narrative, LABELS, skip=explained)
    provisional(row, narrative)
    if is_level_2(row, low, high):
        narrative.sentences.append(REFERRAL)


def _amount(row: FactRow, narrative: Narrative) -> None:
    n, wear = row.claim("n"), row.claim("wear_percent")
    expected = row.claim("expected_n")
    if n is not None and wear is not None and expected is not None and float(n.value) > float(expected.value):
        # A sensor a little ahead of its five minutes writes more than the day has room for.
        amount = narrative.phrase(AMOUNT_WHOLE, n=n, wear=wear)
    elif n is not None and wear is not None and expected is not None:
        amount = narrative.phrase(AMOUNT, n=n, readings=noun(n, "reading"), expected=expected, wear=wear)
    elif n is not None:
        amount = narrative.phrase(AMOUNT_WITHOUT_WEAR, n=n, readings=noun(n, "reading"))
    else:
        amount = narrative.phrase(AMOUNT_UNKNOWN)
    clauses = [narrative.phrase(HEAD, day=day_words(row, narrative), apps=used_words(row), amount=amount)]
    narrative.close(clauses + gap_clauses(row, narrative))


def _level(row: FactRow, narrative: Narrative, low: Claim | None, high: Claim | None) -> None:
    clauses: list[str] = []
    mean, median = row.claim("mean"), row.claim("median")
    if mean is not None:
        clauses.append(narrative.phrase(MEAN, mean=mean))
    if median is not None:
        clauses.append(narrative.phrase(MEDIAN, median=median))
    low_at = row.clock("min", "at", row.values["min_at_local"])
    high_at = row.clock("max", "at", row.values["max_at_local"])
    if low is not None and high is not None and low_at is not None and high_at is not None:
        clauses.append(range_clause(narrative, RANGE, ONE_LEVEL, low=low, low_at=low_at, high=high, high_at=high_at))
    else:
        if low is not None:
            clauses.append(narrative.phrase(LOWEST, low=low))
        if high is not None:
            clauses.append(narrative.phrase(HIGHEST, high=high))
    spread, variation, mage = row.claim("sd"), row.claim("cv"), row.claim("mage")
    if spread is not None:
        clauses.append(narrative.phrase(SPREAD, sd=spread))
    if variation is not None:
        clauses.append(narrative.phrase(VARIATION, cv=variation))
    if mage is not None:
        clauses.append(narrative.phrase(MAGE, mage=mage))
    narrative.close(clauses, separator=", ")


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
        narrative.say(SHARES, shares=listing(parts))


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
    extreme = row.part(column, f"{index}:extreme", episode["extreme_mg_dl"], "mg/dL", window=window)
    word = "highest" if side == "above" else "lowest"
    return narrative.phrase(EPISODE, start=start, minutes=minutes, extreme_word=word, extreme=extreme)


NARRATIVE = KindNarrative(
    record_type=BLOOD_GLUCOSE,
    narrate=narrate,
    headline=("mean", "pct_70_180"),
    labels=LABELS,
    counted="readings",
    table=SeriesTable(title="Readings in mg/dL by local hour (minute=value)", decimals=0),
)
