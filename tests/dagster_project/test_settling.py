"""Settling in the background: one at a time per tenant, nothing forgotten, a failure stops nobody."""

import threading
from datetime import UTC, datetime

from dagster_project.settling import Settler

SINCE = datetime(2025, 9, 20, tzinfo=UTC)


def test_what_is_asked_for_while_it_settles_is_settled_next_all_at_once():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work(tenant, asked):
        done.append(asked.kinds)
        begun.set()
        assert go_on.wait(10)

    settler = Settler(work)
    settler.wake("a", {"sleep"}, since=SINCE)
    assert begun.wait(10)
    settler.wake("a", {"steps"}, since=SINCE)
    last = settler.wake("a", {"hrv_rmssd"}, since=SINCE)
    assert not settler.wait("a", last, seconds=0)
    go_on.set()
    assert settler.wait("a", last, seconds=10)
    assert done == [{"sleep"}, {"steps", "hrv_rmssd"}]


def test_whoever_ends_waits_for_what_is_under_way_and_leaves_the_rest():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work(tenant, asked):
        begun.set()
        assert go_on.wait(10)
        done.append(asked.kinds)

    settler = Settler(work)
    settler.wake("a", {"sleep"}, since=SINCE)
    assert begun.wait(10)
    settler.wake("a", {"steps"}, since=SINCE)
    assert not settler.end(seconds=0)
    go_on.set()
    assert settler.end(seconds=10)
    assert done == [{"sleep"}]
    settler.wake("b", {"sleep"}, since=SINCE)
    assert settler.end(seconds=10)
    assert done == [{"sleep"}]


def test_one_tenant_does_not_wait_for_another():
    go_on = threading.Event()
    settler = Settler(lambda tenant, _: tenant == "b" or go_on.wait(10))
    slow = settler.wake("a", {"sleep"}, since=SINCE)
    assert settler.wait("b", settler.wake("b", {"sleep"}, since=SINCE), seconds=10)
    assert not settler.wait("a", slow, seconds=0)
    go_on.set()
    assert settler.wait("a", slow, seconds=10)


def test_a_failure_is_logged_without_its_message_and_the_next_is_settled(caplog):
    done = []

    def work(_, asked):
        if "sleep" in asked.kinds:
            raise ValueError("142 mg/dL")
        done.append(asked.kinds)

    settler = Settler(work)
    assert settler.wait("a", settler.wake("a", {"sleep"}, since=SINCE), seconds=10)
    assert settler.wait("a", settler.wake("a", {"steps"}, since=SINCE), seconds=10)
    assert done == [{"steps"}]
    assert "142" not in caplog.text
    assert "ValueError" in caplog.text
