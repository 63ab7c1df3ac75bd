"""Glucose episodes: when readings stayed below or above a threshold.

Belongs here: the six kinds of episode of METRICS.json and how they are found in readings of many people at once.
Does not belong here: which local day an episode counts for, or whether it may be stated (`blood_glucose`).

Episodes are found in the readings themselves, and last minutes, not readings. A reading stands for the time to the next
one, at most for the sampling interval of its sensor; readings that follow each other without a loss stand for an interval
each, whatever their jitter. So three readings of a 5-minute sensor, one of a 15-minute sensor and 15 of a 1-minute sensor
are the 15 minutes of the consensus (Danne 2017, Battelino 2023, both in docs/spec/clinical.md, section 1). More than
15 minutes without a reading end an episode, or more than one and a half intervals of a slower sensor: nobody knows how it
went on.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from vitals.clinical.glucose_grid import Bools, Ints

MINUTE_MS = 60_000
MAX_GAP_MS = 15 * MINUTE_MS
RECOVERY_MS = 15 * MINUTE_MS
# What jitter may take from the time that readings stand for without making it one reading shorter: half a reading,
# and of a slow sensor no more than of one that reads every 5 minutes.
MAX_TOLERANCE_MS = 5 * MINUTE_MS // 2


@dataclass(frozen=True)
class EpisodeRule:
    """One kind of episode.

    Attributes:
        level: name, also the metric column after ``episodes_``.
        below: readings under the threshold count, else readings over it.
        threshold_mg_dl: exclusive bound of the readings that count.
        recovery_mg_dl: inclusive bound on the other side; 15 minutes there end the episode.
        minutes: how long readings must count without interruption, or within `within_minutes` if given.
        longer: whether they must count for longer than that.
        within_minutes: sliding window in which the counting readings may be interrupted.
    """

    level: str
    below: bool
    threshold_mg_dl: int
    recovery_mg_dl: int
    minutes: int = 15
    longer: bool = False
    within_minutes: int | None = None


EPISODE_RULES: tuple[EpisodeRule, ...] = (
    EpisodeRule("lv1_hypo", below=True, threshold_mg_dl=70, recovery_mg_dl=70),
    EpisodeRule("lv2_hypo", below=True, threshold_mg_dl=54, recovery_mg_dl=54),
    EpisodeRule("ext_hypo", below=True, threshold_mg_dl=70, recovery_mg_dl=70, minutes=120, longer=True),
    EpisodeRule("lv1_hyper", below=False, threshold_mg_dl=180, recovery_mg_dl=180),
    EpisodeRule("lv2_hyper", below=False, threshold_mg_dl=250, recovery_mg_dl=250),
    EpisodeRule("ext_hyper", below=False, threshold_mg_dl=250, recovery_mg_dl=180, minutes=90, within_minutes=120),
)

EPISODES_SCHEMA = pl.Schema(
    {
        "level": pl.String(),
        # Row number of the first reading that counts.
        "reading": pl.Int64(),
        # From the first to the end of the last reading that counts.
        "minutes": pl.Float64(),
        "extreme_mg_dl": pl.Int32(),
    }
)


def find_episodes(*, series: Ints, utc_ms: Ints, interval_ms: Ints, level_mg_dl: Ints) -> pl.DataFrame:
    """Find all episodes in readings.

    Args:
        series: number of the series per reading (one person and sensor): an episode never runs from one series
            into the next.
        utc_ms: instants, ascending within a series.
        interval_ms: sampling interval of the sensor of each reading.
        level_mg_dl: whole readings.

    Returns:
        EPISODES_SCHEMA, in the order of the rules, then of the readings.
    """
    if not len(series):
        return pl.DataFrame(schema=EPISODES_SCHEMA)
    to_next = np.append(np.diff(utc_ms), 0)
    is_break = to_next > np.maximum(MAX_GAP_MS, interval_ms * 3 // 2)
    is_break[:-1] |= series[1:] != series[:-1]
    is_break[-1] = True
    to_next[is_break] = interval_ms[is_break]
    readings = _Readings(
        utc_ms=utc_ms,
        level_mg_dl=level_mg_dl,
        is_first=np.append(True, is_break[:-1]),
        hold_ms=np.minimum(to_next, interval_ms),
        interval_ms=interval_ms,
        room_ms=np.minimum(to_next, interval_ms * 3 // 2),
    )
    return pl.concat([_episodes(readings, rule) for rule in EPISODE_RULES])


@dataclass(frozen=True)
class _Readings:
    """Readings as arrays.

    Attributes:
        is_first: first reading after a gap, or of a series.
        hold_ms: time to the next reading, an interval at most.
        room_ms: the same with room for jitter, one and a half intervals at most.
    """

    utc_ms: Ints
    level_mg_dl: Ints
    is_first: Bools
    hold_ms: Ints
    interval_ms: Ints
    room_ms: Ints

    def stands_for(self, which: Ints, begin: Ints, end: Ints) -> Ints:
        """Time for which runs of readings stand: an interval each, if they had the time.

        Args:
            which: numbers of the readings that runs are made of, in order.
            begin, end: positions in `which` of the first reading of each run, and after its last.
        """
        intervals, rooms = (np.append(0, np.cumsum(each[which])) for each in (self.interval_ms, self.room_ms))
        tolerance = np.minimum(self.interval_ms[which[begin]] // 2, MAX_TOLERANCE_MS)
        time: Ints = np.minimum(intervals[end] - intervals[begin], rooms[end] - rooms[begin] + tolerance)
        return time


def _episodes(readings: _Readings, rule: EpisodeRule) -> pl.DataFrame:
    level = readings.level_mg_dl
    counts = level < rule.threshold_mg_dl if rule.below else level > rule.threshold_mg_dl
    recovered = level >= rule.recovery_mg_dl if rule.below else level <= rule.recovery_mg_dl
    # Runs of equal state: 1 counts, -1 recovered, 0 neither.
    state = counts.astype(np.int8) - recovered
    first = np.flatnonzero(readings.is_first | np.append(True, state[1:] != state[:-1]))
    stands_for = readings.stands_for(np.arange(len(level)), first, np.append(first[1:], len(level)))
    # A block ends where an episode must: at a gap, or with a recovery. So it has one episode at most.
    block: Ints = np.cumsum(readings.is_first[first] | ((state[first] < 0) & (stands_for >= RECOVERY_MS)))
    counting = state[first] > 0
    reading: Ints = np.flatnonzero(counts)
    block_of_reading = np.repeat(block[counting], np.diff(np.append(first, len(level)))[counting])
    if rule.within_minutes is None:
        long_enough = counting & (stands_for >= rule.minutes * MINUTE_MS + rule.longer)
        begins, block = first[long_enough], block[long_enough]
    else:
        dense = _dense_from(readings, reading, block_of_reading, rule.minutes, rule.within_minutes)
        begins, block = reading[dense], block_of_reading[dense]
    block, first_of_block = np.unique(block, return_index=True)
    begins = begins[first_of_block]
    ends = reading[np.searchsorted(block_of_reading, block, side="right") - 1]
    extreme = np.minimum if rule.below else np.maximum
    # Odd items are the stretches between episodes, which nobody asks for.
    bounds = np.stack([begins, ends + 1], axis=1).ravel()
    padded = np.append(level, level[-1])
    return pl.DataFrame(
        {
            "level": np.full(len(begins), rule.level, dtype=object),
            "reading": begins,
            "minutes": (readings.utc_ms[ends] - readings.utc_ms[begins] + readings.hold_ms[ends]) / MINUTE_MS,
            "extreme_mg_dl": extreme.reduceat(padded, bounds)[::2] if len(begins) else begins,
        },
        schema=EPISODES_SCHEMA,
        strict=False,
    )


def _dense_from(readings: _Readings, reading: Ints, block: Ints, minutes: int, within_minutes: int) -> Bools:
    """Whether, from each counting reading on, enough time counts within the window and its block."""
    if not len(reading):
        return np.zeros(0, dtype=np.bool_)
    since_ms = readings.utc_ms[reading] - readings.utc_ms.min()
    # One ascending key for block and time: a whole span between blocks, so that no window reaches the next.
    key = block * (int(since_ms.max()) + (within_minutes + 1) * MINUTE_MS) + since_ms
    until = np.searchsorted(key, key + within_minutes * MINUTE_MS)
    stands_for = readings.stands_for(reading, np.arange(len(reading)), until)
    return np.asarray(stands_for >= minutes * MINUTE_MS)
