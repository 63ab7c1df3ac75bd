"""One holder per lane, across processes, until it lets go or dies."""

import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from vitals.errors import UsageError

pytest_plugins = ["tests.servers.catalogs"]

HOLD = """
import sys, time
from resources.catalog.catalog import Catalog
with Catalog(sys.argv[1]).exclusive(sys.argv[2], wait=True):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def another_process_holding(url, lane):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, url, lane], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    )
    try:
        assert process.stdout.readline() == b"held\n"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_lane_has_one_holder_at_a_time(open_catalog):
    first, second = open_catalog(), open_catalog()
    with first.exclusive("lane", wait=False) as held, second.exclusive("lane", wait=False) as refused:
        assert (held, refused) == (True, False)
    with second.exclusive("lane", wait=False) as held:
        assert held


def test_another_lane_is_free(open_catalog):
    first, second = open_catalog(), open_catalog()
    with (
        first.exclusive("validated-default", wait=True),
        second.exclusive("validated-other", wait=False) as held,
    ):
        assert held


def test_the_same_process_does_not_enter_its_lane_twice(catalog):
    with catalog.exclusive("lane", wait=True), catalog.exclusive("lane", wait=False) as held:
        assert not held


def test_a_lane_is_free_after_an_error_in_it(catalog):
    with pytest.raises(ZeroDivisionError), catalog.exclusive("lane", wait=True):
        _ = 1 / 0
    with catalog.exclusive("lane", wait=False) as held:
        assert held


def test_who_waits_gets_the_lane_when_its_holder_lets_go(open_catalog):
    entered = threading.Event()

    def wait() -> None:
        with open_catalog().exclusive("lane", wait=True) as held:
            assert held
            entered.set()

    waiting = threading.Thread(target=wait)
    with open_catalog().exclusive("lane", wait=True):
        waiting.start()
        assert not entered.wait(0.5)
    assert entered.wait(30)
    waiting.join()


def test_a_lane_does_not_outlive_a_holder_that_is_killed(catalog, catalog_url):
    with another_process_holding(catalog_url, "lane") as holder:
        with catalog.exclusive("lane", wait=False) as held:
            assert not held
        holder.send_signal(signal.SIGKILL)
        with catalog.exclusive("lane", wait=True) as held:
            assert held


@pytest.mark.parametrize("lane", ["", "a/b", "../x", "a b", "x" * 121, "ä"])
def test_a_lane_name_that_would_not_fit_a_file_is_refused(catalog, lane):
    with pytest.raises(UsageError), catalog.exclusive(lane, wait=False):
        pass


def test_holding_a_lane_does_not_keep_others_from_writing(open_catalog):
    from tests.resources.catalog.catalog_builders import NOW, stale

    with open_catalog().exclusive("lane", wait=True):
        open_catalog().stale_days.mark([stale()], now=NOW)


def held(catalog, lane) -> bool:
    """Whether the lane is anybody's, shared or not."""
    with catalog.exclusive(lane, wait=False) as free:
        return not free


def test_a_lane_is_shared_by_many_and_by_nobody_who_holds_it_alone(open_catalog):
    first, second, other = open_catalog(), open_catalog(), open_catalog()
    with first.shared("lane"):
        with second.shared("lane"):
            assert held(other, "lane")
        assert held(other, "lane")
    assert not held(other, "lane")


def test_who_would_share_waits_for_who_holds_the_lane_alone_and_the_other_way_round(open_catalog):
    for first, second in (("exclusive", "shared"), ("shared", "exclusive")):
        entered = threading.Event()

        def enter(kind, catalog):
            return catalog.shared("lane") if kind == "shared" else catalog.exclusive("lane", wait=True)

        def wait(kind=second, enter=enter, entered=entered) -> None:
            with enter(kind, open_catalog()):
                entered.set()

        waiting = threading.Thread(target=wait)
        with enter(first, open_catalog()):
            waiting.start()
            assert not entered.wait(0.5)
        assert entered.wait(30)
        waiting.join()


def test_who_waits_to_be_alone_is_not_passed_by_those_who_share(open_catalog):
    order: list[str] = []
    first = open_catalog()
    alone = threading.Thread(target=lambda: _enter(open_catalog().exclusive("lane", wait=True), order, "alone"))
    late = threading.Thread(target=lambda: _enter(open_catalog().shared("lane"), order, "late"))
    with first.shared("lane"):
        alone.start()
        alone.join(0.5)
        late.start()
        late.join(0.5)
        assert order == []
    alone.join(30)
    late.join(30)
    assert order == ["alone", "late"]


def _enter(lane, order, name) -> None:
    with lane:
        order.append(name)
