"""When an object landed bounds what the phone that wrote it says of its own clock."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.validated.landing import CLOCK_LEAD, believed_fetch, latest_fetch

DAY = date(2026, 10, 6)
NOON = datetime(2026, 10, 6, 12, tzinfo=UTC)
LONG_AFTER = datetime(2027, 3, 1, tzinfo=UTC)


def passes(fetched, landed_at, day=DAY):
    return fetched <= latest_fetch(landed_at, day)


@pytest.mark.parametrize("lead", [timedelta(minutes=3), timedelta(hours=4), timedelta(hours=14), timedelta(days=-400)])
def test_an_honest_phone_a_wrong_zone_and_a_late_upload_pass(lead):
    assert passes(NOON + lead, NOON)


@pytest.mark.parametrize("lead", [timedelta(hours=16), timedelta(days=2), timedelta(days=1825)])
def test_a_clock_that_runs_further_ahead_than_any_zone_does_not_pass(lead):
    assert not passes(NOON + lead, NOON)


@given(st.integers(0, 24 * 60 - 1), st.sampled_from([2, 3, 400, 1825]))
def test_days_ahead_never_pass_although_a_copy_of_the_object_is_younger(minute, days):
    now = datetime(2026, 10, 6, tzinfo=UTC) + timedelta(minutes=minute)
    assert not passes(now + timedelta(days=days), LONG_AFTER)


@given(st.integers(-12, 14), st.integers(0, 24 * 60 - 1))
def test_a_day_written_by_the_uploader_s_own_date_passes_in_every_zone(zone, minute):
    now = datetime(2026, 10, 6, tzinfo=UTC) + timedelta(minutes=minute)
    own_date = (now + timedelta(hours=zone)).date()
    for landed_at in (now, LONG_AFTER):
        assert passes(now + timedelta(minutes=5), landed_at, own_date)
        assert believed_fetch(now, landed_at, own_date) == now


@pytest.mark.parametrize(
    "kept", [datetime(1970, 1, 1, tzinfo=UTC), datetime(1980, 1, 1, tzinfo=UTC), NOON - timedelta(days=3)]
)
def test_an_older_time_that_a_copy_kept_of_its_file_refuses_nothing(kept):
    assert passes(NOON, kept)
    assert believed_fetch(NOON, kept, DAY) == NOON
    assert not passes(NOON + timedelta(days=2), kept)


@given(st.integers(-2000, 900), st.integers(-40, 4000))
def test_what_is_believed_is_never_later_than_the_fetch_the_object_or_the_day_everywhere(lead_minutes, age_minutes):
    fetched = NOON + timedelta(minutes=lead_minutes)
    landed_at = NOON + timedelta(minutes=age_minutes)
    believed = believed_fetch(fetched, landed_at, DAY)
    assert believed <= min(fetched, landed_at)
    assert believed <= datetime(2026, 10, 7, 12, tzinfo=UTC)
    assert timedelta(days=1) > CLOCK_LEAD
