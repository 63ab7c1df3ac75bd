"""What Dagster's own storage may hold of a person, and removing it when they are erased.

Belongs here: the two places where an id gets there on purpose: the key at which listing the lake was interrupted
(the cursor of the sensor, and its past ticks), and households in the configuration of a release run.
Does not belong here: anything else of erasure (`operations.erasure.erasure`): events, tags and metadata name nobody.

Runs whose configuration names the person go as a whole; the catalog keeps what was released.
"""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import orjson

from sensors.landed_objects import SweepCursor
from sensors.requests import RELEASE_JOB
from vitals.raw.owners import is_theirs, may_name


def forget_in_history(instance: dg.DagsterInstance, home: Path, *, user: str, subject_id: str) -> int:
    """Remove a person from Dagster's storage; number of runs and cursors that named them.

    Args:
        instance: of the home.
        home: where its SQLite files are; a storage of another kind is its operator's to compact.
        user: external id.
        subject_id: pseudonym.
    """
    found = _forget_cursors(instance, user) + _forget_runs(instance, subject_id)
    if found:
        for file in sorted([*home.glob("history/**/*.db"), *home.glob("schedules/**/*.db")]):
            _rebuild(file)
    return found


def _forget_cursors(instance: dg.DagsterInstance, user: str) -> int:
    found = 0
    for state in instance.all_instigator_state():
        data: Any = state.instigator_data
        cursor = SweepCursor.parse(getattr(data, "cursor", None))
        if not any(is_theirs(key, user) or may_name(key, user) for key in cursor.object_keys()):
            continue
        found += 1
        cursor.after.clear()  # listing begins anew: registering again changes nothing
        cursor.recent.clear()
        fresh = data._replace(cursor=cursor.text())
        instance.update_instigator_state(state.with_data(fresh))
        instance.purge_ticks(state.instigator_origin_id, state.selector_id, before=datetime.now(UTC).timestamp())
    return found


def _forget_runs(instance: dg.DagsterInstance, subject_id: str) -> int:
    runs = instance.get_runs(dg.RunsFilter(job_name=RELEASE_JOB))
    named = [run.run_id for run in runs if subject_id.encode() in orjson.dumps(run.run_config)]
    for run_id in named:
        instance.delete_run(run_id)
    return len(named)


def _rebuild(file: Path) -> None:
    """Deleted rows stay in free pages until a file is rebuilt."""
    connection = sqlite3.connect(file, isolation_level=None, timeout=30)
    try:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
