"""Sampling intervals, distinct readings and time covered: against the oracle, and against what was simulated."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import sampling_oracle as oracle
from tests.vitals.clinical.sampling_oracle import MINUTE
from vitals.clinical.sampling_interval import distinct_readings, sampling_intervals
from vitals.clinical.time_covered import time_covered

DAY = 1440 * MINUTE
START = 1_741_300_000_000


def simulated(
    seed: int,
    *,
    minutes: int,
    jitter_s: float = 6,
    lost: float = 0.0,
    copies: int = 1,
    late_s: float = 0,
    begin: float = 0,
    end: float = 1440,
) -> list[int]:
    """Times of a sensor's records: each reading within `jitter_s` of its grid, each copy at most `late_s` later."""
    rng = random.Random(seed)
    times = []
    for at in np.arange(begin, end, minutes):
        if rng.random() < lost:
            continue
        taken = START + at * MINUTE + rng.uniform(-jitter_s, jitter_s) * 1000
        times += [int(taken + rng.uniform(0, late_s) * 1000 * (copy > 0)) for copy in range(copies)]
    return sorted(times)


def intervals_of(many: list[list[int]], usual: list[int] | None = None) -> list[int]:
    series, times = flat(many)
    known = np.array(usual or [0] * len(many), dtype=np.int64)
    return sampling_intervals(series=series, utc_ms=times, usual_minutes=known).minutes.tolist()


def flat(many: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    series = np.repeat(np.arange(len(many), dtype=np.int64), [len(times) for times in many])
    return series, np.array([t for times in many for t in times], dtype=np.int64)


def cover(many: list[list[int]], minutes: list[int]) -> list[tuple[int, int]]:
    """Covered time and longest gap of each day of distinct readings."""
    series, times = flat(many)
    found = time_covered(
        period=series,
        utc_ms=times,
        interval_ms=np.array(minutes, dtype=np.int64)[series] * MINUTE,
        begin_ms=np.full(len(many), START),
        end_ms=np.full(len(many), START + DAY),
    )
    return list(zip(found.covered_ms.tolist(), found.gap_ms.tolist(), strict=True))


FAULTS = {
    "as it should be": {},
    "jitter": {"jitter_s": 0.2},
    "half a day": {"begin": 360, "end": 1080},
    "some lost": {"lost": 0.2},
    "written twice at once": {"copies": 2},
    "written twice": {"copies": 2, "late_s": 0.24},
    "written three times": {"copies": 3, "late_s": 0.2},
    "written twice, some lost": {"copies": 2, "late_s": 0.2, "lost": 0.15},
}
"""Seconds as a share of the interval."""


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("minutes", [1, 2, 3, 5, 10, 15])
def test_the_interval_is_the_sensors_own_whatever_its_app_writes(minutes: int, fault: str) -> None:
    settings_of = dict(FAULTS[fault])
    for name in ("jitter_s", "late_s"):
        settings_of[name] = settings_of.get(name, 0.02 if name == "jitter_s" else 0) * minutes * 60
    times = simulated(minutes, minutes=minutes, **settings_of)
    assert intervals_of([times]) == [minutes]
    reading = distinct_readings(
        series=np.zeros(len(times), dtype=np.int64), utc_ms=np.array(times), minutes=np.array([minutes])
    )
    assert reading[-1] + 1 == len(times) // settings_of.get("copies", 1)


@pytest.mark.parametrize(("minutes", "lost"), [(1, 0.45), (1, 0.65), (3, 0.65), (5, 0.45), (5, 0.65), (15, 0.45)])
def test_many_losses_do_not_make_a_sensor_slow(minutes: int, lost: float) -> None:
    times = [simulated(seed, minutes=minutes, lost=lost) for seed in range(12)]
    assert set(intervals_of(times)) == {minutes}


def test_a_jitter_of_a_minute_takes_no_time_away() -> None:
    times = [simulated(seed, minutes=5, jitter_s=60, begin=2.5) for seed in range(20)]
    assert intervals_of(times) == [5] * 20
    for day, (covered, gap) in zip(times, cover(times, [5] * 20), strict=True):
        assert covered == len(day) * 5 * MINUTE == DAY
        assert gap == 0


@pytest.mark.parametrize(
    ("n", "every", "usual", "expected"),
    [
        (6, 240, 5, 5),
        (6, 240, 0, 5),
        (6, 60, 15, 15),
        (6, 5, 0, 5),
        (6, 10, 0, 10),
        # What a sensor is known for holds against a few losses, and gives way to readings that are closer.
        (6, 10, 5, 5),
        (8, 1, 15, 1),
        (3, 1, 15, 15),
        (1, 1, 0, 5),
        (24, 60, 0, 5),
        (48, 30, 5, 30),
        (13, 10, 5, 10),
    ],
)
def test_what_is_known_of_a_device_counts_where_the_day_tells_too_little(
    n: int, every: int, usual: int, expected: int
) -> None:
    assert intervals_of([[START + i * every * MINUTE for i in range(n)]], [usual]) == [expected]


def test_scans_between_the_readings_of_a_slow_sensor_do_not_make_it_fast() -> None:
    rng = random.Random(4)
    for scans in (1, 5, 20, 30):
        history = [START + i * 15 * MINUTE for i in range(96)]
        times = sorted({*history, *(START + rng.randrange(DAY) for _ in range(scans))})
        assert intervals_of([times]) == [15], scans


@st.composite
def days(draw: st.DrawFn) -> list[int]:
    """Times of one day: a sensor with any of its troubles, or anything at all."""
    if draw(st.booleans()):
        return sorted(START + t for t in draw(st.lists(st.integers(0, DAY - 1), max_size=60)))
    minutes = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 10, 15, 20, 31]))
    times = simulated(
        draw(st.integers(0, 10**6)),
        minutes=minutes,
        jitter_s=draw(st.sampled_from([0, 1, 6, 60])),
        lost=draw(st.sampled_from([0, 0.03, 0.3, 0.6, 0.9])),
        copies=draw(st.integers(1, 3)),
        late_s=draw(st.sampled_from([0, 1, 3, 30, 60, 200])),
        begin=draw(st.integers(0, 700)),
        end=draw(st.integers(700, 1440)),
    )
    return [t for t in times if START <= t < START + DAY]


