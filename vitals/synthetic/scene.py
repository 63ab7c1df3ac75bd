"""Everything the modules of the kinds draw a person's records from.

Belongs here: the bundle of person, life and schedule, and when apps publish.
Does not belong here: any record.
"""

from dataclasses import dataclass

import numpy as np

from vitals.synthetic.arrays import I64, ints
from vitals.synthetic.clock import MINUTE_MS
from vitals.synthetic.faults import Fault
from vitals.synthetic.life import Life, build_life
from vitals.synthetic.people import G7, OURA, SAMSUNG, STELO, Person, build_person
from vitals.synthetic.schedule import Schedule, build_schedule, next_of, phone_syncs
from vitals.synthetic.settings import TwinSettings


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A person, the person's life, and when things are published and exported."""

    settings: TwinSettings
    person: Person
    life: Life
    schedule: Schedule
    syncs_ms: I64

    def has(self, fault: Fault) -> bool:
        """Whether a fault is on."""
        return fault in self.settings.faults

    def published_ms(self, rng: np.random.Generator, app: str, ends_ms: I64) -> I64:
        """When an app publishes what it measured until each instant."""
        soon = ends_ms + rng.integers(20_000, 90_000, size=len(ends_ms))
        if not self.has(Fault.SOURCE_LAG):
            return soon
        if app == STELO:
            return ends_ms + ints(rng.uniform(180.05, 184.9, size=len(ends_ms)) * MINUTE_MS)
        if app == SAMSUNG:
            return next_of(self.syncs_ms, soon)
        late = {G7: (4.0, 11.0), OURA: (20.0, 150.0)}[app]
        return ends_ms + ints(rng.uniform(*late, size=len(ends_ms)) * MINUTE_MS)

    def apps(self, *preference: str) -> tuple[str, ...]:
        """Apps that write a kind for this person: all that the person has, or only the first of them."""
        role = self.person.role
        owned = {SAMSUNG: role.samsung, OURA: role.oura}
        found = tuple(app for app in preference if owned[app])
        return found if self.has(Fault.TWO_SOURCES) else found[:1]


def build_scene(settings: TwinSettings, index: int) -> Scene:
    """The scene of the person at a place in the cohort."""
    person = build_person(settings, index)
    life = build_life(person)
    return Scene(
        settings=settings,
        person=person,
        life=life,
        schedule=build_schedule(settings, person),
        syncs_ms=phone_syncs(person, asleep_ms=life.nights_ms),
    )
