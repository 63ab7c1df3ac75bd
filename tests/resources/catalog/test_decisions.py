"""Decisions of people in the catalog: rules, completions, batches, the audit trail and its questions."""

import time
from datetime import timedelta

import pytest

from resources.catalog.audit import AuditFilter
from resources.catalog.rows.decisions import Decision, NewCompletion, NewExemption
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.settlement import Settlement
from tests.resources.catalog.catalog_builders import DAY, LATER, NOW, TENANT, claimed, partial, processed, upload
from vitals.errors import AlreadyDoneError, ConflictError, NotFoundError, PermanentError, UsageError

pytest_plugins = ["tests.servers.catalogs"]

WHO = Decision(actor="rev", at=NOW, reason="asked")


def said(record: str = "r1", **changes) -> NewCompletion:
    values = {
        "kind": "steps",
        "subject_id": "s1",
        "record_id": record,
        "source_app": "app",
        "start_utc_ms": 1,
        "field": "start_offset_seconds",
        "value": "-05:00",
        "scope": None,
    }
    return NewCompletion(**{**values, **changes})


@pytest.fixture
def waiting(catalog):
    claimed(catalog, "a", "b")
    rows = [partial("a", 1), partial("a", 2), partial("b", 1, record_id="rb")]
    outcomes = [processed("a", partial=2, accepted=3), processed("b", partial=1)]
    catalog.settle(Settlement(run_id="run", outcomes=outcomes, partial_rows=rows), now=NOW)
    return catalog


def test_the_last_change_of_a_bound_has_the_greatest_version_of_its_rule(catalog):
    for rule, value in (("x", 1.0), ("x", 2.0), ("y", 3.0)):
        catalog.rule_policies.change(TENANT, rule=rule, bound="max", value=value, decision=WHO)
    found = catalog.rule_policies.changes(TENANT)
    assert [(row.rule, row.value, row.version) for row in found] == [("x", 1.0, 1), ("x", 2.0, 2), ("y", 3.0, 1)]
    assert catalog.rule_policies.changes("other") == []


def test_the_last_value_of_a_setting_counts_and_is_the_tenant_s_own(catalog):
    for name, value in (("x", "1"), ("y", "on"), ("x", "2")):
        catalog.tenant_settings.change(TENANT, name=name, value=value, decision=WHO)
    assert catalog.tenant_settings.values(TENANT) == {"x": "2", "y": "on"}
    assert [(row.name, row.value, row.actor) for row in catalog.tenant_settings.changes(TENANT)][1:] == [
        ("y", "on", "rev"),
        ("x", "2", "rev"),
    ]
    assert catalog.tenant_settings.values("other") == {}


def test_exemptions_are_kept_per_tenant_and_kind(catalog):
    claimed(catalog, "a")
    one = NewExemption(kind="steps", upload_id="a", subject_id="s1", record_id="r", payload_hash=-(2**63), rule="x")
    catalog.rule_policies.exempt(TENANT, [one], decision=WHO)
    (found,) = catalog.rule_policies.exemptions(TENANT, kind="steps")
    assert (found.payload_hash, found.actor) == (-(2**63), "rev")
    assert catalog.rule_policies.exemptions(TENANT, kind="sleep") == catalog.rule_policies.exemptions("other") == []


def complete(catalog, row, **changes):
    arguments = {"completed": {row.id: row.version}, "touched": {}, "upload_ids": [row.upload_id], "decision": WHO}
    return catalog.completions.complete(TENANT, [said(row.record_id)], **{**arguments, **changes})


def test_completing_lands_the_upload_again_and_undoing_does_so_too(waiting):
    row = waiting.partials.list(TENANT)[0]
    ids = complete(waiting, row)
    assert waiting.partials.get(TENANT, row.id).status == "completed"
    assert waiting.uploads.get(["a", "b"])["a"].state == "landed"
    assert [one.id for one in waiting.completions.in_force(TENANT, ["s1"], kind="steps")] == ids
    waiting.completions.undo(TENANT, ids, actor="rev", now=LATER, upload_ids=["b"])
    assert waiting.completions.in_force(TENANT) == []
    assert waiting.partials.get(TENANT, row.id).version == 3
    assert waiting.uploads.get(["b"])["b"].state == "landed"
    with pytest.raises(AlreadyDoneError):
        waiting.completions.undo(TENANT, ids, actor="rev", now=LATER, upload_ids=[])


def test_a_decision_on_a_version_that_is_no_longer_current_changes_nothing_at_all(waiting):
    first, second, _ = waiting.partials.list(TENANT)
    complete(waiting, first)
    with pytest.raises(ConflictError):
        complete(waiting, second, completed={second.id: 1, first.id: 1})
    assert waiting.partials.get(TENANT, second.id) == second
    assert len(waiting.completions.in_force(TENANT)) == 1


def test_one_field_of_one_record_has_one_completion_in_force(waiting):
    first, second, _ = waiting.partials.list(TENANT)
    complete(waiting, first)
    with pytest.raises(PermanentError):
        waiting.completions.complete(
            TENANT, [said(first.record_id)], decision=WHO, completed={second.id: 1}, touched={}, upload_ids=[]
        )


