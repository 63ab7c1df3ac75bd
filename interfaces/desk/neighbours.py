"""A waiting record among its neighbours: the person's records around it, drawn.

Belongs here: finding the rows that are near, reading the waiting one from its file, and choosing the picture.
Does not belong here: drawing (`charts`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from markupsafe import Markup

from interfaces.api.access import Caller
from interfaces.api.routes.records import records_of, sleep_days
from interfaces.desk.charts import STAGES, Bar, Point, curve, rows_of_bars
from pipeline.staleness import evidence_frame
from resources.catalog.rows.uploads import WaitingRow
from vitals.clinical.local_day import offset_timeline
from vitals.raw.decode import RawObject, decode
from vitals.record_types import BY_KIND, SLEEP, RecordType
from vitals.training.rounding import write_rounded
from vitals.validated.normalise import FILE_COLUMNS, normalise

AROUND = timedelta(hours=9)
NEAREST = 8


@dataclass(frozen=True)
class Scene:
    """What is around a record.

    Attributes:
        picture: SVG, empty if there is nothing to draw.
        clock: what the times are: "local time" or "UTC".
        own: the record's own value in words; None if its file cannot be read now.
        nearest: time, value and source of the records nearest to it.
    """

    picture: Markup
    clock: str
    own: str | None
    nearest: list[tuple[str, str, str]]


def scene_of(caller: Caller, row: WaitingRow) -> Scene:
    """The surroundings of a waiting record."""
    record_type = BY_KIND[row.kind]
    at = datetime.fromisoformat(str(row.payload["start_utc"]))
    waiting = {one.row_index for one in caller.catalog.partials.list(upload_id=row.upload_id, limit=100_000)} | {
        row.row_index
    }
    in_file = _rows_of_file(caller, row, record_type).filter(pl.col("row_index").is_in(sorted(waiting)))
    days: list[date] = pl.date_range((at - AROUND).date(), (at + AROUND).date(), eager=True).to_list()
    counted = records_of(caller, record_type, row.subject_id, days)
    offset = _offset(caller, row.subject_id, at)
    shift = timedelta(seconds=offset or 0)
    near = (pl.col("end_utc") > at - AROUND) & (pl.col("start_utc") < at + AROUND)
    rows = [
        *((one, False) for one in counted.filter(near).sort("start_utc").rows(named=True)),
        *((one, True) for one in in_file.filter(near).sort("start_utc").rows(named=True)),
    ]
    own = in_file.filter(pl.col("row_index") == row.row_index)
    others = sorted(
        (one for one, _ in rows if one["record_id"] != row.record_id), key=lambda o: abs(o["start_utc"] - at)
    )
    return Scene(
        picture=picture_of(record_type, rows, shift=shift, looked_at=row.record_id),
        clock="UTC" if offset is None else "local time",
        own=_value(record_type, own.rows(named=True)[0]) if own.height else None,
        nearest=[
            (f"{_wall(one['start_utc'], shift):%Y-%m-%d %H:%M}", _value(record_type, one), one["source_app"])
            for one in sorted(others[:NEAREST], key=lambda o: o["start_utc"])
        ],
    )


def picture_of(
    record_type: RecordType, rows: list[tuple[dict[str, Any], bool]], *, shift: timedelta, looked_at: str | None = None
) -> Markup:
    """The picture that suits a kind.

    Args:
        rows: validated rows, and whether each waits.
        shift: from UTC to the clock that is shown.
        looked_at: id of the record that the page is about.
    """
    if record_type.instant or record_type.sampled:
        points = [
            replace(point, looked_at=row["record_id"] == looked_at)
            for row, waits in rows
            for point in _points(record_type, row, waits=waits, shift=shift)
        ]
        column = "bpm" if record_type.sampled else next(iter(record_type.plausible))
        return curve(points, title=record_type.title, unit=record_type.units[column])
    if record_type.kind == "sleep":
        bars = [
            Bar(
                stage["stage"],
                _wall(stage["start_utc"], shift),
                _wall(stage["end_utc"], shift),
                row["source_app"],
                waits,
            )
            for row, waits in rows
            # A record without stages is time that nobody scored.
            for stage in row["stages"] or [{**row, "stage": "UNKNOWN"}]
        ]
        return rows_of_bars(bars, title="Night", rows=STAGES)
    bars = [
        Bar(
            row["source_app"],
            _wall(row["start_utc"], shift),
            _wall(row["end_utc"], shift),
            _value(record_type, row),
            waits,
        )
        for row, waits in rows
    ]
    return rows_of_bars(bars, title=f"{record_type.title} by source")


def day_picture(caller: Caller, record_type: RecordType, subject_id: str, day: date) -> Markup:
    """A person's local day of a kind; all records of a sleep belong to the day it ends on."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    offset = _offset(caller, subject_id, noon)
    shift = timedelta(seconds=offset or 0)
    if record_type is SLEEP:
        of_day = sleep_days(caller, subject_id, day).filter(pl.col("local_date") == day).sort("start_utc")
        return picture_of(record_type, [(row, False) for row in of_day.rows(named=True)], shift=shift)
    around: list[date] = pl.date_range(day - timedelta(days=1), day + timedelta(days=1), eager=True).to_list()
    found = records_of(caller, record_type, subject_id, around).sort("start_utc")
    rows = [(row, False) for row in found.rows(named=True) if _wall(row["start_utc"], shift).date() == day]
    return picture_of(record_type, rows, shift=shift)


