"""Tenants, people and their profiles, fetches, the audit trail."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resources.catalog.rows.days import FetchMark
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.subjects import merge_fetches
from tests.resources.catalog.catalog_builders import LATER, NOW, TENANT
from tests.resources.catalog.stored import fetch_marks
from vitals.errors import ConflictError, NotFoundError, PermanentError, UsageError

pytest_plugins = ["tests.servers.catalogs"]


def test_the_default_tenant_is_there_from_the_start(catalog):
    assert [(tenant.name, tenant.root_url, tenant.paused) for tenant in catalog.tenants.list()] == [
        ("default", None, False)
    ]


def test_a_tenant_is_added_once(catalog):
    added = catalog.tenants.add("study-1", root_url="s3://bucket/x", now=NOW)
    assert catalog.tenants.get("study-1") == added
    with pytest.raises(ConflictError):
        catalog.tenants.add("study-1", now=LATER)
    assert catalog.tenants.get("study-1") == added


@pytest.mark.parametrize("name", ["", "-a", "A", "a_b", "a/b", "..", "a" * 42, "a\n"])
def test_a_tenant_name_that_would_not_fit_a_key_is_refused(catalog, name):
    with pytest.raises(UsageError):
        catalog.tenants.add(name, now=NOW)


def test_a_paused_tenant_is_not_active(catalog):
    catalog.tenants.add("study", now=NOW)
    catalog.tenants.set_paused("study", paused=True)
    assert catalog.tenants.active() == ["default"]
    assert catalog.tenants.get("study").paused
    catalog.tenants.set_paused("study", paused=False)
    assert catalog.tenants.active() == ["default", "study"]


def test_a_tenant_that_does_not_exist_is_not_found(catalog):
    with pytest.raises(NotFoundError):
        catalog.tenants.get("nobody")
    with pytest.raises(NotFoundError):
        catalog.tenants.set_paused("nobody", paused=True)


def test_people_are_known_after_they_were_ensured_any_number_of_times(catalog):
    catalog.subjects.ensure(TENANT, {"anna": "s1", "bert": "s2"}, now=NOW)
    catalog.subjects.ensure(TENANT, {"bert": "s2", "cleo": "s3"}, now=LATER)
    catalog.subjects.ensure(TENANT, {}, now=LATER)
    assert catalog.subjects.subject_ids(TENANT) == {"anna": "s1", "bert": "s2", "cleo": "s3"}
    assert catalog.subjects.subject_ids(TENANT, ["bert", "dora"]) == {"bert": "s2"}


def test_a_person_of_one_tenant_is_a_stranger_to_another(catalog):
    catalog.tenants.add("other", now=NOW)
    catalog.subjects.ensure(TENANT, {"anna": "s1"}, now=NOW)
    catalog.subjects.ensure("other", {"anna": "s9"}, now=NOW)
    assert catalog.subjects.subject_ids("other") == {"anna": "s9"}
    assert [row.subject_id for row in catalog.subjects.profiles("other", ["s1", "s9"])] == ["s9"]


@pytest.mark.parametrize("pseudonyms", [{"anna": "s9"}, {"anna": "s1", "bert": "s9", "cleo": "s9"}])
def test_another_subject_key_is_noticed_before_anybody_gets_two_pseudonyms(catalog, pseudonyms):
    catalog.subjects.ensure(TENANT, {"anna": "s1"}, now=NOW)
    with pytest.raises(ConflictError, match="VITALGRAPH_SUBJECT_KEY") as raised:
        catalog.subjects.ensure(TENANT, pseudonyms, now=NOW)
    assert "anna" not in str(raised.value)
    assert catalog.subjects.subject_ids(TENANT) == {"anna": "s1"}


def test_a_profile_starts_unknown_and_changes_in_parts(catalog):
    catalog.subjects.ensure(TENANT, {"anna": "s1"}, now=NOW)
    fresh = catalog.subjects.profile(TENANT, "anna")
    assert vars(fresh) == {
        "subject_id": "s1",
        "age_years": None,
        "weight_kg": None,
        "diabetes": "unknown",
        "source_priority": {},
    }
    catalog.subjects.set_profile(TENANT, "anna", {"age_years": 41.5, "diabetes": "no"})
    changed = catalog.subjects.set_profile(
        TENANT, "anna", {"age_years": None, "weight_kg": 70, "source_priority": {"steps": ["b", "a"]}}
    )
    assert vars(changed) == {
        "subject_id": "s1",
        "age_years": None,
        "weight_kg": 70,
        "diabetes": "no",
        "source_priority": {"steps": ["b", "a"]},
    }
    assert catalog.subjects.set_profile(TENANT, "anna", {}) == changed
    assert catalog.subjects.profiles(TENANT) == [changed]


@pytest.mark.parametrize("change", [{"age_years": -1}, {"age_years": 131}, {"weight_kg": 0}, {"diabetes": "maybe"}])
def test_an_impossible_profile_is_refused(catalog, change):
    catalog.subjects.ensure(TENANT, {"anna": "s1"}, now=NOW)
    with pytest.raises(PermanentError, match="ck_subject"):
        catalog.subjects.set_profile(TENANT, "anna", change)


def test_somebody_unknown_is_not_found_and_not_named(catalog):
    for request in (
        lambda: catalog.subjects.profile(TENANT, "anna"),
        lambda: catalog.subjects.set_profile(TENANT, "anna", {"age_years": 3}),
        lambda: catalog.subjects.set_profile(TENANT, "anna", {}),
    ):
        with pytest.raises(NotFoundError) as raised:
            request()
        assert "anna" not in str(raised.value)


marks = st.builds(
    FetchMark,
    tenant=st.just(TENANT),
    subject_id=st.sampled_from(["s1", "s2"]),
    kind=st.sampled_from(["steps", "sleep"]),
    latest_fetch_ms=st.integers(0, 2**42),
)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(marks, max_size=4), max_size=4))
def test_the_latest_fetch_is_kept_whatever_the_order(catalog, batches):
    before = {(m.subject_id, m.kind): m.latest_fetch_ms for m in fetch_marks(catalog, TENANT)}
    for batch in batches:
        catalog.database.write(
            "merge", lambda connection, rows=batch: merge_fetches(connection, catalog.database, rows)
        )
    expected = dict(before)
    for mark in (mark for batch in batches for mark in batch):
        key = (mark.subject_id, mark.kind)
        expected[key] = max(expected.get(key, 0), mark.latest_fetch_ms)
    assert {(m.subject_id, m.kind): m.latest_fetch_ms for m in fetch_marks(catalog, TENANT)} == expected
    latest: dict[str, int] = {}
    for (person, _), fetched_ms in expected.items():
        latest[person] = max(fetched_ms, latest.get(person, 0))
    assert catalog.subjects.latest_fetch_ms(TENANT, ["s1", "s2", "s3"]) == latest
    assert catalog.subjects.kinds_fetched(TENANT, ["s1", "s2"]) == {kind for _, kind in expected}


def test_decisions_are_listed_newest_first(catalog):
    events = [
        NewAuditEvent(
            tenant=TENANT, at=NOW + timedelta(minutes=n), actor="op", action="pause" if n % 2 else "set", target=f"t{n}"
        )
        for n in range(4)
    ]
    catalog.audit.record(events[:3])
    catalog.audit.record(events[3:])
    catalog.audit.record([])
    assert [event.target for event in catalog.audit.list(TENANT)] == ["t3", "t2", "t1", "t0"]
    assert [event.target for event in catalog.audit.list(TENANT, action="set", limit=1)] == ["t2"]
    assert [event.action for event in catalog.audit.list(TENANT, target="t3")] == ["pause"]
    assert catalog.audit.list("other") == []


def test_the_details_of_a_decision_are_kept_as_given(catalog):
    details = {"days": 3, "reasons": ["a", "b"], "nested": {"x": None, "y": 1.5}, "text": "ü\x00\U0001f600"}
    catalog.audit.record([NewAuditEvent(tenant=TENANT, at=NOW, actor="op", action="set", target="t", details=details)])
    (event,) = catalog.audit.list(TENANT)
    assert event.details == details
    assert event.at == NOW
