"""The kinds of record as data: names, columns with units, plausible ranges, category.

Belongs here: whatever differs between kinds and can be written as a value. Adding a kind starts with one
entry here; the completeness test then names what is missing (docs/architecture.md, "Adding a kind").
Does not belong here: behaviour (that is a module per kind in the stage that needs it), or Dagster objects.

Plausible ranges: docs/spec/clinical.md, G7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import polars as pl

Stage = Literal["raw", "validated", "clinical", "training"]
STAGES: tuple[Stage, ...] = ("raw", "validated", "clinical", "training")

Rhythm = Literal["readings", "readings_or_nights", "nights", "totals"]
"""How a source delivers a kind: all day, all day or asleep only, once a night, a total a day."""

UTC_MS = pl.Datetime("ms", "UTC")

COMMON_COLUMNS: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "subject_id": pl.String(),
        "record_id": pl.String(),
        "source_app": pl.String(),
        "device_type": pl.String(),
        "device_manufacturer": pl.String(),
        "device_model": pl.String(),
        "start_utc": UTC_MS,
        "end_utc": UTC_MS,
        # Null: the writer gave no zone. 0: the writer said `Z`, which is trusted only with evidence.
        "start_offset_seconds": pl.Int32(),
        "end_offset_seconds": pl.Int32(),
        "modified_utc": UTC_MS,
        "client_record_version": pl.Int64(),
        "fetched_utc": UTC_MS,
        "source_key_sha256": pl.String(),
        "file_quality": pl.Float64(),
        "utc_date": pl.Date(),
    }
)
"""Columns every validated table has. An instant (glucose, HRV) has end_utc equal to start_utc."""


@dataclass(frozen=True)
class OtherUnit:
    """A value's plausible range in a unit that writers mistake its own for.

    Attributes:
        low, high: range of the numbers.
        factor: by which such a number has to be multiplied, if the two ranges overlap; None if they do not.
    """

    low: float
    high: float
    factor: float | None = None


@dataclass(frozen=True, kw_only=True)
class RecordType:
    """One kind of Health Connect record, as data.

    Attributes:
        kind: name of its assets and tables.
        avro_name: base name in keys and messages; the writer schema carries the prefix ``Avro``.
        category: training category, also its folder under ``training/``.
        metric_prefix: part of its metric ids before the dot.
        title: how a person calls it.
        topic: how an instruction and the head of a prompt call it, after "the".
        short_name: how a journal calls it where it is only named.
        instant: one time stamp (True) or start and end.
        value_columns: columns beyond the common ones, name to Polars type; units are in the names.
        writer_fields: value column to the writer's field that holds it, where it is taken as it is. What takes more
            (lists, a value to be rounded) is in `vitals.raw.flatten`.
        plausible: scalar value column to its inclusive range.
        hard_limits: the same columns to the range within which a tenant may move the plausible one.
        units: the same columns to their units as people write them.
        unit_suspect: scalar value column to what it looks like in the unit that it is mistaken for.
        contextual: fields whose absence lowers completeness and may hold a record back.
        sampled: list column whose items carry the values, if the record is a container of samples.
        needs: kinds whose records its clinical facts also read.
        reach_days: days before and after a record's own days whose facts may also read it.
        rhythm: by which forensics knows where data are missing.
        longest_between_minutes: longest time between two readings that is no gap; None if it has no readings.
        max_duration_hours: longest plausible record; a longer one is quarantined.
        owner: team that answers for it in the Dagster UI.
    """

    kind: str
    avro_name: str
    category: str
    metric_prefix: str
    title: str
    topic: str
    short_name: str
    description: str
    instant: bool
    value_columns: Mapping[str, pl.DataType]
    writer_fields: Mapping[str, str] = field(default_factory=dict)
    rhythm: Rhythm
    plausible: Mapping[str, tuple[float, float]]
    hard_limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    unit_suspect: Mapping[str, OtherUnit] = field(default_factory=dict)
    contextual: tuple[str, ...] = ("start_offset_seconds",)
    sampled: str | None = None
    needs: tuple[str, ...] = ()
    reach_days: tuple[int, int] = (0, 0)
    longest_between_minutes: int | None = None
    max_duration_hours: float | None = None
    owner: str = "team:health-data"

    def __post_init__(self) -> None:
        """Refuse an entry that says only half of what is needed of a value."""
        for name in ("hard_limits", "units"):
            said = getattr(self, name)
            if set(said) != set(self.plausible):
                raise ValueError(f"{self.kind}: `{name}` names {sorted(said)}, `plausible` {sorted(self.plausible)}")
        if self.rhythm in ("readings", "readings_or_nights") and self.longest_between_minutes is None:
            raise ValueError(f"{self.kind}: rhythm {self.rhythm!r} needs `longest_between_minutes`")

    @property
    def prefixed_avro_name(self) -> str:
        """Name of the record in the writer schema."""
        return f"Avro{self.avro_name}"

    @property
    def columns(self) -> dict[str, pl.DataType]:
        """All columns of its validated table, in order."""
        return {**COMMON_COLUMNS, **self.value_columns}


BLOOD_GLUCOSE = RecordType(
    kind="blood_glucose",
    avro_name="BloodGlucoseRecord",
    category="metabolic_diabetes",
    metric_prefix="glucose",
    title="Blood glucose",
    topic="blood glucose",
    short_name="glucose",
    description="Glucose readings, mostly of a continuous sensor every 5 minutes, in whole mg/dL.",
    instant=True,
    value_columns={
        # Rounded to a whole number on the way in: writers leave float noise of a mmol/L round trip.
        "level_mg_dl": pl.Int32(),
        "specimen_source": pl.String(),
        "meal_type": pl.String(),
        "relation_to_meal": pl.String(),
    },
    plausible={"level_mg_dl": (20, 600)},
    hard_limits={"level_mg_dl": (1, 2_000)},
    units={"level_mg_dl": "mg/dL"},
    # 20 to 600 mg/dL in mmol/L.
    unit_suspect={"level_mg_dl": OtherUnit(1.1, 33.35, factor=18)},
    # An episode belongs to the day it starts on, and may run on into the changed day.
    reach_days=(1, 0),
    rhythm="readings",
    # One every 5 minutes.
    longest_between_minutes=15,
)

HEART_RATE = RecordType(
    kind="heart_rate",
    avro_name="HeartRateRecord",
    category="cardiovascular_fitness",
    metric_prefix="heart_rate",
    title="Heart rate",
    topic="heart rate",
    short_name="heart rate",
    description="Heart-rate samples in bpm: spot records awake, minute samples in hour records asleep.",
    instant=False,
    value_columns={
        "samples": pl.List(pl.Struct({"time_utc": UTC_MS, "bpm": pl.Int32()})),
        # Impossible samples that validation took out of the list; null where it took none.
        "dropped_items": pl.Int32(),
    },
    plausible={"bpm": (30, 240)},
    hard_limits={"bpm": (1, 400)},
    units={"bpm": "bpm"},
    sampled="samples",
    needs=("sleep",),
    # Sleep that ends on the next day reads this evening; a bout may have begun the day before.
    reach_days=(1, 1),
    rhythm="readings_or_nights",
    # About one every 10 minutes awake, now and then 40.
    longest_between_minutes=60,
    max_duration_hours=24,
)

SLEEP = RecordType(
    kind="sleep",
    avro_name="SleepSessionRecord",
    category="sleep_recovery",
    metric_prefix="sleep",
    title="Sleep",
    topic="sleep",
    short_name="sleep",
    description="Sleep sessions with the stages that the source app scored. Free text is dropped.",
    instant=False,
    value_columns={
        "stages": pl.List(pl.Struct({"start_utc": UTC_MS, "end_utc": UTC_MS, "stage": pl.String()})),
        # 0.5 to 16 h is plausible; outside it, up to 24 h, a session is kept and flagged.
        "duration_implausible": pl.Boolean(),
        # Impossible stages that validation took out of the list; null where it took none.
        "dropped_items": pl.Int32(),
    },
    plausible={},
    # A record may join others, or part them, whose sleep ends on the day before or after its own.
    reach_days=(1, 1),
    rhythm="nights",
    max_duration_hours=24,
)

STEPS = RecordType(
    kind="steps",
    avro_name="StepsRecord",
    category="physical_activity",
    metric_prefix="steps",
    title="Steps",
    topic="step count",
    short_name="steps",
    description="Step counts of intervals or whole-day buckets; a bucket fetched before its end is a lower bound.",
    instant=False,
    value_columns={"count": pl.Int64()},
    writer_fields={"count": "count"},
    plausible={"count": (0, 100_000)},
    hard_limits={"count": (0, 1_000_000)},
    units={"count": "steps"},
    rhythm="totals",
    max_duration_hours=26,
)

ACTIVE_CALORIES = RecordType(
    kind="active_calories",
    avro_name="ActiveCaloriesBurnedRecord",
    category="energy_metabolism",
    metric_prefix="active_energy",
    title="Active energy",
    topic="active energy",
    short_name="active energy",
    description="Active energy in kcal, without the basal part, of intervals or whole-day buckets.",
    instant=False,
    value_columns={"energy_kcal": pl.Float64()},
    writer_fields={"energy_kcal": "energyInKilocalories"},
    plausible={"energy_kcal": (0, 10_000)},
    hard_limits={"energy_kcal": (0, 100_000)},
    units={"energy_kcal": "kcal"},
    # In calories.
    unit_suspect={"energy_kcal": OtherUnit(10_000, 10_000_000)},
    rhythm="totals",
    max_duration_hours=26,
)

HRV_RMSSD = RecordType(
    kind="hrv_rmssd",
    avro_name="HeartRateVariabilityRmssdRecord",
    category="autonomic_health",
    metric_prefix="hrv",
    title="Heart-rate variability (RMSSD)",
    topic="overnight heart-rate variability (RMSSD)",
    short_name="HRV",
    description="RMSSD of 5-minute windows in ms, mostly asleep. No other HRV measure can be derived from it.",
    instant=True,
    value_columns={"rmssd_ms": pl.Float64()},
    writer_fields={"rmssd_ms": "heartRateVariabilityRmssd"},
    plausible={"rmssd_ms": (1, 300)},
    hard_limits={"rmssd_ms": (0.1, 5_000)},
    units={"rmssd_ms": "ms"},
    # In seconds.
    unit_suspect={"rmssd_ms": OtherUnit(0.001, 0.3)},
    needs=("sleep",),
    # A night's values belong to the day the sleep ends on, which a record of the next day may move.
    reach_days=(1, 1),
    rhythm="nights",
    # One every 5 minutes asleep.
    longest_between_minutes=30,
)

RECORD_TYPES: tuple[RecordType, ...] = (
    BLOOD_GLUCOSE,
    HEART_RATE,
    SLEEP,
    STEPS,
    ACTIVE_CALORIES,
    HRV_RMSSD,
)

BY_KIND: Mapping[str, RecordType] = MappingProxyType({t.kind: t for t in RECORD_TYPES})
BY_CATEGORY: Mapping[str, RecordType] = MappingProxyType({t.category: t for t in RECORD_TYPES})
BY_METRIC_PREFIX: Mapping[str, RecordType] = MappingProxyType({t.metric_prefix: t for t in RECORD_TYPES})
BY_AVRO_NAME: Mapping[str, RecordType] = MappingProxyType(
    {name: t for t in RECORD_TYPES for name in (t.avro_name, t.prefixed_avro_name)}
)
"""Both the base name and the prefixed name, because uploaders use either, everywhere."""
