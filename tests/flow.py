"""The whole flow for tests: an installation in a folder, uploads into it, every stage run, what came out.

Two ways to run it: `run_stages` calls the stages as the assets do, without Dagster (many runs in little time);
`dagster_project.execution.run_everything` runs the real jobs on a real instance.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl

from dagster_project.installation import build_workspace, open_catalog
from dagster_project.settings import Settings
from pipeline.clinical import clinical_schema, clinical_table, summarise_partition
from pipeline.day_journal import render_journal
from pipeline.row_accounting import every_upload
from pipeline.training import render_partition
from pipeline.training_paths import JOURNAL
from pipeline.validated.counts import FATES
from pipeline.validated.landing_day import validate_day
from pipeline.validated.records_table import record_count
from resources.catalog.migrations import upgrade
from resources.lake.lake import Lake
from resources.workspace import Workspace
from sensors.landed_objects import SensorPolicy, SweepCursor, look
from vitals.raw.keys import build_key
from vitals.record_types import BY_KIND, RECORD_TYPES

SAMPLES = Path(__file__).parents[2] / "shared" / "samples"
"""Real uploads, used additionally where the folder is there; the project itself holds none."""

TENANT = "default"


def installation(home: Path, **settings) -> tuple[Settings, Workspace]:
    """A fresh installation under a folder, with a key that is the same in every test."""
    built = Settings(home=home, subject_key="a key for tests only, of no worth", **settings)
    if not built.catalog_url.startswith("sqlite"):
        upgrade(open_catalog(built))
    return built, build_workspace(built)


def land(lake: Lake, uploads: Iterable[tuple[str, bytes]]) -> None:
    for key, data in uploads:
        lake.write_object(key, data)


def sample_uploads(user: str = "anna", day: date = date(2025, 9, 20)) -> list[tuple[str, bytes]]:
    """Key and bytes of the real uploads, as `vitalgraph land` would name them."""
    found = []
    for file in sorted(SAMPLES.glob("*.avro")):
        type_name, epoch = file.stem.split("_")
        key = build_key(
            type_name=type_name, landing_day=day, user=user, fetched_ms=int(epoch), content_hash=file.stem[-6:]
        )
        found.append((key, file.read_bytes()))
    return found


def run_stages(workspace: Workspace, *, rounds: int = 8, run_id: str = "test-run") -> int:
    """Run every stage for what is pending and stale, until nothing is; number of partitions run."""
    done = 0
    policy = SensorPolicy(time_budget_seconds=float("inf"))
    tenants = list(workspace.catalog.tenants.active())
    for _ in range(rounds):
        looked = look(workspace, tenants=tenants, cursor=SweepCursor(), policy=policy, now=datetime.now(UTC))
        assert looked.unreachable == {}
        work = [(t, day, kinds) for t in tenants for day, kinds in workspace.catalog.uploads.pending_partitions(t)]
        for tenant, day, kinds in work:
            for kind in kinds:
                validate_day(workspace, tenant=tenant, record_type=BY_KIND[kind], landing_day=day, run_id=run_id)
                done += 1
        marks = [(t, m) for t in tenants for m in workspace.catalog.stale_days.list(t, "clinical")]
        for tenant, mark in marks:
            summarise_partition(workspace, tenant=tenant, record_type=BY_KIND[mark.kind], local_day=mark.local_date)
        examples = [(t, m) for t in tenants for m in workspace.catalog.stale_days.list(t, "training")]
        for tenant, mark in examples:
            if mark.kind == JOURNAL:
                render_journal(workspace, tenant=tenant, local_day=mark.local_date)
            else:
                render_partition(workspace, tenant=tenant, record_type=BY_KIND[mark.kind], local_day=mark.local_date)
        done += len(marks) + len(examples)
        if not work and not marks and not examples:
            return done
    raise AssertionError(f"something was still pending after {rounds} rounds")


@dataclass(frozen=True)
class CameOut:
    """What a flow ended in, comparable byte by byte.

    Attributes:
        records: kind to the validated table as bytes, rows in a fixed order.
        facts: kind to the clinical table, likewise.
        examples: key to the bytes of each training file.
        books: key to state and fates of each upload.
    """

    records: dict[str, bytes]
    facts: dict[str, bytes]
    examples: dict[str, bytes]
    books: dict[str, tuple]


def came_out(workspace: Workspace, tenant: str = TENANT) -> CameOut:
    lake = workspace.lake(tenant)
    records, facts = {}, {}
    for record_type in RECORD_TYPES:
        table = lake.scan(f"validated/{record_type.kind}", schema=pl.Schema(record_type.columns)).collect()
        records[record_type.kind] = _bytes(table.sort("subject_id", "record_id"))
        table = lake.scan(clinical_table(record_type), schema=clinical_schema(record_type)).collect()
        facts[record_type.kind] = _bytes(table.sort("subject_id", "local_date"))
    examples = {found.key: lake.read_object(found.key) for found in lake.objects("training/")}
    books = {
        u.key: (u.state, u.reason, u.rows_total, *(getattr(u, f"rows_{fate}") for fate in FATES))
        for u in every_upload(workspace, tenant=tenant)
    }
    return CameOut(records=records, facts=facts, examples=examples, books=books)


def _bytes(table: pl.DataFrame) -> bytes:
    return table.rechunk().write_json().encode()


def unbalanced(workspace: Workspace, tenant: str = TENANT) -> list[str]:
    """Keys whose rows do not add up, and kinds whose books differ from their table."""
    wrong = []
    accepted: dict[str, int] = {}
    for upload in every_upload(workspace, tenant=tenant):
        if upload.rows_total != sum(getattr(upload, f"rows_{fate}") for fate in FATES):
            wrong.append(upload.key)
        if upload.kind:
            in_table = upload.rows_accepted + upload.rows_presumed_deleted
            accepted[upload.kind] = accepted.get(upload.kind, 0) + in_table
    wrong += [kind for kind, rows in accepted.items() if rows != record_count(workspace.lake(tenant), BY_KIND[kind])]
    return wrong
