"""Short ways to write heart-rate records for tests, and generated days for comparison with the oracle."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import strategies as st

from tests.vitals.clinical.heart_rate_oracle import Sample
from tests.vitals.clinical.record_frames import PHONE_APP, RING, WRIST, day, days, records, session, sessions, utc
from vitals.clinical import heart_rate
from vitals.clinical.context import DayContext
from vitals.clinical.schema import fact_schema
from vitals.record_types import HEART_RATE

DAY = date(2025, 3, 3)
NEXT = date(2025, 3, 4)
MIDNIGHT = utc(2025, 3, 3)
APPS = (WRIST, RING, PHONE_APP)


def at(minute: float) -> datetime:
    """Instant so many minutes after the midnight of DAY."""
    return MIDNIGHT + timedelta(minutes=minute)


def record(values: Sequence[tuple[float, int]], **row: Any) -> dict[str, Any]:
    """A record of samples, given as minutes after midnight and bpm."""
    samples = [{"time_utc": at(minute), "bpm": bpm} for minute, bpm in values]
    return {"start": samples[0]["time_utc"], "end": samples[-1]["time_utc"], "samples": samples, **row}


def spots(first: float, count: int, bpm: int, *, every: float = 10, **row: Any) -> list[dict[str, Any]]:
    """Records of one sample each, evenly spaced."""
    return [record([(first + k * every, bpm)], **row) for k in range(count)]


def minutes(first: float, count: int, bpm: int, **row: Any) -> dict[str, Any]:
    """One record with a sample a minute."""
    return record([(first + k, bpm) for k in range(count)], **row)


def facts(rows: Sequence[Mapping[str, Any]], *on: Mapping[str, Any], **context: Any) -> pl.DataFrame:
    given = DayContext(days=days(*(on or (day(DAY),))), **context)
    frame = heart_rate.summarise(records(HEART_RATE, rows), given)
    assert frame.schema == fact_schema("heart_rate", heart_rate.SUPPORT)
    return frame


def fact(rows: Sequence[Mapping[str, Any]], *on: Mapping[str, Any], **context: Any) -> dict[str, Any]:
    frame = facts(rows, *on, **context)
    assert frame.height == 1
    return frame.row(0, named=True)


def reasons(row: Mapping[str, Any]) -> dict[str, str]:
    return {w["metric"].split(".")[1]: w["reason"] for w in row["withheld"]}


def samples_of(rows: Sequence[Mapping[str, Any]]) -> list[Sample]:
    return [
        Sample(s["time_utc"], s["bpm"], row["app"], row.get("device") or "UNKNOWN", row.get("model") or "")
        for row in rows
        for s in row["samples"]
    ]


@st.composite
def generated_day(draw: st.DrawFn) -> dict[str, Any]:
    """A day of 24 hours or another length, its sleep, and records of up to three sources from the day before to the day after."""
    hours = draw(st.sampled_from([24, 24, 23, 25, 17]))
    end = MIDNIGHT + timedelta(hours=hours)
    slept = []
    night = None
    if draw(st.booleans()):
        start = MIDNIGHT + timedelta(seconds=10 * draw(st.integers(-1000, 900)))
        stop = MIDNIGHT + timedelta(seconds=10 * draw(st.integers(1000, 3000)))
        night = (
            start + timedelta(minutes=draw(st.integers(0, 20))),
            stop - timedelta(minutes=draw(st.integers(0, 20))),
        )
        slept.append((start, stop))
    if draw(st.booleans()):
        nap = MIDNIGHT + timedelta(minutes=draw(st.integers(600, 900)))
        slept.append((nap, nap + timedelta(minutes=draw(st.sampled_from([5, 30, 90])))))
    if draw(st.booleans()):
        evening = end - timedelta(minutes=draw(st.integers(0, 60)))
        slept.append((evening, evening + timedelta(hours=7)))
    rows = []
    for app in APPS[: draw(st.integers(1, 3))]:
        devices = draw(
            st.lists(st.sampled_from([("PHONE", None), ("RING", None), ("RING", "m")]), min_size=1, max_size=2)
        )
        for _ in range(draw(st.integers(1, 6))):
            device, model = draw(st.sampled_from(devices))
            every = draw(st.sampled_from([0.5, 1, 1, 5, 10, 11, 11.5, 12]))
            first = draw(st.integers(-150, hours * 60 + 60)) + draw(st.sampled_from([0, 0.25, 0.75]))
            level = draw(st.sampled_from([46, 52, 75, 97, 110]))
            wobble = draw(st.lists(st.integers(-6, 6), min_size=1, max_size=40))
            values = [(first + k * every, level + w) for k, w in enumerate(wobble)]
            rows.append(record(values, app=app, device=device, model=model))
    return {"end": end, "night": night, "sessions": slept, "rows": rows}


def session_frame(case: Mapping[str, Any]) -> pl.DataFrame:
    rows = []
    for start, end in case["sessions"]:
        is_main = case["night"] is not None and (start, end) == case["sessions"][0]
        onset, wake = case["night"] if is_main else (start, end)
        rows.append(session(start, end, DAY if is_main else NEXT, onset=onset, wake=wake, main=is_main))
    return sessions(*rows)
