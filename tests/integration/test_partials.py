"""Partial records from landing to training line and back: one by one, by rule, misused, undone."""

import json
import time
from dataclasses import replace

import pytest

from operations.completions import complete, in_scope, read_rule, require_context, undo
from resources.workspace import Workspace
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from tests.meter_uploads import DAY, FETCHED_MS, METER, meter_upload, reading
from vitals.errors import AlreadyDoneError, ConflictError, ImplausibleValueError, NotFoundError, UsageError

WHO = {"tenant": TENANT, "actor": "rev", "reason": "asked the clinic"}
SAID = {"specimen_source": "CAPILLARY_BLOOD"}


@pytest.fixture(params=["together", "one by one"])
def workspace(request, tmp_path) -> Workspace:
    """Uploads of a day are read together, or each in a batch of its own: it must not matter."""
    found = installation(tmp_path)[1]
    return found if request.param == "together" else replace(found, policy=replace(found.policy, batch_bytes=1))


def landed(workspace: Workspace, *uploads: tuple[str, bytes]) -> None:
    land(workspace.lake(TENANT), uploads)
    run_stages(workspace)


def demand_specimen(workspace: Workspace) -> None:
    require_context(workspace, kind="blood_glucose", fields=["specimen_source"], **WHO)


def waiting(workspace: Workspace) -> list:
    return list(workspace.catalog.partials.list(TENANT))


def lines(workspace: Workspace) -> list[dict]:
    found = came_out(workspace).examples.values()
    return [json.loads(line) for data in found for line in data.splitlines()]


def test_a_record_that_lacks_what_the_study_demands_waits_and_its_sibling_flows(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(0), reading(1, specimen="CAPILLARY_BLOOD")]))
    (row,) = waiting(workspace)
    assert (row.record_id, row.missing, row.status, row.version) == ("reading-0", ["specimen_source"], "waiting", 1)
    status = workspace.catalog.batches.status(TENANT, landing_day=DAY)
    assert (status.status, status.total, status.completed, status.partial, status.accepted) == ("partial", 1, 1, 1, 1)
    assert {line["metadata"]["records_processed"] for line in lines(workspace)} == {1}
    assert unbalanced(workspace) == []


def test_completing_leads_to_the_training_line_by_itself_and_undoing_gives_the_former_bytes_back(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(i) for i in range(3)] + [reading(3, specimen="SERUM")]))
    former = came_out(workspace)
    done = complete(workspace, ids=[row.id for row in waiting(workspace)], said=SAID, **WHO)
    started = time.monotonic()
    run_stages(workspace)
    print(f"completion to training line: {time.monotonic() - started:.2f} s")
    assert waiting(workspace) == []
    assert workspace.catalog.batches.status(TENANT, landing_day=DAY).status == "completed"
    assert {line["metadata"]["records_processed"] for line in lines(workspace)} == {4}
    assert all(line["metadata"]["completions"] == done.completions for line in lines(workspace))
    assert unbalanced(workspace) == []
    undo(workspace, ids=done.completions, **WHO)
    run_stages(workspace)
    assert came_out(workspace) == former
    assert [row.version for row in waiting(workspace)] == [3, 3, 3]


def test_without_any_word_of_a_person_no_line_speaks_of_completions(workspace):
    landed(workspace, meter_upload([reading(0)]))
    assert lines(workspace)
    assert all(not line["metadata"]["completions"] for line in lines(workspace))


def test_a_batch_closes_with_the_last_of_several_records_completed_one_by_one(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(i) for i in range(3)]))
    workspace.catalog.batches.add(TENANT, "bulk", [waiting(workspace)[0].upload_id])
    for left in (2, 1, 0):
        complete(workspace, ids=[waiting(workspace)[0].id], said=SAID, **WHO)
        run_stages(workspace)
        status = workspace.catalog.batches.status(TENANT, batch_id="bulk")
        assert (status.partial, status.accepted) == (left, 3 - left)
        assert status.status == ("partial" if left else "completed")


@pytest.mark.parametrize("offset", ["-05:00", "+00:00", "+05:30"])
def test_a_zone_that_a_person_tells_places_that_record_only_and_can_be_taken_back(workspace, offset):
    landed(workspace, meter_upload([reading(i, zone=None) for i in range(2)]))
    former = came_out(workspace)
    first, second = waiting(workspace)
    assert (first.missing, former.examples) == (["start_offset_seconds"], {})
    done = complete(workspace, ids=[first.id], said={"zone": offset}, **WHO)
    run_stages(workspace)
    assert [row.id for row in waiting(workspace)] == [second.id]
    assert {line["metadata"]["local_date"] for line in lines(workspace)} == {"2025-09-20"}
    undo(workspace, ids=done.completions, **WHO)
    run_stages(workspace)
    assert came_out(workspace) == former


