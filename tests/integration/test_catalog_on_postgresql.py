"""What only a real PostgreSQL server can do to the catalog: go away, deadlock, refuse, run out."""

import random
import threading
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import text

from resources.catalog import database as catalog_database
from resources.catalog import migrations as catalog_migrations
from resources.catalog.catalog import Catalog
from tests.resources.catalog.catalog_builders import DAY, NOW, TENANT, stale, upload, zone
from tests.resources.catalog.stored import zone_observations
from tests.servers.postgresql import PostgresqlServer
from vitals.errors import TransientError

pytest_plugins = ["tests.servers.catalogs"]
pytestmark = pytest.mark.integration


@pytest.fixture
def dialect():
    """The parametrised fixtures, on PostgreSQL only."""
    return "postgresql"


def run_all(*jobs) -> list[Exception]:
    """Run jobs at the same time; what they raised."""
    failures: list[Exception] = []

    def guarded(job) -> None:
        try:
            job()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_a_server_that_restarts_is_found_again_and_one_that_is_gone_is_given_up():
    waits = []
    with PostgresqlServer() as server:
        catalog = Catalog(server.url(), sleep=waits.append)
        catalog_migrations.upgrade(catalog)
        catalog.stale_days.mark([stale()], now=NOW)
        server.stop()
        server.start()
        assert len(catalog.stale_days.list(TENANT, "clinical")) == 1
        server.stop()
        waits.clear()
        with pytest.raises(TransientError) as raised:
            catalog.stale_days.mark([stale()], now=NOW)
        assert len(waits) == catalog_database.ATTEMPTS - 1
        assert server.password not in str(raised.value)
        with pytest.raises(TransientError), catalog.exclusive("lane", wait=False):
            pass
        server.start()
        catalog.stale_days.mark([stale(kind="sleep")], now=NOW)
        assert len(catalog.stale_days.list(TENANT, "clinical")) == 2
        catalog.close()


def test_a_connection_that_breaks_in_a_transaction_is_replaced_and_the_work_done_once(catalog, postgresql_server):
    attempts = []

    def work(connection):
        connection.execute(text("INSERT INTO tenant (name, created_at) VALUES ('x', now())"))
        attempts.append(connection.scalar(text("SELECT pg_backend_pid()")))
        if len(attempts) == 1:
            postgresql_server.execute(f"SELECT pg_terminate_backend({attempts[0]})")
        connection.execute(text("SELECT 1"))

    catalog.database.write("be interrupted", work)
    assert len(set(attempts)) == 2
    assert [tenant.name for tenant in catalog.tenants.list()] == ["default", "x"]


def test_of_two_transactions_in_a_deadlock_both_end_done(catalog):
    catalog.uploads.register([upload("a"), upload("b")])
    both_hold_one = threading.Barrier(2)
    attempts = []

    def touch(first: str, second: str):
        def work(connection):
            attempts.append(first)
            add = text("UPDATE upload SET attempts = attempts + 1 WHERE upload_id = :id")
            connection.execute(add, {"id": first})
            if attempts.count(first) == 1:
                both_hold_one.wait(30)
            connection.execute(add, {"id": second})

        return lambda: catalog.database.write("deadlock", work)

    # The one that is tried again may meet the other before the barrier only if it has passed it once.
    assert run_all(touch("a", "b"), touch("b", "a")) == []
    assert len(attempts) == 3
    assert {row.attempts for row in catalog.uploads.get(["a", "b"]).values()} == {2}


def test_evidence_that_comes_from_many_sides_at_once_is_merged(open_catalog):
    rows = [
        zone(subject_id=f"s{n % 3}", utc_date=DAY + timedelta(days=n % 7), first_utc_ms=1000 - n, last_utc_ms=2000 + n)
        for n in range(100)
    ]

    def send(seed: int):
        order = rows.copy()
        random.Random(seed).shuffle(order)
        client = open_catalog()

        def job() -> None:
            for start in range(0, len(order), 10):
                client.zones.upsert(order[start : start + 10])

        return job

    assert run_all(*(send(seed) for seed in range(4))) == []
    found = zone_observations(open_catalog(), TENANT)
    assert len(found) == 21
    for row in found:
        same = [r for r in rows if (r.subject_id, r.utc_date) == (row.subject_id, row.utc_date)]
        assert row.first_utc_ms == min(r.first_utc_ms for r in same)
        assert row.last_utc_ms == max(r.last_utc_ms for r in same)


def test_more_clients_than_the_pool_keeps_are_served(catalog):
    catalog.stale_days.mark([stale()], now=NOW)
    everybody_reads = threading.Barrier(40)

    def work(connection):
        connection.execute(text("SELECT 1"))
        everybody_reads.wait(60)

    assert run_all(*[lambda: catalog.database.read("read together", work)] * 40) == []
    assert catalog.database.engine.pool.checkedout() == 0


def test_wrong_credentials_and_a_database_that_is_not_there_are_told(postgresql_server):
    waits = []
    nowhere = Catalog(postgresql_server.url("not_there"), sleep=waits.append)
    with pytest.raises(TransientError, match='database "not_there" does not exist'):
        nowhere.tenants.list()
    stranger = Catalog(postgresql_server.url().replace(postgresql_server.password, "hunter2"), sleep=waits.append)
    with pytest.raises(TransientError, match="password authentication failed") as raised:
        stranger.tenants.list()
    assert "hunter2" not in str(raised.value)
    assert len(waits) <= 2 * (catalog_database.ATTEMPTS - 1)


def test_a_lane_whose_session_was_ended_is_free_and_leaving_it_is_no_error(open_catalog, postgresql_server):
    first, second = open_catalog(), open_catalog()
    with first.exclusive("lane", wait=True):
        postgresql_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'vitalgraph lane'"
        )
        with second.exclusive("lane", wait=True) as held:
            assert held


def test_lanes_are_no_part_of_the_pool(catalog):
    with catalog.exclusive("lane", wait=True):
        assert catalog.database.engine.pool.checkedout() == 0


def test_a_transaction_left_open_by_a_dead_client_holds_nobody_up(catalog, catalog_url):
    catalog.uploads.register([upload("a")])
    with psycopg.connect(catalog_url) as other:
        other.execute("UPDATE upload SET attempts = 7")
        other.close()
    assert catalog.uploads.claim(["a"], run_id="r", now=NOW) == {"a": 1}
