"""True local dates, and that a reader with the zone rule can find them."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from tests.vitals.synthetic.conftest import make
from tests.vitals.synthetic.reading import ZoneRule, end_zone, good_rows, record_id, start_zone
from vitals.synthetic.clock import DAY_MS
from vitals.synthetic.cohort import ALL_FAULTS, NO_FAULTS, Fault

ZONES = NO_FAULTS | {Fault.FALSE_Z, Fault.NULL_ZONE, Fault.DST, Fault.TRAVEL, Fault.DAY_BUCKETS}
ZONES |= {Fault.OVERLAPPING_WINDOWS, Fault.SOURCE_LAG, Fault.GROWTH, Fault.TWO_SOURCES}


@pytest.mark.parametrize(("seed", "fetches", "faults"), [(0, 1, ZONES), (1, 2, ALL_FAULTS), (2, 1, ALL_FAULTS)])
def test_the_zone_rule_finds_every_true_local_date(seed, fetches, faults):
    # People 0, 2, 8 and 10 travel.
    made = make(seed=seed, people=11, days=8, faults=faults, fetches_per_day=fetches)
    deliveries = good_rows(made.uploads, made.truth.uploads)
    told = made.truth.records().filter("delivered")
    travelled = 0
    for person in made.truth.people:
        user = person.person.user
        found = [r for (u, _), part in deliveries.items() if u == user for r in part]
        rule = ZoneRule(found)
        own = {record_id(r): (start_zone(r), end_zone(r)) for r in found}
        mine = told.filter(user=user)
        instants = mine.select(pl.when(kind="sleep").then("end_ms").otherwise("start_ms")).to_series().to_numpy()
        offsets = rule.offset_at(instants)
        dates = ((instants + offsets * 1000) // DAY_MS).astype("datetime64[D]")
        wrong = dates != mine["local_date"].to_numpy().astype("datetime64[D]")
        assert not wrong.any(), (
            user,
            mine.filter(pl.Series(wrong)).select("kind", "start_ms", "zone_written"),
            len(own),
        )
        travelled += len(person.person.stays) > 1
    assert travelled >= 4


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/New_York", date(2025, 11, 2), 25),
        ("America/New_York", date(2026, 3, 8), 23),
        ("Europe/Berlin", date(2025, 10, 26), 25),
        ("Europe/London", date(2026, 3, 29), 23),
    ],
)
def test_days_on_which_clocks_change_have_their_true_length(zone, day, hours):
    made = make(
        seed=2, people=1, days=3, first_day=date(day.year, day.month, 1), zones=(zone,), faults=NO_FAULTS | {Fault.DST}
    )
    person = made.truth.people[0].person
    lengths = np.diff(person.day_starts_ms) / 3_600_000
    assert lengths.tolist() == [24, hours, 24]
    local = ZoneInfo(zone)
    midnight = datetime.fromtimestamp(person.day_starts_ms[1] / 1000, tz=UTC).astimezone(local)
    assert (midnight.date(), midnight.hour, midnight.minute) == (day, 0, 0)
    read = [
        datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(local).date() for ms in made.truth.records()["start_ms"]
    ]
    told = made.truth.records()
    expected = told.filter(pl.col("kind") != "sleep")["local_date"].to_list()
    assert [d for d, k in zip(read, told["kind"], strict=True) if k != "sleep"] == expected


def test_without_the_fault_no_zone_changes_its_clocks():
    made = make(seed=2, people=2, days=4, first_day=date(2025, 10, 24), faults=NO_FAULTS)
    assert all(len(p.person.timeline.from_ms) == 1 for p in made.truth.people)


def test_a_traveller_is_where_the_stays_say():
    made = make(seed=2, people=3, days=10, faults=NO_FAULTS | {Fault.TRAVEL})
    stays = [[s.zone for s in p.person.stays] for p in made.truth.people]
    assert stays[0] == ["America/New_York", "Europe/Berlin", "America/New_York"]
    assert stays[1] == ["Europe/Berlin"]
    assert stays[2] == ["Asia/Kolkata", "Europe/Berlin", "Asia/Kolkata"]
    person = made.truth.people[0].person
    assert person.timeline.offsets_s.tolist() == [-4 * 3600, 2 * 3600, -4 * 3600]
    lengths = (np.diff(person.day_starts_ms) / 3_600_000).tolist()
    assert sorted(lengths)[:1] + sorted(lengths)[-1:] == [18, 30]


def test_nobody_changes_zone_near_a_local_midnight():
    for seed in range(3):
        made = make(seed=seed, people=11, days=8, faults=NO_FAULTS | {Fault.TRAVEL})
        for person in (p.person for p in made.truth.people):
            for change in person.timeline.changes_ms:
                before, after = (int(person.timeline.wall(np.array([at]))[0]) % DAY_MS for at in (change - 1, change))
                for wall in (before, after):
                    assert 3 <= wall / 3_600_000 <= 21


def test_sleep_belongs_to_the_date_of_waking(faultless):
    sleep = faultless.truth.records().filter(kind="sleep")
    person = {p.person.user: p.person.timeline for p in faultless.truth.people}
    for user, end, told in sleep.select("user", "end_ms", "local_date").iter_rows():
        assert person[user].local_date(np.array([end]))[0] == np.datetime64(told)
