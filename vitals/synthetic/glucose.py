"""Readings of a continuous glucose monitor.

Belongs here: a plausible glucose course (meals, early-morning rise, dip asleep), the sensor's 5-minute grid and
range, and what a CGM app writes.
Does not belong here: delivery, rows that are wrong on purpose.

    life + role -> course in mg/dL -> readings every 294-306 s -> Rows
"""

from dataclasses import replace

import numpy as np

from vitals.synthetic.arrays import F64, I64, Bools, ints, smooth_noise
from vitals.synthetic.clock import HOUR_MS, MINUTE_MS, wall_ms
from vitals.synthetic.faults import Fault
from vitals.synthetic.people import STELO
from vitals.synthetic.rows import Table, make_rows
from vitals.synthetic.scene import Scene

RANGE_MG_DL = {STELO: (70, 250)}
"""Readings outside are withheld by the app. Others clip at what the sensor can tell."""
SENSOR_RANGE_MG_DL = (40, 400)
NULL_ZONE_SHARE = 0.3

_TOPIC, _MEAL_TOPIC, _PAUSE_TOPIC, _DIP_TOPIC = 301, 302, 303, 304
_MEAL_HOURS = np.array([7.6, 12.5, 15.8, 18.9])
_MEAL_SIZE = np.array([0.9, 1.0, 0.35, 1.15])
_MEALS_STILL_ACTIVE = 3


def glucose_table(scene: Scene) -> Table | None:
    """All readings of a person; None without a CGM."""
    person = scene.person
    app = person.role.cgm
    if app is None:
        return None
    rng = person.rng(_TOPIC)
    at = _grid(rng, person.start_ms, person.end_ms)
    level = ints(_course(scene, rng, at).clip(*SENSOR_RANGE_MG_DL))
    low, high = RANGE_MG_DL.get(app, SENSOR_RANGE_MG_DL)
    pauses = _pauses(scene)
    kept = (level >= low) & (level <= high) & _outside(at, pauses)
    at, level = at[kept], level[kept].astype(np.float64)
    # A mmol/L round trip leaves the neighbouring floating-point number in some readings.
    noisy = rng.random(len(at)) < 0.12
    level[noisy] = np.nextafter(level[noisy], rng.choice([0.0, 1e9], size=int(noisy.sum())))
    rows = make_rows(rng, person.timeline, app, start_ms=at, modified_ms=scene.published_ms(rng, app, at), value=level)
    if scene.has(Fault.FALSE_Z):
        zulu = np.full(len(rows), b"Z", dtype="S9")
        rows = replace(rows, start_zone=zulu, end_zone=zulu)
    if scene.has(Fault.NULL_ZONE) and person.role.samsung and person.index % 2:
        bare = rng.random(len(rows)) < NULL_ZONE_SHARE
        rows = replace(
            rows, start_zone=np.where(bare, b"", rows.start_zone), end_zone=np.where(bare, b"", rows.end_zone)
        )
    numbers = 514_960_142_010_000_000 + person.index * 1_000_000_000 + (at - person.start_ms) // 1000
    rows = replace(rows, client_id=numbers.astype("S20"))
    return Table(rows=rows, pauses=tuple((app, int(a), int(b)) for a, b in pauses))


def _grid(rng: np.random.Generator, begin: int, end: int) -> I64:
    n = (end - begin) // 294_000 + 1
    at = begin + rng.integers(0, 300_000) + np.cumsum(rng.integers(294_000, 306_001, size=n))
    return np.asarray(at[at < end], dtype=np.int64)


def _course(scene: Scene, rng: np.random.Generator, at: I64) -> F64:
    person = scene.person
    diabetes = person.role.diabetes
    hour = person.timeline.local_hour(at)
    base = rng.uniform(115, 138) if diabetes else rng.uniform(92, 102)
    rise = rng.uniform(14, 26) if diabetes else rng.uniform(6, 12)
    # Towards waking the liver releases glucose; in the first half of the night the level is lowest.
    course = base + rise * np.exp(-(((hour - 6.8) / 1.6) ** 2))
    course -= (22 if diabetes else 10) * np.exp(-(((hour - 2.5) / 2.2) ** 2))
    course += _meals(scene, at, peak=rng.uniform(62, 90) if diabetes else rng.uniform(32, 52))
    course -= (22 if diabetes else 12) * scene.life.pace(at)
    course -= _dips(scene, at)
    course += smooth_noise(rng, len(at), sd=14 if diabetes else 6, memory=14) + rng.normal(0, 1.3, size=len(at))
    return np.asarray(course)


def _meals(scene: Scene, at: I64, *, peak: float) -> F64:
    person = scene.person
    rng = person.rng(_MEAL_TOPIC)
    days = wall_ms(person.first_day) + np.arange(-1, person.days) * 24 * HOUR_MS
    wall = days[:, None] + (_MEAL_HOURS + rng.normal(0, 0.35, size=(len(days), 4))) * HOUR_MS
    size = (peak * _MEAL_SIZE * rng.lognormal(0, 0.3, size=wall.shape)).reshape(-1)
    eaten = person.timeline.instant(ints(wall.reshape(-1)))
    order = np.argsort(eaten, kind="stable")
    eaten, size = eaten[order], size[order]
    latest = np.searchsorted(eaten, at, side="right") - 1
    minutes_to_peak = 65.0 if person.role.diabetes else 45.0
    total = np.zeros(len(at))
    for back in range(_MEALS_STILL_ACTIVE):
        meal = np.maximum(latest - back, 0)
        passed = ((at - eaten[meal]) / MINUTE_MS / minutes_to_peak).clip(0, 12)
        total += np.where(latest >= back, size[meal] * passed * np.exp(1 - passed), 0.0)
    return total


def _dips(scene: Scene, at: I64) -> F64:
    """Falls of half an hour or so, on every third day: low readings, where the app does not withhold them."""
    person = scene.person
    rng = person.rng(_DIP_TOPIC)
    centre = np.array(person.day_starts_ms[:-1]) + ints(rng.uniform(2, 22, size=person.days) * HOUR_MS)
    depth = rng.uniform(60, 120, size=person.days) if person.role.diabetes else rng.uniform(22, 45, size=person.days)
    depth[rng.random(person.days) > 0.35] = 0
    day = (np.searchsorted(person.day_starts_ms, at, side="right") - 1).clip(0, person.days - 1)
    away = (at - centre[day]) / MINUTE_MS / 30
    return np.asarray(depth[day] * np.exp(-(away**2)))


def _pauses(scene: Scene) -> I64:
    """Spans without readings, shape (pauses, 2): lost contact for an hour or a few, every other day."""
    if not scene.has(Fault.GAPS):
        return np.zeros((0, 2), dtype=np.int64)
    person = scene.person
    rng = person.rng(_PAUSE_TOPIC)
    days = np.arange(1, person.days + 1, 2)
    start = np.array(person.day_starts_ms)[np.minimum(days, person.days - 1)]
    start = start + ints(rng.uniform(1, 20, size=len(days)) * HOUR_MS)
    length = ints(rng.uniform(0.9, 3.6, size=len(days)) * HOUR_MS)
    return np.stack([start, start + length], axis=1)[days < max(person.days, 2)]


def _outside(at: I64, spans: I64) -> Bools:
    inside = np.zeros(len(at), dtype=np.bool_)
    for begin, end in spans:
        inside |= (at >= begin) & (at < end)
    return ~inside
