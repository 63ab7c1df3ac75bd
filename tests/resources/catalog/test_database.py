"""Transactions, retries and errors of the connection to the catalog."""

import sqlite3
import stat
import threading
import traceback
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from resources.catalog import database as catalog_database
from resources.catalog.catalog import Catalog
from tests.resources.catalog.catalog_builders import DAY, NOW, TENANT, claimed, processed, stale, upload
from vitals.errors import PermanentError, TransientError, UsageError

pytest_plugins = ["tests.servers.catalogs"]

# Put together at run time: a traceback quotes the lines of this file.
PERSON = "nosredna"[::-1]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://root:hunter2@host/db",
        "mysql://host/db?password=hunter2",
        "postgresql://user:hunter2@host:abc/db",
        "no url:hunter2",
    ],
)
def test_a_url_that_cannot_work_is_a_usage_error_without_its_password(url):
    with pytest.raises(UsageError) as raised:
        Catalog(url)
    assert "hunter2" not in "".join(traceback.format_exception(raised.value)[-1:])


@pytest.mark.parametrize("url", ["user:hunter2@127.0.0.1:1/db", "127.0.0.1:1/db?user=user&password=hunter2"])
def test_messages_do_not_show_the_password(url):
    catalog = Catalog(f"postgresql://{url}", sleep=lambda _: None)
    with pytest.raises(TransientError) as raised:
        catalog.tenants.list()
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_the_pool_is_as_large_as_asked_for(scheme):
    default = Catalog(f"{scheme}://user@127.0.0.1:1/db")
    assert (default.database.engine.pool.size(), default.database.engine.pool._max_overflow) == (20, 30)
    other = Catalog(f"{scheme}://user@127.0.0.1:1/db", pool_size=3, max_overflow=4)
    assert (other.database.engine.pool.size(), other.database.engine.pool._max_overflow) == (3, 4)


def test_a_new_catalog_file_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "deep" / "home" / "catalog.db"
    catalog = Catalog(f"sqlite:///{path}")
    catalog.database.write("create", lambda connection: connection.execute(text("CREATE TABLE x (y INTEGER)")))
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    catalog.close()


def test_what_the_database_refuses_is_told_without_anybodys_id(catalog):
    catalog.subjects.ensure(TENANT, {PERSON: "s1"}, now=NOW)
    with pytest.raises(PermanentError) as raised:
        catalog.subjects.set_profile(TENANT, PERSON, {"age_years": 777})
    told = "".join(traceback.format_exception(raised.value))
    assert "ck_subject_age_years" in told
    assert PERSON not in told
    assert "777" not in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None


def test_a_value_that_no_column_takes_is_a_permanent_error(catalog):
    naive = datetime(2025, 1, 1)
    for mistake in (
        lambda: catalog.uploads.register([upload("a", landed_at=naive)]),
        lambda: catalog.uploads.register([upload("a", size_bytes=2**80)]),
        lambda: catalog.uploads.register([upload("a", landing_day="no day")]),
    ):
        with pytest.raises(PermanentError):
            mistake()
    assert catalog.uploads.counts(TENANT) == {}


def test_what_fails_for_good_is_not_tried_again(catalog):
    calls = []

    def work(connection):
        calls.append(1)
        connection.execute(text("INSERT INTO tenant (name) VALUES ('x')"))

    with pytest.raises(PermanentError):
        catalog.database.write("break a rule", work)
    assert len(calls) == 1


