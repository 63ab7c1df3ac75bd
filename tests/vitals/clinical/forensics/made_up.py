"""Deliveries made up row by row: a source with a grid, a lag and pauses, an exporter with a window."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import polars as pl

from tests.vitals.clinical.record_frames import day, days
from vitals.clinical.forensics.deliveries import DAY_MS, DELIVERED_SCHEMA, HOUR_MS, MINUTE_MS
from vitals.clinical.forensics.findings import Findings, investigate

FIRST_DAY = date(2025, 3, 3)
START_MS = int(datetime(2025, 3, 3, tzinfo=UTC).timestamp() * 1000)


def at(hours: float) -> int:
    """Instant so many hours after the first midnight."""
    return START_MS + round(hours * HOUR_MS)


def readings(
    *,
    app: str = "com.cgm",
    kind: str = "blood_glucose",
    from_h: float = 0,
    to_h: float,
    every_min: float = 5,
    lag_min: float = 30,
    without: Callable[[float], bool] = lambda _: False,
) -> list[tuple[str, str, str, int, int, int]]:
    """Records: kind, app, id, start, end, published."""
    found = []
    for n in range(int((to_h - from_h) * 60 / every_min)):
        hour = from_h + n * every_min / 60
        if not without(hour):
            found.append((kind, app, f"{app}-{kind}-{n}", at(hour), at(hour), at(hour + lag_min / 60)))
    return found


def exported(
    records: Sequence[tuple[str, str, str, int, int, int]],
    fetches_h: Sequence[float],
    *,
    window_h: float = 24,
    lost: Callable[[float, str], bool] = lambda *_: False,
) -> pl.DataFrame:
    """What an exporter brings of records at fetches (hours); `lost` says which files never arrive."""
    rows = [
        (kind, app, record_id, start, end, published, at(fetch))
        for fetch in fetches_h
        for kind, app, record_id, start, end, published in records
        if at(fetch - window_h) <= start <= at(fetch) and published <= at(fetch) and not lost(fetch, kind)
    ]
    instants = ("start_utc", "end_utc", "modified_utc", "fetched_utc")
    schema = {name: pl.Int64() if name in instants else dtype for name, dtype in DELIVERED_SCHEMA.items()}
    return pl.DataFrame(rows, schema=schema, orient="row").cast(DELIVERED_SCHEMA)


def look(delivered: pl.DataFrame, *, first: int = 0, last: int, span: int = 12) -> Findings:
    """Findings of UTC days, numbered from the first; `span` days are known."""
    frame = days(*(day(FIRST_DAY + timedelta(days=n)) for n in range(-1, span)))
    return investigate(
        delivered, frame, first_day=FIRST_DAY + timedelta(days=first), last_day=FIRST_DAY + timedelta(days=last)
    )


def spans(found: Findings, label: str, *, app: str | None = None, kind: str | None = None) -> list[tuple[float, float]]:
    """Gaps of a label as hours after the first midnight, rounded to a tenth; joined over midnight."""
    joined: list[list[float]] = []
    for gap in sorted(found.gaps, key=lambda g: (g.source_app, g.kind, g.from_ms)):
        if gap.label != label or app not in (None, gap.source_app) or kind not in (None, gap.kind):
            continue
        begin, end = ((ms - START_MS) / HOUR_MS for ms in (gap.from_ms, gap.to_ms))
        if joined and abs(joined[-1][1] - begin) < 1e-9:
            joined[-1][1] = end
        else:
            joined.append([begin, end])
    return [(round(begin, 1), round(end, 1)) for begin, end in joined]


__all__ = ["DAY_MS", "FIRST_DAY", "HOUR_MS", "MINUTE_MS", "START_MS", "at", "exported", "look", "readings", "spans"]
