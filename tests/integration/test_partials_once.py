"""A record that lacks context waits once, however often it comes, and can be given up."""

import pytest

from operations.completions import complete, discard, require_context, restore, undo
from operations.review_queue import waiting_records
from resources.workspace import Workspace
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from tests.meter_uploads import FETCHED_MS, meter_upload, reading
from vitals.errors import AlreadyDoneError, ConflictError, NotFoundError, UsageError

WHO = {"tenant": TENANT, "actor": "rev", "reason": "asked"}
SPECIMEN = {"specimen_source": "CAPILLARY_BLOOD"}
ODD = "reading 学 / one"


def fetched(hours: int, *records: dict) -> tuple[str, bytes]:
    """The same records as a later export brings them."""
    at = FETCHED_MS + 3_600_000 * hours
    return meter_upload([one | {"appRecordFetchTimeEpochMillis": at} for one in records], fetched_ms=at)


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """Two records that lack their specimen: one in three uploads, with an odd id, the other in one of them."""
    _, found = installation(tmp_path)
    require_context(found, kind="blood_glucose", fields=["specimen_source"], **WHO)
    first, second = reading(0), reading(1)
    first["metadata"]["id"] = ODD
    land(found.lake(TENANT), [fetched(0, first), fetched(1, first, second), fetched(2, first)])
    run_stages(found)
    return found


def batch(workspace: Workspace):
    (day,) = {upload.landing_day for upload in workspace.catalog.uploads.list(TENANT)}
    return workspace.catalog.batches.status(TENANT, landing_day=day)


def test_a_record_waits_once_with_the_number_of_its_deliveries(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    assert (first.deliveries, second.deliveries) == (3, 1)
    assert len(workspace.catalog.partials.list(TENANT)) == 4
    assert [row.id for row in workspace.catalog.partials.list(TENANT, once=True)] == [
        first.partial_id,
        second.partial_id,
    ]
    assert workspace.catalog.partials.counts(TENANT) == {("blood_glucose", "waiting"): 2}
    assert (batch(workspace).status, batch(workspace).partial) == ("partial", 2)


def test_completing_it_once_completes_every_delivery_also_with_an_odd_id(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    done = complete(workspace, ids=[first.partial_id], said=SPECIMEN, **WHO)
    assert (done.records, len(done.uploads)) == (1, 3)
    run_stages(workspace)
    assert [item.partial_id for item in waiting_records(workspace, tenant=TENANT)] == [second.partial_id]
    (record,) = workspace.lake(TENANT).table("validated/blood_glucose").collect().to_dicts()
    assert (record["record_id"], record["specimen_source"]) == (ODD, "CAPILLARY_BLOOD")
    (facts,) = workspace.lake(TENANT).table("clinical/blood_glucose").collect().to_dicts()
    assert facts["completions"] == done.completions
    assert unbalanced(workspace) == []
    undo(workspace, ids=done.completions, **WHO)
    run_stages(workspace)
    assert len(waiting_records(workspace, tenant=TENANT)) == 2
    assert unbalanced(workspace) == []


def test_a_record_that_nobody_can_complete_is_given_up_and_its_batch_closes(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    complete(workspace, ids=[second.partial_id], said=SPECIMEN, **WHO)
    assert discard(workspace, ids=[first.partial_id], **WHO) == 1
    run_stages(workspace)
    assert waiting_records(workspace, tenant=TENANT) == []
    assert (batch(workspace).status, batch(workspace).partial) == ("completed", 0)
    # Read again, or delivered once more, it does not come back.
    given_up = reading(0)
    given_up["metadata"]["id"] = ODD
    land(workspace.lake(TENANT), [fetched(3, given_up)])
    workspace.catalog.uploads.reland(upload.upload_id for upload in workspace.catalog.uploads.list(TENANT))
    run_stages(workspace)
    assert waiting_records(workspace, tenant=TENANT) == []
    assert {row.status for row in workspace.catalog.partials.list(TENANT, status=None)} == {"completed", "discarded"}
    assert batch(workspace).status == "completed"
    assert unbalanced(workspace) == []
    event = workspace.catalog.audit.recent(TENANT)[0]
    assert (event.action, event.details["reason"]) == ("partial.discard", "asked")


def test_what_does_not_wait_is_not_given_up(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    discard(workspace, ids=[first.partial_id], **WHO)
    for call in (discard, complete):
        more = {"said": SPECIMEN} if call is complete else {}
        with pytest.raises(AlreadyDoneError):
            call(workspace, ids=[first.partial_id], **more, **WHO)
    with pytest.raises(NotFoundError):
        discard(workspace, ids=[99_999], **WHO)
    with pytest.raises(UsageError):
        discard(workspace, ids=[], **WHO)
    assert [item.partial_id for item in waiting_records(workspace, tenant=TENANT)] == [second.partial_id]


def test_giving_up_is_taken_back_in_every_delivery_and_leaves_nothing_behind(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    before = came_out(workspace)
    discard(workspace, ids=[first.partial_id, second.partial_id], **WHO)
    assert waiting_records(workspace, tenant=TENANT) == []
    assert restore(workspace, ids=[first.partial_id, second.partial_id], **WHO) == 2
    run_stages(workspace)
    again = waiting_records(workspace, tenant=TENANT)
    assert [(one.partial_id, one.deliveries) for one in again] == [(first.partial_id, 3), (second.partial_id, 1)]
    assert came_out(workspace) == before
    assert unbalanced(workspace) == []
    event = workspace.catalog.audit.recent(TENANT)[0]
    assert (event.action, event.details["reason"], event.details["rows"]) == ("partial.restore", "asked", 2)
    assert complete(workspace, ids=[first.partial_id], said=SPECIMEN, **WHO).records == 1


def test_a_record_taken_up_again_that_lacks_nothing_any_more_goes_on_by_itself(workspace):
    first, _ = waiting_records(workspace, tenant=TENANT)
    discard(workspace, ids=[first.partial_id], **WHO)
    require_context(workspace, kind="blood_glucose", fields=[], **WHO)
    run_stages(workspace)
    restore(workspace, ids=[first.partial_id], **WHO)
    run_stages(workspace)
    assert waiting_records(workspace, tenant=TENANT) == []
    assert workspace.lake(TENANT).table("validated/blood_glucose").collect().height == 2
    assert unbalanced(workspace) == []


def test_only_what_was_given_up_is_taken_up_again(workspace):
    first, second = waiting_records(workspace, tenant=TENANT)
    complete(workspace, ids=[second.partial_id], said=SPECIMEN, **WHO)
    for ids in ([first.partial_id], [second.partial_id]):
        with pytest.raises(AlreadyDoneError):
            restore(workspace, ids=ids, **WHO)
    with pytest.raises(NotFoundError):
        restore(workspace, ids=[99_999], **WHO)
    with pytest.raises(UsageError):
        restore(workspace, ids=[], **WHO)
    discard(workspace, ids=[first.partial_id], **WHO)
    with pytest.raises(ConflictError):
        restore(workspace, ids=[first.partial_id], versions={first.partial_id: first.version}, **WHO)