def test_an_error_in_the_middle_undoes_the_whole_transaction(catalog):
    def work(connection):
        connection.execute(text("DELETE FROM tenant"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        catalog.database.write("break off", work)
    assert len(catalog.tenants.list()) == 1


def test_a_taken_pool_may_be_free_later(catalog):
    assert isinstance(catalog.database.explain(PoolTimeoutError(), "wait"), TransientError)


@pytest.fixture
def locked(migrated_file, tmp_path, monkeypatch):
    """A SQLite catalog, and another writer that holds it."""
    monkeypatch.setattr(catalog_database, "BUSY_TIMEOUT_MS", 1)
    (tmp_path / "catalog.db").write_bytes(migrated_file.read_bytes())
    holder = sqlite3.connect(tmp_path / "catalog.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    yield f"sqlite:///{tmp_path / 'catalog.db'}", holder
    holder.close()


def test_a_locked_database_is_tried_again_with_growing_waits_and_then_given_up(locked):
    url, _ = locked
    waits = []
    catalog = Catalog(url, sleep=waits.append)
    with pytest.raises(TransientError, match="locked"):
        catalog.stale_days.mark([stale()], now=NOW)
    ceilings = [catalog_database.FIRST_DELAY_SECONDS * 2**n for n in range(1, catalog_database.ATTEMPTS)]
    assert len(waits) == len(ceilings)
    assert all(ceiling / 2 <= wait <= ceiling for wait, ceiling in zip(waits, ceilings, strict=True))
    catalog.close()


def test_a_database_that_is_locked_for_a_while_is_waited_for(locked):
    url, holder = locked
    catalog = Catalog(url, sleep=lambda _: holder.in_transaction and holder.execute("ROLLBACK"))
    catalog.stale_days.mark([stale()], now=NOW)
    assert len(catalog.stale_days.list(TENANT, "clinical")) == 1
    catalog.close()


def test_reading_does_not_wait_for_a_writer(locked):
    url, _ = locked
    catalog = Catalog(url, sleep=lambda _: pytest.fail("it waited"))
    assert [tenant.name for tenant in catalog.tenants.list()] == ["default"]
    catalog.close()


def test_writing_does_not_wait_for_a_reader(open_catalog, monkeypatch):
    monkeypatch.setattr(catalog_database, "BUSY_TIMEOUT_MS", 1)
    reader, writer = open_catalog(), open_catalog()

    def work(connection):
        connection.execute(text("SELECT * FROM stale_day")).all()
        writer.stale_days.mark([stale()], now=NOW)
        return connection.execute(text("SELECT * FROM stale_day")).all()

    reader.database.read("read for long", work)
    assert len(reader.stale_days.list(TENANT, "clinical")) == 1


def test_many_writers_and_readers_at_once_lose_nothing(open_catalog):
    clients, days = 8, 15
    failures = []

    def work(number: int) -> None:
        try:
            client = open_catalog()
            for day in range(days):
                client.stale_days.mark(
                    [stale(kind=f"kind{number}", local_date=DAY + timedelta(days=day)), stale(kind="shared")], now=NOW
                )
                client.stale_days.list(TENANT, "clinical")
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    found = open_catalog().stale_days.list(TENANT, "clinical")
    assert len(found) == clients * days + 1
    shared = next(row for row in found if row.kind == "shared")
    assert shared.version == int(NOW.timestamp() * 1_000_000) + clients * days - 1


def test_batches_that_settle_at_once_and_shift_each_others_fates_both_count(open_catalog):
    """Each locks what it will change in one order, so they wait for each other and do not deadlock."""
    from resources.catalog.rows.uploads import FateShift
    from resources.catalog.settlement import Settlement

    names = [f"u{n}" for n in range(6)]
    first = open_catalog()
    claimed(first, *names)
    first.uploads.finish([processed(name, accepted=100) for name in names], now=NOW)
    claimed(first, *(f"batch{n}" for n in range(6)))
    shift = FateShift(accepted=-1, duplicate=1)
    failures = []

    def work(number: int) -> None:
        deltas = dict.fromkeys(names[number:] + names[:number], shift)
        batch = Settlement(run_id="run", outcomes=[processed(f"batch{number}", accepted=1)], deltas=deltas)
        try:
            open_catalog().settle(batch, now=NOW)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert {row.rows_accepted for row in first.uploads.get(names).values()} == {94}