def test_offsets_told_of_two_records_each_hold_from_their_own_instant(workspace):
    landed(workspace, meter_upload([reading(0, zone=None), reading(10, zone=None)]))
    first, second = waiting(workspace)
    complete(workspace, ids=[first.id], said={"zone": "Z"}, **WHO)
    complete(workspace, ids=[second.id], said={"zone": "-08:00"}, **WHO)
    run_stages(workspace)
    assert {line["metadata"]["local_date"] for line in lines(workspace)} == {"2025-09-20"}
    assert waiting(workspace) == []
    assert unbalanced(workspace) == []


def test_a_completion_holds_for_every_delivery_of_the_record_also_a_later_one(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(0)]), meter_upload([reading(0), reading(1)], fetched_ms=FETCHED_MS + 1))
    former = came_out(workspace)
    rows = waiting(workspace)
    assert [row.record_id for row in rows] == ["reading-0", "reading-0", "reading-1"]
    done = complete(workspace, ids=[rows[0].id], said=SAID, **WHO)
    assert len(done.uploads) == 2
    run_stages(workspace)
    assert [row.record_id for row in waiting(workspace)] == ["reading-1"]
    landed(workspace, meter_upload([reading(0), reading(2, specimen="SERUM")], fetched_ms=FETCHED_MS + 2))
    assert [row.record_id for row in waiting(workspace)] == ["reading-1"]
    undo(workspace, ids=done.completions, **WHO)
    run_stages(workspace)
    assert sorted(row.record_id for row in waiting(workspace)) == ["reading-0"] * 3 + ["reading-1"]
    assert unbalanced(workspace) == []
    assert came_out(workspace).records != former.records


def test_a_rule_completes_what_waits_in_its_scope_and_nothing_else(workspace):
    demand_specimen(workspace)
    landed(
        workspace,
        meter_upload([reading(i) for i in range(20)]),
        meter_upload([reading(25, app="com.other.meter")], user="ben"),
    )
    scope, said = read_rule(f"source_app={METER} specimen_source=CAPILLARY_BLOOD")
    found = in_scope(workspace, tenant=TENANT, scope=scope, fields=said)
    assert len(found) == 20
    done = complete(workspace, ids=[row.id for row in found], said=said, scope=scope, **WHO)
    assert done.records == 20
    run_stages(workspace)
    assert [row.record_id for row in waiting(workspace)] == ["reading-25"]
    kept = workspace.catalog.completions.get(TENANT, done.completions)
    assert {(one.actor, one.reason, one.scope["source_app"]) for one in kept} == {("rev", "asked the clinic", METER)}


def test_misuse_is_refused_in_words_and_changes_nothing(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(0), reading(1)]))
    first, second = (row.id for row in waiting(workspace))
    before = waiting(workspace)
    with pytest.raises(NotFoundError):
        complete(workspace, ids=[99999], said=SAID, **WHO)
    with pytest.raises(ImplausibleValueError):
        complete(workspace, ids=[first], said={"specimen_source": "MAGIC"}, **WHO)
    with pytest.raises(AlreadyDoneError):
        complete(workspace, ids=[first], said={"zone": "-05:00"}, **WHO)
    with pytest.raises(UsageError):
        complete(workspace, ids=[first], said={"level_mg_dl": "100"}, **WHO)
    with pytest.raises(ConflictError):
        complete(workspace, ids=[first], said=SAID, versions={first: 7}, **WHO)
    assert waiting(workspace) == before
    complete(workspace, ids=[first], said=SAID, versions={first: 1}, **WHO)
    with pytest.raises(AlreadyDoneError):
        complete(workspace, ids=[first], said=SAID, **WHO)
    assert [row.id for row in waiting(workspace)] == [second]


def test_of_two_reviewers_who_saw_the_same_version_one_is_refused(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(0)]))
    (row,) = waiting(workspace)
    done = complete(workspace, ids=[row.id], said=SAID, versions={row.id: 1}, **WHO)
    undo(workspace, ids=done.completions, **WHO)
    with pytest.raises(ConflictError):
        complete(workspace, ids=[row.id], said=SAID, versions={row.id: 1}, **WHO)
    with pytest.raises(AlreadyDoneError):
        undo(workspace, ids=done.completions, **WHO)


def test_every_decision_is_in_the_audit_trail_without_a_health_value_or_an_external_id(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(0)]))
    done = complete(workspace, ids=[waiting(workspace)[0].id], said=SAID, **WHO)
    undo(workspace, ids=done.completions, **WHO)
    events = workspace.catalog.audit.recent(TENANT)
    assert [event.action for event in events] == ["partial.undo", "partial.complete", "context.require"]
    assert all(event.duration_ms is not None and event.actor == "rev" for event in events)
    assert "anna" not in str(events)
    assert "CAPILLARY" not in str(events)


def test_what_a_study_no_longer_demands_lets_its_records_go(workspace):
    demand_specimen(workspace)
    landed(workspace, meter_upload([reading(0)]))
    assert lines(workspace) == []
    require_context(workspace, kind="blood_glucose", fields=[], **WHO)
    run_stages(workspace)
    assert waiting(workspace) == []
    assert lines(workspace)
    demand_specimen(workspace)
    run_stages(workspace)
    assert len(waiting(workspace)) == 1
    assert lines(workspace) == []