def test_another_tenants_completion_is_not_found(waiting):
    ids = complete(waiting, waiting.partials.list(TENANT)[0])
    with pytest.raises(NotFoundError):
        waiting.completions.undo("other", ids, actor="x", now=NOW, upload_ids=[])


def test_demanded_context_is_replaced_as_a_whole(catalog):
    catalog.completions.require(TENANT, "blood_glucose", ["b", "a"], decision=WHO)
    assert catalog.completions.required(TENANT) == {"blood_glucose": ["a", "b"]}
    catalog.completions.require(TENANT, "blood_glucose", [], decision=WHO)
    assert catalog.completions.required(TENANT) == {}


def test_a_batch_is_partial_while_a_record_waits_and_closes_with_the_last(waiting):
    waiting.batches.add(TENANT, "bulk", ["a", "b"])
    waiting.batches.add(TENANT, "bulk", ["b"])
    status = waiting.batches.status(TENANT, batch_id="bulk")
    assert (status.status, status.total, status.completed, status.partial, status.records) == ("partial", 2, 2, 3, 6)
    assert waiting.batches.status(TENANT, upload_id="b").partial == 1
    assert waiting.batches.status(TENANT, landing_day=DAY) == status
    for row in waiting.partials.list(TENANT):
        complete(waiting, row, upload_ids=[])
    assert waiting.batches.status(TENANT, batch_id="bulk").status == "completed"


def test_a_batch_under_way_is_processing_and_an_unknown_one_is_not_found(catalog):
    catalog.uploads.register([upload("new")])
    assert catalog.batches.status(TENANT, upload_id="new").status == "processing"
    for name in ({"batch_id": "?"}, {"upload_id": "?"}):
        with pytest.raises(NotFoundError):
            catalog.batches.status(TENANT, **name)
    with pytest.raises(NotFoundError):
        catalog.batches.status("other", upload_id="new")
    with pytest.raises(UsageError):
        catalog.batches.status(TENANT, upload_id="new", batch_id="x")
    with pytest.raises(PermanentError):
        catalog.batches.add(TENANT, "bulk", ["not registered"])


def event(number: int, **changes) -> NewAuditEvent:
    values = {
        "tenant": TENANT,
        "at": NOW + timedelta(minutes=number),
        "actor": "ann" if number % 2 else "ben",
        "action": "complete" if number % 3 else "release",
        "target": str(number),
        "duration_ms": number * 10,
    }
    return NewAuditEvent(**{**values, **changes})


def test_the_audit_trail_answers_who_what_when_and_how_slow(catalog):
    catalog.audit.record([*(event(n) for n in range(12)), event(99, tenant="other"), event(50, duration_ms=None)])

    def targets(**wanted):
        return [int(one.target) for one in catalog.audit.recent(TENANT, AuditFilter(**wanted))]

    assert targets() == [50, *range(11, -1, -1)]
    assert targets(actor="ann") == [11, 9, 7, 5, 3, 1]
    assert targets(actor="ann", action="release") == [9, 3]
    assert targets(since=NOW + timedelta(minutes=3), until=NOW + timedelta(minutes=6)) == [5, 4, 3]
    assert targets(slower_than_ms=90) == [11, 10]
    assert [int(one.target) for one in catalog.audit.slow(TENANT, limit=2)] == [11, 10]
    page = catalog.audit.recent(TENANT, limit=3)
    following = catalog.audit.recent(TENANT, limit=2, before=catalog.audit.recent(TENANT, limit=4)[-1].id)
    assert [int(one.target) for one in page] == [50, 11, 10]
    assert [int(one.target) for one in following] == [8, 7]


def test_audit_statistics_count_by_person_and_kind(catalog):
    catalog.audit.record([event(n) for n in range(12)])
    found = {(row.actor, row.action): row for row in catalog.audit.statistics(TENANT)}
    assert {key: row.events for key, row in found.items()} == {
        ("ann", "complete"): 4,
        ("ann", "release"): 2,
        ("ben", "complete"): 4,
        ("ben", "release"): 2,
    }
    assert found["ann", "release"].mean_duration_ms == pytest.approx(60)
    assert found["ann", "release"].longest_duration_ms == 90
    assert found["ben", "release"].first_at == NOW


def test_ledger_figures_print(catalog):
    """No bar on time here: the figures are printed for the benchmark's table."""
    claimed(catalog, "a")
    rows = [partial("a", n) for n in range(100)]
    began = time.perf_counter()
    catalog.settle(Settlement(run_id="run", outcomes=[processed("a", partial=100)], partial_rows=rows), now=NOW)
    inserted = time.perf_counter()
    assert len(catalog.partials.list(TENANT, limit=50)) == 50
    listed = time.perf_counter()
    catalog.batches.status(TENANT, upload_id="a")
    print(
        f"100 inserts {inserted - began:.3f} s, 50 listed {listed - inserted:.4f} s, batch {time.perf_counter() - listed:.4f} s"
    )
