"""The metrics that questions over several days are about.

Belongs here: per metric its words and how many days it needs, as data.
Does not belong here: the values of a person's days (`day_table`), or a question.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from vitals.record_types import BY_KIND

WINDOW_DAYS = 7
"""Local days a question looks at: the day itself and those before it."""

LEAST_WEAR_PERCENT = 70.0
"""Wear from which a day of glucose counts (docs/spec/narrative.md B)."""


@dataclass(frozen=True, kw_only=True)
class DayMetric:
    """One value per local day.

    Attributes:
        kind: its kind.
        column: its column.
        name: what a text calls it; singular, no number.
        unit: its unit as texts write it.
        least_days: days with a final value that a mean over the window needs.
        weekend: whether one of them has to be a Saturday or a Sunday.
    """

    kind: str
    column: str
    name: str
    unit: str
    least_days: int = 4
    weekend: bool = False

    @cached_property
    def id(self) -> str:
        """Metric id."""
        return f"{BY_KIND[self.kind].metric_prefix}.{self.column}"


GLUCOSE_MEAN = DayMetric(kind="blood_glucose", column="mean", name="mean glucose", unit="mg/dL")
HEART_RATE_MEAN = DayMetric(
    kind="heart_rate", column="mean_time_weighted", name="time-weighted mean heart rate", unit="bpm"
)
TIME_ASLEEP = DayMetric(kind="sleep", column="tst", name="time asleep", unit="min")
AWAKE_WITHIN = DayMetric(kind="sleep", column="waso", name="wake after sleep onset", unit="min")
RMSSD_MEAN = DayMetric(kind="hrv_rmssd", column="rmssd_mean", name="mean RMSSD", unit="ms", least_days=3)
STEP_TOTAL = DayMetric(kind="steps", column="recommended_total", name="step total", unit="steps", weekend=True)
ENERGY_TOTAL = DayMetric(
    kind="active_calories",
    column="recommended_total",
    name="total of active energy",
    unit="kcal",
    weekend=True,
)

DAY_METRICS: Mapping[str, DayMetric] = MappingProxyType(
    {
        metric.id: metric
        for metric in (
            GLUCOSE_MEAN,
            HEART_RATE_MEAN,
            TIME_ASLEEP,
            AWAKE_WITHIN,
            RMSSD_MEAN,
            STEP_TOTAL,
            ENERGY_TOTAL,
        )
    }
)
