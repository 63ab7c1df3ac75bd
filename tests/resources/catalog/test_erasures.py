"""What the catalog forgets of an erased person, and what it keeps; consent by purpose. On both databases."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from resources.catalog.erasures import Person
from resources.catalog.models import decisions, uploads
from resources.catalog.models.every import METADATA
from resources.catalog.rows.days import FetchMark
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.settlement import Settlement
from tests.resources.catalog.catalog_builders import LATER, NOW, TENANT, partial, processed, quarantined, upload, zone
from vitals.errors import ConflictError

pytest_plugins = ["tests.servers.catalogs"]

GONE = Person(external_user="anna-canary", subject_id="5ca1ab1e-gone", keys=frozenset())
KEPT = Person(external_user="berta", subject_id="cafe-kept", keys=frozenset())
TOMBSTONE = "70" * 32


def fill(catalog, person):
    """Rows of a person in every table that can have one."""
    catalog.subjects.ensure(TENANT, {person.external_user: person.subject_id}, now=NOW)
    name = f"up-{person.external_user}"
    catalog.uploads.register(
        [
            upload(name, subject_id=person.subject_id, key=f"raw/StepsRecord/2025/03/03/{person.external_user}_1_a.avro"),
            upload(f"{name}-2", subject_id=None, key=f"raw/x/{person.external_user}.avro", state="quarantined", reason="bad_key", kind=None),
        ]
    )  # fmt: skip
    catalog.uploads.claim([name], run_id="run", now=NOW)
    mine = {"subject_id": person.subject_id}
    catalog.settle(
        Settlement(
            run_id="run",
            outcomes=[processed(name, accepted=1, partial=1, quarantined=1)],
            quarantine_rows=[quarantined(name, 0, record_id=f"rec-q-{person.external_user}", **mine)],
            partial_rows=[partial(name, 1, record_id=f"rec-p-{person.external_user}", **mine)],
            zone_observations=[zone(**mine)],
            fetches=[FetchMark(tenant=TENANT, kind="steps", latest_fetch_ms=1, **mine)],
        ),
        now=NOW,
    )
    catalog.consents.decide(TENANT, person.subject_id, {"training": False}, actor="desk", now=NOW)
    said = {"actor": "desk", "at": NOW, "reason": "told by phone"}
    rows = {
        decisions.RuleExemption: {"kind": "steps", "upload_id": name, "subject_id": person.subject_id, "record_id": f"rec-e-{person.external_user}", "payload_hash": 1, "rule": "r", **said},
        decisions.Completion: {"kind": "steps", "subject_id": person.subject_id, "record_id": f"rec-c-{person.external_user}", "source_app": "app", "start_utc_ms": 1, "field": "zone", "value": "+01:00", **said},
        uploads.BatchMember: {"batch_id": "batch", "upload_id": name},
        uploads.PresumedDeletion: {"kind": "steps", "subject_id": person.subject_id, "record_id": f"rec-d-{person.external_user}", "upload_id": name, "utc_date": NOW.date(), "presumed_deleted_utc": NOW},
    }  # fmt: skip
    catalog.database.write(
        "fill", lambda c: [c.execute(insert(model), [{"tenant": TENANT, **row}]) for model, row in rows.items()]
    )
    dataset_id = catalog.datasets.begin(
        TENANT, f"set-{len(person.subject_id)}", "1", spec={"households": [[person.subject_id, "other"]]}, run_id=None, now=NOW
    )  # fmt: skip
    catalog.datasets.finish(dataset_id, reasons=[], manifest_sha256="m", contributors={person.subject_id: 2}, now=NOW)
    catalog.audit.record(
        [
            NewAuditEvent(tenant=TENANT, at=NOW, actor="desk", action="look", target=target, details=details)
            for target, details in (
                (person.subject_id, {}),
                (name, {"rows": 1}),
                ("batch", {"of": [{"record": f"rec-p-{person.external_user}"}]}),
                ("rule", {"value": 3}),
            )
        ]
    )


def everything(catalog):
    """Table to the text of all its rows."""

    def work(connection):
        return {
            name: [str(tuple(row)) for row in connection.execute(select(table))]
            for name, table in METADATA.tables.items()
        }

    return catalog.database.read("look", work)


def forget(catalog, person=GONE):
    keys = frozenset({f"raw/x/{person.external_user}.avro"})
    whole = Person(external_user=person.external_user, subject_id=person.subject_id, keys=keys)
    counted = catalog.erasures.count(TENANT, whole)
    removed = catalog.erasures.forget(TENANT, whole)
    catalog.datasets.forget_contributor(TENANT, person.subject_id)
    return counted, removed


def test_no_table_mentions_an_erased_person_and_what_others_have_stays(catalog):
    fill(catalog, KEPT)
    before = everything(catalog)
    fill(catalog, GONE)
    filled = everything(catalog)
    touched = {name for name, rows in filled.items() if any("anna-canary" in r or "5ca1ab1e" in r for r in rows)}
    with_people = {name for name, table in METADATA.tables.items() if {"subject_id", "upload_id"} & set(table.c.keys())}
    assert with_people <= touched  # whoever adds a table adds it to `fill`
    counted, removed = forget(catalog)
    after = everything(catalog)
    for name, rows in after.items():
        assert not [row for row in rows if "anna-canary" in row or "5ca1ab1e" in row], name
    kept = {name: rows for name, rows in after.items() if name not in {"audit_event", "dataset_version"}}
    assert kept == {name: rows for name, rows in before.items() if name in kept}
    assert {name: count for name, count in removed.items() if name != "audit_event"} == counted
    assert sum(counted.values()) == 12


def test_the_audit_trail_keeps_that_something_was_decided_and_not_on_whose_data(catalog):
    fill(catalog, GONE)
    forget(catalog)
    events = catalog.audit.list(TENANT)
    assert [(e.target, dict(e.details)) for e in events] == [
        ("rule", {"value": 3}),
        *[("erased", {"erased": True})] * 3,
    ]
    assert {(e.actor, e.action) for e in events} == {("desk", "look")}


def test_forgetting_twice_removes_nothing_more(catalog):
    fill(catalog, GONE)
    fill(catalog, KEPT)
    forget(catalog)
    after = everything(catalog)
    assert forget(catalog) == ({}, {})
    assert everything(catalog) == after


def test_a_person_of_another_tenant_with_the_same_key_stays(catalog):
    catalog.tenants.add("other", now=NOW)
    catalog.uploads.register([upload("theirs", tenant="other", key="raw/x/anna-canary.avro", subject_id="s9")])
    fill(catalog, GONE)
    forget(catalog)
    assert [u.upload_id for u in catalog.uploads.list("other")] == ["theirs"]


@pytest.mark.parametrize("dialect", ["sqlite"])
def test_nothing_of_an_erased_person_is_left_in_the_bytes_of_the_file(catalog, catalog_url):
    for number in range(200):
        catalog.subjects.ensure(TENANT, {f"someone-{number}": f"s-{number}"}, now=NOW)
    fill(catalog, GONE)
    file = Path(catalog_url.removeprefix("sqlite:///"))
    files = [file, file.with_name(f"{file.name}-wal")]
    assert any(b"anna-canary" in path.read_bytes() for path in files)
    forget(catalog)
    catalog.compact()
    for path in files:
        assert not path.exists() or b"anna-canary" not in path.read_bytes()
        assert not path.exists() or b"5ca1ab1e" not in path.read_bytes()
    assert len(catalog.subjects.subject_ids(TENANT)) == 200


@pytest.mark.integration
@pytest.mark.parametrize("dialect", ["postgresql"])
def test_nothing_of_an_erased_person_is_left_in_the_tables_files_and_statistics(catalog, postgresql_server):
    fill(catalog, KEPT)
    fill(catalog, GONE)
    catalog.compact()
    assert b"anna-canary" in _stored(catalog)
    forget(catalog)
    catalog.compact()
    stored = _stored(catalog)
    assert b"berta" in stored
    assert b"anna-canary" not in stored
    assert b"5ca1ab1e" not in stored


def _stored(catalog):
    """Bytes of every relation of ours as they stand on disk, and what the server sampled of them."""

    def work(connection):
        connection.execute(text("CHECKPOINT"))
        paths = connection.scalars(
            text(
                "SELECT pg_relation_filepath(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE (n.nspname = 'public' OR c.relname = 'pg_statistic') AND c.relkind IN ('r', 'i', 't') "
            )
        ).all()
        files = [connection.scalar(text("SELECT pg_read_binary_file(:p)"), {"p": p}) for p in paths if p]
        sampled = connection.scalars(text("SELECT CAST(most_common_vals AS text) FROM pg_stats")).all()
        histograms = connection.scalars(text("SELECT CAST(histogram_bounds AS text) FROM pg_stats")).all()
        return b"".join(map(bytes, files)) + repr([*sampled, *histograms]).encode()

    return catalog.database.write("look", work)


def test_an_erasure_is_begun_once_and_its_steps_are_remembered(catalog):
    first = catalog.erasures.begin(TENANT, TOMBSTONE, actor="desk", now=NOW)
    catalog.erasures.done(TENANT, TOMBSTONE, "raw", {"objects": 3})
    again = catalog.erasures.begin(TENANT, TOMBSTONE, actor="somebody else", now=LATER)
    assert (again.erasure_id, again.actor, again.begun_at) == (first.erasure_id, "desk", NOW)
    assert again.steps == {"raw": {"objects": 3}}
    catalog.erasures.finish(TENANT, TOMBSTONE, {"signature": "x"}, now=LATER)
    found = catalog.erasures.list(TENANT)
    assert [(e.finished_at, e.certificate) for e in found] == [(LATER, {"signature": "x"})]
    assert catalog.erasures.tombstones(TENANT) == {TOMBSTONE}
    catalog.erasures.again(TENANT, TOMBSTONE)
    assert catalog.erasures.list(TENANT)[0].steps == {}


def test_the_tombstones_of_a_tenant_are_its_own(catalog):
    catalog.tenants.add("other", now=NOW)
    catalog.erasures.begin("other", TOMBSTONE, actor="desk", now=NOW)
    assert catalog.erasures.tombstones(TENANT) == frozenset()
    assert catalog.of_tenant(TENANT).erasures.list() == []


def test_a_version_that_was_taken_back_says_when_and_what_takes_its_place_and_is_not_built_again(catalog):
    fill(catalog, GONE)
    (row,) = catalog.datasets.with_person(TENANT, [GONE.subject_id])
    catalog.datasets.tombstone(TENANT, row.id, successor=None, now=NOW)
    catalog.datasets.tombstone(TENANT, row.id, successor="1-e1", now=LATER)
    found = catalog.datasets.get(TENANT, row.name, row.version)
    assert (found.state, found.tombstoned_at, found.successor) == ("tombstoned", NOW, "1-e1")
    with pytest.raises(ConflictError):
        catalog.datasets.begin(TENANT, row.name, row.version, spec={}, run_id=None, now=LATER)


def test_what_nobody_decided_is_allowed(catalog):
    catalog.subjects.ensure(TENANT, {"anna": "s1"}, now=NOW)
    assert catalog.consents.of(TENANT, "s1") == {"summary": True, "training": True, "sharing": True}
    assert catalog.consents.withheld(TENANT, "training") == frozenset()


def test_the_last_decision_of_a_purpose_counts_and_all_of_them_stay_to_be_read(catalog):
    catalog.subjects.ensure(TENANT, {"anna": "s1", "berta": "s2"}, now=NOW)
    for granted, at in ((False, NOW), (True, LATER), (False, LATER + timedelta(days=1))):
        catalog.consents.decide(TENANT, "s1", {"sharing": granted}, actor="desk", now=at)
    assert catalog.consents.withheld(TENANT, "sharing") == {"s1"}
    assert catalog.consents.of(TENANT, "s1") == {"summary": True, "training": True, "sharing": False}
    history = catalog.consents.history(TENANT, "s1")
    assert [(one.granted, one.at, one.actor) for one in history] == [
        (False, NOW, "desk"),
        (True, LATER, "desk"),
        (False, LATER + timedelta(days=1), "desk"),
    ]


def test_a_tenant_that_demands_consent_counts_only_who_gave_it(catalog):
    catalog.subjects.ensure(TENANT, {"anna": "s1", "berta": "s2"}, now=NOW)
    catalog.consents.decide(TENANT, None, {"training": False, "sharing": False}, actor="admin", now=NOW)
    catalog.consents.decide(TENANT, "s2", {"training": True}, actor="desk", now=NOW)
    assert catalog.consents.withheld(TENANT, "training") == {"s1"}
    assert catalog.consents.withheld(TENANT, "training", ["s1", "s2", "not known"]) == {"s1", "not known"}
    assert catalog.consents.withheld(TENANT, "summary") == frozenset()
    assert catalog.consents.of(TENANT, "s2") == {"summary": True, "training": True, "sharing": False}


WRITTEN = {
    "the id": "anna-canary asked for it",
    "the id within": "as (anna-canary) said",
    "an app": "her app Annas Telefon-App sends nonsense",
    "a record": "as rec-q-anna-canary was",
    "a key": "see raw/StepsRecord/2025/03/03/anna-canary_1_a.avro",
    "a pseudonym": "subject 5ca1ab1e-gone",
    "JSON in it": '{"of": "anna-canary"}',
}


@pytest.mark.parametrize("case", WRITTEN)
def test_a_text_that_names_the_person_within_is_redacted_wherever_somebody_wrote_it(catalog, case):
    fill(catalog, KEPT)
    fill(catalog, GONE)
    said = {"tenant": TENANT, "actor": "desk", "at": NOW, "reason": WRITTEN[case]}
    theirs = {"subject_id": KEPT.subject_id, "record_id": "rec-kept", "kind": "steps"}
    rows = {
        decisions.RulePolicy: {"rule": "steps.count", "bound": "most", "value": 1.0, "version": 1},
        decisions.RequiredContext: {"kind": "steps", "field": "zone"},
        decisions.TenantSetting: {"name": "night", "value": "22"},
        decisions.Completion: {**theirs, "source_app": "app", "start_utc_ms": 1, "field": "f", "value": "+01:00", "scope": {"said": [WRITTEN[case]]}},
        decisions.RuleExemption: {**theirs, "upload_id": "up-berta", "payload_hash": 2, "rule": "r"},
    }  # fmt: skip
    catalog.database.write("fill", lambda c: [c.execute(insert(m), [{**said, **row}]) for m, row in rows.items()])
    event = NewAuditEvent(
        tenant=TENANT, at=NOW, actor="desk", action="say", target="rule", details={"why": WRITTEN[case]}
    )
    catalog.audit.record([event])
    person = Person(
        external_user=GONE.external_user,
        subject_id=GONE.subject_id,
        keys=frozenset({"raw/x/anna-canary.avro"}),
        others=frozenset({"berta"}),
        texts=frozenset({"Annas Telefon-App"}),
    )
    before = everything(catalog)
    removed = catalog.erasures.forget(TENANT, person)
    after = everything(catalog)
    for model in rows:
        name = model.__tablename__
        assert removed[name] >= 1
        assert not [row for row in after[name] if WRITTEN[case] in row], name
        # The decisions themselves stay.
        assert len(after[name]) == len(before[name]) - (name in {"completion", "rule_exemption"}), name
    assert not [row for row in after["audit_event"] if WRITTEN[case] in row]
    assert [row for row in after["subject"] if "berta" in row]
