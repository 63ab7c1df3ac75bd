"""What a run costs when the lake holds years: the same landing day after a month and after three years of it.

Belongs here: the validated stage of glucose, the kind with the most records, in processor seconds over all threads. The
history holds deliveries and the identity index as years of daily exports would have left them.
Does not belong here: an assertion.
"""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.flow import REAL_HABITS
from dagster_project.installation import build_workspace
from dagster_project.settings import Settings
from pipeline.validated.identity_index import add_identities, locate
from pipeline.validated.landing_day import validate_day
from pipeline.validated.records_table import deliveries_table
from resources.lake.lake import Lake
from resources.workspace import Workspace
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from vitals.record_types import BLOOD_GLUCOSE
from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import NO_FAULTS
from vitals.synthetic.settings import TwinSettings
from vitals.validated.revisions import DELIVERY_SCHEMA

HISTORY_DAYS = (30, 1095)
DAYS_AT_ONCE = 10
"""Written in one commit, to save time: three files a month and table where daily exports leave up to eight."""

PEOPLE = 30
FIRST_DAY = date(2025, 9, 1)
READINGS_A_DAY = 288
TENANT = "default"
STUDY = TwinSettings(seed=5, people=PEOPLE, days=4, first_day=FIRST_DAY, faults=NO_FAULTS | REAL_HABITS)


def measure() -> dict[str, Any]:
    """Processor seconds of the last landing days, per length of the history."""
    return {"people": PEOPLE, "landing_day": [_after(days) for days in HISTORY_DAYS]}


def _after(history_days: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        workspace = build_workspace(Settings(home=Path(folder), subject_key="a key for benchmarks"))
        lake = workspace.lake(TENANT)
        history = _history(workspace, history_days)
        while some := list(islice(history, DAYS_AT_ONCE)):
            _enter(lake, pl.concat(some))
        for upload in generate(STUDY):
            if upload.type_name.endswith(BLOOD_GLUCOSE.avro_name):
                lake.write_object(upload.key, upload.data)
        look(workspace, tenants=[TENANT], cursor=SweepCursor(), policy=SensorPolicy(), now=datetime.now(UTC))
        days = [
            day for day, kinds in workspace.catalog.uploads.pending_partitions(TENANT) if BLOOD_GLUCOSE.kind in kinds
        ]
        spent: list[tuple[int, float]] = []
        for day in days:
            started = time.process_time()
            done = validate_day(workspace, tenant=TENANT, record_type=BLOOD_GLUCOSE, landing_day=day, run_id="bench")
            spent.append((done.rows["total"], time.process_time() - started))
        known = history_days * PEOPLE * READINGS_A_DAY
        rows, seconds = max(spent[1:])
        return {"history_days": history_days, "records_known": known, "rows": rows, "seconds": round(seconds, 3)}


def _history(workspace: Workspace, days: int) -> Iterator[pl.DataFrame]:
    """Deliveries of each day, as two exports a day leave them: every record twice."""
    people = [workspace.subject_id(TENANT, upload.user) for upload in generate(STUDY)]
    subjects = sorted(set(people))
    rng = np.random.default_rng(1)
    for n in range(days, 0, -1):
        day = FIRST_DAY - timedelta(days=n)
        records = len(subjects) * READINGS_A_DAY
        bits = rng.integers(0, 2**63, size=(records, 2))
        once = pl.DataFrame(
            {
                "subject_id": np.repeat(subjects, READINGS_A_DAY),
                "record_id": [f"{a:016x}-{b:016x}" for a, b in bits.tolist()],
                "content_hash": bits[:, 0],
                "utc_date": [day] * records,
                "upload_id": [f"upload of {day}"] * records,
                "attempt": [1] * records,
            }
        )
        twice = pl.concat([once, once])
        yield twice.select(
            pl.col(name).cast(dtype) if name in twice.columns else pl.lit(None, dtype=dtype).alias(name)
            for name, dtype in DELIVERY_SCHEMA.items()
        )


def _enter(lake: Lake, rows: pl.DataFrame) -> None:
    add_identities(lake, BLOOD_GLUCOSE, rows, locate(lake, BLOOD_GLUCOSE, rows.clear()))
    lake.append(deliveries_table(BLOOD_GLUCOSE), rows, partition_by="utc_date")
