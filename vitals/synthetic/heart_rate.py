"""Heart rate of the phone's app (watch) and of the ring.

Belongs here: a plausible course in bpm, and what the apps make of it: Samsung writes a spot record about every ten
minutes awake, and records of a clock hour with minute samples asleep; Oura one record a night.
Does not belong here: delivery.

With `Fault.GROWTH` the hour around a fetch becomes a record that is first published with 3 samples, then 21, then
60; one of the first three is corrected on the way.
"""

from dataclasses import replace

import numpy as np

from vitals.synthetic.arrays import F64, I64, ints, ragged_index, smooth_noise
from vitals.synthetic.clock import HOUR_MS, MINUTE_MS
from vitals.synthetic.faults import Fault
from vitals.synthetic.people import OURA, SAMSUNG
from vitals.synthetic.rows import Items, Rows, Table, join_items, join_rows, make_rows, shift_items
from vitals.synthetic.scene import Scene
from vitals.synthetic.sleep import depth, ring_nights

SPOT_MS = 10 * MINUTE_MS
GROWTH_SAMPLES = (3, 21, 60)

_TOPIC, _SPOT_TOPIC, _HOUR_TOPIC, _GROWTH_TOPIC, _RING_TOPIC, _PAUSE_TOPIC = 601, 602, 603, 604, 605, 606


def heart_rate_table(scene: Scene) -> Table | None:
    """All heart-rate records of a person; None without an app that records any."""
    parts: list[tuple[Rows, Items]] = []
    pauses = _pauses(scene)
    for app in scene.apps(SAMSUNG, OURA):
        if app == OURA:
            parts.append(_ring_records(scene))
        else:
            parts += [_spots(scene, pauses), _hours(scene)]
            if scene.has(Fault.GROWTH):
                parts.append(_growing_hours(scene))
    if not parts:
        return None
    rows: list[Rows] = []
    taken = 0
    for part, items in parts:
        rows.append(shift_items(part, taken))
        taken += len(items)
    return Table(
        rows=join_rows(rows),
        items=join_items([items for _, items in parts]),
        pauses=tuple((SAMSUNG, int(a), int(b)) for a, b in pauses) if scene.person.role.samsung else (),
    )


def _bpm(scene: Scene, rng: np.random.Generator, at: I64) -> I64:
    """Course of the heart rate at ascending instants."""
    person = scene.person
    asleep = scene.life.asleep(at)
    usual = person.rng(_TOPIC).uniform(62, 76)
    hour = person.timeline.local_hour(at)
    awake = usual + 5 * np.sin((hour - 9) / 24 * 2 * np.pi) + 42 * scene.life.pace(at)
    through = depth(scene, at)
    # Falls over the first two thirds of the night and rises before waking.
    sleeping = usual - 9 - 7 * np.sin(np.pi * np.minimum(through / 0.85, 1)) + 4 * (through > 0.9)
    course: F64 = np.where(asleep, sleeping, awake)
    noise = smooth_noise(rng, len(at), sd=3.0, memory=6) + rng.normal(0, np.where(asleep, 1.2, 3.0))
    return ints((course + noise).clip(41, 188))


def _samples(at: I64, bpm: I64) -> Items:
    return Items(start_ms=at, end_ms=at, value=bpm)


def _spots(scene: Scene, pauses: I64) -> tuple[Rows, Items]:
    person = scene.person
    rng = person.rng(_SPOT_TOPIC)
    n = (person.end_ms - person.start_ms) // SPOT_MS
    at = person.start_ms + int(rng.integers(0, SPOT_MS)) + np.arange(n) * SPOT_MS
    at = at + ints(rng.normal(0, 4000, size=n).clip(-20_000, 20_000))
    kept = ~scene.life.asleep(at) & (rng.random(n) > 0.08) & (at < person.end_ms)
    for begin, end in pauses:
        kept &= (at < begin) | (at >= end)
    at = at[kept]
    rows = make_rows(
        rng,
        person.timeline,
        SAMSUNG,
        start_ms=at,
        modified_ms=scene.published_ms(rng, SAMSUNG, at),
        item_start=np.arange(len(at), dtype=np.int64),
        item_count=np.ones(len(at), dtype=np.int64),
    )
    if scene.has(Fault.NULL_ZONE):
        # Never the first after a zone change: it is the evidence for the readings around it.
        bare = (rng.random(len(rows)) < 0.3) & ~person.after_zone_change(at, hours=1)
        rows = replace(
            rows, start_zone=np.where(bare, b"", rows.start_zone), end_zone=np.where(bare, b"", rows.end_zone)
        )
    return rows, _samples(at, _bpm(scene, rng, at))


