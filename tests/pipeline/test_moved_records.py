"""A record is one row at the time of its latest revision, however far it moved and however its uploads came."""

import shutil
from datetime import UTC, date, datetime, timedelta
from itertools import permutations

import polars as pl
import pytest

from pipeline.validated.identity_index import add_identities, complete_index, deliveries_of, identities_table, locate
from pipeline.validated.landing_day import validate_day
from pipeline.validated.records_table import deliveries_table
from resources.lake.lake import Lake
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from tests.made_up_uploads import made_record, made_upload
from vitals.record_types import BLOOD_GLUCOSE, BY_KIND
from vitals.validated.identities import SORTED_BY
from vitals.validated.revisions import DELIVERY_SCHEMA

NOW = datetime(2026, 10, 6, 20, tzinfo=UTC)
KINDS = ("blood_glucose", "steps", "heart_rate")


def revisions(starts, kinds=KINDS, user="anna", record_id="moved"):
    """Uploads of one record of each kind, each with its start at one of the times, the last one modified last."""
    found = []
    for n, start in enumerate(starts):
        modified = NOW + timedelta(hours=n)
        fetched = modified + timedelta(minutes=30)
        for kind in kinds:
            one = made_record(kind, record_id, start, 80 + 10 * n, modified=modified, fetched=fetched)
            # Another record, which gives every upload something that stays where it is.
            stays = made_record(kind, f"stays-{n}", NOW - timedelta(hours=9 + n), 70, modified=NOW, fetched=fetched)
            found.append(made_upload(kind, [one, stays], user=user))
    return found


def validated(home, batches):
    """What the first stages end in when uploads land batch by batch: the workspace, its tables and its books."""
    _, workspace = installation(home)
    for batch in batches:
        land(workspace.lake(TENANT), batch)
        validate(workspace)
    assert unbalanced(workspace) == []
    found = came_out(workspace)
    return workspace, (found.records, found.books)


def validate(workspace):
    look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
    for day, kinds in workspace.catalog.uploads.pending_partitions(TENANT):
        for kind in kinds:
            validate_day(workspace, tenant=TENANT, record_type=BY_KIND[kind], landing_day=day, run_id="test")


def records(workspace, kind):
    return workspace.lake(TENANT).table(f"validated/{kind}").collect()


AT = datetime(2026, 10, 6, 15, tzinfo=UTC)
MOVES = {
    "31 days on": [AT - timedelta(days=31), AT],
    "400 days on": [AT - timedelta(days=400), AT],
    "3 years back": [AT, AT - timedelta(days=1096)],
    "there and back": [AT, AT - timedelta(days=60), AT + timedelta(minutes=30)],
    "twice": [AT - timedelta(days=800), AT - timedelta(days=90), AT],
}


@pytest.mark.parametrize("move", MOVES)
def test_a_moved_record_is_one_row_and_the_day_it_left_is_stale(tmp_path, move):
    starts = MOVES[move]
    uploads = revisions(starts, kinds=("heart_rate",))
    workspace, one_by_one = validated(tmp_path / "one", [[one] for one in uploads])
    assert records(workspace, "heart_rate").filter(record_id="moved")["start_utc"].to_list() == [starts[-1]]
    _, all_at_once = validated(tmp_path / "all", [uploads])
    assert all_at_once == one_by_one
    stale = {mark.local_date for mark in workspace.catalog.stale_days.list(TENANT, "clinical")}
    assert {(start - timedelta(hours=5)).date() for start in starts} <= stale


def test_the_order_in_which_three_revisions_years_apart_come_does_not_matter(tmp_path):
    uploads = revisions(MOVES["twice"], kinds=("blood_glucose",))
    orders = list(permutations(uploads))[::2]
    found = [validated(tmp_path / str(n), [[one] for one in order])[1] for n, order in enumerate(orders)]
    assert all(one == found[0] for one in found)


def test_no_stage_knows_a_record_any_more_on_the_day_it_left(tmp_path):
    starts = MOVES["31 days on"]
    first, second = revisions(starts, kinds=("blood_glucose",))
    _, workspace = installation(tmp_path / "one")
    for one in (first, second):
        land(workspace.lake(TENANT), [one])
        run_stages(workspace)
    _, other = installation(tmp_path / "other")
    land(other.lake(TENANT), [second, first])
    run_stages(other)
    assert came_out(workspace) == came_out(other)
    facts = workspace.lake(TENANT).table("clinical/blood_glucose").collect()
    assert facts["local_date"].to_list() == [date(2026, 10, 6)]


