"""The day journal as an asset: built with its day, marked when facts it looked back on change, and not before."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import orjson
import pytest

from assets.day_journal import JOURNAL_KEY
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, run_everything
from pipeline.clinical import clinical_table, summarise_partition
from pipeline.day_journal import read_day_journal, render_journal
from pipeline.day_journal_staleness import journals_after, touched
from pipeline.training_paths import JOURNAL, category_path
from pipeline.validated.landing_day import validate_day
from resources.catalog.rows.days import StaleDay
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from sensors.stale_days import choose_days, stale_assets
from tests.flow import TENANT, installation, land, run_stages
from tests.vitals.training.day_journal.journal_cohort import cohort
from tests.vitals.training.fact_frames import DAY, facts
from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.synthetic.cohort import cohort as twin_cohort
from vitals.synthetic.settings import TwinSettings

NOW = datetime(2025, 9, 21, tzinfo=UTC)


def stored(workspace, frames) -> None:
    """Clinical tables as these frames."""
    for kind, frame in frames.items():
        days = frame["local_date"].unique().to_list()
        workspace.lake(TENANT).replace(clinical_table(BY_KIND[kind]), frame, partition_by="local_date", values=days)


def marked(workspace) -> set[date]:
    return {m.local_date for m in workspace.catalog.stale_days.list(TENANT, "training") if m.kind == JOURNAL}


def twin_uploads(people: int, days: int):
    """Uploads without faults, each with the number of the person whose it is."""
    settings = TwinSettings(seed=3, people=people, days=days, first_day=date(2025, 9, 1), faults=frozenset())
    return [(number, one.upload) for number, (made, _) in enumerate(twin_cohort(settings)) for one in made]


@pytest.fixture(scope="module")
def run_once(tmp_path_factory):
    """Two people for eight days, landed and run to the end on a real instance."""
    settings, workspace = installation(tmp_path_factory.mktemp("journal"))
    land(workspace.lake(TENANT), [(upload.key, upload.data) for _, upload in twin_uploads(2, 8)])
    with dg.DagsterInstance.ephemeral() as instance:
        runner = Runner(build_definitions(settings), instance)
        work = run_everything(workspace, runner, tenants=[TENANT], settings=settings)
        built = Counter(e.partition_key for e in instance.fetch_materializations(JOURNAL_KEY, limit=1000).records)
        checks = [
            evaluation.passed
            for run in instance.get_runs()
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            if entry.dagster_event and (evaluation := entry.dagster_event.event_specific_data).asset_key == JOURNAL_KEY
        ]
    return workspace, work, built, checks


def test_every_local_day_has_a_journal_whose_checks_passed(run_once):
    workspace, work, _, checks = run_once
    assert work.failed == []
    assert checks
    assert all(checks)
    found = list(workspace.lake(TENANT).objects(f"training/{JOURNAL}/"))
    assert len(found) >= 8
    assert found[0].key == category_path(JOURNAL, date(2025, 9, int(found[0].key[-8:-6])))
    tasks = Counter(
        orjson.loads(line)["metadata"]["task"]
        for each in found
        for line in workspace.lake(TENANT).read_object(each.key).splitlines()
    )
    assert tasks["day_journal"] >= 2 * 8
    assert tasks["multi_day_question"] > tasks["day_journal"]


def test_a_bulk_ingest_builds_each_journal_once_or_twice(run_once):
    workspace, _, built, _ = run_once
    assert marked(workspace) == set()
    assert max(built.values()) <= 2
    assert sum(built.values()) <= 1.5 * len(built)


def test_the_journals_are_those_of_the_facts_as_they_ended(run_once):
    workspace, *_ = run_once
    for day in (date(2025, 9, 3), date(2025, 9, 8)):
        lines = read_day_journal(workspace, tenant=TENANT, local_day=day)
        assert lines == render_journal(workspace, tenant=TENANT, local_day=day)


def test_late_data_mark_the_journals_of_the_days_that_look_back_on_them_and_no_others(tmp_path):
    _, workspace = installation(tmp_path)
    lake, everything = workspace.lake(TENANT), twin_uploads(2, 10)
    of_first = sorted({upload.landing_day for number, upload in everything if number == 0})
    held = [
        (upload.key, upload.data)
        for number, upload in everything
        if number == 0 and upload.landing_day == of_first[2] and "Steps" in upload.key
    ]
    assert held
    held_keys = {key for key, _ in held}
    # The other person has data on every day; the one whose data come late stops soon after.
    early = [
        (upload.key, upload.data)
        for number, upload in everything
        if upload.key not in held_keys and (number != 0 or upload.landing_day <= of_first[4])
    ]
    land(lake, early)
    run_stages(workspace)
    before = facts_of(workspace)
    assert marked(workspace) == set()
    land(lake, held)
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    for day, kinds in workspace.catalog.uploads.pending_partitions(TENANT):
        for kind in kinds:
            validate_day(workspace, tenant=TENANT, record_type=BY_KIND[kind], landing_day=day, run_id="late")
    recomputed = workspace.catalog.stale_days.list(TENANT, "clinical")
    assert recomputed
    for mark in recomputed:
        summarise_partition(workspace, tenant=TENANT, record_type=BY_KIND[mark.kind], local_day=mark.local_date)
    after = facts_of(workspace)
    changed = {(day, person) for (kind, day, person), row in after.items() if before.get((kind, day, person)) != row}
    assert changed
    present = {(day, person) for _, day, person in after}
    looking_back = {
        day + timedelta(days=ahead)
        for day, person in changed
        for ahead in range(7)
        if (day + timedelta(days=ahead), person) in present
    }
    assert marked(workspace) == looking_back | {mark.local_date for mark in recomputed}
    assert len(marked(workspace)) < len({day for day, _ in present}), "days of the other person alone stay as they are"


def facts_of(workspace) -> dict[tuple[str, date, str], dict]:
    found = {}
    for record_type in RECORD_TYPES:
        table = workspace.lake(TENANT).table(clinical_table(record_type)).collect()
        for row in table.iter_rows(named=True):
            found[record_type.kind, row["local_date"], row["subject_id"]] = row
    return found


def test_the_same_facts_again_mark_only_their_own_day(tmp_path):
    _, workspace = installation(tmp_path)
    frames = cohort(5, 2, presence=1.0)
    stored(workspace, frames)
    for back in range(4):
        render_journal(workspace, tenant=TENANT, local_day=DAY - timedelta(days=back))
    day = DAY - timedelta(days=3)
    later = journals_after(workspace, tenant=TENANT, local_day=day)
    assert later == [DAY - timedelta(days=back) for back in (2, 1, 0)]
    same = frames["steps"].filter(frames["steps"]["local_date"] == day)
    lake = workspace.lake(TENANT)
    assert touched(lake, later, table="clinical/steps", local_day=day, facts=same) == set()
    assert touched(lake, later, table="clinical/steps", local_day=day, facts=same.head(1)) == set(later)


def test_only_days_on_which_a_changed_person_has_data_are_touched(tmp_path):
    _, workspace = installation(tmp_path)
    days = [DAY - timedelta(days=back) for back in (3, 2, 1, 0)]
    rows = [{"subject_id": "b", "local_date": day, "recommended_total": 5000.0} for day in days]
    rows += [{"subject_id": "a", "local_date": day, "recommended_total": 4000.0} for day in (days[0], days[2])]
    stored(workspace, {"steps": facts("steps", rows)})
    changed = facts("steps", [{**row, "recommended_total": 9.0} if row["subject_id"] == "a" else row for row in rows])
    of_day = changed.filter(changed["local_date"] == days[0])
    lake = workspace.lake(TENANT)
    assert touched(lake, days[1:], table="clinical/steps", local_day=days[0], facts=of_day) == {days[2]}


def test_a_journal_that_is_being_written_is_seen_by_facts_that_change_meanwhile(tmp_path, monkeypatch):
    _, workspace = installation(tmp_path)
    stored(workspace, cohort(6, 2, presence=1.0))
    seen = []

    def while_reading(*arguments, **named):
        seen.extend(journals_after(workspace, tenant=TENANT, local_day=DAY - timedelta(days=2)))
        return []

    monkeypatch.setattr("pipeline.day_journal.build_journal", while_reading)
    render_journal(workspace, tenant=TENANT, local_day=DAY)
    assert seen == [DAY]
    assert marked(workspace) == set()


def mark(kind: str, stage: str, day: date, tenant: str = "default") -> StaleDay:
    return StaleDay(tenant=tenant, stage=stage, kind=kind, local_date=day, reason="facts", version=1, marked_at=NOW)


def chosen(marks) -> dict[date, list[str]]:
    requests = choose_days(marks, busy_tenants=[], running=[], possible=lambda _: True, now=NOW, limit=50)
    return {request.local_day: [key.path[-1] for key in request.assets] for request in requests}


def test_stale_facts_ask_for_the_journal_of_their_day_and_stale_examples_do_not():
    assert stale_assets([mark("steps", "clinical", DAY)])[-1] == JOURNAL_KEY
    assert JOURNAL_KEY not in stale_assets([mark("steps", "training", DAY)])
    assert stale_assets([mark(JOURNAL, "training", DAY)]) == (JOURNAL_KEY,)


def test_a_stale_journal_waits_for_stale_facts_of_the_days_it_looks_back_on():
    journal = mark(JOURNAL, "training", DAY)
    facts_at = {back: mark("sleep", "clinical", DAY - timedelta(days=back)) for back in (1, 6, 7)}
    assert chosen([journal]) == {DAY: [JOURNAL]}
    assert DAY not in chosen([journal, facts_at[1]])
    assert DAY not in chosen([journal, facts_at[6]])
    assert chosen([journal, facts_at[7]])[DAY] == [JOURNAL]
    elsewhere = mark("sleep", "clinical", DAY - timedelta(days=1), tenant="other")
    assert chosen([journal, elsewhere])[DAY] == [JOURNAL]


def test_other_examples_of_its_day_do_not_wait_with_a_journal():
    marks = [
        mark(JOURNAL, "training", DAY),
        mark("steps", "training", DAY),
        mark("sleep", "clinical", DAY - timedelta(days=1)),
    ]
    assert chosen(marks)[DAY] == ["physical_activity"]


def test_a_day_with_stale_facts_of_its_own_does_not_wait():
    marks = [mark("steps", "clinical", DAY), mark("sleep", "clinical", DAY - timedelta(days=1))]
    assert chosen(marks)[DAY][-1] == JOURNAL
