"""One person of a cohort, from life to files, with the truth.

Belongs here: the order of the steps, and the making of good files.
Does not belong here: what the steps do.

    person -> life, schedule -> table of each kind -> rows of each fetch -> bad rows -> bytes -> bad files
                                       |                     |
                                       +---------------------+--> truth
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vitals.record_types import BY_KIND
from vitals.synthetic.activity import active_calories_table, steps_table
from vitals.synthetic.arrays import I64
from vitals.synthetic.bad_files import Made, bad_files
from vitals.synthetic.bad_items import PlantedItems, plant_bad_items
from vitals.synthetic.bad_rows import BadRow, plant_bad_rows
from vitals.synthetic.container_writer import CODECS, container
from vitals.synthetic.faults import Fault
from vitals.synthetic.file_names import file_name
from vitals.synthetic.glucose import glucose_table
from vitals.synthetic.heart_rate import heart_rate_table
from vitals.synthetic.hrv import hrv_table
from vitals.synthetic.record_encoder import encode_rows
from vitals.synthetic.record_truth import gaps, record_truth
from vitals.synthetic.rows import Table
from vitals.synthetic.scene import Scene, build_scene
from vitals.synthetic.schedule import NEVER_MS
from vitals.synthetic.settings import TwinSettings, Upload, utc_date
from vitals.synthetic.sleep import sleep_table
from vitals.synthetic.truth import Gap, PersonTruth, UploadTruth
from vitals.synthetic.writer_schemas import writer_schema

DELETED_OF = 61
"""One record in so many is deleted on the phone after it was first fetched."""

TABLES: Mapping[str, Callable[[Scene], Table | None]] = {
    "blood_glucose": glucose_table,
    "heart_rate": heart_rate_table,
    "sleep": sleep_table,
    "steps": steps_table,
    "active_calories": active_calories_table,
    "hrv_rmssd": hrv_table,
}


@dataclass(frozen=True, kw_only=True)
class PersonFiles:
    """Uploads of one person in order of fetch, with their truth, and the tables they were cut from."""

    scene: Scene
    made: tuple[Made, ...]
    tables: Mapping[str, Table]


def make_files(settings: TwinSettings, index: int) -> PersonFiles:
    """All uploads of the person at a place in the cohort."""
    scene = build_scene(settings, index)
    made: list[Made] = []
    tables: dict[str, Table] = {}
    for kind in settings.kinds:
        table = TABLES[kind](scene)
        if table is not None and len(table.rows):
            tables[kind] = table
            made += _files_of_kind(scene, kind, table)
    made += bad_files(scene, made)
    made.sort(key=lambda m: (m.upload.fetch_ms, m.upload.landing_day, m.upload.key))
    return PersonFiles(scene=scene, made=tuple(made), tables=tables)


def person_truth(files: PersonFiles) -> PersonTruth:
    """What is true of a person whose files have been made."""
    scene = files.scene
    schedule = scene.schedule
    records = {}
    found: list[Gap] = []
    for kind, table in files.tables.items():
        planned = _planned(scene, table)
        delivered = [rows for rows, missed in zip(planned, schedule.missed, strict=True) if not missed]
        undeleted = [r for r, missed in zip(_undeleted(scene, table), schedule.missed, strict=True) if not missed]
        records[kind] = record_truth(
            kind, scene.person, schedule, table, delivered=delivered, planned=planned, undeleted=undeleted
        )
        found += gaps(kind, table, records[kind])
    return PersonTruth(
        person=scene.person,
        fetches_ms=tuple(schedule.planned_ms[~schedule.missed].tolist()),
        missed_fetches_ms=tuple(schedule.planned_ms[schedule.missed].tolist()),
        gaps=tuple(found),
        records=records,
    )


def _planned(scene: Scene, table: Table) -> list[I64]:
    """Rows that each planned fetch delivers, if it takes place."""
    planned = _undeleted(scene, table)
    return _without_deleted(scene, table, planned) if scene.has(Fault.DELETIONS) else planned


def _undeleted(scene: Scene, table: Table) -> list[I64]:
    """Rows that each planned fetch would deliver if nothing were ever deleted."""
    rows = table.rows
    replaced = rows.replaced_ms(NEVER_MS)
    return [
        scene.schedule.visible(i, start_ms=rows.start_ms, modified_ms=rows.modified_ms, replaced_ms=replaced)
        for i in range(len(scene.schedule.planned_ms))
    ]


def _without_deleted(scene: Scene, table: Table, planned: list[I64]) -> list[I64]:
    """The same without records that were deleted before: one in DELETED_OF is, once a fetch has brought it."""
    records = table.rows.record
    deleted = records % DELETED_OF == (scene.person.index + DELETED_OF // 2) % DELETED_OF
    brought = np.zeros(len(records), dtype=np.bool_)
    left = []
    for rows, missed in zip(planned, scene.schedule.missed, strict=True):
        left.append(rows[~(deleted[rows] & brought[rows])])
        if not missed:
            brought |= np.isin(records, records[left[-1]])
    return left


def _files_of_kind(scene: Scene, kind: str, table: Table) -> list[Made]:
    schedule = scene.schedule
    nothing = np.zeros(0, dtype=np.int64)
    delivered = [nothing if m else rows for rows, m in zip(_planned(scene, table), schedule.missed, strict=True)]
    planted: list[tuple[BadRow, ...]] = [()] * len(delivered)
    good = len(table.rows)
    if scene.has(Fault.BAD_ROWS) or scene.has(Fault.UNIT_SLIPS):
        table, delivered, planted = plant_bad_rows(scene, kind, table, delivered)
    items = PlantedItems(table=table, reasons={})
    if scene.has(Fault.BAD_ITEMS):
        items = plant_bad_items(kind, table, good=good, turn=scene.person.index)
        table = items.table
    encoded = encode_rows(kind, table.rows, table.items)
    person, schema = scene.person, writer_schema(kind)
    number = list(BY_KIND).index(kind)
    prefixed = scene.has(Fault.PREFIXED_TYPE) and person.index % 3 == 1
    type_name = BY_KIND[kind].prefixed_avro_name if prefixed else BY_KIND[kind].avro_name
    made = []
    for fetch, rows in enumerate(delivered):
        if not len(rows):
            # An empty read writes no file.
            continue
        fetch_ms = int(schedule.planned_ms[fetch])
        codec = CODECS[(fetch + number + person.index) % len(CODECS)] if scene.has(Fault.CODECS) else "null"
        payloads = encoded.payloads(rows, fetch_ms)
        data = container(schema, payloads, codec=codec, sync_seed=f"{person.seed}/{person.index}/{kind}/{fetch_ms}")
        upload = Upload(
            user=person.user,
            type_name=type_name,
            fetch_ms=fetch_ms,
            file_name=file_name(user=person.user, fetch_ms=fetch_ms, data=data, form=fetch + person.index),
            data=data,
            landing_day=utc_date(fetch_ms),
            rows=len(rows),
        )
        truth = UploadTruth(
            key=upload.key,
            user=upload.user,
            type_name=type_name,
            kind=kind,
            fetch_ms=fetch_ms,
            landing_day=upload.landing_day,
            codec=codec,
            rows=len(rows),
            state="processed",
            bad_rows=planted[fetch],
            dropped_items=items.dropped(rows),
        )
        made.append(Made(upload=upload, truth=truth, rows=table.rows.take(rows), items=table.items))
    return made
