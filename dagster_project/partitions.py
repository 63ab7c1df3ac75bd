"""The two partition axes. They are never mixed up.

Belongs here: landing day × tenant (when a file arrived; in its key) and local day × tenant (a person's wall
date), and why their units are what they are.
Does not belong here: mappings between them (`assets.clinical`).

People are rows, not partitions: Dagster stays usable below 100,000 partitions an asset, and a day × tenant grid of
ten years and twenty tenants is 73,000.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

DAYS_AHEAD = 2
"""The local day is up to 14 hours ahead of UTC, and a phone's clock may be some minutes ahead of everybody's."""


@dataclass(frozen=True)
class Axes:
    """Both partition definitions; they share the tenants."""

    first_day: date
    tenants: dg.DynamicPartitionsDefinition
    landing: dg.MultiPartitionsDefinition
    local: dg.MultiPartitionsDefinition

    @property
    def is_possible(self) -> Callable[[date], bool]:
        """Whether a day is a partition now; asking for one that is not would fail a whole sensor tick."""
        return lambda day: self.first_day <= day < datetime.now(UTC).date() + timedelta(days=DAYS_AHEAD)


def build_axes(first_day: date) -> Axes:
    """Both axes, from the first day of interest on."""
    # One definition object each: Dagster compares them by value, readers by name.
    tenants = dg.DynamicPartitionsDefinition(name="tenant")
    landing_days = dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC", end_offset=DAYS_AHEAD)
    local_days = dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC", end_offset=DAYS_AHEAD)
    return Axes(
        first_day=first_day,
        tenants=tenants,
        landing=dg.MultiPartitionsDefinition({"day": landing_days, "tenant": tenants}),
        local=dg.MultiPartitionsDefinition({"day": local_days, "tenant": tenants}),
    )
