"""What a cohort of the twin is made from.

Belongs here: the settings, and the upload that comes out.
Does not belong here: how uploads are made (`cohort` and what it calls).
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from vitals.record_types import BY_KIND, RECORD_TYPES
from vitals.synthetic.faults import ALL_FAULTS, Fault

DEFAULT_ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kolkata", "Europe/London")


@dataclass(frozen=True, kw_only=True)
class TwinSettings:
    """Everything that decides the bytes of a cohort: equal settings give equal bytes.

    Attributes:
        seed: any non-negative number.
        people: number of persons.
        days: local days of data per person.
        first_day: first local day; `Fault.DST` moves it per person.
        faults: what goes wrong.
        fetches_per_day: export sessions a day.
        zones: home zones, given to the persons in turn.
        kinds: kinds of record to export. Without heart rate, a person whose CGM app writes `Z` may have no
            evidence of the zone left, and then no reader can know the local dates of the truth.
    """

    seed: int
    people: int = 6
    days: int = 7
    first_day: date = date(2025, 9, 15)
    faults: frozenset[Fault] = ALL_FAULTS
    fetches_per_day: int = 2
    zones: tuple[str, ...] = DEFAULT_ZONES
    kinds: tuple[str, ...] = field(default=tuple(t.kind for t in RECORD_TYPES))

    def __post_init__(self) -> None:
        """Refuse settings that cannot be honoured."""
        unknown = sorted(set(self.kinds) - set(BY_KIND))
        if unknown:
            raise ValueError(f"unknown kinds {unknown}; known are {sorted(BY_KIND)}")
        if min(self.people, self.days, self.fetches_per_day) < 1 or self.seed < 0 or not self.zones:
            raise ValueError("people, days and fetches_per_day must be positive, seed not negative, zones not empty")


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file as an uploader leaves it.

    Attributes:
        user: external user id, made up.
        type_name: the folder under `raw/`, base or prefixed name of the kind.
        fetch_ms: epoch milliseconds of the export session.
        file_name: last part of the key.
        data: the bytes.
        landing_day: UTC date in the key.
        rows: number of records in it (0 where they cannot be read).
    """

    user: str
    type_name: str
    fetch_ms: int
    file_name: str
    data: bytes
    landing_day: date
    rows: int

    @property
    def key(self) -> str:
        """Object key, starting with `raw/`."""
        return f"raw/{self.type_name}/{self.landing_day:%Y/%m/%d}/{self.file_name}"


def utc_date(epoch_ms: int) -> date:
    """UTC date of an instant."""
    return datetime.fromtimestamp(epoch_ms / 1000, tz=UTC).date()
