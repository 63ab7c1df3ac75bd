"""Row-level security of PostgreSQL: nothing is shown where nobody says whose it is, and no table is left out."""

import pytest
from sqlalchemy import create_engine, insert, make_url, select, text
from typer.testing import CliRunner

from resources.catalog import migrations as catalog_migrations
from resources.catalog.catalog import Catalog
from resources.catalog.models.every import METADATA
from resources.catalog.row_security import OF_NO_TENANT, OWNED_THROUGH, protected_tables
from tests.resources.catalog.catalog_builders import NOW, TENANT, upload
from tests.resources.catalog.test_erasures import GONE, fill
from vitals.errors import PermanentError

pytest_plugins = ["tests.servers.catalogs"]
pytestmark = [pytest.mark.integration, pytest.mark.parametrize("dialect", ["postgresql"])]

OWNER, PLAIN = "catalog_owner", "row_reader"


@pytest.fixture
def owned(empty_url):
    """URL of a migrated catalog whose tables belong to the role that the application connects as: no superuser."""
    url = make_url(empty_url)
    with create_engine(url).connect() as admin:
        for role in (OWNER, PLAIN):
            admin.execute(text(f"DROP ROLE IF EXISTS {role}"))
            admin.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'plain'"))
        admin.execute(text(f"GRANT CREATE ON SCHEMA public TO {OWNER}"))
        admin.commit()
    owner = url.set(username=OWNER, password="plain").render_as_string(hide_password=False)
    catalog = Catalog(owner)
    catalog_migrations.upgrade(catalog)
    yield catalog
    catalog.close()
    with create_engine(url).connect() as admin:
        for role in (OWNER, PLAIN):
            admin.execute(text(f"DROP OWNED BY {role} CASCADE"))
            admin.execute(text(f"DROP ROLE {role}"))
        admin.commit()


def as_role(catalog, role):
    url = catalog.database.url.set(username=role, password="plain")
    return create_engine(url.render_as_string(hide_password=False))


def seen(connection) -> dict[str, int]:
    """Rows of each table that a connection sees."""
    return {name: len(connection.execute(select(table)).all()) for name, table in METADATA.tables.items()}


def test_every_table_is_protected_or_holds_nothing_of_a_tenant(owned):
    for name, table in METADATA.tables.items():
        columns = set(table.c.keys())
        if {"tenant", "subject_id", "upload_id", "external_user", "token_id"} & columns:
            assert name in protected_tables(), name
            assert "tenant" in columns or name in OWNED_THROUGH, name
    assert {name for name in METADATA.tables if name not in protected_tables()} == OF_NO_TENANT
    assert catalog_migrations.check(owned) == []


@pytest.fixture
def filled(owned):
    fill(owned, GONE)
    owned.tenants.add("other", now=NOW)
    owned.uploads.register([upload("theirs", tenant="other")])
    owned.tokens.create(TENANT, name="key", role="reader", now=NOW)
    return owned


@pytest.mark.parametrize("role", [OWNER, PLAIN])
def test_a_connection_that_does_not_say_whose_rows_it_asks_for_sees_none_of_any_table(filled, role):
    with as_role(filled, OWNER).connect() as owner:
        owner.execute(text(f"GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO {PLAIN}"))
        owner.commit()
    everything = filled.database.read("look", seen)
    assert min(everything[name] for name in ("subject", "upload", "dataset_contributor", "tenant", "audit_event")) > 0
    with as_role(filled, role).connect() as connection:
        assert {name: rows for name, rows in seen(connection).items() if rows} == {}
        for setting, value in (("vitalgraph.tenant", ""), ("vitalgraph.tenant", "*"), ("vitalgraph.every_tenant", "")):
            connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": setting, "value": value})
            assert {name: rows for name, rows in seen(connection).items() if rows} == {}, (setting, value)


def test_a_tenant_sees_its_own_rows_of_every_table_and_writes_no_others(filled):
    scoped = filled.database.of_tenant("other")
    assert {name: rows for name, rows in scoped.read("look", seen).items() if rows} == {"upload": 1, "tenant": 1}
    own = filled.database.of_tenant(TENANT).read("look", seen)
    everything = filled.database.read("look", seen)
    assert own == everything | {"upload": everything["upload"] - 1, "tenant": everything["tenant"] - 1}
    contributor = METADATA.tables["dataset_contributor"]
    dataset_id = filled.database.read("look", lambda c: c.scalar(select(contributor.c.dataset_id)))
    smuggled = {
        "audit_event": {"tenant": TENANT, "at": NOW, "actor": "a", "action": "b", "target": "c", "details": {}},
        "left_out": {"tenant": TENANT, "key": "k", "why": "w", "first_seen": NOW, "last_seen": NOW},
        "dataset_contributor": {"dataset_id": dataset_id, "subject_id": "s", "examples": 1},
        "tenant": {"name": "third", "created_at": NOW},
        "subject": {"subject_id": "x", "tenant": TENANT, "external_user": "u", "created_at": NOW},
    }
    for name, row in smuggled.items():
        statement = insert(METADATA.tables[name])
        with pytest.raises(PermanentError):
            scoped.write("smuggle", lambda c, statement=statement, row=row: c.execute(statement, [row]))


def test_the_check_says_which_table_is_not_protected(filled):
    changes = {
        "ALTER TABLE left_out DISABLE ROW LEVEL SECURITY": "row-level security of table left_out is off",
        "ALTER TABLE subject NO FORCE ROW LEVEL SECURITY": "does not bind the owner",
        "DROP POLICY upload_of_one_tenant ON upload": "table upload has no policy",
    }
    with as_role(filled, OWNER).connect() as owner:
        for at, (change, said) in enumerate(changes.items()):
            owner.execute(text(change))
            owner.commit()
            wrong = catalog_migrations.check(filled)
            assert len(wrong) == at + 1
            assert any(said in one for one in wrong)


@pytest.mark.parametrize(
    ("right", "said"), [("SUPERUSER", "is a superuser"), ("BYPASSRLS", "has BYPASSRLS"), ("NOSUPERUSER", None)]
)
def test_db_check_says_when_the_role_of_the_catalog_is_not_bound(owned, empty_url, tmp_path, right, said):
    from interfaces.cli.main import app

    with create_engine(empty_url).connect() as admin:
        admin.execute(text(f"ALTER ROLE {OWNER} {right}"))
        admin.commit()
    environment = {
        "VITALGRAPH_CATALOG": owned.database.url.render_as_string(hide_password=False),
        "VITALGRAPH_HOME": str(tmp_path),
    }
    shown = CliRunner().invoke(app, ["db", "check"], env=environment)
    strict = CliRunner().invoke(app, ["db", "check", "--strict"], env=environment)
    assert shown.exit_code == 0, shown.output
    assert strict.exit_code == (3 if said else 0)
    assert ("row-level security does not bind" in " ".join(shown.output.split())) == bool(said)
    assert said is None or said in " ".join(shown.output.split())