def _hours(scene: Scene) -> tuple[Rows, Items]:
    """Records of a clock hour with minute samples, for all time asleep."""
    person = scene.person
    rng = person.rng(_HOUR_TOPIC)
    asleep = np.concatenate([scene.life.nights_ms, scene.life.naps_ms])
    asleep = asleep[np.argsort(asleep[:, 0], kind="stable")]
    first = -(-asleep[:, 0] // MINUTE_MS)
    minutes = asleep[:, 1] // MINUTE_MS - first + 1
    at = ragged_index(first, minutes) * MINUTE_MS
    at = at[(at >= person.start_ms) & (at < person.end_ms)]
    # Clock hours of the wall, which in some zones are not those of UTC.
    hour = (person.timeline.wall(at) // HOUR_MS) * HOUR_MS - person.timeline.offset_at(at) * 1000
    start, begin, count = np.unique(hour, return_index=True, return_counts=True)
    last = at[begin + count - 1]
    # The hour of waking ends with its last sample; the others at the end of the hour.
    whole = last >= start + HOUR_MS - MINUTE_MS
    end = np.where(whole, start + HOUR_MS - 1, last + rng.integers(0, 50_000, size=len(last)))
    rows = make_rows(
        rng,
        person.timeline,
        SAMSUNG,
        start_ms=start,
        end_ms=end,
        modified_ms=scene.published_ms(rng, SAMSUNG, end),
        item_start=begin.astype(np.int64),
        item_count=count.astype(np.int64),
    )
    return rows, _samples(at, _bpm(scene, rng, at))


def _growing_hours(scene: Scene) -> tuple[Rows, Items]:
    """Records of hours awake in which a fetch takes place: three revisions each."""
    person = scene.person
    rng = person.rng(_GROWTH_TOPIC)
    fetched = scene.schedule.planned_ms[~scene.schedule.missed]
    hour = (person.timeline.wall(fetched) // HOUR_MS) * HOUR_MS - person.timeline.offset_at(fetched) * 1000
    hour, which = np.unique(hour, return_index=True)
    fetched = fetched[which]
    first = hour + GROWTH_SAMPLES[0] * MINUTE_MS + rng.integers(5_000, 30_000, size=len(hour))
    chosen = (rng.random(len(hour)) < 0.7) & (fetched > first) & ~scene.life.asleep(hour)
    chosen &= ~scene.life.asleep(hour + HOUR_MS) & (hour >= person.start_ms) & (hour + HOUR_MS <= person.end_ms)
    hour, first, fetched = hour[chosen], first[chosen], fetched[chosen]
    second = np.maximum(hour + 21 * MINUTE_MS, fetched) + rng.integers(60_000, 600_000, size=len(hour))
    third = np.maximum(hour + HOUR_MS, second) + ints(rng.uniform(0.1, 14, size=len(hour)) * HOUR_MS)
    modified = np.stack([first, second, third], axis=1).reshape(-1)
    at = (hour[:, None] + np.arange(60) * MINUTE_MS + 30_000).reshape(-1)
    bpm = _bpm(scene, rng, at)
    early = bpm.reshape(len(hour), 60)[:, : GROWTH_SAMPLES[0]].copy()
    early[:, 1] += rng.integers(2, 6, size=len(hour))
    early_at = at.reshape(len(hour), 60)[:, : GROWTH_SAMPLES[0]]
    record = np.repeat(np.arange(len(hour), dtype=np.int64), 3)
    counts = np.tile(np.array(GROWTH_SAMPLES, dtype=np.int64), len(hour))
    # The first revision has samples of its own, behind the final ones: one of them was corrected later.
    item_start = record * 60
    item_start[::3] = len(at) + np.arange(len(hour)) * GROWTH_SAMPLES[0]
    end = np.repeat(hour, 3) + counts * MINUTE_MS - 1
    rows = make_rows(
        rng,
        person.timeline,
        SAMSUNG,
        record=record,
        start_ms=np.repeat(hour, 3),
        end_ms=end,
        modified_ms=modified,
        item_start=item_start,
        item_count=counts,
    )
    return rows, join_items([_samples(at, bpm), _samples(early_at.reshape(-1), early.reshape(-1))])


def _ring_records(scene: Scene) -> tuple[Rows, Items]:
    person = scene.person
    rng = person.rng(_RING_TOPIC)
    ring = ring_nights(scene)
    counts = (ring.end_ms - ring.start_ms) // (5 * MINUTE_MS)
    at = np.repeat(ring.start_ms, counts) + ragged_index(np.zeros(len(counts), dtype=np.int64), counts) * 5 * MINUTE_MS
    order = np.argsort(ring.start_ms, kind="stable")
    client = np.array([f"oura:{i}".encode() for i in ring.session_ids])
    rows = make_rows(
        rng,
        person.timeline,
        OURA,
        start_ms=ring.start_ms,
        end_ms=ring.end_ms,
        modified_ms=ring.modified_ms,
        item_start=np.cumsum(counts) - counts,
        item_count=counts,
    )
    return replace(rows, client_id=client, version=ring.modified_ms - 130).take(order), _samples(
        at, _bpm(scene, rng, at)
    )


def _pauses(scene: Scene) -> I64:
    """Spans in which the watch was off, shape (pauses, 2): an hour or two on every third afternoon."""
    person = scene.person
    if not (scene.has(Fault.GAPS) and person.role.samsung):
        return np.zeros((0, 2), dtype=np.int64)
    rng = person.rng(_PAUSE_TOPIC)
    days = np.arange(person.index % 2, person.days, 3)
    start = np.array(person.day_starts_ms)[days] + ints(rng.uniform(15, 17.5, size=len(days)) * HOUR_MS)
    spans = np.stack([start, start + ints(rng.uniform(1, 2.4, size=len(days)) * HOUR_MS)], axis=1)
    return np.asarray(spans[~person.after_zone_change(spans[:, 1], hours=9)])
