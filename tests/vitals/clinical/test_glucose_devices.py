"""Meters, several sensors of one app, readings written again, and levels that a sensor cannot tell."""

import random
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.clinical.glucose_cohort import STELO, Person, context, dates, records, regular
from tests.vitals.clinical.glucose_oracle import MINUTE, Reading
from vitals.clinical import blood_glucose
from vitals.clinical.invariants import violations
from vitals.clinical.metrics import metrics_of

DAY = date(2025, 3, 7)
MIDNIGHT = "2025-03-07T00:00"
G7, LIBRE, XDRIP = "com.dexcom.g7", "com.freestylelibre.app", "com.eveningoutpost.dexdrip"
OF_SINGLE = {"n", "mean", "min", "max", "median", "mean_is_bound", "min_is_bound", "max_is_bound"}
OF_LEVELS = {"sd", "cv", "mage", "j_index", "conga1"}


def row_of(readings: list[Reading], **person: Any) -> dict[str, Any]:
    people = [Person("p", readings, ((0, 0),), **person)]
    out = blood_glucose.summarise(records(people), context(people, [DAY]))
    assert violations(out, "blood_glucose") == {}
    return out.row(0, named=True)


def stated(row: dict[str, Any]) -> set[str]:
    return {m.column for m in metrics_of("blood_glucose", "day") if row[m.column] is not None}


def why(row: dict[str, Any], column: str) -> str:
    return next(w["reason"] for w in row["withheld"] if w["metric"] == f"glucose.{column}")


def pricks(
    levels: list[int], *, every_minutes: float, specimen: str | None = "CAPILLARY_BLOOD", **own: Any
) -> list[Reading]:
    taken = regular(MIDNIGHT, [*levels], step_s=int(every_minutes * 60), app=own.pop("app", "com.example.meter"))
    return [replace(r, specimen=specimen, **own) for r in taken]


def again(readings: list[Reading], copies: int, late_s: float, seed: int = 1) -> list[Reading]:
    """Each reading so many more times, up to `late_s` later and one mg/dL higher, each modified later."""
    rng = random.Random(seed)
    return [
        replace(
            r,
            utc_ms=r.utc_ms + int(rng.uniform(0, late_s) * 1000) * (copy > 0),
            level=r.level + copy,
            modified_ms=r.utc_ms + (10 + copy) * MINUTE,
        )
        for r in readings
        for copy in range(copies + 1)
    ]


@pytest.mark.parametrize("late_s", [0, 3, 20, 60])
@pytest.mark.parametrize("copies", [1, 2])
@pytest.mark.parametrize(("step_s", "n"), [(300, 144), (900, 48), (180, 240)])
def test_a_reading_written_again_is_one_reading_and_the_last_modified_counts(
    copies: int, late_s: float, step_s: int, n: int
) -> None:
    if 4 * late_s >= step_s:
        pytest.skip("further apart than a quarter of the interval: another reading")
    row = row_of(again(regular(MIDNIGHT, [100] * n, step_s=step_s), copies, late_s))
    assert (row["n"], row["mean"]) == (n, 100 + copies)
    assert row["wear_percent"] == pytest.approx(50, abs=0.1)
    assert {"pct_70_180", "cv", "mage"}.isdisjoint(stated(row))


def test_a_value_written_anew_replaces_the_one_before() -> None:
    readings = regular(MIDNIGHT, [100] * 288)
    fixed = [replace(r, level=120, modified_ms=r.utc_ms + 600 * MINUTE) for r in readings[::2]]
    row = row_of(readings + fixed)
    assert (row["n"], row["mean"], row["wear_percent"]) == (288, 110, 100)


def test_equal_revisions_are_decided_by_their_ids_in_any_order() -> None:
    readings = regular(MIDNIGHT, [100] * 288)
    person = Person("p", readings + [replace(r, level=130) for r in readings], ((0, 0),))
    outs = [blood_glucose.summarise(records([person], seed), context([person], [DAY])) for seed in range(4)]
    assert all(out.equals(outs[0]) for out in outs)
    assert outs[0]["mean"].to_list() == [130]


