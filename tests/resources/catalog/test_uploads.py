"""The books: registering, claiming, releasing, landing again, adding up."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from resources.catalog.rows.uploads import UploadOutcome
from tests.resources.catalog.catalog_builders import DAY, LATER, NOW, TENANT, claimed, processed, upload
from vitals.errors import NotFoundError, PermanentError

pytest_plugins = ["tests.servers.catalogs"]


def test_an_upload_is_registered_once_however_often_it_is_listed(catalog):
    assert catalog.uploads.register([upload("a"), upload("b")]) == ["a", "b"]
    assert catalog.uploads.register([upload("b"), upload("c")]) == ["c"]
    assert catalog.uploads.register([]) == []


def test_an_object_listed_twice_in_one_call_is_one_upload(catalog):
    assert catalog.uploads.register([upload("a"), upload("a")]) == ["a"]


def test_a_new_version_of_an_object_is_another_upload(catalog):
    first, second = upload("a"), upload("a", upload_id="a2", etag="e2", landed_at=LATER)
    catalog.uploads.register([second, first])
    listed = catalog.uploads.listed(TENANT, [first.key, "raw/other"])
    assert {(v.upload_id, v.etag, v.content_sha256) for v in listed.pop(first.key)} == {
        ("a", "e1", None),
        ("a2", "e2", None),
    }
    assert listed == {}
    assert [row.upload_id for row in catalog.uploads.versions(TENANT, first.key)] == ["a", "a2"]


def test_more_uploads_than_a_statement_has_parameters_are_registered_and_found(catalog):
    rows = [upload(f"u{n:05}") for n in range(2500)]
    assert len(catalog.uploads.register(rows)) == len(rows)
    assert len(catalog.uploads.listed(TENANT, [row.key for row in rows])) == len(rows)
    assert len(catalog.uploads.get(row.upload_id for row in rows)) == len(rows)
    assert len(catalog.uploads.claim([row.upload_id for row in rows], run_id="r", now=NOW)) == len(rows)


def test_what_was_registered_is_read_back_as_it_was(catalog):
    given = upload("a", fetched_utc=NOW - timedelta(days=1), trace_id="t", detail="x")
    catalog.uploads.register([given])
    row = catalog.uploads.get(["a", "unknown"])["a"]
    assert all(getattr(row, name) == value for name, value in vars(given).items())
    assert (row.attempts, row.settled_attempt, row.rows_total, row.run_id) == (0, None, 0, None)


def test_an_upload_of_a_tenant_that_does_not_exist_is_refused(catalog):
    with pytest.raises(PermanentError, match="register uploads"):
        catalog.uploads.register([upload("a", tenant="nobody")])


def test_an_upload_without_a_kind_cannot_wait_for_ever(catalog):
    with pytest.raises(PermanentError, match="pending_has_kind"):
        catalog.uploads.register([upload("a", kind=None)])
    catalog.uploads.register([upload("b", kind=None, state="unsupported", reason="unsupported_record_type")])
    assert catalog.uploads.pending_partitions(TENANT) == []
    assert catalog.uploads.reland(["b"]) == []


def test_pending_is_what_landed_and_what_a_dead_run_left(catalog):
    claimed(catalog, "orphan", "done")
    catalog.uploads.finish([processed("done", accepted=1)], now=NOW)
    catalog.uploads.register(
        [
            upload("new"),
            upload("sleep", kind="sleep"),
            upload("older", landing_day=DAY - timedelta(days=1)),
            upload("bad", kind=None, state="quarantined", reason="bad_key"),
        ]
    )
    assert [row.upload_id for row in catalog.uploads.pending(TENANT)] == ["older", "new", "orphan", "sleep"]
    assert [row.upload_id for row in catalog.uploads.pending(TENANT, landing_day=DAY, kind="steps")] == [
        "new",
        "orphan",
    ]
    assert catalog.uploads.pending_partitions(TENANT) == [
        (DAY - timedelta(days=1), ["steps"]),
        (DAY, ["sleep", "steps"]),
    ]


def test_tenants_do_not_see_each_other(catalog):
    catalog.tenants.add("other", now=NOW)
    catalog.uploads.register([upload("a"), upload("b", tenant="other")])
    assert [row.upload_id for row in catalog.uploads.pending("other")] == ["b"]
    assert [row.upload_id for row in catalog.uploads.list("other")] == ["b"]
    assert catalog.uploads.listed("other", [upload("a").key]) == {}
    assert catalog.uploads.counts("other") == {"landed": 1}
    assert catalog.books.totals("other")["steps"].uploads == 1
    with pytest.raises(NotFoundError):
        catalog.uploads.versions("other", upload("a").key)


def test_claiming_counts_attempts_and_names_the_run(catalog):
    assert claimed(catalog, "a", run_id="first") == {"a": 1}
    assert catalog.uploads.claim(["a"], run_id="second", now=LATER) == {"a": 2}
    row = catalog.uploads.get(["a"])["a"]
    assert (row.state, row.run_id, row.claimed_at) == ("processing", "second", LATER)


def test_a_finished_upload_is_not_claimed(catalog):
    claimed(catalog, "a", "b")
    catalog.uploads.finish([processed("a", accepted=1)], now=NOW)
    assert catalog.uploads.claim(["a", "b", "unknown"], run_id="r", now=NOW) == {"b": 2}


def test_an_attempt_at_an_upload_that_is_given_back_is_not_held_against_it(catalog):
    claimed(catalog, "a", "done")
    catalog.uploads.finish([processed("done", accepted=1)], now=NOW)
    catalog.uploads.release(["a", "done"])
    rows = catalog.uploads.get(["a", "done"])
    assert (rows["a"].state, rows["a"].unsettled_attempts, rows["a"].run_id) == ("landed", 0, None)
    assert (rows["done"].state, rows["done"].unsettled_attempts) == ("processed", 0)
    assert catalog.uploads.claim(["a"], run_id="r", now=NOW) == {"a": 2}
    assert catalog.uploads.claim(["a"], run_id="s", now=NOW) == {"a": 3}
    assert catalog.uploads.get(["a"])["a"].unsettled_attempts == 2


def test_nothing_is_held_any_more_against_an_upload_that_is_landed_again(catalog):
    for run_id in ("r", "s"):
        claimed(catalog, "a", run_id=run_id) if run_id == "r" else catalog.uploads.claim(["a"], run_id=run_id, now=NOW)
    catalog.uploads.reland(["a"])
    row = catalog.uploads.get(["a"])["a"]
    assert (row.attempts, row.unsettled_attempts) == (2, 0)


def test_finishing_writes_all_that_is_known_of_an_upload(catalog):
    claimed(catalog, "a")
    outcome = UploadOutcome(
        upload_id="a",
        state="processed",
        rows_total=15,
        rows_accepted=1,
        rows_duplicate=2,
        rows_superseded=3,
        rows_partial=4,
        rows_quarantined=5,
        score=0.5,
        schema_hash="h",
        content_sha256="c",
        fetched_utc=LATER,
        first_utc_date=DAY,
        last_utc_date=DAY + timedelta(days=1),
        duration_ms=7,
    )
    catalog.uploads.finish([outcome], now=LATER)
    row = catalog.uploads.get(["a"])["a"]
    assert {name: getattr(row, name) for name in vars(outcome)} == vars(outcome)
    assert (row.finished_at, row.settled_attempt) == (LATER, 1)


def test_a_digest_of_what_cannot_be_read_now_stays(catalog):
    catalog.uploads.register([upload("a", content_sha256="c")])
    catalog.uploads.claim(["a"], run_id="r", now=NOW)
    catalog.uploads.finish([UploadOutcome(upload_id="a", state="quarantined", reason="too_large")], now=LATER)
    assert catalog.uploads.get(["a"])["a"].content_sha256 == "c"


def test_the_fetch_time_of_the_key_stays_if_the_file_does_not_say(catalog):
    catalog.uploads.register([upload("a", fetched_utc=NOW)])
    catalog.uploads.claim(["a"], run_id="r", now=NOW)
    catalog.uploads.finish([processed("a", accepted=1)], now=LATER)
    assert catalog.uploads.get(["a"])["a"].fetched_utc == NOW


@pytest.mark.parametrize("state", ["processed", "quarantined", "duplicate"])
def test_books_that_do_not_balance_are_refused(catalog, state):
    claimed(catalog, "a", "b")
    wrong = UploadOutcome(upload_id="b", state=state, rows_total=2, rows_accepted=1)
    with pytest.raises(PermanentError, match="ck_upload_books"):
        catalog.uploads.finish([processed("a", accepted=1), wrong], now=NOW)
    assert {row.state for row in catalog.uploads.get(["a", "b"]).values()} == {"processing"}


def test_counts_below_zero_are_refused(catalog):
    claimed(catalog, "a")
    with pytest.raises(PermanentError, match="ck_upload_counts"):
        catalog.uploads.finish([processed("a", accepted=2, duplicate=-1)], now=NOW)


def test_finishing_an_upload_that_is_not_registered_changes_nothing(catalog):
    claimed(catalog, "a")
    with pytest.raises(NotFoundError):
        catalog.uploads.finish([processed("a", accepted=1), processed("b", accepted=1)], now=NOW)
    assert catalog.uploads.get(["a"])["a"].state == "processing"


def test_a_failed_attempt_leaves_what_an_earlier_one_settled(catalog):
    claimed(catalog, "a")
    catalog.uploads.finish([processed("a", accepted=3)], now=NOW)
    assert catalog.uploads.reland(["a"]) == ["a"]
    assert catalog.uploads.claim(["a"], run_id="r2", now=LATER) == {"a": 2}
    catalog.uploads.finish([UploadOutcome(upload_id="a", state="failed", reason="object_missing")], now=LATER)
    row = catalog.uploads.get(["a"])["a"]
    assert (row.state, row.reason) == ("failed", "object_missing")
    assert (row.rows_total, row.rows_accepted, row.settled_attempt, row.score) == (3, 3, 1, 0.9)


def test_landing_again_makes_an_upload_pending_and_keeps_its_books(catalog):
    claimed(catalog, "a")
    catalog.uploads.finish([processed("a", accepted=3)], now=NOW)
    catalog.uploads.reland(["a"])
    row = catalog.uploads.get(["a"])["a"]
    assert (row.state, row.finished_at, row.rows_accepted) == ("landed", None, 3)
    assert [row.upload_id for row in catalog.uploads.pending(TENANT)] == ["a"]


def test_totals_add_up_the_books_by_kind(catalog):
    claimed(catalog, "a", "b")
    catalog.uploads.finish(
        [processed("a", accepted=1, duplicate=2), processed("b", accepted=3, superseded=1, partial=1, quarantined=1)],
        now=NOW,
    )
    catalog.uploads.register([upload("c", kind=None, state="unsupported"), upload("d", kind="sleep")])
    totals = catalog.books.totals(TENANT)
    assert set(totals) == {"steps", "sleep", None}
    assert vars(totals["steps"]) == {
        "uploads": 2,
        "total": 9,
        "accepted": 4,
        "duplicate": 2,
        "superseded": 1,
        "presumed_deleted": 0,
        "partial": 1,
        "quarantined": 1,
    }
    assert catalog.uploads.counts(TENANT) == {"processed": 2, "unsupported": 1, "landed": 1}


def test_pages_of_a_list_hold_every_upload_once(catalog):
    rows = [upload(f"u{n:02}", landing_day=DAY - timedelta(days=n % 3)) for n in range(20)]
    catalog.uploads.register(rows)
    found = []
    while page := catalog.uploads.list(TENANT, limit=6, after=found[-1] if found else None):
        found += page
    assert [row.upload_id for row in found] == [
        row.upload_id for row in sorted(rows, key=lambda row: (row.landing_day, row.upload_id), reverse=True)
    ]


def test_a_list_holds_only_what_was_asked_for(catalog):
    claimed(catalog, "done")
    catalog.uploads.finish([processed("done", accepted=1)], now=NOW)
    catalog.uploads.register(
        [
            upload("sleep", kind="sleep"),
            upload("person", subject_id="s2"),
            upload("before", landing_day=DAY - timedelta(days=1)),
            upload("after", landing_day=DAY + timedelta(days=1)),
        ]
    )

    def ids(**filters):
        return [row.upload_id for row in catalog.uploads.list(TENANT, **filters)]

    assert ids(states=["processed", "failed"]) == ["done"]
    assert ids(states=[]) == []
    assert ids(kind="sleep") == ["sleep"]
    assert ids(subject_id="s2") == ["person"]
    assert ids(from_day=DAY, to_day=DAY) == ["sleep", "person", "done"]


def test_two_runs_that_claim_at_once_do_not_both_get_the_same_attempt(open_catalog):
    names = [f"u{n:03}" for n in range(200)]
    open_catalog().uploads.register([upload(name) for name in names])
    got: list[dict[str, int]] = []

    def claim(number: int) -> None:
        got.append(open_catalog().uploads.claim(names, run_id=f"run{number}", now=NOW))

    threads = [threading.Thread(target=claim, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(attempts["u000"] for attempts in got) == [1, 2, 3, 4]
    assert {row.attempts for row in open_catalog().uploads.get(names).values()} == {4}


def test_a_version_that_is_listed_again_keeps_its_id_and_what_was_known_of_its_content(catalog):
    catalog.uploads.register([upload("a"), upload("b", content_sha256="of b")])
    a, b = (catalog.uploads.listed(TENANT, [upload(name).key])[upload(name).key][0] for name in "ab")
    catalog.uploads.relisted([replace(a, etag="e9", content_sha256="of a"), replace(b, etag="e8", content_sha256=None)])
    catalog.uploads.relisted([])
    found = catalog.uploads.get(["a", "b"])
    assert {name: (u.etag, u.content_sha256) for name, u in found.items()} == {"a": ("e9", "of a"), "b": ("e8", "of b")}


def test_the_groups_of_a_day_add_up_to_its_books(catalog):
    claimed(catalog, "a", "b")
    refused = UploadOutcome(upload_id="b", state="quarantined", reason="too_large")
    scored = UploadOutcome(upload_id="a", state="processed", rows_total=3, rows_accepted=2, rows_duplicate=1, score=0.5)
    catalog.uploads.finish([scored, refused], now=NOW)
    day = catalog.uploads.get(["a"])["a"].landing_day
    groups = {group.state: group for group in catalog.books.groups(TENANT, kind="steps", landing_day=day)}
    assert (groups["processed"].total, groups["processed"].accepted, groups["processed"].duplicate) == (3, 2, 1)
    assert (groups["processed"].uploads, groups["processed"].score) == (1, 0.5)
    assert (groups["quarantined"].reason, groups["quarantined"].score) == ("too_large", None)
    assert catalog.books.unbalanced(TENANT, kind="steps", landing_day=day, states=["processed"]) == []
