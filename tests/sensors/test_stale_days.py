"""The sensor of stale days: exactly the assets that are stale, and not while their data still come in."""

from datetime import UTC, date, datetime, timedelta

from resources.catalog.rows.days import StaleDay
from sensors.requests import partition_key
from sensors.stale_days import PATIENCE, choose_days, stale_assets

NOW = datetime(2025, 9, 21, tzinfo=UTC)
DAY = date(2025, 9, 20)


def mark(kind: str = "steps", stage: str = "clinical", day: date = DAY, age: timedelta = timedelta()) -> StaleDay:
    return StaleDay(
        tenant="default", stage=stage, kind=kind, local_date=day, reason="records", version=1, marked_at=NOW - age
    )


def days_of(marks, **changes) -> list[date]:
    arguments = {"busy_tenants": [], "running": [], "possible": lambda _: True, "now": NOW, "limit": 10, **changes}
    return [request.local_day for request in choose_days(marks, **arguments)]


def test_a_stale_kind_asks_for_its_facts_its_examples_and_the_journal_and_nothing_else():
    assert [key.to_user_string() for key in stale_assets([mark("steps")])] == [
        "clinical/steps",
        "training/physical_activity",
        "training/day_journal",
    ]


def test_stale_examples_ask_for_no_facts():
    assert [key.to_user_string() for key in stale_assets([mark("sleep", "training")])] == ["training/sleep_recovery"]


def test_days_wait_while_uploads_of_their_tenant_are_pending_but_not_for_ever():
    young, old = [mark()], [mark(age=PATIENCE + timedelta(seconds=1))]
    assert days_of(young, busy_tenants=["default"]) == []
    assert days_of(old, busy_tenants=["default"]) == [DAY]
    assert days_of(young) == [DAY]


def test_a_day_that_is_being_run_or_is_no_partition_is_not_asked_for():
    assert days_of([mark()], running=[partition_key(DAY, "default")]) == []
    assert days_of([mark()], possible=lambda _: False) == []


def test_the_oldest_days_come_first_and_the_rest_in_the_next_tick():
    marks = [mark(day=DAY - timedelta(days=n)) for n in range(4)]
    assert days_of(marks, limit=2) == [DAY - timedelta(days=3), DAY - timedelta(days=2)]
