"""The truth equals what an independent reader counts in the files."""

import json
from collections import Counter

import polars as pl
import pytest

from tests.vitals.synthetic.reading import (
    SAMSUNG,
    digest,
    end_ms,
    final_revisions,
    good_rows,
    record_id,
    revision_order,
    start_ms,
    start_zone,
)


@pytest.fixture(params=["faulty", "faultless"])
def made(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def delivered(made):
    return good_rows(made.uploads, made.truth.uploads)


def test_totals_are_the_distinct_ids_of_good_rows(made, delivered):
    counted = {key: len({record_id(r) for r in found}) for key, found in delivered.items()}
    told = {(user, kind): n for kind, users in made.truth.totals().items() for user, n in users.items() if n}
    assert told == counted
    assert sum(counted.values()) > 3000


def test_delivered_records_deliveries_and_revisions_are_those_in_the_files(made, delivered):
    for (user, kind), found in delivered.items():
        told = made.truth.records().filter(user=user, kind=kind)
        deliveries = Counter(record_id(r) for r in found)
        revisions = Counter(i for i, _, _ in {(record_id(r), *revision_order(r)[:2]) for r in found})
        arrived = told.filter("delivered")
        assert dict(arrived.select("record_id", "deliveries").iter_rows()) == deliveries
        assert dict(arrived.select("record_id", "revisions").iter_rows()) == revisions
        missing = told.filter(~pl.col("delivered"))
        assert missing["deliveries"].sum() == 0
        assert missing["cause"].null_count() == 0
        assert arrived["cause"].null_count() == len(arrived)


def test_the_final_revision_of_each_record_has_the_digest_of_the_truth(made, delivered):
    for (user, kind), found in delivered.items():
        told = made.truth.records().filter(user=user, kind=kind).filter("delivered")
        final = final_revisions(found)
        read = {i: (digest(kind, r), start_ms(r), end_ms(r), start_zone(r)) for i, r in final.items()}
        columns = told.select("record_id", pl.struct("digest", "start_ms", "end_ms", "zone_written"))
        assert {i: tuple(v.values()) for i, v in columns.iter_rows()} == read


def test_record_ids_belong_to_one_record_of_one_person(made):
    told = made.truth.records()
    assert told["record_id"].n_unique() == len(told)


def test_without_faults_everything_is_delivered_once_and_every_file_is_good(faultless):
    told = faultless.truth.records()
    assert told["delivered"].all()
    assert told["deliveries"].unique().to_list() == [1]
    assert {(u.state, u.bad_rows) for u in faultless.truth.uploads} == {("processed", ())}
    assert all(not p.gaps and not p.missed_fetches_ms for p in faultless.truth.people)


def test_the_truth_file_says_what_the_truth_says(faulty):
    document = json.loads(faulty.truth.to_json())
    assert document["totals"] == faulty.truth.totals()
    assert [u["key"] for u in document["uploads"]] == [u.key for u in faulty.truth.uploads]
    kinds = document["people"][0]["records"]
    assert {k: len(v["record_id"]) for k, v in kinds.items()} == {
        k: len(v) for k, v in faulty.truth.people[0].records.items()
    }
    assert all("local_date" in columns for columns in kinds.values())


def test_a_gap_holds_exactly_the_records_of_its_cause(faulty):
    told = faulty.truth.records()
    for person in faulty.truth.people:
        for gap in person.gaps:
            inside = told.filter(
                pl.col("user") == person.person.user,
                pl.col("kind") == gap.kind,
                pl.col("source_app") == gap.source_app,
                pl.col("start_ms") >= gap.from_ms,
                pl.col("end_ms") <= gap.to_ms,
            )
            if gap.cause == "sensor_gap":
                # A watch that is off measures no spots; hour records are of nights.
                spots = inside.filter(pl.col("start_ms") == pl.col("end_ms"))
                assert spots.is_empty() or gap.source_app == SAMSUNG
            else:
                assert inside.filter(cause=gap.cause).height >= gap.records > 0
    lost = told.filter(~pl.col("delivered")).height
    assert sum(g.records for p in faulty.truth.people for g in p.gaps) == lost > 100
