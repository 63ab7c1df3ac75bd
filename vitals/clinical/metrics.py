"""Every metric of the product, as data: id, unit, scope, definition, tolerance.

Belongs here: what a metric is called and means. The id is the fact id everywhere; in a clinical table its
column is the part after the dot.
Does not belong here: how it is computed (the module of its kind) or when it may be stated (`sufficiency`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from vitals.record_types import BY_KIND

Scope = Literal["day", "window", "both"]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        id: ``<prefix>.<column>``.
        unit: unit of the value, as written in narratives and tables.
        scope: a fact of one local day, of a window of days, or of both.
        definition: the formula in one line.
        tol_abs, tol_rel: how far an implementation may be from the oracle.
    """

    id: str
    unit: str
    scope: Scope
    definition: str
    tol_abs: float
    tol_rel: float

    @property
    def column(self) -> str:
        """Name of its column in the clinical table of its kind."""
        return self.id.split(".", 1)[1]


METRICS: tuple[Metric, ...] = (
    Metric(
        "glucose.n",
        "count",
        "both",
        "distinct readings of the local day (closer than a quarter of the sampling interval is one), whole mg/dL",
        0,
        0,
    ),
    Metric(
        "glucose.wear_percent",
        "%",
        "both",
        "100*time that readings stand for/time of the LOCAL day; window: sum/sum; not of single readings",
        0.05,
        0,
    ),
    Metric("glucose.mean", "mg/dL", "both", "arithmetic mean", 0.005, 0),
    Metric(
        "glucose.mean_is_bound",
        "bool",
        "both",
        "true when readings at one limit of the sensor make the mean a bound: at most if min_is_bound, else at least",
        0,
        0,
    ),
    Metric("glucose.sd", "mg/dL", "both", "sample SD, ddof=1", 0.005, 0),
    Metric("glucose.cv", "%", "both", "100*SD/mean", 0.005, 0),
    Metric("glucose.gmi", "%", "both", "3.31+0.02392*mean", 0.005, 0),
    Metric("glucose.ea1c", "%", "both", "(mean+46.7)/28.7 (ADAG) - informational, do not show next to GMI", 0.005, 0),
    Metric("glucose.lbgi", "1", "both", "10*mean(min(f,0)^2), f=1.509*(ln(g)^1.084-5.381)", 0.002, 0),
    Metric("glucose.hbgi", "1", "both", "10*mean(max(f,0)^2)", 0.002, 0),
    Metric("glucose.gri", "0-100", "both", "min(100, 3.0*%<54 + 2.4*%54-69 + 1.6*%>250 + 0.8*%181-250)", 0.005, 0),
    Metric("glucose.j_index", "1", "both", "0.001*(mean+SD)^2", 0.005, 0),
    Metric("glucose.pct_below_54", "%", "both", "g<54", 0.005, 0),
    Metric("glucose.pct_below_70", "%", "both", "g<70", 0.005, 0),
    Metric("glucose.pct_54_69", "%", "both", "54<=g<70", 0.005, 0),
    Metric("glucose.pct_70_180", "%", "both", "70<=g<=180", 0.005, 0),
    Metric("glucose.pct_70_140", "%", "both", "70<=g<=140 (TITR)", 0.005, 0),
    Metric("glucose.pct_above_140", "%", "both", "g>140", 0.005, 0),
    Metric("glucose.pct_above_180", "%", "both", "g>180", 0.005, 0),
    Metric("glucose.pct_181_250", "%", "both", "180<g<=250", 0.005, 0),
    Metric("glucose.pct_above_250", "%", "both", "g>250", 0.005, 0),
    Metric("glucose.min", "mg/dL", "both", "min", 0.005, 0),
    Metric("glucose.min_is_bound", "bool", "both", "true when the minimum is the sensor's limit: at most that", 0, 0),
    Metric("glucose.max", "mg/dL", "both", "max", 0.005, 0),
    Metric("glucose.max_is_bound", "bool", "both", "true when the maximum is the sensor's limit: at least that", 0, 0),
    Metric("glucose.median", "mg/dL", "both", "median", 0.005, 0),
    Metric(
        "glucose.mage",
        "mg/dL",
        "both",
        "mean of MAGE+ and MAGE- (Fernandes 2022): short MA 5, long MA 32, gaps over 180 min split, UTC axis",
        0,
        0.02,
    ),
    Metric(
        "glucose.modd",
        "mg/dL",
        "both",
        "mean |G(t)-G(t-24 h physical)| on a 5-min grid, linear interpolation, no interpolation over gaps >45 min",
        0.05,
        0.005,
    ),
    Metric("glucose.conga24", "mg/dL", "both", "SD(ddof=1) of G(t)-G(t-24 h), same grid", 0.05, 0.005),
    Metric("glucose.conga1", "mg/dL", "both", "SD of G(t)-G(t-1 h), same grid", 0.05, 0.005),
    Metric("glucose.adrr", "1", "both", "mean over local days of max(rl)+max(rh)", 0.01, 0),
    Metric(
        "glucose.episodes_lv1_hypo",
        "count",
        "both",
        "events starting in that local day/window: <70 for >=15 min, ends after >=15 min >=70; includes the ones that go <54",
        0,
        0,
    ),
    Metric("glucose.episodes_lv2_hypo", "count", "both", "events starting in that local day/window: <54", 0, 0),
    Metric(
        "glucose.episodes_ext_hypo",
        "count",
        "both",
        "events starting in that local day/window: <70 for >120 min",
        0,
        0,
    ),
    Metric("glucose.episodes_lv1_hyper", "count", "both", "events starting in that local day/window: >180", 0, 0),
    Metric("glucose.episodes_lv2_hyper", "count", "both", "events starting in that local day/window: >250", 0, 0),
    Metric(
        "glucose.episodes_ext_hyper",
        "count",
        "both",
        "events starting in that local day/window: >250 for >=90 cumulative min within 120 min, ends after >=15 min <=180",
        0,
        0,
    ),
    Metric("glucose.nocturnal_mean", "mg/dL", "both", "mean of readings with local clock 00:00-05:59", 0.005, 0),
    Metric("glucose.nocturnal_pct_below_70", "%", "both", "same block", 0.005, 0),
    Metric("glucose.nocturnal_pct_above_180", "%", "both", "same block", 0.005, 0),
    Metric(
        "glucose.longest_gap_minutes",
        "min",
        "both",
        "longest stretch of the local day without a reading (incl. edges)",
        0.1,
        0,
    ),
    Metric("sleep.tib", "min", "day", "end-start of the main sleep period (elapsed, not wall clock)", 0.5, 0),
    Metric("sleep.tst", "min", "day", "LIGHT+DEEP+REM+SLEEPING", 0.5, 0),
    Metric("sleep.spt", "min", "day", "first to last sleep epoch", 0.5, 0),
    Metric("sleep.waso", "min", "day", "AWAKE/OUT_OF_BED, and gaps below 1 h between records, inside SPT", 0.5, 0),
    Metric("sleep.sol", "min", "day", "start of the period to first sleep epoch", 0.5, 0),
    Metric("sleep.se", "%", "day", "100*TST/TIB", 0.1, 0),
    Metric("sleep.sme", "%", "day", "100*TST/SPT", 0.1, 0),
    Metric("sleep.light", "min", "day", "minutes of stage LIGHT", 0.5, 0),
    Metric("sleep.deep", "min", "day", "minutes of stage DEEP", 0.5, 0),
    Metric("sleep.rem", "min", "day", "minutes of stage REM", 0.5, 0),
    Metric("sleep.pct_light", "%TST", "day", "100*light/TST", 0.1, 0),
    Metric("sleep.pct_deep", "%TST", "day", "100*deep/TST", 0.1, 0),
    Metric("sleep.pct_rem", "%TST", "day", "100*REM/TST", 0.1, 0),
    Metric("sleep.sfi", "1/h", "day", "sleep->wake transitions per hour of TST", 0.05, 0),
    Metric(
        "sleep.unscored",
        "min",
        "day",
        "UNKNOWN + uncovered time of the period, gaps below 1 h between records apart",
        0.5,
        0,
    ),
    Metric("sleep.awakenings", "count", "day", "wake runs inside SPT", 0, 0),
    Metric("sleep.awakenings_ge5", "count", "day", "wake runs >=5 min inside SPT (NSF indicator)", 0, 0),
    Metric(
        "sleep.midpoint_local_minutes", "min after local midnight", "day", "(onset+final wake)/2 as local clock", 0.5, 0
    ),
    Metric(
        "sleep.n_sessions",
        "count",
        "day",
        "sleep periods whose end falls on this local date after source selection",
        0,
        0,
    ),
    Metric("sleep.total_tst_all_sessions", "min", "day", "incl. naps", 0.5, 0),
    Metric("sleep.mean_tst", "min", "window", "mean over nights", 0.5, 0),
    Metric("sleep.sd_tst", "min", "window", "ddof=1", 0.5, 0),
    Metric("sleep.circular_sd_midpoint_minutes", "min", "window", "sqrt(-2 ln R)", 0.5, 0),
    Metric(
        "sleep.sri",
        "-100..100",
        "window",
        "Phillips 2017, 30 s epochs, physical 24 h lag, un-sessioned noon-to-noon days missing",
        0.2,
        0,
    ),
    Metric("heart_rate.n", "count", "day", "minutes with a sample after source selection", 0, 0),
    Metric("heart_rate.coverage_percent", "%", "day", "sum of holds (<=11 min per sample) / local day", 0.2, 0),
    Metric("heart_rate.mean_time_weighted", "bpm", "day", "hold-weighted mean", 0.1, 0),
    Metric("heart_rate.min", "bpm", "day", "lowest minute value", 0.05, 0),
    Metric("heart_rate.max", "bpm", "day", "highest minute value", 0.05, 0),
    Metric("heart_rate.sd_samples", "bpm", "day", "ddof=1 of minute values; NOT SDNN", 0.05, 0),
    Metric("heart_rate.sleep_mean_time_weighted", "bpm", "day", "inside SPT of the main session", 0.1, 0),
    Metric("heart_rate.wake_mean_time_weighted", "bpm", "day", "outside all sessions", 0.1, 0),
    Metric("heart_rate.dip_percent", "%", "day", "100*(wake-sleep)/wake", 0.2, 0),
    Metric(
        "heart_rate.resting_low30_in_main_sleep",
        "bpm",
        "day",
        "lowest 30-min rolling mean (>=5 samples spanning >=20 min) inside SPT",
        0.1,
        0,
    ),
    Metric("heart_rate.bouts_ge100", "count", "day", ">=10 min of consecutive samples >=100 bpm (gaps<=11 min)", 0, 0),
    Metric("heart_rate.bouts_lt50", "count", "day", "<50 bpm", 0, 0),
    Metric(
        "heart_rate.zone_very_light_lt57",
        "min",
        "day",
        "hold-weighted minutes, %HRmax with HRmax=208-0.7*age; only if age known",
        1,
        0,
    ),
    Metric(
        "heart_rate.zone_light_57_64",
        "min",
        "day",
        "hold-weighted minutes, %HRmax with HRmax=208-0.7*age; only if age known",
        1,
        0,
    ),
    Metric(
        "heart_rate.zone_moderate_64_77",
        "min",
        "day",
        "hold-weighted minutes, %HRmax with HRmax=208-0.7*age; only if age known",
        1,
        0,
    ),
    Metric(
        "heart_rate.zone_vigorous_77_96",
        "min",
        "day",
        "hold-weighted minutes, %HRmax with HRmax=208-0.7*age; only if age known",
        1,
        0,
    ),
    Metric(
        "heart_rate.zone_near_max_ge96",
        "min",
        "day",
        "hold-weighted minutes, %HRmax with HRmax=208-0.7*age; only if age known",
        1,
        0,
    ),
    Metric("hrv.n", "count", "day", "distinct values inside the main session", 0, 0),
    Metric("hrv.rmssd_mean", "ms", "day", "mean of the 5-min RMSSD inside the main session", 0.01, 0),
    Metric("hrv.rmssd_median", "ms", "day", "median of the same values", 0.01, 0),
    Metric("hrv.ln_rmssd", "ln ms", "day", "ln(rmssd_mean)", 0.0005, 0),
    Metric("hrv.coverage_percent", "%", "day", "100*time that values stand for/TIB", 0.1, 0),
    Metric("hrv.ln_rmssd_mean", "ln ms", "window", "mean over nights", 0.0005, 0),
    Metric("hrv.ln_rmssd_cv_percent", "%", "window", "100*SD/mean of nightly ln RMSSD", 0.02, 0),
    Metric("hrv.swc_low", "ln ms", "window", "mean-0.5*SD", 0.0005, 0),
    Metric("hrv.swc_high", "ln ms", "window", "mean+0.5*SD", 0.0005, 0),
    Metric(
        "hrv.rolling7_mean_last",
        "ln ms",
        "window",
        "mean of the nightly ln RMSSD over the last 7 local days, >=3 nights",
        0.0005,
        0,
    ),
    Metric(
        "steps.hc_priority_total",
        "steps",
        "day",
        "AOSP PriorityRecordsAggregator semantics for the given priority list (what the phone shows)",
        1,
        0,
    ),
    Metric(
        "steps.recommended_total",
        "steps",
        "day",
        "granularity/completeness-aware total (docs/spec/clinical.md S2)",
        1,
        0,
    ),
    Metric(
        "steps.lower_bound", "bool", "day", "true when the chosen source record ends after its own lastModified", 0, 0
    ),
    Metric("steps.mean", "steps", "window", "mean of recommended_total over days with data", 1, 0),
    Metric(
        "active_energy.hc_priority_total",
        "kcal",
        "day",
        "AOSP PriorityRecordsAggregator semantics for the given priority list (what the phone shows)",
        1,
        0,
    ),
    Metric(
        "active_energy.recommended_total",
        "kcal",
        "day",
        "granularity/completeness-aware total (docs/spec/clinical.md S2)",
        1,
        0,
    ),
    Metric(
        "active_energy.lower_bound",
        "bool",
        "day",
        "true when the chosen source record ends after its own lastModified",
        0,
        0,
    ),
    Metric("active_energy.mean", "kcal", "window", "mean of recommended_total over days with data", 1, 0),
    Metric("steps.minutes_ge100", "min", "day", "minutes with >=100 steps/min, only from <=1-min records", 0, 0),
    Metric("active_energy.net_met_minutes", "MET-min", "day", "kcal*60/weight_kg; only if weight known", 1, 0),
)

BY_ID: Mapping[str, Metric] = MappingProxyType({m.id: m for m in METRICS})


def metrics_of(kind: str, scope: Literal["day", "window"]) -> tuple[Metric, ...]:
    """Metrics of a kind that a local day (or a window) has, in reading order.

    Raises:
        KeyError: the kind is not one of the record types.
    """
    prefix = BY_KIND[kind].metric_prefix + "."
    return tuple(m for m in METRICS if m.id.startswith(prefix) and m.scope in (scope, "both"))
