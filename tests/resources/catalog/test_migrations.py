"""The schema over time: up, down, and equal to the models."""

import json
import re
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, inspect, text

from resources.catalog import migrations as catalog_migrations
from resources.catalog.catalog import Catalog
from resources.catalog.models.every import METADATA
from resources.catalog.settlement import Settlement
from tests.resources.catalog.catalog_builders import NOW, TENANT, claimed, partial, processed, quarantined, stale
from vitals.errors import ConflictError, NotFoundError, PermanentError

pytest_plugins = ["tests.servers.catalogs"]


@pytest.fixture
def empty(empty_url):
    catalog = Catalog(empty_url)
    yield catalog
    catalog.close()


def schema(catalog):
    """Everything the database says of its tables, our version table apart."""

    def plain(value):
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(one) for one in value]
        return re.sub(r"\s+", " ", str(value))

    def by_name(things):
        return sorted((plain(thing) for thing in things), key=lambda thing: str(thing["name"]))

    def work(connection):
        found = inspect(connection)
        return {
            table: {
                "columns": by_name(found.get_columns(table)),
                "primary key": plain(found.get_pk_constraint(table)),
                "foreign keys": by_name(found.get_foreign_keys(table)),
                "unique": by_name(found.get_unique_constraints(table)),
                "checks": by_name(found.get_check_constraints(table)),
                "indexes": by_name(found.get_indexes(table)),
            }
            for table in found.get_table_names()
            if table != "alembic_version"
        }

    return catalog.database.read("inspect", work)


def revisions():
    """All revisions, first to last."""
    folder = Path(catalog_migrations.__file__).parents[2] / "migrations"
    return [script.revision for script in ScriptDirectory(str(folder)).walk_revisions()][::-1]


def fill(catalog):
    """Something in nearly every table."""
    catalog.subjects.ensure(TENANT, {"anna": "s1"}, now=NOW)
    claimed(catalog, "a")
    catalog.settle(
        Settlement(
            run_id="run",
            outcomes=[processed("a", accepted=1, partial=1, quarantined=1)],
            quarantine_rows=[quarantined("a", 0)],
            partial_rows=[partial("a", 1)],
            stale_marks=[stale()],
        ),
        now=NOW,
    )


def test_migrations_end_in_the_tables_of_the_models(empty):
    assert catalog_migrations.current(empty) is None
    assert catalog_migrations.check(empty) != []
    assert catalog_migrations.upgrade(empty) == revisions()[-1] == catalog_migrations.current(empty)
    assert catalog_migrations.check(empty) == []


def test_checks_defaults_and_indexes_are_those_of_the_models_too(empty):
    """Alembic's comparison sees neither checks nor the conditions of indexes."""
    empty.database.write("create", METADATA.create_all)
    of_models = schema(empty)
    empty.database.write("drop", METADATA.drop_all)
    catalog_migrations.upgrade(empty)
    assert schema(empty) == of_models


@pytest.mark.parametrize("change", ["ALTER TABLE tenant ADD COLUMN x INTEGER", "DROP INDEX ix_upload_tenant_state"])
def test_a_schema_that_somebody_changed_by_hand_does_not_pass(empty, change):
    catalog_migrations.upgrade(empty)
    empty.database.write("meddle", lambda connection: connection.execute(text(change)))
    assert len(catalog_migrations.check(empty)) == 1


def test_every_revision_goes_up_down_and_up_again(empty, tmp_path):
    steps = [None, *revisions()]
    for before, after in pairwise(steps):
        catalog_migrations.upgrade(empty, after)
        upgraded = schema(empty)
        catalog_migrations.downgrade(empty, before or "base", export_to=tmp_path / after)
        assert catalog_migrations.current(empty) == before
        catalog_migrations.upgrade(empty, after)
        assert schema(empty) == upgraded


def test_a_downgrade_to_nothing_leaves_no_table(empty, tmp_path):
    catalog_migrations.upgrade(empty)
    catalog_migrations.downgrade(empty, "base", export_to=tmp_path / "x")
    assert schema(empty) == {}


def test_upgrading_again_keeps_what_is_there(empty):
    catalog_migrations.upgrade(empty)
    fill(empty)
    before = empty.uploads.list(TENANT)
    catalog_migrations.upgrade(empty)
    assert empty.uploads.list(TENANT) == before


def test_a_downgrade_first_writes_every_row_where_only_its_owner_reads(empty, tmp_path):
    catalog_migrations.upgrade(empty)
    fill(empty)
    written = catalog_migrations.downgrade(empty, "base", export_to=tmp_path / "export")
    assert {path.stem for path in written} == {
        *("tenant", "subject", "upload", "quarantine", "partial_record", "stale_day", "alembic_version"),
    }
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in written)
    (row,) = map(json.loads, (tmp_path / "export" / "partial_record.jsonl").read_text().splitlines())
    assert (row["upload_id"], row["row_index"], row["payload"]) == ("a", 1, {"count": 12})
    assert row["first_seen"].startswith("2025-03-04T05:06:07.00089")


def test_a_downgrade_does_not_overwrite_an_export(empty, tmp_path):
    catalog_migrations.upgrade(empty)
    (tmp_path / "tenant.jsonl").write_text("")
    with pytest.raises(ConflictError):
        catalog_migrations.downgrade(empty, "base", export_to=tmp_path)
    assert catalog_migrations.current(empty) == revisions()[-1]