@pytest.mark.parametrize(
    ("step_s", "n", "wear"),
    [(60, 420, 29.17), (180, 480, 100), (600, 144, 100), (900, 96, 100), (120, 360, 50), (900, 6, 6.25)],
)
def test_wear_is_time_whatever_the_sensor(step_s: int, n: int, wear: float) -> None:
    row = row_of(regular(MIDNIGHT, [100 + i % 9 for i in range(n)], step_s=step_s))
    assert row["n"] == n
    assert row["wear_percent"] == pytest.approx(wear, abs=0.01)
    assert row["sampling_interval_minutes"] == step_s // 60
    assert row["expected_n"] == 1440 * 60 // step_s
    assert ("pct_70_180" in stated(row)) == (wear >= 70)


@pytest.mark.parametrize(("app", "every_minutes", "wear"), [(G7, 240, 2.08), (LIBRE, 100, 6.25), (XDRIP, 5, 2.08)])
def test_a_day_with_six_readings_of_a_sensor_is_a_sensors_day(app: str, every_minutes: int, wear: float) -> None:
    for specimen in (None, "UNKNOWN", "INTERSTITIAL_FLUID"):
        row = row_of(pricks([100] * 6, every_minutes=every_minutes, specimen=specimen, app=app))
        assert row["n"] == 6
        assert row["wear_percent"] == pytest.approx(wear, abs=0.01)


@pytest.mark.parametrize(
    ("offset", "begin", "hours"), [("spring", "2025-03-09T05:00", 23), ("autumn", "2025-11-02T04:00", 25)]
)
def test_a_day_of_23_or_25_hours_is_covered_by_its_own_length(offset: str, begin: str, hours: int) -> None:
    change = 1741503600000 if offset == "spring" else 1762063200000
    first, then = (-5, -4) if offset == "spring" else (-4, -5)
    offsets = ((0, first * 3600), (change, then * 3600))
    taken = regular(begin, [100] * (hours * 60), step_s=60)
    taken = [replace(r, offset_seconds=(first if r.utc_ms < change else then) * 3600) for r in taken]
    person = Person("p", taken, offsets)
    day = date.fromisoformat(begin[:10])
    row = blood_glucose.summarise(records([person]), context([person], [day])).row(0, named=True)
    assert (row["day_minutes"], row["wear_percent"], row["expected_n"]) == (hours * 60, 100, hours * 60)


@pytest.mark.parametrize(
    "readings",
    [
        pricks([95, 140, 120, 250], every_minutes=300),
        pricks([95] * 24, every_minutes=60),
        pricks([95, 160, 150, 130, 110], every_minutes=30),
        pricks([95, 110], every_minutes=1),
        pricks([95, 140, 120, 250, 100, 90, 80], every_minutes=200, specimen=None),
        pricks([95, 140, 120], every_minutes=5, specimen="UNKNOWN"),
        pricks([95] * 30, every_minutes=40, specimen=None),
        pricks([95] * 5, every_minutes=10, specimen="WHOLE_BLOOD"),
        pricks([95, 140, 120, 100], every_minutes=120, app=G7),
        pricks([95] * 288, every_minutes=5),
    ],
)
def test_single_readings_have_values_and_no_time(readings: list[Reading]) -> None:
    row = row_of(readings)
    assert stated(row) == OF_SINGLE
    assert (row["n"], row["single_n"], row["coverage_percent"], row["expected_n"]) == (len(readings),) * 2 + (
        None,
        None,
    )
    assert [s["value"] for s in row["single_readings"]] == [r.level for r in readings]
    assert row["series"] == [] == row["episodes"]
    assert why(row, "wear_percent") == "does not apply: single readings cover no time"
    assert why(row, "pct_70_180") == why(row, "gmi") == "single readings do not tell what lay between them"