@settings(deadline=None, max_examples=150)
@given(st.lists(days(), min_size=1, max_size=4), st.lists(st.sampled_from([0, 1, 5, 15]), min_size=4, max_size=4))
def test_every_series_has_the_interval_and_the_readings_of_the_oracle(many: list[list[int]], usual: list[int]) -> None:
    minutes = intervals_of(many, usual[: len(many)])
    assert minutes == [oracle.interval(times, known) for times, known in zip(many, usual, strict=False)]
    series, times = flat(many)
    reading = distinct_readings(series=series, utc_ms=times, minutes=np.array(minutes, dtype=np.int64))
    expected, number = [], 0
    for day, every in zip(many, minutes, strict=True):
        for group in oracle.distinct(day, every):
            expected += [number] * len(group)
            number += 1
    assert reading.tolist() == expected


@settings(deadline=None, max_examples=150)
@given(st.lists(days(), min_size=1, max_size=4))
def test_covered_time_and_gaps_never_exceed_the_day(many: list[list[int]]) -> None:
    minutes = intervals_of(many)
    firsts = [[day[g[0]] for g in oracle.distinct(day, every)] for day, every in zip(many, minutes, strict=True)]
    for times, every, (covered, gap) in zip(firsts, minutes, cover(firsts, minutes), strict=True):
        span = (times, every * MINUTE, START, START + DAY)
        assert (covered, gap) == (oracle.covered(*span), oracle.longest_gap(*span))
        assert 0 <= covered <= len(times) * every * MINUTE
        assert covered + gap <= DAY


@settings(deadline=None, max_examples=60)
@given(st.lists(days(), min_size=2, max_size=4))
def test_a_series_is_the_same_alone_and_among_others(many: list[list[int]]) -> None:
    assert intervals_of(many) == [intervals_of([times])[0] for times in many]


def test_the_longest_gap_names_the_readings_around_it() -> None:
    times = [START + m * MINUTE for m in (0, 5, 10, 70, 75, 200)]
    found = time_covered(
        period=np.zeros(6, dtype=np.int64),
        utc_ms=np.array(times),
        interval_ms=np.full(6, 5 * MINUTE),
        begin_ms=np.array([START]),
        end_ms=np.array([START + 204 * MINUTE]),
    )
    assert (found.before.tolist(), found.after.tolist()) == ([4], [5])
    assert (found.gap_ms.tolist(), found.covered_ms.tolist()) == ([120 * MINUTE], [29 * MINUTE])
