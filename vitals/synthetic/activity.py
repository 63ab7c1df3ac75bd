"""Steps and active energy, as day buckets or as quarter-hour intervals.

Belongs here: what the phone's app and the ring make of the steps a person walks.
Does not belong here: the walking (`life`).

A day bucket carries the total at its publication although it ends at midnight: a lower bound. An exporter that
reads 24 h back, filtered on start, never sees its final value.
"""

from dataclasses import replace

import numpy as np

from vitals.synthetic.arrays import F64, I64, ints, uuids
from vitals.synthetic.clock import DAY_MS, HOUR_MS, MINUTE_MS
from vitals.synthetic.faults import Fault
from vitals.synthetic.life import SLOT_MS
from vitals.synthetic.people import OURA, SAMSUNG
from vitals.synthetic.rows import Rows, Table, join_rows, make_rows
from vitals.synthetic.scene import Scene

RING_DAY_BEGINS_HOUR = 4
RING_SHARE = 0.72
"""The ring counts fewer steps than the phone."""
KCAL_PER_STEP = 0.042

_TOPICS = {"steps": 701, "active_calories": 702}
_RING_NAMES = {"steps": "daily_steps", "active_calories": "daily_active_calories"}


def steps_table(scene: Scene) -> Table | None:
    """All step records of a person; None without an app that counts."""
    return _table(scene, "steps")


def active_calories_table(scene: Scene) -> Table | None:
    """All energy records of a person; None without an app that estimates."""
    return _table(scene, "active_calories")


def _table(scene: Scene, kind: str) -> Table | None:
    apps = scene.apps(SAMSUNG, OURA)
    if not apps:
        return None
    make = _buckets if scene.has(Fault.DAY_BUCKETS) else _intervals
    return Table(rows=join_rows([make(scene, kind, app) for app in apps]))


def _amount(kind: str, app: str, steps: F64) -> F64:
    share = RING_SHARE if app == OURA else 1.0
    if kind == "steps":
        return np.asarray(np.floor(steps * share))
    kcal = steps * share * KCAL_PER_STEP
    # The ring writes whole kilocalories.
    return np.asarray(np.floor(kcal) if app == OURA else np.round(kcal, 3))


def _intervals(scene: Scene, kind: str, app: str) -> Rows:
    rng = scene.person.rng(_TOPICS[kind], _app_number(app))
    steps = scene.life.steps
    value = _amount(kind, app, steps.astype(np.float64))
    walked = np.flatnonzero(value > 0)
    start = scene.life.walk_start_ms + walked * SLOT_MS
    end = np.minimum(start + SLOT_MS, scene.person.end_ms)
    return make_rows(
        rng,
        scene.person.timeline,
        app,
        start_ms=start,
        end_ms=end,
        modified_ms=scene.published_ms(rng, app, end),
        value=value[walked],
    )


def _buckets(scene: Scene, kind: str, app: str) -> Rows:
    person = scene.person
    rng = person.rng(_TOPICS[kind], _app_number(app))
    midnights = np.array(person.day_starts_ms, dtype=np.int64)
    begin = midnights[:-1]
    if app == OURA:
        begin = person.timeline.instant(person.timeline.wall(begin) + RING_DAY_BEGINS_HOUR * HOUR_MS)
    # On the long day of a westward journey the app closes the bucket when its usual day is over.
    long_day = person.after_zone_change(midnights[1:], hours=24) & (midnights[1:] - midnights[:-1] > DAY_MS + HOUR_MS)
    end = np.where(long_day, midnights[:-1] + DAY_MS, midnights[1:]) - 1
    record, modified = _publications(scene, rng, app, begin, end)
    until = np.minimum(modified, end[record])
    steps = scene.life.steps_until(until) - scene.life.steps_until(midnights[:-1])[record]
    rows = make_rows(
        rng,
        person.timeline,
        app,
        record=record,
        start_ms=begin[record],
        end_ms=end[record],
        modified_ms=modified,
        value=_amount(kind, app, steps),
    )
    if app == OURA:
        ids = uuids(rng, len(begin))
        client = np.array([f"oura:{_RING_NAMES[kind]}_{str(i, 'ascii')}".encode() for i in ids])
        rows = replace(rows, client_id=client[record], version=modified - 28)
    return rows


def _publications(scene: Scene, rng: np.random.Generator, app: str, begin: I64, end: I64) -> tuple[I64, I64]:
    """Record number and instant of each revision of the buckets: shortly before every fetch, and after the end."""
    fetched = scene.schedule.planned_ms
    late_minutes = rng.uniform(20, 60, size=len(fetched)) if app == OURA else rng.uniform(0.3, 18, size=len(fetched))
    if not scene.has(Fault.SOURCE_LAG):
        late_minutes = np.full(len(fetched), 0.5)
    before = fetched - ints(late_minutes * MINUTE_MS)
    if scene.has(Fault.SOURCE_LAG) and app == SAMSUNG:
        # Now and then the phone writes in the very moment of the fetch, and its clock is ahead.
        ahead = rng.random(len(fetched)) < 0.15
        before[ahead] = fetched[ahead] + 2_000
    bucket = np.searchsorted(begin, before, side="right") - 1
    running = (bucket >= 0) & (before <= end[bucket.clip(0)])
    record = np.concatenate([bucket[running], np.arange(len(begin))])
    modified = np.concatenate([before[running], end + rng.integers(180_000, 2_400_000, size=len(end))])
    order = np.lexsort((modified, record))
    record, modified = record[order], modified[order]
    if not scene.has(Fault.GROWTH):
        first = np.unique(record, return_index=True)[1]
        record, modified = record[first], modified[first]
    return record.astype(np.int64), modified


def _app_number(app: str) -> int:
    return (SAMSUNG, OURA).index(app)