@pytest.mark.parametrize("late_s", [0, 3, 60])
def test_a_prick_written_again_is_one_reading(late_s: float) -> None:
    taken = pricks([95, 140, 120, 250], every_minutes=300)
    copies = [replace(r, utc_ms=r.utc_ms + int(late_s * 1000), modified_ms=r.utc_ms + 20 * MINUTE) for r in taken]
    assert row_of(taken + copies)["n"] == 4
    # Measured again within the minute, and another level: two readings.
    control = [replace(r, utc_ms=r.utc_ms + 40_000, level=r.level + 9) for r in taken]
    assert row_of(taken + control)["n"] == 8


@pytest.mark.parametrize("app", [XDRIP, "com.example.meter"])
@pytest.mark.parametrize("specimen", ["CAPILLARY_BLOOD", None])
def test_finger_blood_never_enters_a_sensors_day(app: str, specimen: str | None) -> None:
    sensor = regular(MIDNIGHT, [110] * 288, app=XDRIP)
    finger = [replace(r, utc_ms=r.utc_ms + 137_000) for r in pricks([55, 300, 180], every_minutes=400, app=app)]
    row = row_of(sensor + [replace(r, specimen=specimen) for r in finger])
    assert (row["n"], row["min"], row["max"], row["pct_below_70"], row["wear_percent"]) == (288, 110, 110, 0, 100)
    assert len(row["series"]) == 288
    assert row["single_readings"] == []
    if app == XDRIP and specimen is not None:
        assert row["single_n"] == 3
        assert [(s["app"], s["used"]) for s in row["sources"]] == [(XDRIP, True)]
    elif app != XDRIP:
        # Their mean is no rival of the sensor's.
        assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
            (XDRIP, True, 288, 110),
            (app, False, 3, None),
        ]


def test_a_meter_ranked_first_still_gives_way_to_a_sensor() -> None:
    sensor = regular(MIDNIGHT, [110] * 200, app=XDRIP)
    finger = pricks([55, 300, 180], every_minutes=400)
    assert row_of(sensor + finger, ranks={"com.example.meter": 1})["n"] == 200


