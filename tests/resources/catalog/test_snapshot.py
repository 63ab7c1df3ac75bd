"""The copy for a what-if: one tenant's rows, all of them, and nothing of anybody else."""

from sqlalchemy import select, text

from resources.catalog.models.every import METADATA
from resources.catalog.rows.tenants import NewAuditEvent
from resources.catalog.settlement import Settlement
from resources.catalog.snapshot import NOT_COPIED, copy_of
from tests.resources.catalog.catalog_builders import NOW, partial, processed, quarantined, stale, upload

pytest_plugins = ["tests.servers.catalogs"]


def fill(catalog, tenant, name):
    """Something in nearly every table, all of it named after the tenant's person."""
    catalog.subjects.ensure(tenant, {f"user-{name}": f"pseudonym-{name}"}, now=NOW)
    key = f"raw/StepsRecord/2025/03/03/user-{name}.avro"
    catalog.uploads.register([upload(name, tenant=tenant, key=key, subject_id=f"pseudonym-{name}")])
    catalog.uploads.claim([name], run_id="run", now=NOW)
    catalog.settle(
        Settlement(
            run_id="run",
            outcomes=[processed(name, accepted=1, partial=1, quarantined=1)],
            quarantine_rows=[quarantined(name, 0, tenant=tenant, record_id=f"record-{name}")],
            partial_rows=[partial(name, 1, tenant=tenant, payload={"app": f"app-{name}", "n": 1.5, "x": None})],
            stale_marks=[stale(tenant=tenant)],
        ),
        now=NOW,
    )
    catalog.consents.decide(tenant, f"pseudonym-{name}", {"summary": False}, actor=f"actor-{name}", now=NOW)
    catalog.batches.add(tenant, f"batch-{name}", [name])
    catalog.tokens.create(tenant, name=f"key-{name}", role="reader", now=NOW)
    event = NewAuditEvent(tenant=tenant, at=NOW, actor=f"key-{name}", action="read", target=f"pseudonym-{name}")
    catalog.audit.record([event])


def rows(catalog, table, tenant=None):
    statement = select(table).order_by(*table.primary_key.columns)
    if tenant is not None:
        statement = statement.where(table.c["name" if table.name == "tenant" else "tenant"] == tenant)
    return catalog.database.read("look", lambda connection: connection.execute(statement).all())


def test_a_copy_holds_every_row_of_its_tenant_and_none_of_another(catalog, tmp_path):
    catalog.tenants.add("other", now=NOW)
    fill(catalog, "default", "mine")
    fill(catalog, "other", "theirs")
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    copy = copy_of(catalog, "default", folder)
    filled = 0
    for table in METADATA.sorted_tables:
        kept = "tenant" in table.c or table.name == "tenant"
        expected = rows(catalog, table, "default") if kept and table.name not in NOT_COPIED else []
        assert rows(copy, table) == expected, table.name
        filled += bool(expected)
    assert filled >= 7
    assert copy.database.read("check", lambda c: c.execute(text("PRAGMA foreign_key_check")).all()) == []
    copy.close()
    data = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"pseudonym-mine" in data
    for word in (b"theirs", b"other", b"key-mine", b"key-theirs"):
        assert word not in data


def test_a_copy_may_be_decided_on_and_the_catalog_stays_as_it_is(catalog, tmp_path):
    fill(catalog, "default", "mine")
    before = {table: rows(catalog, table) for table in METADATA.sorted_tables}
    (tmp_path / "copy").mkdir()
    copy = copy_of(catalog, "default", tmp_path / "copy")
    assert copy.uploads.reland(["mine"]) == ["mine"]
    copy.quarantine.discard("default", [row.id for row in copy.quarantine.list("default")], now=NOW)
    copy.close()
    assert {table: rows(catalog, table) for table in METADATA.sorted_tables} == before
