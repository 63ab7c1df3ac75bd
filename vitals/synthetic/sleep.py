"""Sleep sessions of the phone's app and of the ring, and the ring's session times that its other records share.

Belongs here: a plausible hypnogram in half-minute epochs, and what each app makes of it: Samsung starts at sleep
onset and scores fine epochs, on some nights only SLEEPING or nothing; Oura starts in bed and scores 5-minute
blocks, differently.
Does not belong here: heart rate and HRV asleep (`heart_rate`, `hrv`).
"""

from dataclasses import dataclass, replace

import numpy as np

from vitals.synthetic.arrays import F64, I64, Bools, ints, ragged_index, uuids
from vitals.synthetic.clock import MINUTE_MS
from vitals.synthetic.faults import Fault
from vitals.synthetic.people import OURA, SAMSUNG
from vitals.synthetic.rows import Items, Rows, Table, join_items, join_rows, make_rows, shift_items
from vitals.synthetic.scene import Scene

STAGES = ("UNKNOWN", "AWAKE", "SLEEPING", "OUT_OF_BED", "LIGHT", "DEEP", "REM")
UNKNOWN, AWAKE, SLEEPING, LIGHT, DEEP, REM = 0, 1, 2, 4, 5, 6
EPOCH_MS = 30_000
OURA_BLOCK_EPOCHS = 10

_TOPIC, _RING_TOPIC, _STAGE_TOPIC = 401, 402, 403
_CYCLE_EPOCHS = 180
# Shares of the first five sleep cycles; later ones are like the fifth.
_DEEP_SHARE = np.array([0.42, 0.3, 0.15, 0.08, 0.04])
_REM_SHARE = np.array([0.08, 0.18, 0.26, 0.32, 0.34])
_NOTES = (
    "Woke twice, Grandma Hildegard-Testname snored next door",
    "Gästezimmer bei Familie Mustermann-Erfunden, Kirchweg 7",
    'late shift\nthen "tea" with Dr. Placeholder, call +1-555-0100',
)


@dataclass(frozen=True, kw_only=True)
class RingNights:
    """The ring's sessions: its sleep, heart-rate and HRV records share times, id and publication.

    Attributes:
        start_ms, end_ms: of each session; in bed before onset, up after waking.
        session_ids: the id in clientRecordId.
        modified_ms: publication.
    """

    start_ms: I64
    end_ms: I64
    session_ids: tuple[str, ...]
    modified_ms: I64


def ring_nights(scene: Scene) -> RingNights:
    """The ring's sessions of all nights that end within the person's days."""
    rng = scene.person.rng(_RING_TOPIC)
    nights = scene.life.nights_ms[:-1]
    block = OURA_BLOCK_EPOCHS * EPOCH_MS
    start = nights[:, 0] - rng.integers(1, 4, size=len(nights)) * block + rng.integers(0, 10, size=len(nights)) * 1000
    end = nights[:, 1] + rng.integers(10, 500, size=len(nights)) * 1000
    return RingNights(
        start_ms=start,
        end_ms=end,
        session_ids=tuple(str(i, "ascii") for i in uuids(rng, len(nights))),
        modified_ms=scene.published_ms(rng, OURA, end),
    )


def sleep_table(scene: Scene) -> Table | None:
    """All sleep sessions of a person; None without an app that records any."""
    parts: list[Rows] = []
    items: list[Items] = []
    for app in scene.apps(OURA, SAMSUNG):
        rows, stages = _ring_sessions(scene) if app == OURA else _phone_sessions(scene)
        parts.append(shift_items(rows, sum(len(i) for i in items)))
        items.append(stages)
    if not parts:
        return None
    rows = join_rows(parts)
    if scene.has(Fault.FREE_TEXT):
        typed = np.array([text.encode() for text in _NOTES])
        written = np.arange(len(rows)) % 3 == 0
        rows = replace(rows, notes=np.where(written, typed[np.arange(len(rows)) % len(_NOTES)], b""))
    return Table(rows=rows, items=join_items(items))


def free_texts() -> tuple[str, ...]:
    """Every note a sleep record can carry: text that must be found nowhere past validation."""
    return _NOTES


@dataclass(frozen=True, kw_only=True)
class Hypnograms:
    """Stages of all nights in half-minute epochs, one night after the other.

    Attributes:
        stage: of each epoch.
        night: number of its night.
        first: index of each night's first epoch.
        counts: number of each night's epochs.
    """

    stage: I64
    night: I64
    first: I64
    counts: I64


