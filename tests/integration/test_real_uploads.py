"""The real uploads through the whole flow: counts, order of arrival, landing again, and what is said of the person.

Used where the samples are beside the checkout; the twin's uploads carry the same tests everywhere else.
"""

import random
from datetime import date

import polars as pl
import pytest

from interfaces.cli.ledger import kind_totals
from operations.subject_data import day_facts
from pipeline.clinical import clinical_schema, clinical_table
from pipeline.row_accounting import every_upload
from tests.flow import SAMPLES, came_out, installation, land, run_stages, sample_uploads, unbalanced
from vitals.record_types import BLOOD_GLUCOSE, STEPS

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the real uploads are not beside this checkout")

EXPECTED = {
    "blood_glucose": (757, 253),
    "heart_rate": (234, 78),
    "hrv_rmssd": (222, 74),
    "sleep": (6, 2),
    "steps": (6, 2),
    "active_calories": (3, 1),
}


@pytest.fixture(scope="module")
def processed(tmp_path_factory):
    _, workspace = installation(tmp_path_factory.mktemp("home"))
    land(workspace.lake("default"), sample_uploads())
    run_stages(workspace)
    return workspace


def test_every_row_is_accounted_for_and_every_record_stands_once(processed):
    totals = kind_totals(processed, "default", every_upload(processed, tenant="default"))
    assert {kind: (t["total"], t["records"]) for kind, t in totals.items()} == EXPECTED
    assert all(t["accepted"] == t["records"] for t in totals.values())
    assert unbalanced(processed) == []


def test_landing_the_same_files_again_changes_nothing(processed):
    before = came_out(processed)
    land(processed.lake("default"), sample_uploads(day=date(2025, 9, 21)))
    run_stages(processed)
    after = came_out(processed)
    assert (after.records, after.facts, after.examples) == (before.records, before.facts, before.examples)
    assert {state for key, (state, *_) in after.books.items() if "/2025/09/21/" in key} == {"duplicate"}


@pytest.mark.parametrize("part", range(4))
def test_twenty_random_orders_one_file_per_run_end_in_the_same_bytes(tmp_path, processed_once, part):
    for order in range(part * 5, part * 5 + 5):
        _, workspace = installation(tmp_path / str(order))
        uploads = sample_uploads()
        random.Random(order).shuffle(uploads)
        for upload in uploads:
            land(workspace.lake("default"), [upload])
            run_stages(workspace)
        assert came_out(workspace) == processed_once


@pytest.fixture(scope="module")
def processed_once(tmp_path_factory):
    _, workspace = installation(tmp_path_factory.mktemp("once"))
    land(workspace.lake("default"), sample_uploads())
    run_stages(workspace)
    return came_out(workspace)


def test_glucose_days_are_those_of_the_person_s_zone_not_of_utc(processed):
    table = (
        processed.lake("default").scan(clinical_table(BLOOD_GLUCOSE), schema=clinical_schema(BLOOD_GLUCOSE)).collect()
    )
    assert set(table["zone"]) == {"-05:00"}
    assert table.select("local_date", "n").sort("local_date").rows() == [
        (date(2025, 9, 19), 79),
        (date(2025, 9, 20), 174),
    ]


def test_steps_of_the_day_are_one_named_source_s_lower_bound_and_never_the_sum(processed):
    table = processed.lake("default").scan(clinical_table(STEPS), schema=clinical_schema(STEPS)).collect()
    [day] = table.filter(pl.col("local_date") == date(2025, 9, 20)).to_dicts()
    assert day["recommended_total"] == 3933
    assert day["lower_bound"] is True
    assert day["provisional"] is True
    assert {(s["app"], s["used"], s["value"]) for s in day["sources"]} == {
        ("com.sec.android.app.shealth", True, 3933.0),
        ("com.ouraring.oura", False, 2517.0),
    }


def test_nothing_withheld_is_stated(processed):
    subject_id = next(iter(processed.catalog.subjects.subject_ids("default", ["anna"]).values()))
    days = day_facts(processed, "default", subject_id, date(2025, 9, 18), date(2025, 9, 21))
    assert set(days) >= {"2025-09-19", "2025-09-20"}
    for facts in days.values():
        assert not set(facts["values"]) & set(facts["withheld"])
    assert "glucose.pct_below_70" in days["2025-09-20"]["withheld"]
    assert days["2025-09-20"]["withheld"]["glucose.gmi"].startswith("needs 14 days")
