"""The pure path: uploads to records and to what a clinical stage reads, without a lake, a catalog or Dagster.

Belongs here: calling the stages of `vitals` one after the other on all uploads at once, as benchmarks and tests of
pure code need them.
Does not belong here: a measurement, an expectation, or what a stage does.
"""

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from vitals.clinical import sleep
from vitals.clinical.context import DayContext
from vitals.clinical.local_day import local_days, offset_timeline, with_local_time
from vitals.raw.container import Limits
from vitals.raw.decode import RawObject, decode
from vitals.record_types import BY_AVRO_NAME, RECORD_TYPES, UTC_MS, RecordType
from vitals.synthetic.settings import Upload
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.revisions import DELIVERY_SCHEMA, fold
from vitals.validated.rules import judge
from vitals.validated.zone_offsets import observations


def day_inputs(
    uploads: Iterable[Upload], *, record_types: Sequence[RecordType] = RECORD_TYPES
) -> dict[str, tuple[pl.DataFrame, DayContext]]:
    """What each kind's `summarise` takes: current records with local time, and the days of all people.

    Args:
        uploads: files of supported kinds; the user id stands in for the pseudonym.
        record_types: kinds to read; sleep must be among them if a kind needs it.
    """
    by_kind: dict[str, list[Upload]] = {record_type.kind: [] for record_type in record_types}
    for upload in uploads:
        by_kind[BY_AVRO_NAME[upload.type_name].kind].append(upload)
    read = {record_type.kind: validated(by_kind[record_type.kind], record_type) for record_type in record_types}
    timeline = offset_timeline(pl.concat([zones for _, zones in read.values()]))
    fetches = [rows.group_by("subject_id").agg(pl.col("fetched_utc").max()) for rows, _ in read.values()]
    known = pl.concat(fetches).group_by("subject_id").agg(known_until_utc=pl.col("fetched_utc").max().cast(UTC_MS))
    local = {kind: with_local_time(rows, timeline) for kind, (rows, _) in read.items()}
    dates = pl.concat([rows.select("local_date", "end_local_date") for rows in local.values()])
    first, last = dates["local_date"].min(), dates["end_local_date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    days = local_days(timeline, first_date=first, last_date=last, known_until=known)
    sessions = None
    if "sleep" in local:
        sessions = sleep.choose_sessions(local["sleep"], priorities=DayContext(days=days).priorities)
    return {
        record_type.kind: (
            local[record_type.kind],
            DayContext(days=days, sessions=sessions if record_type.needs else None),
        )
        for record_type in record_types
    }


def validated(uploads: Sequence[Upload], record_type: RecordType) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Current records of a kind's uploads, and their zone evidence."""
    decoded = decode([RawObject(upload.data) for upload in uploads], kind=record_type.kind, limits=Limits())
    judged = judge(decoded.frame, record_type)
    scores = dict(score_files(judged, record_type, ScorePolicy()).select("file_index", "score").iter_rows())
    ids = [f"{i:08d}" for i in range(len(uploads))]
    files = pl.DataFrame(
        {
            "file_index": range(len(uploads)),
            "upload_id": ids,
            "attempt": [1] * len(uploads),
            "subject_id": [upload.user for upload in uploads],
            "source_key_sha256": ids,
            "landing_day": [upload.landing_day for upload in uploads],
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
