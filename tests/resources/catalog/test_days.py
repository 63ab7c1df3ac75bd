"""Zone evidence and stale days."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.catalog.rows.days import STALE_REASONS, ZoneChange
from tests.resources.catalog.catalog_builders import DAY, LATER, NOW, TENANT, stale, zone
from tests.resources.catalog.stored import zone_observations
from vitals.errors import PermanentError

pytest_plugins = ["tests.servers.catalogs"]

spans = st.tuples(st.integers(0, 10**13), st.integers(0, 10**13)).map(sorted)
observations = st.builds(
    lambda person, app, day, offset, span: zone(
        subject_id=person,
        source_app=app,
        utc_date=DAY + timedelta(days=day),
        offset_seconds=offset,
        first_utc_ms=span[0],
        last_utc_ms=span[1],
    ),
    st.sampled_from(["s1", "s2"]),
    st.sampled_from(["a", "b"]),
    st.integers(0, 1),
    st.sampled_from([0, -18000, 999_999]),
    spans,
)


def merged(rows):
    expected = {}
    for row in rows:
        key = (row.subject_id, row.utc_date, row.source_app, row.offset_seconds)
        known = expected.get(key, row)
        expected[key] = replace(
            row,
            first_utc_ms=min(known.first_utc_ms, row.first_utc_ms),
            last_utc_ms=max(known.last_utc_ms, row.last_utc_ms),
        )
    return [expected[key] for key in sorted(expected)]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), rows=st.lists(observations, max_size=12))
def test_evidence_is_the_same_whatever_the_order_the_grouping_and_the_repetition(catalog, data, rows):
    before = zone_observations(catalog, TENANT)
    order = data.draw(st.permutations([*rows, *rows]))
    cut = data.draw(st.integers(0, len(order)))
    for part in (order[:cut], order[cut:], rows):
        catalog.zones.upsert(part)
    assert zone_observations(catalog, TENANT) == merged([*before, *rows])
    assert catalog.zones.upsert(rows) == []


def test_a_merge_tells_what_changed_and_from_what(catalog):
    assert catalog.zones.upsert([zone()]) == [ZoneChange(old=None, new=zone())]
    wider = zone(first_utc_ms=500, last_utc_ms=1500)
    other = zone(offset_seconds=0)
    assert catalog.zones.upsert([wider, zone(), other]) == [
        ZoneChange(old=zone(), new=zone(first_utc_ms=500, last_utc_ms=2000)),
        ZoneChange(old=None, new=other),
    ]


def test_hostile_app_names_are_stored_and_found_again(catalog):
    rows = [zone(source_app="a\x00b"), zone(source_app="'; DROP TABLE upload; --"), zone(source_app="\ud800")]
    assert len(catalog.zones.upsert(rows)) == 3
    assert catalog.zones.upsert(rows) == []
    assert {row.source_app for row in zone_observations(catalog, TENANT)} == {
        "a\N{REPLACEMENT CHARACTER}b",
        "'; DROP TABLE upload; --",
        "?",
    }


def test_evidence_of_other_people_and_tenants_is_left_out(catalog):
    catalog.zones.upsert([zone(), zone(subject_id="s2"), zone(tenant="other")])
    theirs = zone(subject_id="s2")
    span = (theirs.subject_id, theirs.source_app, theirs.utc_date)
    span += (theirs.offset_seconds, theirs.first_utc_ms, theirs.last_utc_ms)
    assert catalog.zones.spans(TENANT, ["s2", "s3"]) == [span]
    assert catalog.zones.spans(TENANT, []) == []


def test_a_marked_day_is_listed_until_it_is_cleared(catalog):
    catalog.stale_days.mark(
        [stale(), stale(kind="sleep"), stale(local_date=DAY - timedelta(days=1)), stale(stage="training")], now=NOW
    )
    catalog.stale_days.mark([stale(tenant="other")], now=NOW)
    catalog.stale_days.mark([], now=NOW)
    listed = catalog.stale_days.list(TENANT, "clinical")
    assert [(day.local_date, day.kind) for day in listed] == [
        (DAY - timedelta(days=1), "steps"),
        (DAY, "sleep"),
        (DAY, "steps"),
    ]
    version = catalog.stale_days.version(TENANT, "clinical", "steps", DAY)
    assert version == listed[-1].version
    assert catalog.stale_days.clear(TENANT, "clinical", "steps", DAY, version)
    assert catalog.stale_days.version(TENANT, "clinical", "steps", DAY) is None
    assert catalog.stale_days.version(TENANT, "training", "steps", DAY) is not None
    assert not catalog.stale_days.clear(TENANT, "clinical", "steps", DAY, version)


def test_a_day_marked_again_while_it_was_computed_stays_stale(catalog):
    catalog.stale_days.mark([stale()], now=NOW)
    version = catalog.stale_days.version(TENANT, "clinical", "steps", DAY)
    catalog.stale_days.mark([stale(reason="zone_evidence")], now=LATER)
    assert not catalog.stale_days.clear(TENANT, "clinical", "steps", DAY, version)
    (day,) = catalog.stale_days.list(TENANT, "clinical")
    assert (day.reason, day.marked_at) == ("zone_evidence", LATER)
    assert day.version > version


def test_a_day_cleared_and_marked_again_has_a_version_that_nobody_holds(catalog):
    """Otherwise a slow run could clear a mark that it has not seen."""
    catalog.stale_days.mark([stale()], now=NOW)
    held = catalog.stale_days.version(TENANT, "clinical", "steps", DAY)
    catalog.stale_days.clear(TENANT, "clinical", "steps", DAY, held)
    catalog.stale_days.mark([stale()], now=LATER)
    assert not catalog.stale_days.clear(TENANT, "clinical", "steps", DAY, held)


def test_versions_grow_even_if_the_clock_goes_back(catalog):
    versions = []
    for now in (NOW, NOW - timedelta(days=1), NOW):
        catalog.stale_days.mark([stale(), stale()], now=now)
        versions.append(catalog.stale_days.version(TENANT, "clinical", "steps", DAY))
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("change", [{"reason": "because"}, {"stage": "raw"}])
def test_a_mark_outside_the_vocabulary_is_refused(catalog, change):
    with pytest.raises(PermanentError):
        catalog.stale_days.mark([stale(**change)], now=NOW)
    assert STALE_REASONS[0] == "records"
    assert catalog.stale_days.list(TENANT, "clinical") == []