def _hypnograms(scene: Scene) -> Hypnograms:
    """Cycles, deep early and REM late, light spells and brief awakenings."""
    rng = scene.person.rng(_STAGE_TOPIC)
    nights = scene.life.nights_ms[:-1]
    counts = (nights[:, 1] - nights[:, 0]) // EPOCH_MS
    first = np.cumsum(counts) - counts
    night = np.repeat(np.arange(len(counts)), counts)
    at = ragged_index(np.zeros(len(counts), dtype=np.int64), counts)
    length = ints(_CYCLE_EPOCHS * rng.uniform(0.9, 1.15, size=len(counts)))[night]
    cycle, within = np.minimum(at // length, 4), (at % length) / length
    stage = np.full(len(at), LIGHT, dtype=np.int64)
    stage[(within > 0.15) & (within < 0.15 + _DEEP_SHARE[cycle])] = DEEP
    stage[within > 1 - _REM_SHARE[cycle]] = REM
    stage[_spells(rng, len(at), chance=1 / 90, longest=12)] = LIGHT
    stage[rng.random(len(at)) < 0.025] = AWAKE
    stage[_spells(rng, len(at), chance=1 / 800, longest=40)] = AWAKE
    stage[first], stage[first + counts - 1] = LIGHT, LIGHT
    return Hypnograms(stage=stage, night=night, first=first, counts=counts)


def _spells(rng: np.random.Generator, n: int, *, chance: float, longest: int) -> Bools:
    """Epochs inside spells that begin anywhere with the given chance."""
    at = np.arange(n)
    until = np.where(rng.random(n) < chance, at + rng.integers(2, longest, size=n), 0)
    return np.asarray(np.maximum.accumulate(until) > at)


def _runs(stage: I64, session: I64, begin_ms: I64, session_end_ms: I64) -> tuple[Items, I64]:
    """Runs of equal neighbours as stages, and the session of each; the last run of a session ends with it."""
    change = np.ones(len(stage), dtype=np.bool_)
    change[1:] = (stage[1:] != stage[:-1]) | (session[1:] != session[:-1])
    first = np.flatnonzero(change)
    begin, owner = begin_ms[first], session[first]
    end = np.append(begin[1:], 0)
    last = np.append(owner[1:] != owner[:-1], True)
    end[last] = session_end_ms[owner[last]]
    return Items(start_ms=begin, end_ms=end, value=stage[first]), owner


def _phone_sessions(scene: Scene) -> tuple[Rows, Items]:
    person, naps = scene.person, scene.life.naps_ms
    nights = scene.life.nights_ms[:-1]
    hypnograms = _hypnograms(scene)
    number = np.arange(len(nights))
    stage = hypnograms.stage.copy()
    # "Awake in bed" reaches the export as UNKNOWN.
    stage[(stage == AWAKE) & (number % 4 == 3)[hypnograms.night]] = UNKNOWN
    # Where the phone does not always score, one night in three is only SLEEPING and one has no stages.
    variety = np.zeros(len(nights), dtype=np.int64) if person.role.staged else (number + 1) % 3
    stage[(variety == 1)[hypnograms.night]] = SLEEPING
    begin = nights[hypnograms.night, 0] + (np.arange(len(stage)) - hypnograms.first[hypnograms.night]) * EPOCH_MS
    runs, owner = _runs(stage, hypnograms.night, begin, nights[:, 1])
    kept = variety[owner] != 2
    asleep = np.full(len(naps), SLEEPING, dtype=np.int64)
    items = Items(
        start_ms=np.append(runs.start_ms[kept], naps[:, 0]),
        end_ms=np.append(runs.end_ms[kept], naps[:, 1]),
        value=np.append(runs.value[kept], asleep),
    )
    counts = np.append(np.bincount(owner[kept], minlength=len(nights)), np.ones(len(naps), dtype=np.int64))
    return _sessions(scene, person.rng(_TOPIC), SAMSUNG, np.concatenate([nights, naps]), counts), items


def _ring_sessions(scene: Scene) -> tuple[Rows, Items]:
    rng = scene.person.rng(_TOPIC, 1)
    ring = ring_nights(scene)
    nights = scene.life.nights_ms[:-1]
    hypnograms = _hypnograms(scene)
    block_ms = OURA_BLOCK_EPOCHS * EPOCH_MS
    blocks = (ring.end_ms - ring.start_ms) // block_ms
    session = np.repeat(np.arange(len(blocks)), blocks)
    begin = ring.start_ms[session] + ragged_index(np.zeros(len(blocks), dtype=np.int64), blocks) * block_ms
    centre = begin + block_ms // 2
    onset, wake = nights[session, 0], nights[session, 1]
    epoch = ((centre - onset) // EPOCH_MS).clip(0, hypnograms.counts[session] - 1)
    seen = hypnograms.stage[hypnograms.first[session] + epoch]
    # A finger and a wrist disagree: about a third of the blocks get another stage.
    other = rng.choice([LIGHT, DEEP, REM, AWAKE], p=[0.5, 0.15, 0.2, 0.15], size=len(seen))
    seen = np.where(rng.random(len(seen)) < 0.33, other, seen)
    seen[(centre < onset) | (centre > wake)] = AWAKE
    items, owner = _runs(seen, session, begin, ring.end_ms)
    spans = np.stack([ring.start_ms, ring.end_ms], axis=1)
    rows = _sessions(scene, rng, OURA, spans, np.bincount(owner, minlength=len(blocks)))
    client = np.array([f"oura:{i}".encode() for i in ring.session_ids])
    return replace(rows, client_id=client, modified_ms=ring.modified_ms, version=ring.modified_ms - 155), items


def _sessions(scene: Scene, rng: np.random.Generator, app: str, spans_ms: I64, stages: I64) -> Rows:
    """Rows of sessions, ascending by start, whose stages lie one after the other in the order given."""
    order = np.argsort(spans_ms[:, 0], kind="stable")
    start, end = spans_ms[order, 0], spans_ms[order, 1]
    return make_rows(
        rng,
        scene.person.timeline,
        app,
        start_ms=start,
        end_ms=end,
        modified_ms=scene.published_ms(rng, app, end + ints(rng.uniform(1, 15, size=len(end)) * MINUTE_MS)),
        item_start=(np.cumsum(stages) - stages)[order],
        item_count=stages[order],
    )


def depth(scene: Scene, instants: I64) -> F64:
    """How far each instant lies in its night, 0 at onset to 1 at waking; outside a night the nearer edge."""
    nights = scene.life.nights_ms
    night = (np.searchsorted(nights[:, 0], instants, side="right") - 1).clip(0)
    return np.asarray(((instants - nights[night, 0]) / (nights[night, 1] - nights[night, 0])).clip(0, 1))
