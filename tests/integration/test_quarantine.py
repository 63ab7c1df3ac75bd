"""Rules that people move, and rows they let through: what is foretold is what the real flow then does."""

import random
from collections.abc import Iterator
from datetime import date
from itertools import islice

import pytest

from operations.preview import WhatIf
from operations.quarantine import (
    discard_rows,
    release_rows,
    release_rule,
    what_if_rows,
    what_if_rule,
)
from pipeline.validated.landing_day import validate_day
from resources.workspace import Workspace
from tests.flow import TENANT, came_out, installation, land, run_stages, unbalanced
from tests.meter_uploads import hour_of_samples, meter_upload, reading, upload_of
from vitals.errors import ConflictError, NotFoundError
from vitals.record_types import BY_KIND
from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import Fault
from vitals.synthetic.settings import TwinSettings
from vitals.validated.rule_policy import BoundChange, read_change

SETTINGS = TwinSettings(
    seed=11,
    people=1,
    days=1,
    first_day=date(2025, 9, 15),
    faults=frozenset(
        {
            Fault.OVERLAPPING_WINDOWS,
            Fault.SOURCE_LAG,
            Fault.GROWTH,
            Fault.FALSE_Z,
            Fault.TWO_SOURCES,
            Fault.BAD_ROWS,
            Fault.LOW_QUALITY,
        }
    ),
    kinds=("blood_glucose", "steps"),
)
CHANGES = 50
WHO = {"tenant": TENANT, "actor": "rev", "reason": "seen the sensor"}


BOUNDS = (
    ("out_of_range:level_mg_dl.max", 90, 200, 900),
    ("out_of_range:level_mg_dl.min", 60, 110, 1),
    ("out_of_range:count.max", 10, 900, 200_000),
    ("out_of_range:duration.max_hours", 0, 0.3, 26),
    ("score.threshold", 0.85, 1.0, 0.5),
)
"""A bound, the values between which it cuts through the cohort, and one that lets everything through again."""


def random_changes(chance: random.Random) -> Iterator[BoundChange]:
    """A bound moved to where it matters, then moved once more or back, and so on."""
    while True:
        name, low, high, wide = chance.choice(BOUNDS)
        yield read_change(f"{name}={chance.uniform(low, high):.2f}")
        yield read_change(f"{name}={chance.choice([wide, chance.uniform(low, high)]):.2f}")
        yield read_change(f"{name}={wide}")


def in_quarantine(workspace: Workspace) -> dict[tuple, str]:
    return {
        (row.upload_id, row.row_index): row.reason for row in workspace.catalog.quarantine.list(TENANT, limit=100_000)
    }


def really(workspace: Workspace, release) -> dict:
    """What a decision and the real flow did, in the terms of what was foretold."""
    quarantine, before = in_quarantine(workspace), came_out(workspace).examples
    uploads = release().uploads
    for _ in range(8):
        for day, kinds in workspace.catalog.uploads.pending_partitions(TENANT):
            for kind in kinds:
                validate_day(workspace, tenant=TENANT, record_type=BY_KIND[kind], landing_day=day, run_id="r")
    days = sorted((mark.kind, mark.local_date) for mark in workspace.catalog.stale_days.list(TENANT, "clinical"))
    run_stages(workspace)
    now, after = in_quarantine(workspace), came_out(workspace).examples
    return {
        "released": sorted(quarantine.keys() - now.keys(), key=str),
        "captured": sorted(now.keys() - quarantine.keys(), key=str),
        "renamed": sorted((k for k in now.keys() & quarantine.keys() if now[k] != quarantine[k]), key=str),
        "uploads": uploads,
        "days": days,
        "files": sorted(k for k in before.keys() | after.keys() if before.get(k) != after.get(k)),
    }


def foretold(what_if: WhatIf) -> dict:
    def keys(rows):
        return sorted(((row.upload_id, row.row_index) for row in rows), key=str)

    return {
        "released": keys(what_if.released),
        "captured": keys(what_if.captured),
        "renamed": keys(what_if.renamed),
        "uploads": what_if.uploads,
        "days": what_if.stale_days,
        "files": what_if.training_files,
    }