def test_of_several_meters_one_app_is_taken() -> None:
    many = pricks([95, 140, 120, 250], every_minutes=300, app="com.many")
    few = pricks([96, 141], every_minutes=300, app="com.few")
    row = row_of(many + few)
    assert (row["n"], row["mean"]) == (4, 151.25)
    assert [(s["app"], s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        ("com.many", True, 4, 151.25),
        ("com.few", False, 2, 118.5),
    ]
    assert row_of(many + few, ranks={"com.few": 1})["n"] == 2


def test_sensors_one_after_the_other_are_one_day() -> None:
    before = [replace(r, model="one") for r in regular(MIDNIGHT, [100] * 120)]
    after = [replace(r, model="two") for r in regular("2025-03-07T11:00", [140] * 156)]
    row = row_of(before + after)
    assert (row["n"], row["sampling_interval_minutes"]) == (276, 5)
    assert row["wear_percent"] == pytest.approx(100 * 276 / 288)
    assert (row["longest_gap_minutes"], [s["n"] for s in row["sources"]]) == (60, [276])


def test_where_sensors_of_several_intervals_follow_each_other_a_reading_weighs_its_time() -> None:
    dense = [replace(r, model="one") for r in regular(MIDNIGHT, [100] * 720, step_s=60)]
    sparse = [replace(r, model="two") for r in regular("2025-03-07T12:00", [200] * 48, step_s=900)]
    row = row_of(dense + sparse)
    assert (row["n"], row["wear_percent"], row["sampling_interval_minutes"], row["expected_n"]) == (
        768,
        100,
        None,
        None,
    )
    assert (row["mean"], row["median"], row["pct_70_180"], row["pct_above_180"]) == (150, 150, 50, 50)
    assert (row["nocturnal_n"], row["nocturnal_mean"]) == (360, 100)


@pytest.mark.parametrize(
    ("first", "second"), [((60, 1440), (300, 288)), ((300, 288), (300, 250)), ((900, 90), (300, 200))]
)
def test_of_overlapping_sensors_of_one_app_one_is_taken(first: tuple[int, int], second: tuple[int, int]) -> None:
    used = [replace(r, model="one") for r in regular(MIDNIGHT, [100] * first[1], step_s=first[0])]
    other = [replace(r, model="two") for r in regular("2025-03-07T00:01", [160] * second[1], step_s=second[0])]
    row = row_of(used + other)
    assert (row["n"], row["min"], row["max"]) == (first[1], 100, 100)
    inside = [r for r in other if r.utc_ms < used[-1].utc_ms + first[0] * 1000]
    assert [(s["used"], s["n"], s["value"]) for s in row["sources"]] == [
        (True, first[1], 100),
        (False, len(inside), 160),
    ]


def test_the_reading_of_a_sensor_that_goes_on_after_the_other_counts() -> None:
    used = [replace(r, model="one") for r in regular(MIDNIGHT, [100] * 200)]
    other = [replace(r, model="two") for r in regular("2025-03-07T16:00", [160] * 96)]
    row = row_of(used + other)
    assert row["n"] == 200 + 88
    assert [(s["used"], s["n"]) for s in row["sources"]] == [(True, 288), (False, 8)]


# app, model, levels that tell no level on either side, the limits
LIMITED = [
    (G7, None, (39, 401), (40, 400)),
    (G7, None, (40, 400), (40, 400)),
    ("com.dexcom.g6", None, (38, 450), (40, 400)),
    (LIBRE, None, (39, 501), (40, 500)),
    (LIBRE, None, (40, 500), (40, 500)),
    ("com.example.app", "FreeStyle Libre 3", (25, 600), (40, 500)),
    ("com.example.app", "Dexcom G7", (39, 401), (40, 400)),
    (XDRIP, None, (39, 401), (40, 400)),
    (STELO, None, (69, 251), (70, 250)),
    (STELO, None, (70, 250), (70, 250)),
]


@pytest.mark.parametrize(("app", "model", "codes", "limits"), LIMITED)
@pytest.mark.parametrize("side", ["low", "high"])
def test_a_level_beyond_a_limit_is_a_side_and_no_level(
    app: str, model: str | None, codes: tuple[int, int], limits: tuple[int, int], side: str
) -> None:
    code, limit = (codes[0], limits[0]) if side == "low" else (codes[1], limits[1])
    levels = [code if 60 <= i < 72 else 110 + i % 20 for i in range(288)]
    row = row_of([replace(r, model=model) for r in regular(MIDNIGHT, levels, app=app)])
    column, other = ("min", "max") if side == "low" else ("max", "min")
    assert (row[column], row[f"{column}_is_bound"], row[f"{other}_is_bound"]) == (limit, True, False)
    assert row["mean_is_bound"] is True
    assert row["mean"] == pytest.approx((sum(levels) + 12 * (limit - code)) / 288)
    assert OF_LEVELS.isdisjoint(stated(row))
    assert row["nocturnal_mean"] is None
    assert "readings at a limit of the sensor tell no level" in {why(row, "sd"), why(row, "nocturnal_mean")}
    assert {s["value"] for s in row["series"]} == {float(limit), *map(float, range(110, 130))}
    assert row["median"] is not None
    if app != STELO:
        name = "below_54" if side == "low" else "above_250"
        assert row[f"pct_{name}"] == pytest.approx(100 * 12 / 288)
        episode = next(e for e in row["episodes"] if e["level"].startswith("lv2"))
        assert (episode["extreme_mg_dl"], episode["extreme_is_bound"], episode["minutes"]) == (limit, True, 60)


def test_levels_beyond_both_limits_bound_no_mean() -> None:
    levels = [39] * 12 + [401] * 24 + [120] * 252
    row = row_of(regular(MIDNIGHT, levels, app=G7))
    assert (row["min"], row["max"], row["mean"], row["mean_is_bound"], row["median"]) == (40, 400, None, None, 120)
    assert row["sources"][0]["value"] is None
    all_low = row_of(regular(MIDNIGHT, [39] * 288, app=G7))
    assert (all_low["min"], all_low["mean"], all_low["max"], all_low["median"]) == (40, 40, None, None)


def test_a_level_within_the_limits_and_one_of_an_unknown_sensor_are_levels() -> None:
    inside = row_of(regular(MIDNIGHT, [41] * 20 + [399] * 20 + [120] * 248, app=G7))
    unknown = row_of(regular(MIDNIGHT, [39] * 20 + [401] * 20 + [120] * 248))
    for row in (inside, unknown):
        assert (row["mean_is_bound"], row["min_is_bound"], row["max_is_bound"]) == (False, False, False)
        assert row["sd"] is not None


def test_a_window_knows_of_the_limits_too() -> None:
    readings = regular(MIDNIGHT, [39 if i == 5 else 120 + i % 30 for i in range(288 * 14)], app=G7)
    person = Person("p", readings, ((0, 0),))
    days = dates("2025-03-07", "2025-03-20")
    row = blood_glucose.summarise_window(records([person]), context([person], days)).row(0, named=True)
    assert (row["min"], row["min_is_bound"], row["mean_is_bound"], row["max_is_bound"]) == (40, True, True, False)
    assert {row[name] for name in ("sd", "cv", "gmi", "mage", "modd", "adrr", "lbgi")} == {None}
    assert row["pct_below_70"] > 0 < row["gri"]


def test_a_window_of_sensor_days_takes_no_single_readings() -> None:
    readings = regular(MIDNIGHT, [120 + i % 30 for i in range(288 * 13)])
    finger = [replace(r, utc_ms=r.utc_ms + 13 * 1440 * MINUTE) for r in pricks([55, 300], every_minutes=300)]
    person = Person("p", readings + finger, ((0, 0),))
    days = dates("2025-03-07", "2025-03-20")
    row = blood_glucose.summarise_window(records([person]), context([person], days)).row(0, named=True)
    assert (row["n"], row["days_with_data"], row["min"], row["max"]) == (288 * 13, 14, 120, 149)
    assert row["wear_percent"] == pytest.approx(100 * 13 / 14)


@st.composite
def messy_days(draw: st.DrawFn) -> list[Reading]:
    """One to three streams of a day, of any kind, with any trouble."""
    readings: list[Reading] = []
    for number in range(draw(st.integers(1, 3))):
        step_s = draw(st.sampled_from([60, 180, 300, 600, 900, 3600]))
        n = draw(st.integers(1, 86_400 // step_s))
        stream = regular(
            MIDNIGHT, [draw(st.integers(30, 420))] * n, step_s=step_s, app=draw(st.sampled_from([G7, "com.a"]))
        )
        stream = stream[draw(st.integers(0, n - 1)) :: draw(st.integers(1, 3))]
        stream = again(stream, draw(st.integers(0, 2)), draw(st.sampled_from([0, 3, 60, 200])), number)
        specimen = draw(st.sampled_from(["INTERSTITIAL_FLUID", "CAPILLARY_BLOOD", None]))
        model = draw(st.sampled_from([None, "one", "two"]))
        readings += [replace(r, specimen=specimen, model=model) for r in stream]
    end = readings[0].utc_ms // 86_400_000 * 86_400_000 + 86_400_000
    return [r for r in readings if r.utc_ms < end]


@settings(deadline=None, max_examples=120)
@given(messy_days(), st.integers(1, 9))
def test_whatever_comes_the_facts_hold_together_in_any_order(readings: list[Reading], seed: int) -> None:
    person = Person("p", readings, ((0, 0),))
    out = blood_glucose.summarise(records([person]), context([person], [DAY]))
    assert violations(out, "blood_glucose") == {}
    assert blood_glucose.summarise(records([person], seed), context([person], [DAY])).equals(out)
    row = out.row(0, named=True)
    assert row["n"] <= len(readings)
    assert row["wear_percent"] is None or row["wear_percent"] + row["longest_gap_minutes"] / 14.4 <= 100 + 1e-6