def _rows_of_file(caller: Caller, row: WaitingRow, record_type: RecordType) -> pl.DataFrame:
    upload = caller.catalog.uploads.by_id(row.upload_id)
    data = caller.lake.read_object(upload.key)
    decoded = decode([RawObject(data)], kind=row.kind, limits=caller.workspace.policy.limits)
    file = pl.DataFrame(
        {
            "file_index": [0],
            "upload_id": [row.upload_id],
            "attempt": [upload.attempts],
            "subject_id": [row.subject_id],
            "source_key_sha256": [upload.key_sha256],
            "landing_day": [upload.landing_day],
            "file_quality": [upload.score],
        },
        schema=FILE_COLUMNS,
    )
    return normalise(decoded.frame, file, record_type)


def _offset(caller: Caller, subject_id: str, at: datetime) -> int | None:
    """Offset in force at an instant; None if nothing is known of the person's zone."""
    timeline = offset_timeline(evidence_frame(caller.workspace.catalog, caller.tenant, [subject_id]))
    if timeline.is_empty():
        return None
    before = timeline.filter(pl.col("from_utc") <= at)
    return int((before.tail(1) if before.height else timeline.head(1))["offset_seconds"].item())


def _wall(instant: datetime, shift: timedelta) -> datetime:
    return (instant + shift).replace(tzinfo=None)


def _points(record_type: RecordType, row: dict[str, Any], *, waits: bool, shift: timedelta) -> Iterator[Point]:
    if record_type.sampled:
        for sample in row[record_type.sampled] or ():
            yield Point(_wall(sample["time_utc"], shift), float(sample["bpm"]), waits)
    else:
        yield Point(_wall(row["start_utc"], shift), float(row[next(iter(record_type.plausible))]), waits)


def _value(record_type: RecordType, row: dict[str, Any]) -> str:
    if record_type.kind == "sleep":
        return f"{len(row['stages'] or ())} stages, {write_rounded((row['end_utc'] - row['start_utc']).total_seconds() / 3600, 1)} h"
    if record_type.sampled:
        values = [sample["bpm"] for sample in row[record_type.sampled] or ()]
        return f"{len(values)} samples, {min(values)} to {max(values)} bpm" if values else "no samples"
    column = next(iter(record_type.plausible))
    return f"{row[column]:,.10g} {record_type.units[column]}"