def test_fifty_random_changes_of_rules_do_exactly_what_was_foretold(tmp_path):
    _, workspace = installation(tmp_path)
    land(workspace.lake(TENANT), [(upload.key, upload.data) for upload in generate(SETTINGS)])
    run_stages(workspace)
    moved = {"released": 0, "captured": 0, "days": 0, "files": 0}
    for number, change in enumerate(islice(random_changes(random.Random(4)), CHANGES)):
        before = came_out(workspace) if number % 10 == 0 else None
        said = foretold(what_if_rule(workspace, tenant=TENANT, change=change))
        assert before is None or came_out(workspace) == before, "asking changed something"
        did = really(workspace, lambda change=change: release_rule(workspace, change=change, **WHO))
        assert said == did, change
        moved = {name: count + len(did[name]) for name, count in moved.items()}
    assert min(moved.values()) >= CHANGES // 2, "the changes hardly moved anything"
    assert unbalanced(workspace) == []


@pytest.fixture
def workspace(tmp_path) -> Workspace:
    """One good reading, one of 700 mg/dL, one of 5000."""
    _, found = installation(tmp_path)
    readings = [reading(i) for i in range(12)]
    readings[1]["levelInMilligramsPerDeciliter"] = 700.0
    readings[2]["levelInMilligramsPerDeciliter"] = 5000.0
    land(found.lake(TENANT), [meter_upload(readings)])
    run_stages(found)
    return found


def waiting(workspace: Workspace) -> dict[str, int]:
    return {row.record_id: row.id for row in workspace.catalog.quarantine.list(TENANT, status="waiting")}


def test_a_single_row_is_let_through_and_its_neighbour_is_not(workspace):
    ids = waiting(workspace)
    assert set(ids) == {"reading-1", "reading-2"}
    said = foretold(what_if_rows(workspace, tenant=TENANT, ids=[ids["reading-1"]]))
    assert said == really(workspace, lambda: release_rows(workspace, ids=[ids["reading-1"]], **WHO))
    assert set(waiting(workspace)) == {"reading-2"}
    assert said["files"]
    assert unbalanced(workspace) == []


def test_nobody_can_let_through_what_no_sensor_measures(workspace):
    ids = waiting(workspace)
    before = came_out(workspace)
    with pytest.raises(ConflictError):
        release_rows(workspace, ids=[ids["reading-2"]], **WHO)
    with pytest.raises(NotFoundError):
        release_rows(workspace, ids=[99_999], **WHO)
    run_stages(workspace)
    assert came_out(workspace) == before


def test_a_row_that_fails_again_keeps_its_first_seen_time_and_gets_the_new_reason(workspace):
    (first,) = (row for row in workspace.catalog.quarantine.list(TENANT) if row.record_id == "reading-1")
    release_rule(workspace, change=read_change("out_of_range:level_mg_dl.max=800"), **WHO)
    run_stages(workspace)
    assert "reading-1" not in waiting(workspace)
    release_rule(workspace, change=read_change("out_of_range:level_mg_dl.max=650"), **WHO)
    run_stages(workspace)
    (again,) = (row for row in workspace.catalog.quarantine.list(TENANT) if row.record_id == "reading-1")
    assert (again.id, again.first_seen) == (first.id, first.first_seen)
    assert (first.judged_by, again.judged_by) == (
        "out_of_range:level_mg_dl@1",
        "out_of_range:level_mg_dl@1+p2",
    )


def test_a_discarded_row_stays_accounted_and_waits_no_longer(workspace):
    ids = waiting(workspace)
    discard_rows(workspace, ids=[ids["reading-2"]], **WHO)
    assert set(waiting(workspace)) == {"reading-1"}
    assert len(workspace.catalog.quarantine.list(TENANT)) == 2
    workspace.catalog.uploads.reland(row.upload_id for row in workspace.catalog.quarantine.list(TENANT))
    run_stages(workspace)
    assert set(waiting(workspace)) == {"reading-1"}
    assert unbalanced(workspace) == []
    with pytest.raises(ConflictError):
        discard_rows(workspace, ids=[ids["reading-2"]], **WHO)


