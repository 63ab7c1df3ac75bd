"""What de-identification promises of dates: how often attacks on the shift are right."""

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.errors import UsageError
from vitals.release.date_shift import MOST_WEEKS, weeks_back
from vitals.release.last_stretch import LEAST_DAYS, MOST_DAYS, days_left_out
from vitals.release.selection import Candidate, Histories
from vitals.release.spec import read_spec

KEY = b"a key for tests only"
RELEASED = date(2026, 11, 30)


def spec(**changes):
    return read_spec({"name": "r", "version": "1", "license": "mit", "profile": "standard", **changes})


def line(person, day, *, provisional=False):
    return {"metadata": {"subject_id": person, "local_date": day.isoformat(), "provisional": provisional}}


def people(number, seed=0):
    chance = random.Random(seed)
    return [f"{chance.getrandbits(128):032x}" for _ in range(number)]


def kept_days(person, days, *, wanted=None, key=KEY):
    """True days of a person that a release keeps."""
    histories = Histories(wanted or spec())
    for day in days:
        histories.add(line(person, day))
    candidates = [Candidate(f"{day}", person, "c", "t", f"{day}") for day in days]
    out = histories.left_out(candidates, key=key)
    return [day for day in days if f"{day}" not in out]


def history(number, last=RELEASED):
    return [last - timedelta(days=back) for back in range(number)][::-1]


def attacked(number, guess, *, days=60, lag=0, key=KEY, release_id="r/1"):
    """How many of so many active people an attacker is right of; `guess` has the shifted days and gives weeks."""
    right = 0
    for person in people(number):
        kept = kept_days(person, history(days, RELEASED - timedelta(days=lag)), key=key)
        weeks = weeks_back(person, key=key, release_id=release_id)
        right += guess([day - timedelta(weeks=weeks) for day in kept]) == weeks
    return right


@pytest.mark.parametrize("days", [14, 21, 30, 60, 120])
@pytest.mark.parametrize("lag", [0, 1, 3])
def test_the_newest_day_does_not_tell_how_far_dates_moved(days, lag):
    """The attack: shift = (day of the release - newest day) // 7 weeks. Without the stretch it is right of everybody."""
    found = attacked(100, lambda shown: (RELEASED - max(shown)).days // 7, days=days, lag=lag)
    assert found <= 2 * 100 / MOST_WEEKS + 1


def test_whoever_knows_the_rule_is_right_no_more_often_than_the_rule_says():
    for less in range(1, 10):
        found = attacked(300, lambda shown, less=less: (RELEASED - max(shown)).days // 7 - less, days=200)
        assert found <= 300 * 0.2


def test_a_first_day_that_the_release_names_does_not_tell_it_either():
    wanted = spec(first_day="2026-08-01")
    right = 0
    for person in people(200, seed=2):
        kept = kept_days(person, history(200)[-121:], wanted=wanted)
        weeks = weeks_back(person, key=KEY, release_id="r/1")
        shown = min(kept) - timedelta(weeks=weeks)
        right += (date(2026, 8, 1) - shown).days // 7 == weeks
    assert right <= 4


def test_a_last_day_that_the_release_names_is_no_ones_newest_day():
    wanted = spec(last_day="2026-10-01")
    for person in people(50, seed=3):
        days = [day for day in history(150) if day <= date(2026, 10, 1)]
        assert max(kept_days(person, days, wanted=wanted)) <= date(2026, 10, 1) - timedelta(days=LEAST_DAYS)


def test_two_releases_leave_out_the_same_stretch_so_that_their_difference_says_nothing():
    for person in people(20, seed=4):
        assert kept_days(person, history(90)) == kept_days(person, history(90), wanted=spec(name="s", version="2"))
    lengths = {days_left_out(person, 90, key=KEY) for person in people(200)}
    assert len(lengths) > 30
    assert (
        days_left_out(people(1)[0], 90, key=KEY) != days_left_out(people(1)[0], 90, key=b"another") or len(lengths) > 1
    )


@given(st.text(min_size=1, max_size=32), st.integers(1, 4000))
def test_at_least_a_day_and_never_a_whole_history_of_several_days_goes(person, days):
    out = days_left_out(person, days, key=KEY)
    assert 1 <= out <= MOST_DAYS
    assert out < days or days == 1
    assert out >= min(LEAST_DAYS, days // 2)


def test_the_weeks_of_the_stretch_are_about_equally_frequent_in_a_long_history():
    weeks = Counter(days_left_out(person, 400, key=KEY) // 7 for person in people(2000))
    assert set(weeks) == set(range(1, 9))
    assert max(weeks.values()) < 2.0 * min(weeks.values())


def test_days_still_open_count_neither_as_newest_nor_as_history():
    person, histories = people(1)[0], Histories(spec())
    for day in history(40):
        histories.add(line(person, day))
    histories.add(line(person, RELEASED + timedelta(days=300), provisional=True))
    candidates = [Candidate(f"{day}", person, "c", "t", f"{day}") for day in history(40)]
    out = histories.left_out(candidates, key=KEY)
    assert len(out) == days_left_out(person, 40, key=KEY)


@pytest.mark.parametrize("changes", [{"provisional": True}, {"provisional": True, "tasks": ["question"]}])
def test_open_days_are_refused_under_standard_and_taken_under_none(changes):
    with pytest.raises(UsageError, match="not closed yet"):
        spec(**changes)
    assert spec(profile="none", **changes).provisional


def shift_of(person):
    return weeks_back(person, key=KEY, release_id="r/1")


def test_what_stays_open_is_known_a_first_day_and_a_clock_change_that_somebody_knows_give_the_shift():
    """Measured so that nobody believes otherwise: docs/releases.md has these figures."""
    clock_change = date(2026, 10, 25)
    by_first_day = by_clock_change = by_weekday = 0
    for person in people(50, seed=9):
        kept = kept_days(person, history(120))
        shown = [day - timedelta(weeks=shift_of(person)) for day in kept]
        by_first_day += (history(120)[0] - min(shown)).days // 7 == shift_of(person)
        if clock_change in kept:
            changed = clock_change - timedelta(weeks=shift_of(person))
            by_clock_change += (clock_change - changed).days // 7 == shift_of(person)
        # Weekdays are as they were, so every week fits them alike.
        fitting = [
            weeks
            for weeks in range(1, MOST_WEEKS + 1)
            if (shown[0] + timedelta(weeks=weeks)).weekday() == kept[0].weekday()
        ]
        by_weekday += len(fitting) == 1
    assert by_first_day == 50
    assert by_clock_change > 10
    assert by_weekday == 0
