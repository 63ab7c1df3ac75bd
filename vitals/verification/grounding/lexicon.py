"""Words of measurement: which words name a kind, a metric, a comparison or a number, and how units are written.

Belongs here: words as data. Does not belong here: sentences (`constructions`).
"""

from collections.abc import Mapping

KIND_WORDS: Mapping[str, str] = {
    "glucose": "glucose",
    "heart_rate": "heart rate|pulse",
    "sleep": r"slept|the sleep of|time asleep|wake after sleep onset|main sleep by|no main sleep|sleep(?= \(|, as of)|sleep ending on|main sleep session that ended|(?<!main )sleep session that ended",
    "hrv": "hrv|rmssd",
    "steps": r"step count|step total|steps by|steps(?= \(|, as of)|steps on|steps of|steps for|steps taken|total of steps|walked",
    "active_energy": "active energy|energy burned|calories",
}
"""Prefix of a kind's metrics -> words that say which kind is meant."""

RECORD_TYPES: Mapping[str, str] = {
    "BloodGlucoseRecord": "glucose",
    "HeartRateRecord": "heart_rate",
    "SleepSessionRecord": "sleep",
    "HeartRateVariabilityRmssdRecord": "hrv",
    "StepsRecord": "steps",
    "ActiveCaloriesBurnedRecord": "active_energy",
}
"""Name of a record type in a line's metadata -> prefix of its metrics."""

COMPARISON_WORDS = (
    "above|over|below|under|beneath|at least|at most|or more|or less|more|less|fewer|greater|smaller|higher|lower"
    "|longest|shortest|longer|shorter|lowest|highest|largest|smallest|exceed(?:s|ed|ing)?|than|up to|no more|no less"
    "|earlier|later|equal|same as|most|least|minimum|maximum|minimal|maximal"
)
"""Words that compare; each must be read together with what it compares."""

METRIC_WORDS = (
    "mean|median|average[ds]?|averaging|sd|standard deviation|cv|coefficient of variation|mage|gmi|range|wear"
    "|coverage|covered|covering|asleep|awake|awakenings?|waking|wake|midpoint|bouts?|episodes?|readings?|minute values"
    "|logarithm|ln|light|deep|rem|unscored|stage minutes|naps?|total|cadence|met-minutes|variability|night block"
    "|gap|stretch|onset|sessions?|elapsed|zones?|spread|deviation|amplitude|mode|variance|rmssd averaged|sdnn|pnn50|vo2|percentile|gri|modd|bmi"
    "|cannot be (?:stated|assessed)|is not stated|is not assessable|not in the data|not assessable"
)
"""Words that name a metric; each must be read together with its value or with why it has none."""

NUMBER_WORDS = (
    "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|hundred|thousand|twice|thrice|double|triple|half"
)
"""Numbers in words, which no claim is written with."""

UNIT_FORMS: Mapping[str, frozenset[str]] = {
    "count": frozenset({""}),
    "": frozenset({""}),
    "days": frozenset({""}),
    "%TST": frozenset({"%"}),
    "% of maximum": frozenset({"%"}),
    "ln ms": frozenset({""}),
    "steps/min": frozenset({"steps per minute", "steps/min", "steps per min"}),
    "MET-min": frozenset({"MET-minutes", "net MET-minutes"}),
    "h": frozenset({"h", "hours"}),
}
"""Unit of a claim -> how it may be written, where that is not the unit itself."""

GLUCOSE, HEART, SLEEP, HRV, STEPS, ENERGY = "glucose", "heart_rate", "sleep", "hrv", "steps", "active_energy"
ALL = (GLUCOSE, HEART, SLEEP, HRV, STEPS, ENERGY)

LABELS: Mapping[str, frozenset[str]] = {
    label: frozenset(columns.split())
    for label, columns in {
        "mean glucose": "mean",
        "time in range": "pct_70_180",
        "time in tight range": "pct_70_140",
        "time above range": "pct_above_180",
        "time far above range": "pct_above_250",
        "episodes above range": "episodes_lv1_hyper",
        "night mean": "nocturnal_mean",
        "mage": "mage",
        "time below range": "pct_below_70 pct_below_54",
        "episodes below range": "episodes_lv1_hypo episodes_lv2_hypo",
        "gmi": "gmi",
        "cv": "cv",
        "glycaemia index": "gri",
        "day-to-day variability": "modd",
        "day mean": "mean_time_weighted",
        "lowest value": "min",
        "highest value": "max",
        "sleeping mean": "sleep_mean_time_weighted",
        "lowest half-hour asleep": "resting_low30_in_main_sleep",
        "waking mean": "wake_mean_time_weighted",
        "sleep-wake difference": "dip_percent",
        "bouts": "bouts_ge100 bouts_lt50",
        "intensity zones": "zone_very_light_lt57 zone_light_57_64 zone_moderate_64_77 zone_vigorous_77_96"
        " zone_near_max_ge96",
        "time asleep": "tst",
        "wake within sleep": "waso",
        "longer awakenings": "awakenings_ge5",
        "stage minutes": "light deep rem",
        "share of the session asleep": "se",
        "time to sleep onset": "sol",
        "nightly mean": "rmssd_mean",
        "nightly median": "rmssd_median",
        "coverage of the night": "coverage_percent",
        "total of the day": "recommended_total",
        "cadence": "minutes_ge100",
        "met-minutes": "net_met_minutes",
    }.items()
}
"""What texts call metrics that they cannot state -> columns meant."""