def test_a_row_that_is_no_usable_record_cannot_be_let_through(tmp_path):
    _, workspace = installation(tmp_path)
    readings = [reading(i) for i in range(12)]
    readings[3]["metadata"]["id"] = ""
    land(workspace.lake(TENANT), [meter_upload(readings)])
    run_stages(workspace)
    (row,) = workspace.catalog.quarantine.list(TENANT)
    with pytest.raises(ConflictError, match="no usable record"):
        release_rows(workspace, ids=[row.id], **WHO)


def test_a_file_that_scores_low_is_let_through_as_a_whole(tmp_path):
    _, workspace = installation(tmp_path, quality_threshold=0.95)
    readings = [reading(i) for i in range(12)]
    for one in readings[:4]:
        one["levelInMilligramsPerDeciliter"] = 700.0
    land(workspace.lake(TENANT), [meter_upload(readings)])
    run_stages(workspace)
    rows = workspace.catalog.quarantine.list(TENANT)
    assert {row.reason for row in rows} == {"low_quality"}
    (file,) = (row.id for row in rows if row.row_index is None)
    with pytest.raises(ConflictError, match="release the file"):
        release_rows(workspace, ids=[next(row.id for row in rows if row.row_index == 8)], **WHO)
    said = foretold(what_if_rows(workspace, tenant=TENANT, ids=[file]))
    assert said == really(workspace, lambda: release_rows(workspace, ids=[file], **WHO))
    assert {row.reason for row in workspace.catalog.quarantine.list(TENANT)} == {"out_of_range:level_mg_dl"}
    assert unbalanced(workspace) == []


BPM = "out_of_range:bpm"


def heart_rate_day(workspace: Workspace) -> dict:
    (row,) = workspace.lake(TENANT).table("clinical/heart_rate").collect().to_dicts()
    return row


def lost(workspace: Workspace) -> list[dict[str, int]]:
    return [dict(upload.dropped_items) for upload in workspace.catalog.uploads.list(TENANT)]


def test_items_are_lost_by_a_bound_and_come_back_with_it_as_was_foretold(tmp_path):
    _, workspace = installation(tmp_path)
    hours = [hour_of_samples(0, [70] * 30 + [245] + [70] * 29), hour_of_samples(1, [245] * 60)]
    land(workspace.lake(TENANT), [upload_of("heart_rate", hours)])
    run_stages(workspace)
    first, day = came_out(workspace), heart_rate_day(workspace)
    assert (day["n"], day["dropped_items"]) == (59, 1)
    assert (lost(workspace), list(waiting(workspace))) == ([{BPM: 1}], ["hour-1"])
    assert b'"heart_rate.dropped_items"' in b"".join(first.examples.values())
    change = read_change(f"{BPM}.max=250")
    what_if = what_if_rule(workspace, tenant=TENANT, change=change)
    assert (what_if.dropped_before, what_if.dropped_after) == ({BPM: 1}, {})
    assert foretold(what_if) == really(workspace, lambda: release_rule(workspace, change=change, **WHO))
    assert (lost(workspace), waiting(workspace)) == ([{}], {})
    assert (heart_rate_day(workspace)["n"], heart_rate_day(workspace)["dropped_items"]) == (120, None)
    narrower = read_change(f"{BPM}.max=240")
    assert foretold(what_if_rule(workspace, tenant=TENANT, change=narrower)) == really(
        workspace, lambda: release_rule(workspace, change=narrower, **WHO)
    )
    assert came_out(workspace) == first
    assert unbalanced(workspace) == []
    (let,) = waiting(workspace).values()
    said = foretold(what_if_rows(workspace, tenant=TENANT, ids=[let]))
    assert said == really(workspace, lambda: release_rows(workspace, ids=[let], **WHO))
    # The exemption is for the one record: its neighbour has still lost its sample.
    assert (lost(workspace), heart_rate_day(workspace)["n"]) == ([{BPM: 1}], 119)
