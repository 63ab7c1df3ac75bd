"""One made-up day per kind, from which the golden examples are written.

Belongs here: invented numbers. Does not belong here: anything measured on a person.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tests.vitals.training.fact_frames import OURA, SAMSUNG, STELO, at, at_utc, readings, source

NIGHT = {
    "session_start_local": at(23, 41, days=-1),
    "session_end_local": at(7, 2),
    "session_app": SAMSUNG,
}


def _run(start_minute: int, minutes: float, stage: str) -> dict[str, Any]:
    start = at(23, 41, days=-1) + timedelta(minutes=start_minute)
    return {"start_local": start, "end_local": start + timedelta(minutes=minutes), "stage": stage}


GOLDEN: Mapping[str, Mapping[str, Any]] = {
    "blood_glucose": {
        "n": 247,
        "expected_n": 288,
        "wear_percent": 85.76,
        "sampling_interval_minutes": 5,
        "single_n": 0,
        "mean": 118.24,
        "mean_is_bound": False,
        "min_is_bound": False,
        "max_is_bound": False,
        "median": 114.0,
        "sd": 19.62,
        "cv": 16.59,
        "min": 81.0,
        "min_at_local": at(4, 10),
        "max": 195.0,
        "max_at_local": at(13, 5),
        "pct_70_140": 91.09,
        "pct_70_180": 98.38,
        "pct_above_180": 1.62,
        "nocturnal_mean": 101.4,
        "nocturnal_n": 70,
        "episodes_lv1_hyper": 1,
        "episodes": [
            {
                "level": "lv1_hyper",
                "start_local": at(12, 50),
                "minutes": 35.0,
                "extreme_mg_dl": 195,
                "extreme_is_bound": False,
            },
        ],
        "longest_gap_minutes": 200.0,
        "longest_gap_start_local": at(14, 20),
        "longest_gap_end_local": at(17, 40),
        "source_floor_mg_dl": 70,
        "source_ceiling_mg_dl": 250,
        "series": readings([101, 99, 104, 110], start=at(7, 50)),
        "sources": [source(STELO, n=247, value=118.24, as_of_utc=at_utc(3, 5, days=1))],
    },
    "heart_rate": {
        "n": 520,
        "coverage_percent": 74.3,
        "mean_time_weighted": 71.2,
        "min": 52.0,
        "min_at_local": at(4, 31),
        "max": 118.0,
        "max_at_local": at(17, 20),
        "sleep_mean_time_weighted": 61.4,
        "wake_mean_time_weighted": 76.1,
        "dip_percent": 19.3,
        "resting_low30_in_main_sleep": 57.2,
        "bouts_ge100": 1,
        "bouts_lt50": 0,
        "bouts": [{"level": "ge100", "start_local": at(17, 5), "minutes": 25.0, "extreme_bpm": 118.0}],
        "longest_gap_minutes": 95.0,
        "longest_gap_start_local": at(20, 10),
        "longest_gap_end_local": at(21, 45),
        "series": readings([61, 60, 74], start=at(6, 30), every_minutes=15),
        "sources": [source(SAMSUNG, n=520, value=69.4), source(OURA, used=False, n=140, value=60.8)],
    },
    "sleep": NIGHT
    | {
        "tib": 441.0,
        "tst": 402.0,
        "waso": 39.0,
        "awakenings_ge5": 2,
        "se": 91.16,
        "light": 240.0,
        "deep": 62.0,
        "rem": 100.0,
        "pct_light": 59.7,
        "pct_deep": 15.42,
        "pct_rem": 24.88,
        "unscored": 0.0,
        "midpoint_local_minutes": 201.0,
        "staged": True,
        "stages": [_run(0, 20, "LIGHT"), _run(20, 30.5, "DEEP"), _run(50.5, 8, "AWAKE"), _run(58.5, 25, "REM")],
        "naps": [{"start_local": at(13, 5), "end_local": at(13, 40), "tst_minutes": 32.0}],
        "n_sessions": 2,
        "total_tst_all_sessions": 434.0,
        "sources": [source(SAMSUNG, n=2, value=402.0), source(OURA, used=False, n=1, value=371.0)],
    },
    "steps": {
        "recommended_total": 5120.0,
        "hc_priority_total": 5120.0,
        "lower_bound": True,
        "provisional": True,
        "value_as_of_local": at(17, 10),
        "as_of_utc": at_utc(17, 10),
        "sources": [
            source(SAMSUNG, n=1, value=5120.0, as_of_utc=at_utc(17, 10)),
            source(OURA, used=False, n=1, value=4310.0, as_of_utc=at_utc(17, 3)),
        ],
    },
    "active_calories": {
        "recommended_total": 210.0,
        "hc_priority_total": 210.0,
        "lower_bound": True,
        "provisional": True,
        "value_as_of_local": at(17, 3),
        "as_of_utc": at_utc(17, 3),
        "sources": [source(OURA, n=1, value=210.0, as_of_utc=at_utc(17, 3))],
    },
    "hrv_rmssd": NIGHT
    | {
        "n": 81,
        "sampling_interval_minutes": 5,
        "coverage_percent": 91.84,
        "rmssd_mean": 41.2,
        "rmssd_median": 38.0,
        "ln_rmssd": 3.7184,
        "longest_gap_minutes": 15.0,
        "series": readings([38, 41.5, 44], start=at(0, 4)),
        "sources": [source(OURA, n=81, value=41.2)],
    },
}

REASONS: Mapping[str, str] = {
    "blood_glucose": "needs 14 days with at least 70 % wear; this is one day",
    "heart_rate": "age is not known",
    "sleep": "the sessions of this source start at sleep onset",
    "steps": "records of the source used are longer than a minute, so the cadence is not known",
    "active_calories": "body weight is not known",
    "hrv_rmssd": "no value could be computed from the records of this period",
}
"""Why the metrics that a row leaves out are withheld."""
