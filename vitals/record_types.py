"""The six kinds of record as data: names, columns with units, plausible ranges, category.

Belongs here: whatever differs between kinds and can be written as a value. Adding a kind starts with one
entry here; the completeness test then names the modules that are missing.
Does not belong here: behaviour (that is a module per kind in the stage that needs it), or Dagster objects.

Plausible ranges: CONTRACTS "Upload states", which rounds off CLINICAL.md G7.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import polars as pl

Stage = Literal["raw", "validated", "clinical", "training"]
STAGES: tuple[Stage, ...] = ("raw", "validated", "clinical", "training")

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


@dataclass(frozen=True, kw_only=True)
class RecordType:
    """One kind of Health Connect record, as data.

    Attributes:
        kind: name of its assets and tables.
        avro_name: base name in keys and messages; the writer schema carries the prefix ``Avro``.
        category: training category, also its folder under ``training/``.
        metric_prefix: part of its metric ids before the dot.
        title: how a person calls it.
        instant: one time stamp (True) or start and end.
        value_columns: columns beyond the common ones, name to Polars type; units are in the names.
        plausible: scalar value column to its inclusive range.
        unit_suspect: scalar value column to the range in which a whole file's median betrays another unit.
        contextual: fields whose absence lowers completeness and may hold a record back.
        sampled: list column whose items carry the values, if the record is a container of samples.
        needs: kinds whose records its clinical facts also read.
        max_duration_hours: longest plausible record; a longer one is quarantined.
        owner: team that answers for it in the Dagster UI.
    """

    kind: str
    avro_name: str
    category: str
    metric_prefix: str
    title: str
    description: str
    instant: bool
    value_columns: Mapping[str, pl.DataType]
    plausible: Mapping[str, tuple[float, float]]
    unit_suspect: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    contextual: tuple[str, ...] = ("start_offset_seconds",)
    sampled: str | None = None
    needs: tuple[str, ...] = ()
    max_duration_hours: float | None = None
    owner: str = "team:health-data"

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
    unit_suspect={"level_mg_dl": (1, 35)},
)

HEART_RATE = RecordType(
    kind="heart_rate",
    avro_name="HeartRateRecord",
    category="cardiovascular_fitness",
    metric_prefix="heart_rate",
    title="Heart rate",
    description="Heart-rate samples in bpm: spot records awake, minute samples in hour records asleep.",
    instant=False,
    value_columns={"samples": pl.List(pl.Struct({"time_utc": UTC_MS, "bpm": pl.Int32()}))},
    plausible={"bpm": (30, 220)},
    sampled="samples",
    needs=("sleep",),
    max_duration_hours=24,
)

SLEEP = RecordType(
    kind="sleep",
    avro_name="SleepSessionRecord",
    category="sleep_recovery",
    metric_prefix="sleep",
    title="Sleep",
    description="Sleep sessions with the stages that the source app scored. Free text is dropped.",
    instant=False,
    value_columns={
        "stages": pl.List(pl.Struct({"start_utc": UTC_MS, "end_utc": UTC_MS, "stage": pl.String()})),
        # 0.5 to 16 h is plausible; outside it, up to 24 h, a session is kept and flagged.
        "duration_implausible": pl.Boolean(),
    },
    plausible={},
    max_duration_hours=24,
)

STEPS = RecordType(
    kind="steps",
    avro_name="StepsRecord",
    category="physical_activity",
    metric_prefix="steps",
    title="Steps",
    description="Step counts of intervals or whole-day buckets; a bucket fetched before its end is a lower bound.",
    instant=False,
    value_columns={"count": pl.Int64()},
    plausible={"count": (0, 100_000)},
    max_duration_hours=26,
)

ACTIVE_CALORIES = RecordType(
    kind="active_calories",
    avro_name="ActiveCaloriesBurnedRecord",
    category="energy_metabolism",
    metric_prefix="active_energy",
    title="Active energy",
    description="Active energy in kcal, without the basal part, of intervals or whole-day buckets.",
    instant=False,
    value_columns={"energy_kcal": pl.Float64()},
    plausible={"energy_kcal": (0, 10_000)},
    unit_suspect={"energy_kcal": (10_000, 20_000_000)},
    max_duration_hours=26,
)

HRV_RMSSD = RecordType(
    kind="hrv_rmssd",
    avro_name="HeartRateVariabilityRmssdRecord",
    category="autonomic_health",
    metric_prefix="hrv",
    title="Heart-rate variability (RMSSD)",
    description="RMSSD of 5-minute windows in ms, mostly asleep. No other HRV measure can be derived from it.",
    instant=True,
    value_columns={"rmssd_ms": pl.Float64()},
    plausible={"rmssd_ms": (1, 300)},
    unit_suspect={"rmssd_ms": (0.001, 0.3)},
    needs=("sleep",),
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
