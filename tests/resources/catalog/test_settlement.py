"""Settling a batch: all of it or nothing, and once."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.catalog.rows.days import FetchMark
from resources.catalog.rows.uploads import FateShift, UploadOutcome
from resources.catalog.settlement import Settlement
from tests.resources.catalog.catalog_builders import (
    DAY,
    LATER,
    NOW,
    TENANT,
    claimed,
    partial,
    processed,
    quarantined,
    stale,
    upload,
    zone,
)
from tests.resources.catalog.stored import fetch_marks, zone_observations
from vitals.errors import ConflictError, NotFoundError, PermanentError

pytest_plugins = ["tests.servers.catalogs"]

FETCH = FetchMark(tenant=TENANT, subject_id="s1", kind="steps", latest_fetch_ms=5000)


def everything(catalog):
    """All that a settlement may touch, without times."""
    uploads = catalog.uploads.get(row.upload_id for row in catalog.uploads.list(TENANT))
    return {
        "uploads": {
            name: (row.state, row.rows_total, row.rows_accepted, row.rows_duplicate, row.rows_superseded, row.attempts)
            for name, row in uploads.items()
        },
        "quarantine": catalog.quarantine.list(TENANT),
        "partials": catalog.partials.list(TENANT, status=None),
        "zones": zone_observations(catalog, TENANT),
        "fetches": fetch_marks(catalog, TENANT),
        "stale": catalog.stale_days.list(TENANT, "clinical"),
    }


def full_batch() -> Settlement:
    return Settlement(
        run_id="run",
        outcomes=[
            processed("a", accepted=2, partial=1, quarantined=1),
            UploadOutcome(upload_id="b", state="quarantined", reason="not_avro"),
        ],
        deltas={"old": FateShift(accepted=-1, superseded=1)},
        quarantine_rows=[quarantined("a", 3), quarantined("b", None, rule_id="not_avro")],
        partial_rows=[partial("a", 2)],
        zone_observations=[zone()],
        fetches=[FETCH],
        stale_marks=[stale()],
    )


@pytest.fixture
def ready(catalog):
    """A catalog with a settled upload `old` and two that are claimed."""
    claimed(catalog, "old", run_id="before")
    catalog.uploads.finish([processed("old", accepted=5)], now=NOW)
    claimed(catalog, "a", "b")
    return catalog


def test_a_batch_is_settled_in_every_table(ready):
    assert ready.settle(full_batch(), now=NOW)
    found = everything(ready)
    assert found["uploads"] == {
        "old": ("processed", 5, 4, 0, 1, 1),
        "a": ("processed", 4, 2, 0, 0, 1),
        "b": ("quarantined", 0, 0, 0, 0, 1),
    }
    assert [(row.upload_id, row.row_index, row.first_seen) for row in found["quarantine"]] == [
        ("a", 3, NOW),
        ("b", None, NOW),
    ]
    assert [(row.upload_id, row.row_index, row.status) for row in found["partials"]] == [("a", 2, "waiting")]
    assert found["zones"] == [zone()]
    assert found["fetches"] == [FETCH]
    assert [(row.kind, row.local_date) for row in found["stale"]] == [("steps", DAY)]


def test_settling_a_batch_twice_changes_nothing(ready):
    ready.settle(full_batch(), now=NOW)
    before = everything(ready)
    assert not ready.settle(full_batch(), now=LATER)
    assert everything(ready) == before


@pytest.mark.parametrize(
    "spoil",
    [
        {"outcomes": [processed("a", accepted=1), UploadOutcome(upload_id="b", state="processed", rows_total=1)]},
        {"deltas": {"old": FateShift(accepted=-9, superseded=9)}},
        {"partial_rows": [partial("a", 2, payload={"x": float("nan")})]},
        {"zone_observations": [zone(first_utc_ms=3000)]},
        {"stale_marks": [stale(reason="because")]},
    ],
    ids=["books", "shift", "payload", "zone", "reason"],
)
def test_a_batch_with_one_bad_part_changes_nothing(ready, spoil):
    before = everything(ready)
    with pytest.raises(PermanentError):
        ready.settle(replace(full_batch(), **spoil), now=NOW)
    assert everything(ready) == before


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"deltas": {"old": FateShift(accepted=-1)}}, "add up to zero"),
        ({"quarantine_rows": [quarantined("old", 1)]}, "no outcome"),
        ({"outcomes": [processed("a", accepted=1), processed("a", accepted=1)]}, "two outcomes"),
        ({"outcomes": [UploadOutcome(upload_id="a", state="landed")]}, "final state"),
    ],
)
def test_a_batch_that_contradicts_itself_is_refused(ready, spoil, message):
    before = everything(ready)
    batch = replace(full_batch(), quarantine_rows=(), partial_rows=())
    with pytest.raises(PermanentError, match=message):
        ready.settle(replace(batch, **spoil), now=NOW)
    assert everything(ready) == before


def test_a_run_cannot_settle_what_another_run_has_claimed(ready):
    ready.uploads.claim(["a"], run_id="other", now=NOW)
    before = everything(ready)
    with pytest.raises(ConflictError):
        ready.settle(full_batch(), now=NOW)
    assert everything(ready) == before


def test_a_run_cannot_settle_what_it_has_not_claimed(ready):
    ready.uploads.register([upload("c")])
    with pytest.raises(ConflictError):
        ready.settle(Settlement(run_id="run", outcomes=[processed("c", accepted=1)]), now=NOW)


def test_a_run_cannot_settle_a_batch_half_of_which_is_settled(ready):
    ready.settle(Settlement(run_id="run", outcomes=[processed("a", accepted=1)]), now=NOW)
    before = everything(ready)
    with pytest.raises(ConflictError):
        ready.settle(full_batch(), now=NOW)
    assert everything(ready) == before


def test_an_upload_that_is_not_registered_cannot_be_settled(ready):
    with pytest.raises(NotFoundError):
        ready.settle(Settlement(run_id="run", outcomes=[processed("nobody", accepted=1)]), now=NOW)


def test_a_batch_of_which_nothing_could_be_fetched_is_settled(ready):
    before = everything(ready)
    assert ready.settle(Settlement(run_id="run", outcomes=[]), now=NOW)
    assert everything(ready) == before


def test_fates_shift_only_in_uploads_that_are_in_the_books(ready):
    """One that was never settled will count what is in the lake when it is."""
    ready.uploads.register([upload("never")])
    shift = FateShift(accepted=-1, superseded=1)
    ready.settle(replace(full_batch(), deltas={"never": shift, "old": shift, "unknown": shift}), now=NOW)
    rows = ready.uploads.get(["never", "old"])
    assert (rows["never"].rows_accepted, rows["never"].rows_superseded) == (0, 0)
    assert (rows["old"].rows_accepted, rows["old"].rows_superseded) == (4, 1)


def test_fates_shift_in_an_upload_that_is_to_be_read_again(ready):
    ready.uploads.reland(["old"])
    ready.settle(full_batch(), now=NOW)
    row = ready.uploads.get(["old"])["old"]
    assert (row.state, row.rows_accepted, row.rows_superseded) == ("landed", 4, 1)


def test_an_upload_is_a_duplicate_while_all_its_rows_are(ready):
    claimed(ready, "c", "d", "e")
    other = UploadOutcome(upload_id="e", state="quarantined", rows_total=1, rows_quarantined=1)
    ready.uploads.finish([processed("c", accepted=1, duplicate=1), processed("d", accepted=1), other], now=NOW)
    to_duplicate = FateShift(accepted=-1, duplicate=1)
    ready.settle(replace(full_batch(), deltas={"c": to_duplicate, "d": to_duplicate}), now=NOW)
    rows = ready.uploads.get(["c", "d", "e"])
    assert {name: row.state for name, row in rows.items()} == {"c": "duplicate", "d": "duplicate", "e": "quarantined"}
    ready.uploads.claim(ready.uploads.reland(["a"]), run_id="run", now=NOW)
    back = FateShift(accepted=1, duplicate=-1)
    ready.settle(Settlement(run_id="run", outcomes=[processed("a", accepted=1)], deltas={"d": back}), now=NOW)
    assert ready.uploads.get(["d"])["d"].state == "processed"


def again(catalog, **changes):
    """Process upload `a` once more."""
    catalog.uploads.reland(["a"])
    catalog.uploads.claim(["a"], run_id="run", now=LATER)
    batch = replace(full_batch(), outcomes=[processed("a", accepted=4)], deltas={}, quarantine_rows=[], partial_rows=[])
    assert catalog.settle(replace(batch, **changes), now=LATER)


def test_a_row_that_still_fails_keeps_its_first_seen_time_and_gets_the_new_reason(ready):
    ready.settle(full_batch(), now=NOW)
    (before,) = ready.quarantine.list(TENANT, upload_id="a")
    again(ready, quarantine_rows=[quarantined("a", 3, rule_version=2, reason="end_before_start"), quarantined("a", 0)])
    rows = {row.row_index: row for row in ready.quarantine.list(TENANT, upload_id="a")}
    assert rows[3].id == before.id
    assert (rows[3].first_seen, rows[3].rule_version, rows[3].reason) == (NOW, 2, "end_before_start")
    assert rows[0].first_seen == LATER


def test_a_row_that_no_longer_fails_leaves_quarantine_and_its_neighbours_stay(ready):
    ready.settle(full_batch(), now=NOW)
    again(ready)
    assert [row.upload_id for row in ready.quarantine.list(TENANT)] == ["b"]


def test_a_file_that_still_fails_as_a_whole_is_in_quarantine_once(ready):
    ready.settle(full_batch(), now=NOW)
    ready.uploads.reland(["b"])
    ready.uploads.claim(["b"], run_id="run", now=LATER)
    row = quarantined("b", None, rule_id="truncated")
    outcome = UploadOutcome(upload_id="b", state="quarantined", reason="truncated")
    ready.settle(Settlement(run_id="run", outcomes=[outcome], quarantine_rows=[row]), now=LATER)
    (found,) = ready.quarantine.list(TENANT, upload_id="b")
    assert (found.rule_id, found.first_seen) == ("truncated", NOW)


def test_a_record_that_is_still_partial_keeps_its_first_seen_time(ready):
    ready.settle(full_batch(), now=NOW)
    again(ready, partial_rows=[partial("a", 2, missing=["specimen_source"], payload={"count": 13})])
    (found,) = ready.partials.list(TENANT)
    assert (found.first_seen, found.missing, found.payload) == (NOW, ["specimen_source"], {"count": 13})


def test_a_record_that_is_no_longer_partial_waits_no_longer(ready):
    ready.settle(full_batch(), now=NOW)
    again(ready)
    assert ready.partials.list(TENANT, status=None) == []


def test_a_batch_of_many_rows_is_settled(ready):
    rows = [quarantined("a", n) for n in range(3000)]
    waiting = [partial("a", n) for n in range(3000, 5500)]
    outcome = processed("a", quarantined=3000, partial=2500)
    ready.settle(Settlement(run_id="run", outcomes=[outcome], quarantine_rows=rows, partial_rows=waiting), now=NOW)
    again(ready, quarantine_rows=rows[:2000], partial_rows=waiting[:1500])
    assert ready.quarantine.counts(TENANT) == {("steps", "range"): 2000}
    assert ready.partials.counts(TENANT) == {("steps", "waiting"): 1500}


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shifts=st.lists(
        st.tuples(st.sampled_from(["x", "y"]), st.integers(-3, 3), st.integers(-3, 3), st.integers(-2, 3)),
        min_size=1,
        max_size=8,
    )
)
def test_the_books_balance_after_any_shifts_of_fate(catalog, shifts):
    """A shift that would take more rows than there are is refused whole; every other one keeps the sum."""
    claimed(catalog, "x", "y", "batch")
    catalog.uploads.reland(["x", "y"])
    catalog.uploads.claim(["x", "y"], run_id="run", now=NOW)
    catalog.uploads.finish([processed(n, accepted=4, duplicate=4, superseded=4) for n in ("x", "y")], now=NOW)
    expected = {name: [4, 4, 4, 0] for name in ("x", "y")}
    for name, accepted, duplicate, deleted in shifts:
        catalog.uploads.reland(["batch"])
        catalog.uploads.claim(["batch"], run_id="run", now=NOW)
        shift = FateShift(
            accepted=accepted - deleted,
            duplicate=duplicate,
            superseded=-accepted - duplicate,
            presumed_deleted=deleted,
        )
        batch = Settlement(run_id="run", outcomes=[processed("batch", accepted=1)], deltas={name: shift})
        after = [a + b for a, b in zip(expected[name], vars(shift).values(), strict=True)]
        if min(after) < 0:
            with pytest.raises(PermanentError, match="ck_upload_counts"):
                catalog.settle(batch, now=NOW)
        else:
            catalog.settle(batch, now=NOW)
            expected[name] = after
    rows = catalog.uploads.get(["x", "y"])
    stored = {
        n: [r.rows_accepted, r.rows_duplicate, r.rows_superseded, r.rows_presumed_deleted] for n, r in rows.items()
    }
    assert stored == expected
    assert all(row.rows_total == 12 for row in rows.values())


def test_a_decision_of_a_person_survives_reading_the_file_again(ready):
    from sqlalchemy import update

    from resources.catalog.models import uploads as models

    ready.settle(full_batch(), now=NOW)
    done = update(models.PartialRecord).values(status="completed")
    ready.database.write("complete it", lambda connection: connection.execute(done))
    again(ready)
    assert [row.status for row in ready.partials.list(TENANT, status=None)] == ["completed"]


def test_a_completed_record_that_lacks_something_else_waits_again(ready):
    from sqlalchemy import update

    from resources.catalog.models import uploads as models

    ready.settle(full_batch(), now=NOW)
    done = update(models.PartialRecord).values(status="completed")
    ready.database.write("complete it", lambda connection: connection.execute(done))
    again(ready, partial_rows=[partial("a", 2, missing=["relation_to_meal"])])
    assert [(row.status, row.missing) for row in ready.partials.list(TENANT)] == [("waiting", ["relation_to_meal"])]


def test_times_are_instants_whatever_their_zone(ready):
    from datetime import timezone

    elsewhere = NOW.astimezone(timezone(timedelta(hours=-5)))
    ready.settle(full_batch(), now=elsewhere)
    row = ready.uploads.get(["a"])["a"]
    assert row.finished_at == NOW
    assert row.finished_at.utcoffset() == timedelta(0)
