"""Twenty made-up people for thirty days with every fault on, through the whole flow, against the truth.

0 wrong local dates, 0 lost and 0 doubled records, every planted bad row and file quarantined for the planted reason,
and nothing that a person typed or is called by is found past validation.
"""

from datetime import date

import polars as pl
import pytest

from pipeline.row_accounting import every_upload
from pipeline.staleness import evidence_frame
from resources.workspace import Workspace
from tests.flow import TENANT, installation, land, run_stages, unbalanced
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.record_types import BY_KIND, RECORD_TYPES, SLEEP
from vitals.synthetic.cohort import cohort
from vitals.synthetic.settings import TwinSettings
from vitals.synthetic.sleep import free_texts
from vitals.synthetic.truth import Truth, value_digest

SETTINGS = TwinSettings(seed=20, people=20, days=30, first_day=date(2025, 9, 15))


@pytest.fixture(scope="module")
def processed(tmp_path_factory) -> tuple[Workspace, Truth]:
    _, workspace = installation(tmp_path_factory.mktemp("cohort"))
    people, uploads = [], []
    for made, person in cohort(SETTINGS):
        land(workspace.lake(TENANT), [(one.upload.key, one.upload.data) for one in made])
        uploads += [one.truth for one in made]
        people.append(person)
    run_stages(workspace)
    return workspace, Truth(settings=SETTINGS, people=tuple(people), uploads=tuple(uploads))


def validated(workspace: Workspace, kind: str) -> pl.DataFrame:
    """The validated table with local time and the person's external id instead of the pseudonym."""
    record_type = BY_KIND[kind]
    table = workspace.lake(TENANT).scan(f"validated/{kind}", schema=pl.Schema(record_type.columns)).collect()
    people = workspace.catalog.subjects.subject_ids(TENANT)
    timeline = offset_timeline(evidence_frame(workspace.catalog, TENANT, list(people.values())))
    names = pl.DataFrame({"user": list(people), "subject_id": list(people.values())})
    return with_local_time(table, timeline).join(names, on="subject_id", how="left")


def delivered(truth: Truth, kind: str) -> pl.DataFrame:
    return truth.records().filter((pl.col("kind") == kind) & pl.col("delivered"))


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_no_record_is_lost_and_none_is_doubled(processed, kind):
    workspace, truth = processed
    found = validated(workspace, kind).select("user", "record_id")
    expected = delivered(truth, kind).select("user", "record_id")
    assert expected.height > 0
    assert found.height == found.unique().height
    assert found.join(expected, on=["user", "record_id"], how="anti").height == 0
    assert expected.join(found, on=["user", "record_id"], how="anti").height == 0


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_every_record_stands_on_its_true_local_date(processed, kind):
    workspace, truth = processed
    own = "end_local_date" if kind == SLEEP.kind else "local_date"
    found = validated(workspace, kind).select("user", "record_id", found=own)
    both = found.join(delivered(truth, kind), on=["user", "record_id"])
    wrong = both.filter(pl.col("found") != pl.col("local_date"))
    assert wrong.height == 0


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_the_final_revision_of_every_record_is_the_one_that_stands(processed, kind):
    workspace, truth = processed
    table = validated(workspace, kind)
    digests = [digest(kind, row) for row in table.iter_rows(named=True)]
    both = table.select("user", "record_id", found=pl.Series(digests)).join(
        delivered(truth, kind), on=["user", "record_id"]
    )
    assert both.filter(pl.col("found") != pl.col("digest")).height == 0


def digest(kind: str, row: dict) -> str:
    values = {
        "blood_glucose": lambda: [row["level_mg_dl"]],
        "heart_rate": lambda: [(ms(s["time_utc"]), s["bpm"]) for s in row["samples"]],
        "sleep": lambda: [(ms(s["start_utc"]), ms(s["end_utc"]), s["stage"]) for s in row["stages"]],
        "steps": lambda: [row["count"]],
        "active_calories": lambda: [row["energy_kcal"]],
        "hrv_rmssd": lambda: [row["rmssd_ms"]],
    }[kind]()
    return value_digest(kind, start_ms=ms(row["start_utc"]), end_ms=ms(row["end_utc"]), values=values)


def ms(instant) -> int:
    return round(instant.timestamp() * 1000)


def test_every_file_ends_in_the_state_and_for_the_reason_that_was_planted(processed):
    workspace, truth = processed
    books = {u.key: u for u in every_upload(workspace, tenant=TENANT)}
    assert set(books) == {u.key for u in truth.uploads}
    wrong = []
    for planted in truth.uploads:
        found = books[planted.key]
        states = {planted.state}
        if planted.state in ("processed", "duplicate"):
            # Which of two equal deliveries represents a record depends on their fetches, not on what is planted.
            states = {"processed", "duplicate"}
        reason = found.reason if found.state in ("quarantined", "unsupported") else None
        if found.state not in states or reason != planted.file_reason:
            wrong.append((planted.type_name, planted.state, planted.file_reason, found.state, found.reason))
    assert wrong == []


def test_every_planted_bad_row_is_quarantined_for_the_planted_reason_and_no_other_row_is(processed):
    workspace, truth = processed
    of_file = {u.key: u.bad_rows for u in truth.uploads}
    # The same bytes under another key hold the same bad rows.
    planted = {(u.key, row.row_index): row.reason for u in truth.uploads for row in of_file[u.same_bytes_as or u.key]}
    keys = {u.upload_id: u.key for u in every_upload(workspace, tenant=TENANT)}
    refused = {u.key for u in truth.uploads if u.file_reason}
    found, after = {}, 0
    while page := workspace.catalog.quarantine.list(TENANT, after=after, limit=1000):
        after = page[-1].id
        found |= {
            (keys[row.upload_id], row.row_index): row.reason
            for row in page
            if row.row_index is not None and keys[row.upload_id] not in refused
        }
    assert planted
    assert found == planted


def test_the_books_balance(processed):
    workspace, _ = processed
    assert unbalanced(workspace) == []


def test_nothing_waits_once_all_evidence_is_in(processed):
    workspace, _ = processed
    assert workspace.catalog.partials.counts(TENANT) == {}
    assert workspace.catalog.uploads.pending(TENANT) == []
    assert list(workspace.catalog.stale_days.list(TENANT, "clinical")) == []


def test_no_name_and_no_free_text_is_found_past_validation(processed):
    workspace, truth = processed
    lake = workspace.lake(TENANT)
    secrets = [text.encode() for text in (*free_texts(), *(p.person.user for p in truth.people))]
    for prefix in ("validated/", "clinical/", "training/", "quarantine/"):
        for found in lake.objects(prefix):
            if found.key.endswith(".avro"):
                continue  # the refused file itself, kept as it came
            data = lake.read_object(found.key)
            assert not any(secret in data or secret in found.key.encode() for secret in secrets)
