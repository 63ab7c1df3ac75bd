"""What a tenant may set of how its facts are computed, as data.

Belongs here: per setting its name, what it means, its default and where that comes from, and reading a value.
Does not belong here: where values are stored (the catalog), or what one does (the stage that reads it).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from vitals.errors import UsageError
from vitals.record_types import HEART_RATE, HRV_RMSSD, RECORD_TYPES, SLEEP, RecordType


@dataclass(frozen=True, kw_only=True)
class TenantSetting:
    """One setting.

    Attributes:
        name: what a command calls it.
        meaning: what it does, in a sentence part.
        default: value of a tenant that has not set it, as it is written.
        source: where the default comes from.
        limits: least and most of a number; None for a choice.
        choices: the values there are; empty for a number.
        kinds: kinds whose facts follow from it.
    """

    name: str
    meaning: str
    default: str
    source: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    kinds: tuple[RecordType, ...] = ()

    def checked(self, value: str) -> str:
        """Return a value as it is stored.

        Raises:
            UsageError: it is none of the choices, or no number within the limits.
        """
        value = value.strip()
        if self.limits is None:
            if value not in self.choices:
                raise self._refused(f"it must be one of {', '.join(self.choices)}")
            return value
        low, high = self.limits
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise self._refused(f"it must be a number from {low:g} to {high:g}")
        return f"{number:g}"

    def _refused(self, why: str) -> UsageError:
        return UsageError(
            "set a tenant's setting", self.name, why, f"It {self.meaning}; the default is {self.default}."
        )


_SLEEP_KINDS = (SLEEP, HEART_RATE, HRV_RMSSD)

SLEEP_GAP_NIGHT = TenantSetting(
    name="sleep_gap_night_minutes",
    meaning="is the time in minutes below which a gap between two sleep records of one source, within 20:00 to 10:00 by"
    " the person's clock, is part of one sleep",
    default="120",
    source="our decision (docs/spec/clinical.md section 4)",
    limits=(0, 240),
    kinds=_SLEEP_KINDS,
)
SLEEP_GAP_DAY = TenantSetting(
    name="sleep_gap_day_minutes",
    meaning="is the same for any other gap: what lies further apart in the day are two sleeps",
    default="15",
    source="our decision (docs/spec/clinical.md section 4)",
    limits=(0, 120),
    kinds=_SLEEP_KINDS,
)

ON, FLAG, OFF = "on", "flag", "off"
PRESUME_DELETIONS = TenantSetting(
    name="presume_deletions",
    meaning="says what becomes of records that a later fetch of their exporter must have brought and did not: facts do"
    " not use them (on), they are named and used (flag), or nobody looks for them in uploads read from now on (off)",
    default=ON,
    source="our decision (docs/spec/clinical.md section 0)",
    choices=(ON, FLAG, OFF),
    kinds=RECORD_TYPES,
)

SETTINGS: Mapping[str, TenantSetting] = MappingProxyType(
    {setting.name: setting for setting in (SLEEP_GAP_NIGHT, SLEEP_GAP_DAY, PRESUME_DELETIONS)}
)
"""Every setting by name. A new one is entered here, and read where it takes effect."""


def setting_named(name: str) -> TenantSetting:
    """Return a setting.

    Raises:
        UsageError: there is none of this name.
    """
    if name not in SETTINGS:
        raise UsageError(
            "set a tenant's setting", name, "there is no such setting", f"Settings: {', '.join(sorted(SETTINGS))}."
        )
    return SETTINGS[name]


def read_setting(text: str) -> tuple[TenantSetting, str]:
    """Return the setting and the value of ``NAME=VALUE``.

    Raises:
        UsageError: another form, no such setting, or a value it may not have.
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(
            "set a tenant's setting",
            "SETTING=VALUE",
            "the argument has another form",
            "See `vitalgraph tenant settings`.",
        )
    setting = setting_named(name.strip())
    return setting, setting.checked(value)
