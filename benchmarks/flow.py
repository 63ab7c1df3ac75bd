"""Avro bytes to examples, against fastavro merely decoding the same bytes.

Belongs here: three measurements of the whole flow, each against fastavro's bare decode of the same bytes in the same
process, in processor seconds over all threads: the pure path (no lake, no catalog, no Dagster), the path through
Dagster, and the cost per record and peak memory as the number of records grows.
Does not belong here: one stage alone (`decode`, `twin`), the calls of the pure path (`pure_path`), or an assertion.
"""

import io
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fastavro

from benchmarks.pure_path import day_inputs
from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance, run_everything
from dagster_project.installation import build_workspace
from dagster_project.settings import Settings
from vitals.clinical.modules import MODULES
from vitals.record_types import BLOOD_GLUCOSE, BY_AVRO_NAME, RECORD_TYPES, RecordType
from vitals.synthetic.bulk import benchmark_uploads
from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import NO_FAULTS, Fault
from vitals.synthetic.settings import TwinSettings, Upload
from vitals.training.examples import build_examples

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

COHORT = TwinSettings(seed=3, people=60, days=14, first_day=date(2025, 9, 1), faults=NO_FAULTS | REAL_HABITS)
EXPORTS_PER_DAY = (2, 8)
"""An app reads the last 24 h back at each export: the same day is delivered as often as it exports."""

STUDY = TwinSettings(seed=4, people=200, days=3, first_day=date(2025, 9, 1), faults=NO_FAULTS | REAL_HABITS)
"""For the path through Dagster, whose cost is mostly per partition: what a partition costs, a study shares."""

TASK_MIXES = {"daily_summaries": "question=0,data_quality=0,abstention=0,preference=0", "all_tasks": ""}
"""What a partition writes: the summaries alone, or five lines a day and kind, as set by default."""

SIZES = (100_000, 1_000_000, 10_000_000)
BATCH_RECORDS = 250_000


def measure(*, sizes: Iterable[int] = SIZES) -> dict[str, Any]:
    """All three measurements; keys say what each figure is."""
    return {
        "growth": [_growth(size) for size in sizes],
        "pure": {
            f"{exports}_exports_a_day": _pure(replace(COHORT, fetches_per_day=exports)) for exports in EXPORTS_PER_DAY
        },
        "through_dagster": _through_dagster(STUDY),
    }


def bytes_to_examples(
    uploads: Sequence[Upload], spent: dict[str, float], *, record_types: Sequence[RecordType] = RECORD_TYPES
) -> int:
    """The pure path of a batch of uploads; number of examples.

    Processor seconds of the clinical stage and of building examples are added to `spent`.
    """
    count = 0
    for kind, (rows, context) in day_inputs(uploads, record_types=record_types).items():
        clinical, facts = _timed(lambda: MODULES[kind].summarise(rows, context))  # noqa: B023 - used at once
        made, lines = _timed(lambda: build_examples(kind, facts, tenant="default", processor_version="bench"))  # noqa: B023
        spent["clinical"] = spent.get("clinical", 0.0) + clinical
        spent["examples"] = spent.get("examples", 0.0) + made
        count += len(lines)
    return count


def _pure(settings: TwinSettings) -> dict[str, float]:
    uploads = _uploads(settings)
    rows = sum(upload.rows for upload in uploads)
    bytes_to_examples(_uploads(replace(settings, people=1, days=2)), {})  # the first call pays for imports and caches
    bare = _seconds(lambda: _fastavro(uploads))
    spent: dict[str, float] = {}
    ours, examples = _timed(lambda: bytes_to_examples(uploads, spent))
    return {
        "against_fastavro": round(bare / ours, 2),
        "examples": examples,
        "examples_against_clinical_seconds": round(spent["examples"] / spent["clinical"], 2),
        "fastavro_rows_per_cpu_second": round(rows / bare),
        "rows": rows,
        "rows_per_cpu_second": round(rows / ours),
        "uploads": len(uploads),
    }


def _through_dagster(settings: TwinSettings) -> dict[str, Any]:
    uploads = _uploads(settings)
    rows = sum(upload.rows for upload in uploads)
    bare = _seconds(lambda: _fastavro(uploads))
    few = [upload for upload in uploads if upload.user == uploads[0].user]
    landed = settings.first_day + timedelta(days=settings.days + 1)
    _, runs, seconds = _run_jobs(few, landed=landed, task_mix="")
    found: dict[str, Any] = {"rows": rows, "seconds_per_run_of_one_person": round(seconds / runs, 2)}
    for name, task_mix in TASK_MIXES.items():
        lines, runs, seconds = _run_jobs(uploads, landed=landed, task_mix=task_mix)
        found[name] = {
            "against_fastavro": round(bare / seconds, 2),
            "lines": lines,
            "rows_per_cpu_second": round(rows / seconds),
            "runs": runs,
        }
    return found


def _run_jobs(uploads: Sequence[Upload], *, landed: date, task_mix: str) -> tuple[int, int, float]:
    """Lines, runs and processor seconds of the real jobs on a real instance, lake and catalog in a temporary folder."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), subject_key="a key for benchmarks", task_mix=task_mix)
        workspace = build_workspace(settings)
        lake = workspace.lake("default")
        for upload in uploads:
            lake.write_object(upload.key.replace(f"{upload.landing_day:%Y/%m/%d}", f"{landed:%Y/%m/%d}"), upload.data)
        with local_instance(settings) as instance:
            runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
            work = lambda: run_everything(workspace, runner, tenants=["default"], settings=settings)  # noqa: E731
            seconds, done = _timed(work)
        lines = sum(path.read_bytes().count(b"\n") for path in Path(folder).rglob("training/**/*.jsonl"))
        return lines, done.landing + done.local, seconds


def _growth(records: int) -> dict[str, float]:
    """Cost per record and peak memory of `records` glucose records in batches, against fastavro's on a sample."""
    spent = bare = 0.0
    rows = done = seed = 0
    while done < records:
        uploads = list(benchmark_uploads(min(BATCH_RECORDS, records - done), "blood_glucose", seed))
        spent += _seconds(lambda: bytes_to_examples(uploads, {}, record_types=[BLOOD_GLUCOSE]))  # noqa: B023
        if seed == 0:
            bare = _seconds(lambda: _fastavro(uploads))  # noqa: B023 - used at once
            rows = sum(upload.rows for upload in uploads)
        done += sum(upload.rows for upload in uploads)
        seed += 1
    return {
        "against_fastavro": round((bare / rows) / (spent / done), 2),
        "microseconds_per_record": round(1e6 * spent / done, 3),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "records": done,
    }


def _uploads(settings: TwinSettings) -> list[Upload]:
    return [upload for upload in generate(settings) if upload.type_name in BY_AVRO_NAME]


def _fastavro(uploads: Sequence[Upload]) -> None:
    for upload in uploads:
        list(fastavro.reader(io.BytesIO(upload.data)))


def _seconds(work: Callable[[], object]) -> float:
    return _timed(work)[0]


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    result = work()
    return time.process_time() - started, result
