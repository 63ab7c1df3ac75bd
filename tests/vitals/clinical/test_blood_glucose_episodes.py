"""Episodes: when they begin, when they end, for which day they count."""

import random
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical import glucose_oracle as oracle
from tests.vitals.clinical.glucose_cohort import Person, context, dates, records, regular
from tests.vitals.clinical.glucose_oracle import MINUTE, Reading
from vitals.clinical import blood_glucose
from vitals.clinical.glucose_episodes import EPISODE_RULES, find_episodes

LEVELS = [rule.level for rule in EPISODE_RULES]
DAY = date(2025, 3, 7)


def found(
    levels: list[int | None], *, step_s: int = 300, interval_s: int | None = None
) -> list[tuple[str, int, float, int]]:
    readings = regular("2025-03-07T00:00", levels, step_s=step_s)
    frame = find_episodes(
        series=np.zeros(len(readings), dtype=np.int64),
        utc_ms=np.array([r.utc_ms for r in readings], dtype=np.int64),
        interval_ms=np.full(len(readings), 1000 * (interval_s or step_s)),
        level_mg_dl=np.array([r.level for r in readings], dtype=np.int64),
    )
    return frame.rows()


def counts(levels: list[int | None], *, step_s: int = 300) -> dict[str, int]:
    episodes = [row[0] for row in found(levels, step_s=step_s)]
    return {level: episodes.count(level) for level in LEVELS if level in episodes}


@st.composite
def readings(draw: st.DrawFn) -> list[Reading]:
    """Levels that hug the thresholds, in runs of a few readings, with jitter, losses and two apps."""
    rng = random.Random(draw(st.integers(0, 10**9)))
    stay = draw(st.sampled_from([0.5, 0.8, 0.95, 0.985]))
    palette = draw(
        st.sampled_from(
            [(52, 53, 54, 55, 69, 70, 71, 100), (100, 180, 181, 249, 250, 251, 300), (60, 120, 200, 260), (179, 252)]
        )
    )
    utc_ms, level, out = 1_741_300_000_000, 100, []
    for i in range(draw(st.integers(0, 300))):
        if rng.random() > stay:
            level = rng.choice(palette)
        if rng.random() > 0.03:
            out.append(Reading(utc_ms, level, 0, "a" if i < 200 else "b"))
        utc_ms += rng.randrange(294_000, 306_001) + (rng.random() < 0.01) * rng.randrange(40) * MINUTE
    return out


@settings(deadline=None, max_examples=150)
@given(st.lists(readings(), min_size=1, max_size=3))
def test_episodes_are_those_of_the_oracle(people: list[list[Reading]]) -> None:
    flat = [(f"{i}{r.app}", r) for i, person in enumerate(people) for r in person]
    series = np.unique(np.array([key for key, _ in flat], dtype=str), return_inverse=True)[1].astype(np.int64)
    frame = find_episodes(
        series=series,
        utc_ms=np.array([r.utc_ms for _, r in flat], dtype=np.int64),
        interval_ms=np.full(len(flat), 5 * MINUTE),
        level_mg_dl=np.array([r.level for _, r in flat], dtype=np.int64),
    )
    actual = {(row[0], row[1]): (row[2], row[3]) for row in frame.rows()}
    number = {id(r): i for i, (_, r) in enumerate(flat)}
    expected = {}
    for person in people:
        for e in oracle.episodes(person):
            last = number[id(e.last)]
            following = flat[last + 1][1].utc_ms if last + 1 < len(flat) and series[last + 1] == series[last] else None
            hold = 5 * MINUTE if following is None else min(following - e.last.utc_ms, 5 * MINUTE)
            minutes = (e.last.utc_ms - e.first.utc_ms + hold) / MINUTE
            expected[e.level, number[id(e.first)]] = (minutes, e.extreme)
    assert actual.keys() == expected.keys()
    for key, (minutes, extreme) in expected.items():
        # The hold of the last reading before a gap may be stated as 5 minutes.
        assert actual[key] == (pytest.approx(minutes, abs=0.2), extreme)


def test_three_readings_make_an_episode_and_two_do_not() -> None:
    assert counts([100, 69, 69, 69, 100, 100, 100]) == {"lv1_hypo": 1}
    assert counts([100, 69, 69, 100, 69, 69, 100]) == {}
    assert counts([100, 70, 70, 70, 100]) == {}
    assert counts([100, 181, 181, 181, 100]) == {"lv1_hyper": 1}
    assert counts([100, 180, 180, 180, 100]) == {}


def test_level_2_counts_for_level_1_too() -> None:
    assert counts([100, 53, 53, 53, 100, 100, 100]) == {"lv1_hypo": 1, "lv2_hypo": 1}
    assert counts([100, 54, 54, 54, 100, 100, 100]) == {"lv1_hypo": 1}
    assert counts([100, 251, 251, 251, 100]) == {"lv1_hyper": 1, "lv2_hyper": 1}
    assert counts([100, 250, 250, 250, 100]) == {"lv1_hyper": 1}


