"""Who is in a cohort: apps, zone, journeys, habits.

Belongs here: the roles that persons take in turn, and a person's true timeline.
Does not belong here: anything measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from vitals.synthetic.arrays import I64, Bools
from vitals.synthetic.clock import DAY_MS, HOUR_MS, Stay, Timeline, build_timeline, next_clock_change, wall_ms
from vitals.synthetic.faults import Fault
from vitals.synthetic.settings import TwinSettings

STELO = "com.dexcom.stelo"
G7 = "com.dexcom.g7"
SAMSUNG = "com.sec.android.app.shealth"
OURA = "com.ouraring.oura"
APPS = (STELO, G7, SAMSUNG, OURA)

UTC_ZONE = "Atlantic/Reykjavik"
"""Home of who has a CGM and nothing else: there a false `Z` is true, so that the truth can be known."""


@dataclass(frozen=True, kw_only=True)
class Role:
    """Equipment and health of a person.

    Attributes:
        cgm: CGM app, if any.
        samsung, oura: whether the person has the phone's health app, the ring.
        diabetes: whether glucose runs high.
        staged: whether the phone scores sleep stages every night (else some nights are only SLEEPING or bare).
        naps: whether the person naps.
    """

    cgm: str | None = None
    samsung: bool = False
    oura: bool = False
    diabetes: bool = False
    staged: bool = True
    naps: bool = False


ROLES = (
    Role(cgm=STELO, samsung=True, oura=True),
    Role(cgm=G7, samsung=True, oura=True, diabetes=True, staged=False, naps=True),
    Role(cgm=STELO, samsung=True, staged=False),
    Role(samsung=True, oura=True, naps=True),
    Role(cgm=G7, diabetes=True),
    Role(cgm=G7, samsung=True, diabetes=True, naps=True),
    Role(oura=True),
)


@dataclass(frozen=True, kw_only=True)
class Person:
    """One made-up person.

    Attributes:
        index: place in the cohort; with the seed it decides everything about the person.
        days: number of local days, from `first_day`.
        day_starts_ms: local midnights, one more than there are days.
    """

    index: int
    seed: int
    user: str
    role: Role
    home_zone: str
    stays: tuple[Stay, ...]
    first_day: date
    days: int
    timeline: Timeline
    day_starts_ms: tuple[int, ...]

    @property
    def start_ms(self) -> int:
        """First instant of the first local day."""
        return self.day_starts_ms[0]

    @property
    def end_ms(self) -> int:
        """First instant after the last local day."""
        return self.day_starts_ms[-1]

    def rng(self, *topic: int) -> np.random.Generator:
        """Random numbers of their own for each topic, so that one fault leaves the other topics as they were."""
        return np.random.default_rng([self.seed, self.index, *topic])

    def after_zone_change(self, instants: I64, *, hours: float) -> Bools:
        """Whether each instant is at most some hours after a change of the person's offset."""
        near = np.zeros(len(instants), dtype=np.bool_)
        for change in self.timeline.changes_ms:
            near |= (instants >= change) & (instants <= change + hours * HOUR_MS)
        return near


def build_person(settings: TwinSettings, index: int) -> Person:
    """The person at a place in the cohort."""
    role = ROLES[index % len(ROLES)]
    zone = UTC_ZONE if role.cgm and not role.samsung else settings.zones[index % len(settings.zones)]
    first_day = settings.first_day
    clock_changes = Fault.DST in settings.faults
    if clock_changes and (change := next_clock_change(zone, first_day)):
        first_day = change - timedelta(days=settings.days // 2)
    stays = _stays(settings, index, role, zone, first_day)
    timeline = build_timeline(
        stays,
        until_ms=wall_ms(first_day) + (settings.days + 4) * DAY_MS,
        clock_changes=clock_changes,
        reference=settings.first_day,
    )
    midnights = np.array([wall_ms(first_day) + i * DAY_MS for i in range(settings.days + 1)], dtype=np.int64)
    return Person(
        index=index,
        seed=settings.seed,
        user=_user_id(settings, index),
        role=role,
        home_zone=zone,
        stays=tuple(stays),
        first_day=first_day,
        days=settings.days,
        timeline=timeline,
        day_starts_ms=tuple(int(m) for m in timeline.instant(midnights)),
    )


_ODD_IDS: tuple[Callable[[int], str], ...] = (
    lambda i: f"twin_{i:04d}",
    lambda i: f"zoë-µ{i:04d}",
    lambda i: f"ward_20250101_{i:06d}",
    lambda i: f"学生_{i:04d}",
    lambda i: f"twin{i:04d}",
    lambda i: f"a_b__{i:04d}",
)


def _user_id(settings: TwinSettings, index: int) -> str:
    if Fault.ODD_USER_IDS in settings.faults:
        return _ODD_IDS[index % len(_ODD_IDS)](index)
    return f"twin{index:04d}"


def _stays(settings: TwinSettings, index: int, role: Role, home: str, first_day: date) -> list[Stay]:
    stays = [Stay(wall_ms(first_day) - 4 * DAY_MS, home)]
    # After the change of the clocks, which is mid-way, so that a person can see both.
    out, back = round(0.65 * settings.days), round(0.9 * settings.days)
    # Where `Z` is the honest id of an offset at home or nearby, a longer journey would make it ambiguous.
    travels = Fault.TRAVEL in settings.faults and role.samsung and index % 2 == 0 and not _writes_z(home)
    targets = [zone for zone in _TARGETS if _FAR_HOURS[0] <= _hours_apart(home, zone, first_day) <= _FAR_HOURS[1]]
    if not (travels and targets and 1 <= out < settings.days):
        return stays
    away = targets[index // 4 % len(targets)]
    stays.append(Stay(_leave_ms(home, away, first_day + timedelta(days=out)), away))
    if out < back < settings.days:
        stays.append(Stay(_leave_ms(away, home, first_day + timedelta(days=back)), home))
    return stays


_TARGETS = ("Europe/Berlin", "America/New_York", "Asia/Kolkata")
_FAR_HOURS = (3, 11)
"""Far enough to be a journey over several zones, and near enough that it keeps clear of both midnights."""


def _hours_apart(zone: str, other: str, day: date) -> float:
    return abs(_offset_ms(zone, day) - _offset_ms(other, day)) / HOUR_MS


def _writes_z(zone: str) -> bool:
    """Whether a zone is UTC for some part of the year."""
    return any(_offset_ms(zone, date(2025, month, 15)) == 0 for month in (1, 7))


def _offset_ms(zone: str, day: date) -> int:
    noon = wall_ms(day, 12)
    stay = build_timeline([Stay(noon, zone)], until_ms=noon + 1, clock_changes=True, reference=day)
    return int(stay.offsets_s[0]) * 1000


def _leave_ms(origin: str, target: str, day: date) -> int:
    """Instant at which a journey changes the zone.

    By day, and early for eastward and late for westward journeys: neither wall clock is then near midnight, so
    a reader who sees the next evidence only minutes later still gets every local date right.
    """
    eastward = _offset_ms(target, day) > _offset_ms(origin, day)
    return wall_ms(day, 9.5 if eastward else 14.5) - _offset_ms(origin, day)
