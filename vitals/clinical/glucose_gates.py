"""When a glucose metric may be stated (docs/spec/narrative.md B), for a local day and for a window of days.

Belongs here: the preconditions and their reasons, in order of precedence: what can never be assessed comes
before what more data would mend.
Does not belong here: how a reason is turned into a null value (`sufficiency`).

Columns that the gates read beside the metrics: `apps_text`, `source_floor_mg_dl`, `source_ceiling_mg_dl`, `is_single`,
`longest_run_points`, `nocturnal_n`, and what readings are at a limit of the sensor (`at_low_weight`, `at_high_weight`,
`weight`, `nocturnal_at_limit`); for a window also `days`, `valid_days`, `valid_pairs`, `diabetes`.

Always stated while there is a sensor's reading: n, wear, minimum, maximum, and the longest gap; mean and median unless too
many readings are at a limit. Of single readings: n, mean, minimum, maximum and median.

A reading at or beyond a limit of its sensor tells a side and no level (docs/spec/clinical.md, 1.3). Shares and counts of
episodes stay exact. Minimum, maximum and mean are bounds, which their columns `..._is_bound` say; a mean of readings at both
limits is neither, and nothing is stated that needs the distance between levels.
"""

import polars as pl

from vitals.clinical.glucose_mage import LONG_POINTS
from vitals.clinical.sufficiency import DOES_NOT_APPLY, Gate

MIN_WEAR_PERCENT = 70.0
CONSENSUS_DAYS = 14
LONG_WINDOW_DAYS = 30
LONG_WINDOW_VALID_DAYS = 21
MAGE_WINDOW_VALID_DAYS = 3

_BELOW_FLOOR = (
    "pct_below_54",
    "pct_below_70",
    "pct_54_69",
    "nocturnal_pct_below_70",
    "episodes_lv1_hypo",
    "episodes_lv2_hypo",
    "episodes_ext_hypo",
    "lbgi",
    "gri",
    "adrr",
)
# 181 to 250 stays: the band lies inside the range, and its share has the denominator of 70 to 180.
_ABOVE_CEILING = ("pct_above_250", "episodes_lv2_hyper", "episodes_ext_hyper", "gri")
_SHARES = (
    "pct_below_54",
    "pct_below_70",
    "pct_54_69",
    "pct_70_180",
    "pct_70_140",
    "pct_above_140",
    "pct_above_180",
    "pct_181_250",
    "pct_above_250",
    "nocturnal_pct_below_70",
    "nocturnal_pct_above_180",
)
_HYPO_EPISODES = ("episodes_lv1_hypo", "episodes_lv2_hypo", "episodes_ext_hypo")
_HYPER_EPISODES = ("episodes_lv1_hyper", "episodes_lv2_hyper", "episodes_ext_hyper")
_NOCTURNAL = ("nocturnal_mean", "nocturnal_pct_below_70", "nocturnal_pct_above_180")
# Two weeks of data stand behind the published meaning of these.
_CONSENSUS = (*_SHARES, *_HYPO_EPISODES, "cv", "gmi", "gri", "adrr", "lbgi", "hbgi", "j_index")
_OTHER = ("sd", "nocturnal_mean", "conga1", *_HYPER_EPISODES)
_PAIRS_OF_DAYS = ("modd", "conga24")
# Of a window these need some valid days, however many others have no data.
_OF_VALID_DAYS = ("mage", *_PAIRS_OF_DAYS)
_OF_TIME = (*_CONSENSUS, *_OTHER, *_OF_VALID_DAYS, "ea1c")
_OF_WEAR = ("wear_percent", "longest_gap_minutes")
# A level beyond a limit would change them by nobody knows how much.
_OF_LEVELS = ("sd", "cv", "mage", "j_index", "conga1", *_PAIRS_OF_DAYS, "gmi", "adrr")

_NEVER = pl.lit(value=False)
_WORN = pl.col("wear_percent") >= MIN_WEAR_PERCENT


def valid_day(wear_percent: pl.Expr) -> pl.Expr:
    """Whether a local day counts as a day with data."""
    return wear_percent >= MIN_WEAR_PERCENT


def day_gates() -> tuple[Gate, ...]:
    """Preconditions of the metrics of one local day."""
    long_windows = ("gmi", "gri", "adrr")
    return (
        *_single_gates(),
        *_source_gates(),
        Gate(long_windows, _NEVER, "needs 14 days with at least 70 % wear; this is one day"),
        Gate(_PAIRS_OF_DAYS, _NEVER, "needs 2 consecutive days with at least 70 % wear; this is one day"),
        *_limit_gates(),
        Gate((*_CONSENSUS, *_OTHER, *_OF_VALID_DAYS), _WORN, "needs at least 70 % wear of the day"),
        *_course_gates(),
    )


