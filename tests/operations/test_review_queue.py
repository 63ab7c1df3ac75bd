"""The inbox: every item says what it lacks and what it blocks, and goes when it is decided."""

import pytest

from operations.completions import complete, require_context
from operations.review_queue import PROFILE_REASONS, inbox, waiting_people
from resources.workspace import Workspace
from tests.flow import TENANT, installation, land, run_stages
from tests.meter_uploads import DAY, METER, meter_upload, reading
from tests.small_cohort import uploads
from vitals.clinical.metrics import metrics_of

WHO = {"tenant": TENANT, "actor": "rev", "reason": "asked"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory) -> Workspace:
    _, workspace = installation(tmp_path_factory.mktemp("inbox"))
    land(workspace.lake(TENANT), uploads())
    run_stages(workspace)
    return workspace


def test_a_record_says_what_it_lacks_and_which_metrics_of_which_day_wait_for_it(tmp_path):
    _, workspace = installation(tmp_path)
    require_context(workspace, kind="blood_glucose", fields=["relation_to_meal"], **WHO)
    land(workspace.lake(TENANT), [meter_upload([reading(0), reading(1, zone=None)])])
    run_stages(workspace)
    first, second = inbox(workspace, tenant=TENANT)
    assert (first.what, first.lacks, first.sources, first.days) == ("record", ["relation_to_meal"], [METER], [DAY])
    assert first.blocks == sorted(metric.id for metric in metrics_of("blood_glucose", "day"))
    assert (first.version, second.lacks) == (1, ["relation_to_meal"])
    complete(workspace, ids=[first.partial_id], said={"relation_to_meal": "FASTING"}, **WHO)
    run_stages(workspace)
    assert [item.record_id for item in inbox(workspace, tenant=TENANT)] == [second.record_id]


def test_a_profile_blocks_only_the_metrics_that_need_it_and_leaves_the_inbox_when_it_is_set(cohort):
    items = [item for item in waiting_people(cohort, tenant=TENANT) if item.what == "profile"]
    assert {lack for item in items for lack in item.lacks} == set(PROFILE_REASONS.values())
    weight = next(item for item in items if item.lacks == ["weight_kg"])
    assert weight.blocks == ["active_energy.net_met_minutes"]
    users = {pseudonym: user for user, pseudonym in cohort.catalog.subjects.subject_ids(TENANT).items()}
    assert all(item.days and item.subject_id in users for item in items)


def test_two_sources_that_disagree_ask_for_a_priority_until_one_is_given(cohort):
    def choices():
        return [item for item in waiting_people(cohort, tenant=TENANT) if item.what == "source_choice"]

    item = next(item for item in choices() if item.kind == "steps")
    assert len(item.sources) == 2
    assert item.blocks == []
    users = {pseudonym: user for user, pseudonym in cohort.catalog.subjects.subject_ids(TENANT).items()}
    change = {"source_priority": {"steps": [item.sources[0]]}}
    cohort.catalog.subjects.set_profile(TENANT, users[item.subject_id], change)
    assert [one for one in choices() if (one.kind, one.subject_id) == ("steps", item.subject_id)] == []


def test_the_inbox_names_nobody_and_holds_no_value(cohort):
    text = repr(inbox(cohort, tenant=TENANT))
    for user in cohort.catalog.subjects.subject_ids(TENANT):
        assert user not in text