def test_the_same_id_of_other_people_and_kinds_is_another_record(tmp_path):
    far, near = AT - timedelta(days=500), AT
    uploads = [
        *revisions([near], user="anna", kinds=("steps", "blood_glucose")),
        *revisions([far], user="berta", kinds=("steps", "blood_glucose")),
        *revisions([near], user="carl", kinds=("steps",)),
    ]
    workspace, _ = validated(tmp_path, [[one] for one in uploads])
    assert records(workspace, "steps").filter(record_id="moved").height == 3
    assert records(workspace, "blood_glucose").filter(record_id="moved").height == 2


def test_a_lake_without_the_index_has_it_built_before_anything_else_comes(tmp_path):
    first, second = revisions(MOVES["400 days on"], kinds=("blood_glucose",))
    _, expected = validated(tmp_path / "with", [[first], [second]])
    _, workspace = installation(tmp_path / "without")
    land(workspace.lake(TENANT), [first])
    validate(workspace)
    shutil.rmtree(tmp_path / "without" / "lake" / identities_table(BLOOD_GLUCOSE))
    land(workspace.lake(TENANT), [second])
    validate(workspace)
    found = came_out(workspace)
    assert (found.records, found.books) == expected


def test_a_completed_row_is_found_where_the_index_lacks_its_month(tmp_path):
    workspace, _ = validated(tmp_path, [revisions(MOVES["400 days on"], kinds=("blood_glucose",))])
    shutil.rmtree(tmp_path / "lake" / identities_table(BLOOD_GLUCOSE))
    subject = records(workspace, "blood_glucose")["subject_id"][0]
    keys = pl.DataFrame({"subject_id": [subject], "record_id": ["moved"]})
    assert deliveries_of(workspace.lake(TENANT), BLOOD_GLUCOSE, keys).height == 2


def deliveries(ids, at, subject="somebody"):
    """Deliveries of records as far as the index looks at them."""
    columns = {"subject_id": subject, "record_id": ids, "utc_date": at}
    return pl.DataFrame(columns).select(
        pl.col(name).cast(dtype) if name in columns else pl.lit(None, dtype=dtype).alias(name)
        for name, dtype in DELIVERY_SCHEMA.items()
    )


def enter(lake, rows):
    """Enter deliveries as the stage does."""
    add_identities(lake, BLOOD_GLUCOSE, rows, locate(lake, BLOOD_GLUCOSE, rows))
    lake.append(deliveries_table(BLOOD_GLUCOSE), rows, partition_by="utc_date")


def test_an_index_of_which_a_crash_left_some_months_is_completed(tmp_path):
    lake, table = Lake(f"file://{tmp_path}"), identities_table(BLOOD_GLUCOSE)
    for n in range(5):
        enter(lake, deliveries([f"r{n}", "moved"], date(2020 + n, 3, 5)))
    whole = lake.table(table).collect().sort(SORTED_BY)
    shutil.rmtree(tmp_path / table)
    march = date(2022, 3, 1)
    lake.replace(table, whole.filter(utc_month=march), partition_by="utc_month", values=[march])
    complete_index(lake, BLOOD_GLUCOSE)
    assert lake.table(table).collect().sort(SORTED_BY).equals(whole)


def test_a_month_in_which_much_lands_keeps_few_files_and_forgets_nothing(tmp_path):
    lake, table = Lake(f"file://{tmp_path}"), identities_table(BLOOD_GLUCOSE)
    everything = deliveries([f"r{n}" for n in range(30)], date(2026, 10, 6))
    for n in range(30):
        enter(lake, everything[n : n + 1])
        enter(lake, everything[: n + 1])
    assert lake.files_in(table, partition_by="utc_month", values=[date(2026, 10, 1)]) < 12
    assert lake.table(table).collect().height == 30
    assert locate(lake, BLOOD_GLUCOSE, everything).height == 30
    assert locate(lake, BLOOD_GLUCOSE, everything.with_columns(subject_id=pl.lit("somebody else"))).is_empty()


def test_of_the_same_id_of_many_people_each_is_found_at_its_own_time(tmp_path):
    lake = Lake(f"file://{tmp_path}")
    parts = [deliveries(["same id"], date(2020 + n % 5, 1, 1), subject=f"person {n}") for n in range(150)]
    everything = pl.concat(parts)
    add_identities(lake, BLOOD_GLUCOSE, everything, locate(lake, BLOOD_GLUCOSE, everything))
    assert locate(lake, BLOOD_GLUCOSE, everything).height == 150
    assert locate(lake, BLOOD_GLUCOSE, parts[7])["utc_date"].to_list() == [date(2022, 1, 1)]
