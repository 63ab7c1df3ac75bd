"""What a person does: sleep, naps, walking. All kinds of record are drawn from this one life.

Belongs here: the true course of days, before any app has measured it.
Does not belong here: records, apps, delivery.
"""

from dataclasses import dataclass

import numpy as np

from vitals.synthetic.arrays import F64, I64, Bools, ints
from vitals.synthetic.clock import DAY_MS, HOUR_MS, MINUTE_MS, wall_ms
from vitals.synthetic.people import Person

SLOT_MS = 15 * MINUTE_MS

_NIGHT_TOPIC, _NAP_TOPIC, _WALK_TOPIC = 201, 202, 203

# Share of a day's steps by local hour: commuting, lunch and an evening walk stand out.
_WALK_WEIGHTS = np.array([0, 0, 0, 0, 0, 0.5, 2, 5, 6, 4, 3, 4, 7, 5, 3, 3, 4, 7, 8, 5, 3, 2, 1, 0.3], dtype=np.float64)


@dataclass(frozen=True, kw_only=True)
class Life:
    """The true course of a person's days.

    Attributes:
        nights_ms: shape (days + 1, 2), onset and final waking of the night that ends on each day; the last one
            ends after the last day.
        naps_ms: shape (naps, 2).
        walk_start_ms: start of the first quarter hour of `steps`.
        steps: steps of each quarter hour.
    """

    nights_ms: I64
    naps_ms: I64
    walk_start_ms: int
    steps: I64

    def asleep(self, instants: I64) -> Bools:
        """Whether the person is in a night's sleep."""
        night = np.searchsorted(self.nights_ms[:, 0], instants, side="right") - 1
        return np.asarray((night >= 0) & (instants < self.nights_ms[np.maximum(night, 0), 1]))

    def steps_until(self, instants: I64) -> F64:
        """Steps walked from the start until each instant."""
        edges = self.walk_start_ms + np.arange(len(self.steps) + 1) * SLOT_MS
        return np.asarray(np.interp(instants, edges, np.concatenate([[0], np.cumsum(self.steps)])))

    def pace(self, instants: I64) -> F64:
        """Effort at each instant, 0 at rest to about 1 in brisk walking."""
        slot = ((instants - self.walk_start_ms) // SLOT_MS).clip(0, len(self.steps) - 1)
        return np.asarray((self.steps[slot] / 1500.0).clip(0, 1.5))


def build_life(person: Person) -> Life:
    """Draw the course of a person's days."""
    nights = _nights(person)
    walk_start = person.start_ms
    slots = -(-(person.end_ms - walk_start) // SLOT_MS)
    at = walk_start + np.arange(slots) * SLOT_MS
    rng = person.rng(_WALK_TOPIC)
    a_day = rng.lognormal(np.log(7800), 0.15) * rng.lognormal(0, 0.3, size=person.days)
    day = (np.searchsorted(person.day_starts_ms, at, side="right") - 1).clip(0, person.days - 1)
    weights = _WALK_WEIGHTS[person.timeline.local_hour(at).astype(np.int64)]
    burst = rng.gamma(0.6, 1 / 0.6, size=slots)
    mean = a_day[day] * weights / (4 * _WALK_WEIGHTS.sum()) * burst
    life = Life(
        nights_ms=nights,
        naps_ms=_naps(person),
        walk_start_ms=walk_start,
        steps=rng.poisson(mean.clip(0, 1900)).astype(np.int64),
    )
    life.steps[life.asleep(at) | life.asleep(at + SLOT_MS)] = 0
    return life


def _nights(person: Person) -> I64:
    rng = person.rng(_NIGHT_TOPIC)
    usual_bed, usual_rise = rng.uniform(22.4, 23.7), rng.uniform(6.3, 7.6)
    days = np.array([wall_ms(person.first_day) + i * DAY_MS for i in range(person.days + 1)], dtype=np.int64)
    bed = days - DAY_MS + (usual_bed + rng.normal(0, 0.5, size=len(days)).clip(-1.2, 1.2)) * HOUR_MS
    rise = days + (usual_rise + rng.normal(0, 0.5, size=len(days)).clip(-1.2, 1.2)) * HOUR_MS
    # Whole half minutes: the epochs that sleep stages are scored in.
    half = MINUTE_MS // 2
    wall = np.stack([ints(bed / half) * half, ints(rise / half) * half], axis=1)
    return person.timeline.instant(wall)


def _naps(person: Person) -> I64:
    rng = person.rng(_NAP_TOPIC)
    start_h = rng.uniform(13.3, 15.0, size=person.days)
    minutes = rng.integers(32, 75, size=person.days)
    taken = (rng.random(person.days) < 0.4) & person.role.naps
    if person.role.naps:
        taken[0] = True
    days = np.array([wall_ms(person.first_day) + i * DAY_MS for i in range(person.days)], dtype=np.int64)
    wall = ints((days + start_h * HOUR_MS) / MINUTE_MS) * MINUTE_MS
    start = person.timeline.instant(wall)
    # Nobody sleeps through the arrival in another zone, or at an hour that the journey left out.
    taken &= ~person.after_zone_change(start + 2 * HOUR_MS, hours=4) & (person.timeline.wall(start) == wall)
    return np.stack([start, start + minutes * MINUTE_MS], axis=1)[taken]
