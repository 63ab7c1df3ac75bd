"""When exports and publications happen, and which records an export reads.

Belongs here: planned and missed fetches, the syncs at which the phone's app publishes, and the window rule.
Does not belong here: what a record contains.
"""

from dataclasses import dataclass

import numpy as np

from vitals.synthetic.arrays import I64, Bools, ints
from vitals.synthetic.clock import DAY_MS, HOUR_MS, MINUTE_MS, wall_ms
from vitals.synthetic.faults import Fault
from vitals.synthetic.people import Person
from vitals.synthetic.settings import TwinSettings

WINDOW_MS = DAY_MS
CLOCK_SKEW_MS = 5_000
"""How far a source's clock may run ahead of the exporter's: its `lastModified` may lie after the fetch."""
NEVER_MS = 2**62

_SCHEDULE_TOPIC, _MISSED_TOPIC, _SYNC_TOPIC = 101, 102, 103


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Export sessions of a person.

    Attributes:
        planned_ms: fetches as planned, ascending.
        missed: which of them did not take place.
        overlapping: whether a fetch re-reads the last 24 h (else: what was published since the planned one before).
        skew_ms: how far after the fetch a record it contains may be modified.
    """

    planned_ms: I64
    missed: Bools
    overlapping: bool
    skew_ms: int

    def visible(self, fetch: int, *, start_ms: I64, modified_ms: I64, replaced_ms: I64) -> I64:
        """Rows that one fetch would deliver.

        Args:
            fetch: index of the fetch.
            start_ms: start of each revision, ascending.
            modified_ms: its publication.
            replaced_ms: when the next revision of the same record takes the place of each.
        """
        at = int(self.planned_ms[fetch])
        if not self.overlapping:
            before = int(self.planned_ms[fetch - 1]) if fetch else -NEVER_MS
            return np.flatnonzero((modified_ms > before) & (modified_ms <= at) & (replaced_ms > at))
        first, last = np.searchsorted(start_ms, [at - WINDOW_MS, at + 1])
        rows = np.arange(first, last)
        known = at + self.skew_ms
        return rows[(modified_ms[rows] <= known) & (replaced_ms[rows] > known)]


def build_schedule(settings: TwinSettings, person: Person) -> Schedule:
    """Fetches at about the same local times every day, and one more on the morning after the last day."""
    rng = person.rng(_SCHEDULE_TOPIC)
    per_day = settings.fetches_per_day
    hours = {1: np.array([19.5]), 2: np.array([9.0, 21.0])}.get(per_day, np.linspace(7.5, 22.5, per_day))
    hours = hours + rng.uniform(-0.2, 0.2, size=len(hours))
    midnights = np.array([wall_ms(person.first_day) + i * DAY_MS for i in range(person.days + 1)])
    wall = (midnights[:, None] + hours * HOUR_MS).reshape(-1)[: (person.days + 1) * per_day]
    wall = ints(wall + rng.uniform(-6, 6, size=len(wall)) * MINUTE_MS + rng.integers(0, 1000, size=len(wall)))
    planned = np.unique(person.timeline.instant(wall))
    overlapping = Fault.OVERLAPPING_WINDOWS in settings.faults
    return Schedule(
        planned_ms=planned,
        missed=_missed(settings, person, planned),
        overlapping=overlapping,
        skew_ms=CLOCK_SKEW_MS if Fault.SOURCE_LAG in settings.faults else 0,
    )


def _missed(settings: TwinSettings, person: Person, planned: I64) -> Bools:
    missed = np.zeros(len(planned), dtype=np.bool_)
    if Fault.GAPS not in settings.faults:
        return missed
    rng = person.rng(_MISSED_TOPIC)
    # Long enough to leave a hole of some hours even where each fetch reads back a whole day.
    run = settings.fetches_per_day + 1
    for at in range(settings.fetches_per_day, len(planned) - run, 5 * settings.fetches_per_day):
        first = at + int(rng.integers(0, 2 * settings.fetches_per_day))
        missed[first : min(first + run, len(planned) - 1)] = True
    # The evidence of a zone change must arrive, or nobody could know the local days after it.
    return missed & ~person.after_zone_change(planned, hours=30)


def phone_syncs(person: Person, *, asleep_ms: I64) -> I64:
    """Instants at which the phone's app publishes what it has.

    Every hour or so by day, not while the person sleeps, and now and then not for half a day: the lag that
    results has a median above one hour and reaches 15 h.

    Args:
        person: who carries the phone.
        asleep_ms: shape (nights, 2), begin and end of sleep.
    """
    rng = person.rng(_SYNC_TOPIC)
    begin, end = person.start_ms - DAY_MS, person.end_ms + 2 * DAY_MS
    gaps_h = rng.lognormal(np.log(1.4), 0.7, size=60 * (person.days + 3)).clip(0.15, 6)
    pauses = rng.random(len(gaps_h)) < 0.04
    gaps_h[pauses] = rng.uniform(6, 11, size=int(pauses.sum()))
    syncs = begin + ints(np.cumsum(gaps_h) * HOUR_MS)
    syncs = syncs[syncs < end]
    night = np.searchsorted(asleep_ms[:, 0], syncs, side="right") - 1
    asleep = (night >= 0) & (syncs < asleep_ms[np.maximum(night, 0), 1])
    after_waking = asleep_ms[:, 1] + ints(rng.uniform(10, 70, size=len(asleep_ms)) * MINUTE_MS)
    # A phone that finds itself in another zone has network again, and publishes.
    arrivals = [change + np.arange(1, 24) * 12 * MINUTE_MS for change in person.timeline.changes_ms]
    return np.unique(np.concatenate([syncs[~asleep], after_waking, [end], *arrivals]).astype(np.int64))


def next_of(instants: I64, after: I64) -> I64:
    """First of some ascending instants at or after each given one; the last of them if there is none."""
    return instants[np.minimum(np.searchsorted(instants, after), len(instants) - 1)]
