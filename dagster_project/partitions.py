"""The two partition axes. They are never mixed up.

Belongs here: landing day × tenant (when a file arrived; in its key) and local day × tenant (a person's wall
date), why their units are what they are, and how tenants are looked up.
Does not belong here: mappings between them (`assets.clinical`).

People are rows, not partitions: Dagster stays usable below 100,000 partitions an asset, and a day × tenant grid of
ten years and twenty tenants is 73,000.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from weakref import WeakKeyDictionary

import dagster as dg
from dagster._core.instance.types import DynamicPartitionsStore

DAYS_AHEAD = 2
"""The local day is up to 14 hours ahead of UTC, and a phone's clock may be some minutes ahead of everybody's."""


_SEEN: WeakKeyDictionary[dg.DagsterInstance, set[tuple[str | None, str]]] = WeakKeyDictionary()
"""Per instance: names of definitions, and keys that were found in them."""


class LastingPartitions(dg.DynamicPartitionsDefinition):
    """Dynamic partitions that nobody takes away: one that an instance had is not looked up in it again.

    Dagster asks some fifty times in a run whether the run's tenant exists, each time on two new connections: a tenth
    of what an empty run costs.
    """

    def has_partition_key(
        self,
        partition_key: str,
        current_time: datetime | None = None,
        dynamic_partitions_store: DynamicPartitionsStore | None = None,
    ) -> bool:
        """Whether the instance has, or had, the partition."""
        with dg.partition_loading_context(current_time, dynamic_partitions_store) as context:
            store = context.dynamic_partitions_store
            seen = _SEEN.setdefault(store, set()) if isinstance(store, dg.DagsterInstance) else set()
            if (self.name, partition_key) in seen:
                return True
            has_key = super().has_partition_key(partition_key)
            if has_key:
                seen.add((self.name, partition_key))
            return has_key


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
    tenants = LastingPartitions(name="tenant")
    landing_days = dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC", end_offset=DAYS_AHEAD)
    local_days = dg.DailyPartitionsDefinition(start_date=first_day.isoformat(), timezone="UTC", end_offset=DAYS_AHEAD)
    return Axes(
        first_day=first_day,
        tenants=tenants,
        landing=dg.MultiPartitionsDefinition({"day": landing_days, "tenant": tenants}),
        local=dg.MultiPartitionsDefinition({"day": local_days, "tenant": tenants}),
    )
