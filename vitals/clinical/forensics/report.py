"""Findings as plain values: what the command line, the desk and the table show.

Belongs here: the two forms of findings, a dict for people and rows for the table.
Does not belong here: finding (`findings`), printing, writing.

The dict (instants ISO in UTC, durations in minutes; no health value):

    {"from", "to",
     "advice": {"sentence", "overlap_minutes", "window_minutes", "total_window_minutes", "fetch_interval_minutes"},
     "window_minutes": the exporter's fixed window, null if it has none,
     "fetches": [{"fetched_utc", "read_back_to_utc", "records", "unread_kinds": [...]}],
     "sources": [{"kind", "source_app",
                  "lag": {"records", "median_minutes", "p95_minutes", "longest_minutes", "basis"},
                  "expected_from_utc", "expected_to_utc",                       null if nothing was expected
                  "minutes": {"data", and one per label}}],
     "counts": {label: gaps},
     "gaps": [{"local_date", "kind", "source_app", "from_utc", "to_utc", "minutes", "label"}],
     "days": [{"local_date", "state": "closed" or "open", "closed_utc", "open": [{"source_app", "closes_utc"}]}]}
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import polars as pl

from vitals.clinical.forensics.deliveries import MINUTE_MS, Stream
from vitals.clinical.forensics.findings import Findings
from vitals.clinical.forensics.labels import LABELS
from vitals.clinical.forensics.lags import Lag
from vitals.record_types import UTC_MS
from vitals.training.rounding import round_half_up, round_parts

GAP_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "local_date": pl.Date(),
        "kind": pl.String(),
        "source_app": pl.String(),
        "from_utc": UTC_MS,
        "to_utc": UTC_MS,
        "minutes": pl.Float64(),
        "label": pl.String(),
    }
)
"""One row per person, local day, kind, source and gap; a gap over midnight is one row on each of its days."""


def gap_rows(subject_id: str, found: Findings) -> pl.DataFrame:
    """A person's gaps (GAP_SCHEMA)."""
    rows = [
        (
            subject_id,
            gap.local_date,
            gap.kind,
            gap.source_app,
            gap.from_ms,
            gap.to_ms,
            (gap.to_ms - gap.from_ms) / MINUTE_MS,
            gap.label,
        )
        for gap in found.gaps
    ]
    instants = {"from_utc": pl.Int64(), "to_utc": pl.Int64()}
    return pl.DataFrame(rows, schema={**GAP_SCHEMA, **instants}, orient="row").cast(GAP_SCHEMA)


def as_dict(found: Findings, *, first_day: date, last_day: date) -> dict[str, Any]:
    """Findings as the dict that this module describes."""
    windows = found.windows
    brought = [s.brought for s in found.history.streams.values()]
    records = np.sum([b.sum(axis=0) for b in brought], axis=0).tolist() if brought else []
    return {
        "from": first_day.isoformat(),
        "to": last_day.isoformat(),
        "advice": {
            "sentence": found.advice.sentence,
            "overlap_minutes": found.advice.overlap_minutes,
            "window_minutes": found.advice.window_minutes,
            "total_window_minutes": found.advice.total_window_minutes,
            "fetch_interval_minutes": found.advice.fetch_interval_minutes,
        },
        "window_minutes": _minutes(windows.length_ms),
        "fetches": [
            {
                "fetched_utc": _iso(at),
                "read_back_to_utc": _iso(begin),
                "records": count,
                "unread_kinds": sorted(unread),
            }
            for at, begin, count, unread in zip(
                windows.fetch_ms.tolist(), windows.from_ms.tolist(), records, windows.unread, strict=True
            )
        ],
        "sources": [_source(found, key, lag) for key, lag in sorted(found.lags.items())],
        "counts": {label: sum(gap.label == label for gap in found.gaps) for label in LABELS},
        "gaps": [
            {
                "local_date": gap.local_date.isoformat(),
                "kind": gap.kind,
                "source_app": gap.source_app,
                "from_utc": _iso(gap.from_ms),
                "to_utc": _iso(gap.to_ms),
                "minutes": _minutes(gap.to_ms - gap.from_ms),
                "label": gap.label,
            }
            for gap in found.gaps
        ],
        "days": [
            {
                "local_date": day.local_date.isoformat(),
                "state": "open" if day.closed_ms is None else "closed",
                "closed_utc": _iso(day.closed_ms),
                "open": [{"source_app": app, "closes_utc": _iso(at)} for app, at in day.open_sources.items()],
            }
            for day in found.days
        ],
    }


def _source(found: Findings, key: Stream, lag: Lag) -> dict[str, Any]:
    begin, end = found.expected.get(key, (None, None))
    spent = dict.fromkeys(LABELS, 0)
    for gap in found.gaps:
        if (gap.kind, gap.source_app) == key:
            spent[gap.label] += gap.to_ms - gap.from_ms
    whole = (end or 0) - (begin or 0)
    return {
        "kind": key[0],
        "source_app": key[1],
        "lag": {
            "records": lag.records,
            "median_minutes": _minutes(lag.median_ms),
            "p95_minutes": _minutes(lag.p95_ms),
            "longest_minutes": _minutes(lag.longest_ms),
            "basis": lag.basis,
        },
        "expected_from_utc": _iso(begin),
        "expected_to_utc": _iso(end),
        "minutes": dict(zip(("data", *spent), _minutes_of(whole, spent.values()), strict=True)),
    }


def _minutes(value_ms: int | None) -> float | None:
    return None if value_ms is None else round_half_up(value_ms / MINUTE_MS, 1)


def _minutes_of(whole_ms: int, spent_ms: Iterable[int]) -> list[float]:
    """Minutes with data, then those of each cause, rounded so that they add up to the time that was expected."""
    spent = list(spent_ms)
    parts = [part / MINUTE_MS for part in (max(whole_ms - sum(spent), 0), *spent)]
    return round_parts(parts, total=sum(parts), places=1)


def _iso(instant_ms: int | None) -> str | None:
    return None if instant_ms is None else datetime.fromtimestamp(instant_ms / 1000, UTC).isoformat(timespec="seconds")
