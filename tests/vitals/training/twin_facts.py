"""Clinical tables of a small twin cohort, by the pure path from bytes to facts.

Belongs here: calling the stages one after the other without a lake. Does not belong here: expectations.
"""

from datetime import date
from functools import cache
from types import ModuleType

import polars as pl

from vitals.clinical import active_calories, blood_glucose, heart_rate, hrv_rmssd, sleep, steps
from vitals.clinical.context import DayContext
from vitals.clinical.local_day import local_days, offset_timeline, with_local_time
from vitals.raw.container import Limits
from vitals.raw.decode import RawObject, decode
from vitals.record_types import BY_AVRO_NAME, RECORD_TYPES, UTC_MS, RecordType
from vitals.twin.cohort import generate
from vitals.twin.faults import Fault
from vitals.twin.settings import TwinSettings, Upload
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY, fold
from vitals.validated.rules import judge
from vitals.validated.zone_offsets import observations

MODULES: dict[str, ModuleType] = {
    module.KIND.kind: module for module in (blood_glucose, heart_rate, sleep, steps, active_calories, hrv_rmssd)
}
HABITS = frozenset(
    {Fault.OVERLAPPING_WINDOWS, Fault.SOURCE_LAG, Fault.GROWTH, Fault.FALSE_Z, Fault.TWO_SOURCES, Fault.DAY_BUCKETS}
)
"""What every exporter does; a broken file would only be missing here."""


@cache
def twin_facts(seed: int, *, people: int = 2, days: int = 2) -> dict[str, pl.DataFrame]:
    """Clinical table of each kind; kinds without records have no entry."""
    settings = TwinSettings(seed=seed, people=people, days=days, first_day=date(2025, 9, 15), faults=HABITS)
    uploads = list(generate(settings))
    records: dict[str, pl.DataFrame] = {}
    seen, fetches = [], []
    for record_type in RECORD_TYPES:
        rows = _rows([u for u in uploads if BY_AVRO_NAME[u.type_name] is record_type], record_type)
        records[record_type.kind] = rows.select(list(record_type.columns))
        seen.append(observations(rows))
        fetches.append(rows.group_by("subject_id").agg(known_until_utc=pl.col("fetched_utc").max()))
    timeline = offset_timeline(pl.concat(seen))
    known = pl.concat(fetches).group_by("subject_id").agg(pl.col("known_until_utc").max().cast(UTC_MS))
    local = {kind: with_local_time(rows, timeline) for kind, rows in records.items()}
    dates = pl.concat([rows.select("local_date", "end_local_date") for rows in local.values()])
    first, last = dates["local_date"].min(), dates["end_local_date"].max()
    assert isinstance(first, date)
    assert isinstance(last, date)
    spans = local_days(timeline, first_date=first, last_date=last, known_until=known)
    sessions = sleep.choose_sessions(local["sleep"], priorities=DayContext(days=spans).priorities)
    return {
        record_type.kind: MODULES[record_type.kind].summarise(
            local[record_type.kind], DayContext(days=spans, sessions=sessions if record_type.needs else None)
        )
        for record_type in RECORD_TYPES
    }


def _rows(uploads: list[Upload], record_type: RecordType) -> pl.DataFrame:
    decoded = decode([RawObject(u.data) for u in uploads], kind=record_type.kind, limits=Limits())
    judged = judge(decoded.frame, record_type)
    ids = [f"{i:08d}" for i in range(len(uploads))]
    files = pl.DataFrame(
        {
            "file_index": range(len(uploads)),
            "upload_id": ids,
            "attempt": [1] * len(uploads),
            "subject_id": [u.user for u in uploads],
            "source_key_sha256": ids,
            "landing_day": [u.landing_day for u in uploads],
            "file_quality": [1.0] * len(uploads),
        },
        schema=FILE_COLUMNS,
    )
    rows = normalise(judged.filter(pl.col("reason").is_null()), files, record_type)
    incoming = rows.select(DELIVERY_SCHEMA.names()).cast(DELIVERY_SCHEMA)
    folded = fold(known=incoming.clear(), incoming=incoming, upload_ids=ids)
    return rows.unique([*RECORD_KEY, "content_hash"], keep="first", maintain_order=True).join(
        folded.winners.select(*RECORD_KEY, "content_hash"), on=[*RECORD_KEY, "content_hash"], how="semi"
    )