def window_gates() -> tuple[Gate, ...]:
    """Preconditions of the metrics of a window of local days."""
    days, valid_days = pl.col("days"), pl.col("valid_days")
    return (
        *_source_gates(),
        Gate(
            _CONSENSUS,
            days >= CONSENSUS_DAYS,
            pl.format("needs 14 days with at least 70 % wear; this window has {} days", days),
        ),
        Gate(
            ("mage",),
            valid_days >= MAGE_WINDOW_VALID_DAYS,
            pl.format("needs 3 days with at least 70 % wear; this window has {}", valid_days),
        ),
        Gate(
            _PAIRS_OF_DAYS,
            pl.col("valid_pairs") >= 1,
            "needs 2 consecutive days with at least 70 % wear; this window has none",
        ),
        *_limit_gates(),
        Gate((*_CONSENSUS, *_OTHER), _WORN, "needs at least 70 % wear of the window"),
        Gate(
            (*_CONSENSUS, *_OTHER, *_OF_VALID_DAYS),
            (days < LONG_WINDOW_DAYS) | (valid_days >= LONG_WINDOW_VALID_DAYS),
            pl.format("needs 21 days with at least 70 % wear; this window has {} of {}", valid_days, days),
        ),
        Gate(("gmi",), pl.col("diabetes").ne_missing("no"), "derived in people with diabetes; the profile says none"),
        *_course_gates(),
    )


def _source_gates() -> tuple[Gate, ...]:
    floor, ceiling = pl.col("source_floor_mg_dl"), pl.col("source_ceiling_mg_dl")
    # Never null, whatever bound is missing: a null reason would count as no reason.
    limits = pl.concat_str(
        pl.lit("not assessable: "),
        pl.col("apps_text"),
        pl.lit(" delivers "),
        pl.when(ceiling.is_null())
        .then(pl.format("nothing below {}", floor.fill_null(0)))
        .when(floor.is_null())
        .then(pl.format("nothing above {}", ceiling))
        .otherwise(pl.format("{}-{}", floor.fill_null(0), ceiling)),
        pl.when(floor.is_null() | ceiling.is_null()).then(pl.lit(" mg/dL")).otherwise(pl.lit(" mg/dL only")),
    )
    return (
        Gate(_BELOW_FLOOR, floor.is_null(), limits),
        Gate(_ABOVE_CEILING, ceiling.is_null(), limits),
        # It would stand beside the GMI with another number for the same thing.
        Gate(("ea1c",), _NEVER, "for research only, never stated"),
    )


def _single_gates() -> tuple[Gate, ...]:
    is_sensors = ~pl.col("is_single")
    return (
        Gate(_OF_WEAR, is_sensors, f"{DOES_NOT_APPLY}single readings cover no time"),
        Gate(_OF_TIME, is_sensors, "single readings do not tell what lay between them"),
    )


def _limit_gates() -> tuple[Gate, ...]:
    low, high, all_readings = pl.col("at_low_weight"), pl.col("at_high_weight"), pl.col("weight")
    why = "readings at a limit of the sensor tell no level"
    return (
        Gate(_OF_LEVELS, (low == 0) & (high == 0), why),
        Gate(("lbgi",), low == 0, why),
        Gate(("hbgi",), high == 0, why),
        Gate(("nocturnal_mean",), ~pl.col("nocturnal_at_limit").fill_null(value=False), why),
        Gate(
            ("mean", "mean_is_bound"), (low == 0) | (high == 0), "readings at both limits of the sensor bound no mean"
        ),
        Gate(("median",), (2 * low < all_readings) & (2 * high < all_readings), why),
        Gate(("min", "min_is_bound"), high < all_readings, why),
        Gate(("max", "max_is_bound"), low < all_readings, why),
    )


def _course_gates() -> tuple[Gate, ...]:
    return (
        Gate(
            ("mage",),
            pl.col("longest_run_points") >= LONG_POINTS,
            "needs 2.7 h of readings without a gap of more than 45 min",
        ),
        Gate(("mage",), pl.col("mage").is_not_null(), "no excursion of more than one standard deviation"),
        Gate(_NOCTURNAL, pl.col("nocturnal_n") > 0, "no reading between 00:00 and 05:59"),
    )