def test_a_recovery_of_two_readings_does_not_end_an_episode_and_one_of_three_does() -> None:
    low = [60, 61, 62]
    assert found([*low, 90, 90, 60, 60, 90, 90, 90]) == [("lv1_hypo", 0, 35.0, 60)]
    assert [row[0] for row in found([*low, 90, 90, 90, *low])] == ["lv1_hypo", "lv1_hypo"]


def test_a_gap_of_more_than_15_minutes_ends_an_episode() -> None:
    low = [60, 61, 62]
    assert counts([*low, None, None, *low]) == {"lv1_hypo": 1}
    assert counts([*low, None, None, None, *low]) == {"lv1_hypo": 2}
    assert counts([60, 60, None, None, None, 60, 60]) == {}


def test_an_extended_episode_lasts_more_than_120_minutes() -> None:
    assert counts([65] * 24 + [100] * 3) == {"lv1_hypo": 1}
    assert counts([65] * 25 + [100] * 3) == {"lv1_hypo": 1, "ext_hypo": 1}


def test_extended_high_is_90_minutes_of_120() -> None:
    # 18 readings of the 24 in two hours, with interruptions above 180 that end level 2 episodes.
    interrupted = ([260] * 9 + [200] * 3) * 2
    assert counts(interrupted) == {"lv1_hyper": 1, "lv2_hyper": 2, "ext_hyper": 1}
    assert counts([260] * 9 + [200] * 3 + [260] * 8 + [200] * 4) == {"lv1_hyper": 1, "lv2_hyper": 2}
    recovered = [260] * 9 + [180] * 3 + [260] * 12
    assert counts(recovered) == {"lv1_hyper": 2, "lv2_hyper": 2}
    assert counts(([260] * 18 + [200] * 10) * 2) == {"lv1_hyper": 1, "lv2_hyper": 2, "ext_hyper": 1}


def test_a_dense_sensor_needs_the_same_time() -> None:
    assert counts([100] * 5 + [60] * 12 + [100] * 20, step_s=60) == {}
    assert counts([100] * 5 + [60] * 15 + [100] * 20, step_s=60) == {"lv1_hypo": 1}


def test_an_episode_over_midnight_counts_once_for_its_first_day() -> None:
    levels = [100] * 280 + [200] * 20 + [100] * 276
    person = Person("midnight", regular("2025-03-07T05:00", levels, offset_hours=-5))
    out = blood_glucose.summarise(records([person]), context([person], dates("2025-03-07", "2025-03-08")))
    assert out["episodes_lv1_hyper"].to_list() == [1, 0]
    episode = out["episodes"][0][0]
    assert (episode["level"], str(episode["start_local"])) == ("lv1_hyper", "2025-03-07 23:20:00")
    assert (episode["minutes"], episode["extreme_mg_dl"]) == (100.0, 200)
    assert out["episodes"][1].to_list() == []


@pytest.mark.parametrize("day", [7, 8])
def test_an_episode_over_midnight_is_whole_when_one_of_its_days_is_asked_for(day: int) -> None:
    levels = [100] * 280 + [200] * 20 + [100] * 276
    person = Person("midnight", regular("2025-03-07T05:00", levels, offset_hours=-5))
    out = blood_glucose.summarise(records([person]), context([person], [date(2025, 3, day)]))
    minutes = [e["minutes"] for e in out["episodes"][0]]
    assert minutes == ([100.0] if day == 7 else [])


def test_an_episode_that_begins_with_the_first_reading_of_the_day_counts_for_it() -> None:
    levels = [100] * 288 + [200] * 3 + [100] * 285
    person = Person("early", regular("2025-03-07T05:00", levels, offset_hours=-5))
    out = blood_glucose.summarise(records([person]), context([person], dates("2025-03-07", "2025-03-08")))
    assert out["episodes_lv1_hyper"].to_list() == [0, 1]


def test_an_episode_ends_where_the_source_changes() -> None:
    first = regular("2025-03-07T00:00", [100] * 280 + [200] * 8, app="com.first")
    second = regular("2025-03-08T00:00", [200] * 3 + [100] * 285, app="com.second")
    person = Person("change", first + second, ((0, 0),))
    out = blood_glucose.summarise(records([person]), context([person], dates("2025-03-07", "2025-03-08")))
    assert out["episodes_lv1_hyper"].to_list() == [1, 1]
    assert out["episodes"][0][0]["minutes"] == 40.0


def test_the_list_has_the_episodes_of_the_counts_in_the_order_of_their_start() -> None:
    levels = ([100] * 20 + [260] * 5 + [100] * 20 + [50] * 4) * 6
    person = Person("many", regular("2025-03-07T00:00", levels[:288]), ((0, 0),))
    out = blood_glucose.summarise(records([person]), context([person], [DAY]))
    row: dict[str, Any] = out.row(0, named=True)
    starts = [e["start_local"] for e in row["episodes"]]
    assert starts == sorted(starts)
    listed = [e["level"] for e in row["episodes"]]
    assert {level: listed.count(level) for level in LEVELS} == {level: row[f"episodes_{level}"] for level in LEVELS}
    assert row["episodes_lv2_hypo"] == 5
