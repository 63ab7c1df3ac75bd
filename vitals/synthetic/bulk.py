"""Many uploads quickly, for benchmarks.

Belongs here: uploads of a wanted number of records, without faults.
Does not belong here: anything a test of correctness needs (`cohort`).
"""

from itertools import count

import numpy as np

from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.synthetic.container_writer import container
from vitals.synthetic.faults import NO_FAULTS
from vitals.synthetic.file_names import file_name
from vitals.synthetic.record_encoder import encode_rows
from vitals.synthetic.scene import build_scene
from vitals.synthetic.schedule import next_of
from vitals.synthetic.settings import TwinSettings, Upload, utc_date
from vitals.synthetic.simulate import TABLES, make_files
from vitals.synthetic.writer_schemas import writer_schema

ROWS_PER_FILE = 90
DAYS_PER_PERSON = 28
DAYS_PER_PERSON_OF_ONE_KIND = 364


def benchmark_uploads(records: int, kind: str | None, seed: int) -> list[Upload]:
    """Uploads that hold at least `records` records together, and one file more at most.

    Args:
        records: how many.
        kind: only this kind, in files of ROWS_PER_FILE records; None for a person's natural mix, one export
            session a day, which is about as many records a file on average.
        seed: equal arguments give equal bytes.
    """
    settings = TwinSettings(
        seed=seed,
        days=DAYS_PER_PERSON if kind is None else DAYS_PER_PERSON_OF_ONE_KIND,
        faults=NO_FAULTS,
        fetches_per_day=1,
        kinds=tuple(t.kind for t in RECORD_TYPES) if kind is None else (kind,),
    )
    uploads: list[Upload] = []
    held = 0
    for index in count():
        person = _day_by_day(settings, index) if kind is None else _full_files(settings, index, kind)
        for upload in person:
            if held >= records:
                return uploads
            uploads.append(upload)
            held += upload.rows
    raise AssertionError


def _day_by_day(settings: TwinSettings, index: int) -> list[Upload]:
    return [made.upload for made in make_files(settings, index).made]


def _full_files(settings: TwinSettings, index: int, kind: str) -> list[Upload]:
    scene = build_scene(settings, index)
    table = TABLES[kind](scene)
    if table is None:
        return []
    rows, user = table.rows, scene.person.user
    encoded = encode_rows(kind, rows, table.items)
    uploads = []
    for first in range(0, len(rows), ROWS_PER_FILE):
        chunk = np.arange(first, min(first + ROWS_PER_FILE, len(rows)))
        fetch_ms = int(next_of(scene.schedule.planned_ms, rows.modified_ms[chunk].max()[None])[0])
        data = container(
            writer_schema(kind), encoded.payloads(chunk, fetch_ms), codec="null", sync_seed=f"{user}/{kind}/{first}"
        )
        uploads.append(
            Upload(
                user=user,
                type_name=BY_KIND[kind].avro_name,
                fetch_ms=fetch_ms,
                file_name=file_name(user=user, fetch_ms=fetch_ms, data=data, form=0),
                data=data,
                landing_day=utc_date(fetch_ms),
                rows=len(chunk),
            )
        )
    return uploads
