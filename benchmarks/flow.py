"""Avro bytes to examples, against fastavro merely decoding the same bytes.

Belongs here: three measurements of the whole flow, each against fastavro's bare decode of the same bytes in the same
process, in processor seconds over all threads: the pure path (no lake, no catalog, no Dagster), the path through
Dagster, and the cost per record and peak memory as the number of records grows.
Does not belong here: one stage alone (`decode`, `twin`), or an assertion.
"""

import io
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fastavro
import polars as pl

from assets.stages.summaries import MODULES
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance, run_everything
from dagster_project.installation import build_workspace
from dagster_project.settings import Settings
from vitals.clinical import sleep
from vitals.clinical.context import DayContext
from vitals.clinical.local_day import local_days, offset_timeline, with_local_time
from vitals.raw.container import Limits
from vitals.raw.decode import RawObject, decode
from vitals.record_types import BY_AVRO_NAME, RECORD_TYPES, UTC_MS
from vitals.training.examples import build_examples
from vitals.twin.bulk import benchmark_uploads
from vitals.twin.cohort import generate
from vitals.twin.faults import NO_FAULTS, Fault
from vitals.twin.settings import TwinSettings, Upload
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.revisions import DELIVERY_SCHEMA, fold
from vitals.validated.rules import judge
from vitals.validated.zone_offsets import observations

REAL_HABITS = frozenset(
    {
        Fault.OVERLAPPING_WINDOWS,
        Fault.SOURCE_LAG,
        Fault.GROWTH,
        Fault.FALSE_Z,
        Fault.TWO_SOURCES,
        Fault.DAY_BUCKETS,
    }
)
"""What every exporter does; broken files would only make fastavro's part smaller."""

COHORT = TwinSettings(seed=3, people=24, days=14, first_day=date(2025, 9, 1), faults=NO_FAULTS | REAL_HABITS)
STUDY = TwinSettings(seed=4, people=200, days=3, first_day=date(2025, 9, 1), faults=NO_FAULTS | REAL_HABITS)
"""For the path through Dagster, whose cost is mostly per partition: what a partition costs, a study shares."""

SIZES = (100_000, 1_000_000, 10_000_000)
BATCH_RECORDS = 250_000


def measure(*, sizes: Iterable[int] = SIZES) -> dict[str, Any]:
    """All three measurements; keys say what each figure is."""
    uploads = [u for u in generate(COHORT) if u.type_name in BY_AVRO_NAME]
    bare = _seconds(lambda: _fastavro(uploads))
    spent: dict[str, float] = {}
    pure, examples = _timed(lambda: bytes_to_examples(uploads, spent))
    rows = sum(u.rows for u in uploads)
    study = [u for u in generate(STUDY) if u.type_name in BY_AVRO_NAME]
    study_bare = _seconds(lambda: _fastavro(study))
    through = _through_dagster(study, landed=STUDY.first_day + timedelta(days=STUDY.days + 1))
    study_rows = sum(u.rows for u in study)
    return {
        "uploads": len(uploads),
        "rows": rows,
        "examples": examples,
        "examples_against_clinical_seconds": round(spent["examples"] / spent["clinical"], 2),
        "fastavro_rows_per_cpu_second": round(rows / bare),
        "pure_rows_per_cpu_second": round(rows / pure),
        "pure_against_fastavro": round(bare / pure, 2),
        "through_dagster_rows": study_rows,
        "through_dagster_rows_per_cpu_second": round(study_rows / through),
        "through_dagster_against_fastavro": round(study_bare / through, 2),
        "growth": [_growth(size) for size in sizes],
    }


