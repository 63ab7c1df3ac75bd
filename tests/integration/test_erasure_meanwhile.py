"""Erasure while everything else goes on: what runs beside it, or between two calls of one that was killed."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from operations.consent import decide
from operations.erasure.erasure import forget
from pipeline.clinical import summarise_partition
from pipeline.day_journal import render_journal
from pipeline.erasure_locks import never_during_erasure, nothing_computed, refusing
from pipeline.gaps import forensics_partition
from pipeline.registration import register
from pipeline.release.releases import release
from pipeline.row_accounting import kept_rows
from pipeline.training import render_partition
from pipeline.training_paths import JOURNAL
from resources.catalog.rows.days import StaleMark
from tests.erasure_study import USER, lines_of, needles, others, spec, study, uploads
from tests.every_byte import hits
from tests.flow import TENANT, installation, land, run_stages, unbalanced
from vitals.errors import ConflictError, NotFoundError, PermanentError
from vitals.record_types import RECORD_TYPES, STEPS

DAY = date(2025, 9, 15)
KEY = bytes(range(32))
PROJECT = Path(__file__).parents[2]


def erase(workspace):
    return forget(workspace, tenant=TENANT, user=USER, actor="desk", private_key=KEY)


def everything_again(workspace) -> None:
    """Compute every local day anew, whatever follows from it."""
    days = [DAY + timedelta(days=n) for n in range(-1, 2)]
    marks = [
        StaleMark(tenant=TENANT, stage=stage, kind=kind, local_date=day, reason="manual")
        for day in days
        for stage in ("clinical", "training")
        for kind in [*(one.kind for one in RECORD_TYPES), *([JOURNAL] if stage == "training" else [])]
    ]
    workspace.catalog.stale_days.mark(marks, now=datetime.now(UTC))
    run_stages(workspace)


def test_an_erasure_between_whose_kills_everything_runs_ends_with_nothing_left(tmp_path):
    home = tmp_path / "home"
    _, workspace = study(home, 3, releases=False)
    assert release(workspace, spec("days", "none"), run_id=None).published
    sought, kept = needles(workspace), others(workspace)
    theirs = [one for one in uploads(3) if USER in one[0]]
    kills = 0
    # A later step each time, so that a step of many parts is not begun for ever.
    while _killed_at(home, 2 + 4 * kills):
        kills += 1
        assert books_that_differ(workspace) == []
        land(workspace.lake(TENANT), theirs[:2])
        everything_again(workspace)
        assert books_that_differ(workspace) == []
        _release_if_possible(workspace, f"2.{kills}")
    assert kills > 3
    assert hits(home, sought) == {}
    assert lines_of(workspace) == kept
    assert unbalanced(workspace) == []


def books_that_differ(workspace) -> list[str]:
    """Kinds by whose blocking check a run of anybody would fail."""
    kept = {kind.kind: kept_rows(workspace, tenant=TENANT, record_type=kind) for kind in RECORD_TYPES}
    return [kind for kind, rows in kept.items() if rows.in_books != rows.in_table]


def _killed_at(home: Path, step: int) -> bool:
    worker = subprocess.run(
        [sys.executable, "-m", "tests.erasure_worker", str(home), USER, str(step)], cwd=PROJECT, check=False
    )
    assert worker.returncode in {0, -signal.SIGKILL}
    return worker.returncode != 0


def _release_if_possible(workspace, version: str) -> None:
    try:
        release(workspace, spec("days", "none", version), run_id=None)
    except (ConflictError, PermanentError):
        return


def begun(work: Callable[[], object]) -> tuple[threading.Thread, threading.Event]:
    """A thread that does the work, and whether it has."""
    done = threading.Event()

    def run() -> None:
        work()
        done.set()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, done


STAGES = {
    "facts": lambda w: summarise_partition(w, tenant=TENANT, record_type=STEPS, local_day=DAY),
    "lines": lambda w: render_partition(w, tenant=TENANT, record_type=STEPS, local_day=DAY),
    "journals": lambda w: render_journal(w, tenant=TENANT, local_day=DAY),
    "gaps": lambda w: forensics_partition(w, tenant=TENANT, local_day=DAY),
    "consent": lambda w: decide(w, tenant=TENANT, subject_id=None, granted={"training": False}, actor="desk"),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_waits_while_somebody_is_removed(tmp_path, stage):
    _, workspace = installation(tmp_path / "home")
    with nothing_computed(workspace, TENANT):
        thread, done = begun(lambda: STAGES[stage](workspace))
        assert not done.wait(0.5)
    thread.join(60)
    assert done.is_set()


def test_uploads_are_entered_before_somebody_is_refused_or_after_and_never_meanwhile(tmp_path):
    _, workspace = installation(tmp_path / "home")
    lake = workspace.lake(TENANT)
    land(lake, [one for one in uploads(3) if USER in one[0]][:1])
    with refusing(workspace, TENANT):
        thread, done = begun(
            lambda: register(workspace, tenant=TENANT, listed=lake.objects("raw/"), today=DAY + timedelta(days=1))
        )
        assert not done.wait(0.5)
        assert workspace.catalog.uploads.list(TENANT) == []
    thread.join(60)
    assert done.is_set()


def test_an_erasure_waits_for_a_stage_that_has_read_the_person_and_removes_what_it_writes(tmp_path):
    home = tmp_path / "home"
    _, workspace = installation(home)
    lake, gone = workspace.lake(TENANT), workspace.subject_id(TENANT, USER)
    rows = pl.DataFrame({"subject_id": [gone, "somebody"], "day": [DAY] * 2})
    lake.append("later/stage", rows, partition_by="day")
    has_read, may_write = threading.Event(), threading.Event()

    @never_during_erasure
    def slow_stage(workspace, *, tenant):
        read = workspace.lake(tenant).table("later/stage").collect()
        has_read.set()
        assert may_write.wait(60)
        workspace.lake(tenant).replace("later/stage", read, partition_by="day", values=[DAY])

    stage, _ = begun(lambda: slow_stage(workspace, tenant=TENANT))
    assert has_read.wait(60)
    erasing, erased = begun(lambda: erase(workspace))
    assert not erased.wait(1)
    may_write.set()
    stage.join(60)
    erasing.join(60)
    assert erased.is_set()
    assert hits(home, [gone, USER]) == {}
    assert lake.table("later/stage").collect()["subject_id"].to_list() == ["somebody"]


def test_no_consent_is_stored_of_somebody_who_is_not_there_any_more(tmp_path):
    _, workspace = installation(tmp_path / "home")
    with pytest.raises(NotFoundError):
        decide(workspace, tenant=TENANT, subject_id="5ca1ab1e" * 4, granted={"training": True}, actor="desk")
    assert list(workspace.catalog.consents.history(TENANT, "5ca1ab1e" * 4)) == []
