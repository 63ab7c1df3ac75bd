"""Quarantine and partial records, as they are listed."""

import pytest

from resources.catalog.rows.uploads import UploadOutcome
from resources.catalog.settlement import Settlement
from tests.resources.catalog.catalog_builders import NOW, TENANT, claimed, partial, processed, quarantined
from vitals.errors import NotFoundError

pytest_plugins = ["tests.servers.catalogs"]


@pytest.fixture
def held_back(catalog):
    claimed(catalog, "a", "b")
    catalog.settle(
        Settlement(
            run_id="run",
            outcomes=[
                processed("a", quarantined=3, partial=2),
                UploadOutcome(upload_id="b", state="quarantined", reason="not_avro"),
            ],
            quarantine_rows=[
                quarantined("a", 0, payload_ref="quarantine/x"),
                quarantined("a", 1, rule_id="order", record_id="r\x00", subject_id="s2"),
                quarantined("a", 2),
                quarantined("b", None, kind=None, rule_id="not_avro", subject_id=None),
            ],
            partial_rows=[partial("a", 3), partial("a", 4, subject_id="s2", payload={"note": None, "count": 2**40})],
        ),
        now=NOW,
    )
    return catalog


def test_quarantine_is_listed_in_pages_and_by_what_is_asked(held_back):
    rows = held_back.quarantine.list(TENANT)
    assert [(row.upload_id, row.row_index) for row in rows] == [("a", 0), ("a", 1), ("a", 2), ("b", None)]
    assert held_back.quarantine.list(TENANT, limit=2, after=rows[1].id) == rows[2:]
    assert held_back.quarantine.list(TENANT, rule_id="order") == [rows[1]]
    assert held_back.quarantine.list(TENANT, kind="steps", upload_id="b") == []
    assert held_back.quarantine.list("other") == []
    assert (rows[0].payload_ref, rows[1].record_id) == ("quarantine/x", "r\N{REPLACEMENT CHARACTER}")


def test_quarantine_is_counted_by_kind_and_rule(held_back):
    assert held_back.quarantine.counts(TENANT) == {("steps", "range"): 2, ("steps", "order"): 1, (None, "not_avro"): 1}


def test_partial_records_are_listed_in_pages_and_by_what_is_asked(held_back):
    rows = held_back.partials.list(TENANT)
    assert [row.row_index for row in rows] == [3, 4]
    assert held_back.partials.list(TENANT, limit=1, after=rows[0].id) == rows[1:]
    assert held_back.partials.list(TENANT, subject_id="s2") == rows[1:]
    assert held_back.partials.list(TENANT, status="completed") == []
    assert held_back.partials.list(TENANT, kind="sleep", status=None) == []
    assert rows[1].payload == {"note": None, "count": 2**40}
    assert held_back.partials.counts(TENANT) == {("steps", "waiting"): 2}


def test_one_partial_record_is_found_in_its_tenant_only(held_back):
    (row, _) = held_back.partials.list(TENANT)
    assert held_back.partials.get(TENANT, row.id) == row
    for tenant, number in (("other", row.id), (TENANT, 10**6)):
        with pytest.raises(NotFoundError):
            held_back.partials.get(tenant, number)


def test_uploads_in_which_rows_of_a_person_wait_are_found(held_back):
    zone = "start_offset_seconds"
    assert held_back.partials.waiting_uploads(TENANT, ["s2", "s9"], lacking=zone) == {"a"}
    assert held_back.partials.waiting_uploads(TENANT, ["s2"], lacking="specimen_source") == set()
    assert held_back.partials.waiting_uploads(TENANT, ["s9"], lacking=zone) == set()