NOUNS: Mapping[str, str] = {
    # More specific words first: the first that reads a number keeps it.
    "lowest|minimum|smallest": "min",
    "highest|maximum|largest|peak": "max",
    "median": "median rmssd_median",
    "sd of minute values|standard deviation of minute values": "sd_samples",
    "standard deviation|sd": "sd",
    "coefficient of variation|cv": "cv",
    r"mean amplitude of glycaemic excursions \(mage\)|mage": "mage",
    "natural logarithm of the mean|ln rmssd": "ln_rmssd",
    "time-weighted mean": "mean_time_weighted",
    "mean|rmssd averaged|average": "mean mean_time_weighted rmssd_mean",
    "wear": "wear_percent",
}
"""Words before a number -> columns they can mean."""

SUBJECTS: Mapping[str, str] = {
    "the mean glucose": "mean",
    "the median glucose": "median",
    "the lowest reading": "min",
    "the highest reading": "max",
    "the time in range": "pct_70_180",
    "the time above range": "pct_above_180",
    "the number of episodes above range": "episodes_lv1_hyper",
    "the night mean": "nocturnal_mean",
    "the cv": "cv",
    "the time-weighted mean heart rate": "mean_time_weighted",
    "the lowest minute of heart rate": "min",
    "the highest minute of heart rate": "max",
    "the mean heart rate asleep": "sleep_mean_time_weighted",
    "the mean heart rate awake": "wake_mean_time_weighted",
    "the lowest half-hour mean asleep": "resting_low30_in_main_sleep",
    "the number of bouts at a high rate": "bouts_ge100",
    "the number of bouts at a low rate": "bouts_lt50",
    "the time in that intensity zone": "zone_moderate_64_77",
    "the mean rmssd": "rmssd_mean",
    "the median rmssd": "rmssd_median",
    "the amount of deep sleep": "deep",
    "the amount of light sleep": "light",
    "the amount of rem sleep": "rem",
    "the time asleep": "tst",
    "the time awake after sleep onset": "waso",
    "the number of longer awakenings": "awakenings_ge5",
    "the length of the main sleep session": "tib",
    "the share of the session asleep": "se",
    "the step count": "recommended_total",
    "the active energy": "recommended_total",
    "the time at that cadence": "minutes_ge100",
    "the number of net met-minutes": "net_met_minutes",
    "the longest gap": "longest_gap_minutes",
}
"""What a refusal calls the metric that it refuses -> its column."""

UNIT_KINDS: Mapping[str, str] = {"steps": STEPS, "kcal": ENERGY}
"""Unit that only one kind has -> its prefix: "5,120 steps" names the kind."""

KIND_NAMES: Mapping[str, str] = {
    "glucose": GLUCOSE,
    "heart rate": HEART,
    "sleep": SLEEP,
    "hrv": HRV,
    "steps": STEPS,
    "active energy": ENERGY,
}
"""How a journal calls the kinds that it only names -> prefix."""

OPPOSITES: Mapping[str, tuple[str, ...]] = {
    "above": ("below",),
    "below": ("above", "at or above"),
    "at or above": ("below",),
    "over": ("under",),
    "under": ("over",),
    "at most": ("at least", "up to"),
    "at least": ("at most",),
    "or more": ("or less",),
    "or less": ("or more",),
    "more": ("less", "fewer"),
    "less": ("more",),
    "fewer": ("more",),
    "higher": ("lower",),
    "lower": ("higher",),
    "highest": ("lowest",),
    "lowest": ("highest",),
    "longest": ("shortest",),
    "shortest": ("longest",),
    "longer": ("shorter",),
    "shorter": ("longer",),
    "larger": ("smaller",),
    "smaller": ("larger",),
    "maximum": ("minimum",),
    "minimum": ("maximum",),
}
"""Comparison word -> words that say the opposite."""

EXTREMES = frozenset({"lowest", "highest", "minimum", "maximum"})
"""Comparison words that are names of metrics where a construction reads them so."""