def test_a_revision_that_does_not_exist_is_not_found(empty, tmp_path):
    with pytest.raises(NotFoundError):
        catalog_migrations.upgrade(empty, "9999")
    assert catalog_migrations.current(empty) is None


def test_a_migration_that_breaks_off_changes_nothing(empty):
    def break_off() -> None:
        with empty.database.migrating() as connection:
            connection.execute(text("CREATE TABLE half_done (x INTEGER)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_off()
    assert schema(empty) == {}


def test_rebuilding_a_table_keeps_the_rows_that_refer_to_it(empty):
    """SQLite alters a table by dropping it, at which foreign keys would delete or refuse."""
    catalog_migrations.upgrade(empty)
    fill(empty)
    with empty.database.migrating() as connection:
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("upload", recreate="auto") as batch:
            batch.alter_column("size_bytes", nullable=True)
            batch.add_column(Column("extra", Integer()))
    assert len(empty.quarantine.list(TENANT)) == len(empty.partials.list(TENANT)) == 1
    with pytest.raises(PermanentError):
        empty.database.write("orphan", lambda connection: connection.execute(text("DELETE FROM upload")))


def test_processes_that_start_together_migrate_once(empty_url):
    failures = []

    def start() -> None:
        catalog = Catalog(empty_url)
        try:
            catalog_migrations.upgrade(catalog)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            failures.append(error)
        finally:
            catalog.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_migrations_are_found_from_any_folder(tmp_path):
    root = Path(catalog_migrations.__file__).parents[2]
    code = (
        "from resources.catalog import migrations as catalog_migrations; from resources.catalog.catalog import Catalog;"
        "catalog = Catalog('sqlite:///catalog.db'); catalog_migrations.upgrade(catalog);"
        "assert catalog_migrations.check(catalog) == []"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(root)}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()


def test_a_draft_of_nothing_new_is_empty(empty, tmp_path):
    catalog_migrations.upgrade(empty)
    draft = catalog_migrations.draft(empty, "nothing new", folder=tmp_path).read_text()
    assert f"down_revision = '{revisions()[-1]}'" in draft
    assert draft.count("    pass\n") == 2


def test_a_catalog_that_was_never_migrated_says_how_to(empty):
    with pytest.raises(PermanentError, match="vitalgraph db upgrade"):
        empty.tenants.list()
    with pytest.raises(PermanentError, match="vitalgraph db upgrade"):
        empty.stale_days.mark([stale()], now=NOW)


def test_rows_from_before_decisions_keep_all_they_had_and_get_the_defaults(empty, tmp_path):
    """What 0003 wrote: quarantined rows, partial rows, audit events. Down again, released rows are not resurrected."""
    catalog_migrations.upgrade(empty, "0003")
    at = "2025-03-04 05:06:07"
    for statement in (
        f"INSERT INTO tenant (name, created_at) VALUES ('t', '{at}')",
        (
            "INSERT INTO upload (upload_id, tenant, key, key_sha256, etag, size_bytes, type_name, kind, landing_day, landed_at,"
            f" state) VALUES ('u', 't', 'k', 'h', 'e', 1, 'StepsRecord', 'steps', '2025-03-04', '{at}', 'processed')"
        ),
        (
            "INSERT INTO quarantine (upload_id, tenant, kind, row_index, rule_id, rule_version, reason, first_seen)"
            f" VALUES ('u', 't', 'steps', 1, 'r', 1, 'r:x', '{at}'), ('u', 't', 'steps', 2, 'r', 1, 'r:x', '{at}')"
        ),
        (
            "INSERT INTO partial_record (upload_id, tenant, kind, subject_id, record_id, row_index, missing, payload, first_seen)"
            f" VALUES ('u', 't', 'steps', 's', 'r', 3, '[]', '{{}}', '{at}')"
        ),
        (
            "INSERT INTO audit_event (tenant, at, actor, action, target, details)"
            f" VALUES ('t', '{at}', 'a', 'b', 'c', '{{}}')"
        ),
    ):
        empty.database.write("write as before", lambda connection, s=statement: connection.exec_driver_sql(s))
    catalog_migrations.upgrade(empty)
    rows = empty.quarantine.list("t")
    assert [(row.status, row.judged_by) for row in rows] == [("waiting", "r:x@1"), ("waiting", "r:x@1")]
    assert [(row.version, row.status) for row in empty.partials.list("t")] == [(1, "waiting")]
    assert [event.duration_ms for event in empty.audit.recent("t")] == [None]
    assert empty.completions.in_force("t") == empty.rule_policies.changes("t") == []
    release = text("UPDATE quarantine SET released_at = first_seen WHERE row_index = 2")
    empty.database.write("release", lambda connection: connection.execute(release))
    written = catalog_migrations.downgrade(empty, "0003", export_to=tmp_path / "x")
    assert len((tmp_path / "x" / "quarantine.jsonl").read_text().splitlines()) == 2
    assert "quarantine" in {path.stem for path in written}
    left = empty.database.read("count", lambda connection: connection.scalar(text("SELECT count(*) FROM quarantine")))
    assert left == 1