def bytes_to_examples(uploads: list[Upload], spent: dict[str, float]) -> int:
    """The pure path for all kinds of a batch of uploads; number of examples.

    Processor seconds of the clinical stage and of building examples are added to `spent`.
    """
    records: dict[str, pl.DataFrame] = {}
    seen, fetches = [], []
    for record_type in RECORD_TYPES:
        mine = [u for u in uploads if BY_AVRO_NAME[u.type_name] is record_type]
        rows, found = _validated(mine, record_type)
        records[record_type.kind] = rows
        seen.append(found)
        fetches.append(rows.group_by("subject_id").agg(known_until_utc=pl.col("fetched_utc").max()))
    timeline = offset_timeline(pl.concat(seen))
    known = pl.concat(fetches).group_by("subject_id").agg(pl.col("known_until_utc").max().cast(UTC_MS))
    local = {kind: with_local_time(rows, timeline) for kind, rows in records.items()}
    dates = pl.concat([rows.select("local_date", "end_local_date") for rows in local.values()])
    first, last = dates["local_date"].min(), dates["end_local_date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = local_days(timeline, first_date=first, last_date=last, known_until=known)
    sessions = sleep.choose_sessions(local["sleep"], priorities=DayContext(days=days).priorities)
    count = 0
    for record_type in RECORD_TYPES:
        context = DayContext(days=days, sessions=sessions if record_type.needs else None)
        clinical, facts = _timed(lambda: MODULES[record_type.kind].summarise(local[record_type.kind], context))  # noqa: B023
        made, lines = _timed(
            lambda: build_examples(record_type.kind, facts, tenant="default", processor_version="bench")  # noqa: B023
        )
        spent["clinical"] = spent.get("clinical", 0.0) + clinical
        spent["examples"] = spent.get("examples", 0.0) + made
        count += len(lines)
    return count


def _validated(uploads: list[Upload], record_type: Any) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Current records of a kind's uploads, and their zone evidence."""
    decoded = decode([RawObject(u.data) for u in uploads], kind=record_type.kind, limits=Limits())
    judged = judge(decoded.frame, record_type)
    scores = dict(score_files(judged, record_type, ScorePolicy()).select("file_index", "score").iter_rows())
    ids = [f"{i:08d}" for i in range(len(uploads))]
    files = pl.DataFrame(
        {
            "file_index": range(len(uploads)),
            "upload_id": ids,
            "attempt": [1] * len(uploads),
            "subject_id": [u.user for u in uploads],
            "source_key_sha256": ids,
            "landing_day": [u.landing_day for u in uploads],
            "file_quality": [scores.get(i) for i in range(len(uploads))],
        },
        schema=FILE_COLUMNS,
    )
    rows = normalise(judged.filter(pl.col("reason").is_null()), files, record_type)
    incoming = rows.select(DELIVERY_SCHEMA.names()).cast(DELIVERY_SCHEMA)
    folded = fold(known=incoming.clear(), incoming=incoming, upload_ids=ids)
    held = folded.winners["incoming_row"].sort()
    current = rows if len(held) == len(rows) else rows[held]
    return current.select(list(record_type.columns)), observations(rows)


def _through_dagster(uploads: list[Upload], *, landed: date) -> float:
    """Processor seconds of the real jobs on a real instance, lake and catalog in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), subject_key="a key for benchmarks")
        workspace = build_workspace(settings)
        lake = workspace.lake("default")
        for upload in uploads:
            lake.write_object(upload.key.replace(f"{upload.landing_day:%Y/%m/%d}", f"{landed:%Y/%m/%d}"), upload.data)
        with local_instance(settings) as instance:
            runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
            work = lambda: run_everything(workspace, runner, tenants=["default"], settings=settings)  # noqa: E731
            return _seconds(work)


def _growth(records: int) -> dict[str, float]:
    """Cost per record and peak memory of `records` glucose records in batches, against fastavro's on a sample."""
    spent = bare = 0.0
    rows = done = seed = 0
    while done < records:
        uploads = benchmark_uploads(min(BATCH_RECORDS, records - done), "blood_glucose", seed)
        seconds, _ = _timed(lambda: _validated_facts(uploads))  # noqa: B023 - used at once
        spent += seconds
        if seed == 0:
            bare = _seconds(lambda: _fastavro(uploads))  # noqa: B023 - used at once
            rows = sum(u.rows for u in uploads)
        done += sum(u.rows for u in uploads)
        seed += 1
    return {
        "records": done,
        "microseconds_per_record": round(1e6 * spent / done, 3),
        "against_fastavro": round((bare / rows) / (spent / done), 2),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _validated_facts(uploads: list[Upload]) -> int:
    """Bytes to examples of glucose alone."""
    glucose = RECORD_TYPES[0]
    rows, seen = _validated(uploads, glucose)
    timeline = offset_timeline(seen)
    local = with_local_time(rows, timeline)
    known = rows.group_by("subject_id").agg(known_until_utc=pl.col("fetched_utc").max().cast(UTC_MS))
    first, last = local["local_date"].min(), local["end_local_date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = local_days(timeline, first_date=first, last_date=last, known_until=known)
    facts = MODULES[glucose.kind].summarise(local, DayContext(days=days))
    return len(build_examples(glucose.kind, facts, tenant="default", processor_version="bench"))


def _fastavro(uploads: list[Upload]) -> None:
    for upload in uploads:
        list(fastavro.reader(io.BytesIO(upload.data)))


def _seconds(work: Callable[[], object]) -> float:
    return _timed(work)[0]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result
