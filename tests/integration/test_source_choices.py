"""A reviewer chooses which of a person's sources counts first: the facts follow, say so, and can go back."""

from datetime import UTC, datetime

import pytest

from operations.completions import undo
from operations.review_queue import disagreeing, waiting_people
from operations.source_choices import choose_source
from tests.flow import TENANT, came_out, installation, land, run_stages
from tests.small_cohort import uploads
from vitals.errors import AlreadyDoneError, ConflictError, NotFoundError, UsageError

WHO = {"tenant": TENANT, "actor": "rev", "reason": "the phone lay on the desk"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    _, workspace = installation(tmp_path_factory.mktemp("choices"))
    land(workspace.lake(TENANT), [(key, data) for key, data in uploads() if "SleepSession" in key])
    run_stages(workspace)
    return workspace


def open_choices(workspace):
    return [item for item in waiting_people(workspace, tenant=TENANT) if item.what == "source_choice"]


def used(workspace, item):
    """Local date to what counts, of the days that a choice is about."""
    facts = workspace.lake(TENANT).table(f"clinical/{item.kind}").collect()
    rows = facts.filter((facts["subject_id"] == item.subject_id) & facts["local_date"].is_in(item.days)).to_dicts()
    return {row["local_date"]: [(s["app"], s["value"]) for s in row["sources"] if s["used"]] for row in rows}


def test_a_choice_is_used_by_facts_and_lines_and_taken_back_without_a_trace(cohort):
    item = next(one for one in open_choices(cohort) if len(one.days) == 2)
    before, counted = came_out(cohort), used(cohort, item)
    first = {app for sources in counted.values() for app, _ in sources}
    other = next(app for app in item.sources if first != {app})
    named, days = disagreeing(cohort, tenant=TENANT, kind="sleep", subject_id=item.subject_id)
    assert {app for app, _ in named} == set(item.sources)
    assert days == item.days
    completion = choose_source(cohort, subject_id=item.subject_id, kind="sleep", source_app=other, **WHO)
    run_stages(cohort)
    assert {app for sources in used(cohort, item).values() for app, _ in sources} == {other}
    facts = cohort.lake(TENANT).table("clinical/sleep").collect()
    said = facts.filter(facts["completions"].list.contains(completion))
    assert set(said["subject_id"]) == {item.subject_id}
    assert set(item.days) <= set(said["local_date"])
    lines = came_out(cohort).examples
    assert any(f'"completions":[{completion}]'.encode() in data for data in lines.values())
    assert [one for one in open_choices(cohort) if (one.kind, one.subject_id) == ("sleep", item.subject_id)] == []
    event = cohort.catalog.audit.recent(TENANT)[0]
    assert (event.action, event.actor, event.target) == ("partial.choose_source", "rev", item.subject_id)
    assert event.details["reason"] == WHO["reason"]
    with pytest.raises(AlreadyDoneError):
        choose_source(cohort, subject_id=item.subject_id, kind="sleep", source_app=other, **WHO)
    assert undo(cohort, ids=[completion], **WHO).records == 0
    run_stages(cohort)
    assert came_out(cohort) == before
    assert item in open_choices(cohort)


def test_a_choice_comes_before_the_order_in_the_profile(cohort):
    item = next(one for one in open_choices(cohort) if len(one.days) == 2)
    users = {pseudonym: user for user, pseudonym in cohort.catalog.subjects.subject_ids(TENANT).items()}
    one, other = item.sources
    cohort.catalog.subjects.set_profile(TENANT, users[item.subject_id], {"source_priority": {"sleep": [one, other]}})
    completion = choose_source(cohort, subject_id=item.subject_id, kind="sleep", source_app=other, **WHO)
    run_stages(cohort)
    assert {app for sources in used(cohort, item).values() for app, _ in sources} == {other}
    undo(cohort, ids=[completion], **WHO)
    run_stages(cohort)
    assert {app for sources in used(cohort, item).values() for app, _ in sources} == {one}
    cohort.catalog.subjects.set_profile(TENANT, users[item.subject_id], {"source_priority": {}})


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"kind": "moods"}, UsageError),
        ({"subject_id": "nobody"}, NotFoundError),
        ({"source_app": "com.never.seen"}, UsageError),
        ({"source_app": ""}, UsageError),
        ({"device": "GLASSES"}, UsageError),
        ({"kind": "blood_glucose", "device": "METER"}, UsageError),
    ],
)
def test_what_cannot_be_chosen_is_refused_and_nothing_is_stored(cohort, change, error):
    item = next(iter(open_choices(cohort)))
    wanted = {"subject_id": item.subject_id, "kind": "sleep", "source_app": item.sources[0]}
    stored = cohort.catalog.completions.in_force(TENANT)
    with pytest.raises(error):
        choose_source(cohort, **wanted | change, **WHO)
    assert cohort.catalog.completions.in_force(TENANT) == stored


def test_nothing_is_chosen_of_who_does_not_allow_summaries(cohort):
    item = next(iter(open_choices(cohort)))
    consents = cohort.catalog.consents
    consents.decide(TENANT, item.subject_id, {"summary": False}, actor="desk", now=datetime.now(UTC))
    with pytest.raises(ConflictError):
        choose_source(cohort, subject_id=item.subject_id, kind="sleep", source_app=item.sources[0], **WHO)
    consents.decide(TENANT, item.subject_id, {"summary": True}, actor="desk", now=datetime.now(UTC))
