"""When a glucose metric may be stated: each precondition just met and just missed."""

from datetime import date, timedelta
from typing import Any

import pytest

from tests.vitals.clinical.glucose_cohort import STELO, Person, context, dates, records, regular
from vitals.clinical import blood_glucose
from vitals.clinical.metrics import metrics_of

DAY = date(2025, 3, 7)
BOUNDS = {"mean_is_bound", "min_is_bound", "max_is_bound"}
ALWAYS = {"n", "wear_percent", "mean", "min", "max", "median", "longest_gap_minutes", *BOUNDS}
NOT_OF_ONE_DAY = {"gmi", "gri", "adrr", "modd", "conga24", "ea1c"}
ALL = {m.column for m in metrics_of("blood_glucose", "day")}
LOW = {
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
}
HIGH = {"pct_above_250", "episodes_lv2_hyper", "episodes_ext_hyper", "gri"}


def wave(n: int) -> list[int | None]:
    return [100 + 80 * (i // 20 % 2) for i in range(n)]


def withheld(row: dict[str, Any]) -> dict[str, str]:
    reasons = {entry["metric"].removeprefix("glucose."): entry["reason"] for entry in row["withheld"]}
    values = {name for name in ALL if row[name] is not None}
    assert values.isdisjoint(reasons)
    assert values | reasons.keys() == ALL
    return reasons


def day(levels: list[int | None], *, app: str = "com.example.cgm", begin: str = "2025-03-07T00:00") -> dict[str, str]:
    person = Person("p", regular(begin, levels, app=app), ((0, 0),))
    return withheld(blood_glucose.summarise(records([person]), context([person], [DAY])).row(0, named=True))


def window(n_days: int, levels: dict[int, int] | None = None, **person: Any) -> dict[str, str]:
    """A window of n days, all worn but those in `levels` (day number to readings)."""
    readings = []
    for i in range(n_days):
        begin = (DAY + timedelta(days=i)).isoformat()
        readings += regular(
            f"{begin}T00:00", wave((levels or {}).get(i, 288)), app=person.get("app", "com.example.cgm")
        )
    someone = Person("p", readings, ((0, 0),), diabetes=person.get("diabetes"))
    days = dates(DAY.isoformat(), (DAY + timedelta(days=n_days - 1)).isoformat())
    return withheld(blood_glucose.summarise_window(records([someone]), context([someone], days)).row(0, named=True))


@pytest.mark.parametrize(("n", "stated"), [(201, False), (202, True)])
def test_a_day_needs_70_percent_wear(*, n: int, stated: bool) -> None:
    # 70 % of 288 is 201.6.
    reasons = day(wave(n))
    assert (reasons.keys() == NOT_OF_ONE_DAY) is stated
    if not stated:
        assert reasons.keys() == ALL - ALWAYS
        assert reasons["pct_70_180"] == "needs at least 70 % wear of the day"


def test_70_percent_of_a_short_day_are_fewer_readings() -> None:
    spring = ((0, -5 * 3600), (1741503600000, -4 * 3600))
    for n, stated in ((193, False), (194, True)):
        # 70 % of the 276 readings of 23 hours are 193.2.
        readings = regular("2025-03-09T07:00", wave(n), offset_hours=-4)
        person = Person("p", readings, spring)
        out = blood_glucose.summarise(records([person]), context([person], [date(2025, 3, 9)]))
        assert ("pct_70_180" not in withheld(out.row(0, named=True))) is stated


def test_exactly_70_percent_are_enough() -> None:
    autumn = ((0, -4 * 3600), (1762063200000, -5 * 3600))
    # 25 hours have 300 readings.
    readings = regular("2025-11-02T06:00", wave(210), offset_hours=-5)
    person = Person("p", readings, autumn)
    out = blood_glucose.summarise(records([person]), context([person], [date(2025, 11, 2)]))
    row = out.row(0, named=True)
    assert row["wear_percent"] == 70.0
    assert "pct_70_180" not in withheld(row)


def test_measures_of_two_weeks_are_never_stated_of_a_day() -> None:
    reasons = day(wave(288))
    assert reasons["gmi"].startswith("needs 14 days")
    assert reasons["gri"].startswith("needs 14 days")
    assert reasons["adrr"].startswith("needs 14 days")
    assert reasons["modd"].startswith("needs 2 consecutive days")
    assert reasons["conga24"].startswith("needs 2 consecutive days")
    assert reasons["ea1c"] == "for research only, never stated"


def test_nothing_outside_the_range_of_a_sensor_is_stated() -> None:
    reasons = day(wave(288), app=STELO)
    assert reasons.keys() == NOT_OF_ONE_DAY | LOW | HIGH
    for name in LOW | HIGH:
        assert reasons[name] == "not assessable: com.dexcom.stelo delivers 70-250 mg/dL only"
    assert reasons["gmi"].startswith("needs 14 days")


def test_a_window_with_one_day_of_a_limited_sensor_is_limited() -> None:
    readings = []
    for i in range(14):
        app = STELO if i == 5 else "com.example.cgm"
        readings += regular(f"{(DAY + timedelta(days=i)).isoformat()}T00:00", wave(288), app=app)
    person = Person("p", readings, ((0, 0),))
    days = dates("2025-03-07", "2025-03-20")
    reasons = withheld(blood_glucose.summarise_window(records([person]), context([person], days)).row(0, named=True))
    assert reasons.keys() == LOW | HIGH | {"ea1c"}
    assert reasons["pct_below_70"] == "not assessable: com.dexcom.stelo delivers 70-250 mg/dL only"


def test_the_list_of_episodes_has_none_that_is_not_assessable() -> None:
    levels = [100] * 100 + [60] * 10 + [100] * 100 + [260] * 10 + [100] * 68
    person = Person("p", regular("2025-03-07T00:00", levels, app=STELO), ((0, 0),))
    out = blood_glucose.summarise(records([person]), context([person], [DAY]))
    assert [e["level"] for e in out["episodes"][0]] == ["lv1_hyper"]


def test_mage_of_a_day_needs_32_points_in_a_row() -> None:
    # Runs of 31 points, more than 45 minutes apart: worn enough, never long enough.
    for run, stated in ((31, False), (32, True)):
        readings = []
        for block in range(7):
            begin = block * (32 * 5 + 45)
            for minute in range((run - 1) * 5 + 1):
                at = begin + minute
                readings += regular(f"2025-03-07T{at // 60:02d}:{at % 60:02d}", [100 + 80 * (block % 2) + minute // 30])
        person = Person("p", readings, ((0, 0),))
        row = blood_glucose.summarise(records([person]), context([person], [DAY])).row(0, named=True)
        reasons = withheld(row)
        assert row["wear_percent"] >= 70
        assert ("mage" not in reasons) is stated
        if not stated:
            assert reasons["mage"] == "needs 2.7 h of readings without a gap of more than 45 min"


def test_mage_without_an_excursion_says_so() -> None:
    assert day([100] * 288)["mage"] == "no excursion of more than one standard deviation"


def test_a_night_without_readings_says_so() -> None:
    reasons = day(wave(210), begin="2025-03-07T06:00")
    assert {name for name, reason in reasons.items() if reason == "no reading between 00:00 and 05:59"} == {
        "nocturnal_mean",
        "nocturnal_pct_below_70",
        "nocturnal_pct_above_180",
    }


def test_a_window_needs_14_days() -> None:
    few = window(13)
    for name in ("gmi", "gri", "cv", "pct_70_180", "pct_below_70", "lbgi", "episodes_lv1_hypo", "adrr"):
        assert few[name] == "needs 14 days with at least 70 % wear; this window has 13 days"
    assert few.keys().isdisjoint({"mage", "modd", "conga24", "sd", *ALWAYS})
    assert window(14).keys() == {"ea1c"}


def test_a_window_needs_70_percent_wear() -> None:
    # 70 % of 4032 readings are 2822.4.
    worn = dict.fromkeys(range(14), 201)
    worn[0] = 201 + 8
    assert window(14, worn)["gmi"] == "needs at least 70 % wear of the window"
    assert window(14, worn).keys() > {"pct_70_180", "sd", "conga1"}
    worn[0] = 201 + 9
    assert "gmi" not in window(14, worn)


def test_a_long_window_needs_21_valid_days() -> None:
    invalid = dict.fromkeys(range(9), 201)
    assert window(30, invalid).keys() == {"ea1c"}
    invalid[9] = 201
    assert window(30, invalid)["pct_70_180"] == "needs 21 days with at least 70 % wear; this window has 20 of 30"
    assert window(29, invalid).keys() == {"ea1c"}


def test_mage_of_a_window_needs_3_valid_days() -> None:
    assert window(3, {0: 201})["mage"] == "needs 3 days with at least 70 % wear; this window has 2"
    assert "mage" not in window(3, {0: 202})


def test_modd_needs_2_valid_days_in_a_row() -> None:
    assert "modd" not in window(3, {2: 201})
    assert "conga24" not in window(3, {2: 201})
    apart = window(3, {1: 201})
    assert apart["modd"] == "needs 2 consecutive days with at least 70 % wear; this window has none"
    assert apart["conga24"] == apart["modd"]


def test_mage_and_modd_need_valid_days_and_no_share_of_the_window() -> None:
    rest = dict.fromkeys(range(14), 20)
    three = window(14, rest | {4: 202, 5: 202, 9: 202})
    assert three["sd"] == "needs at least 70 % wear of the window"
    assert three.keys().isdisjoint({"mage", "modd", "conga24"})
    two = window(14, rest | {4: 202, 9: 202})
    assert two["mage"] == "needs 3 days with at least 70 % wear; this window has 2"
    assert two["modd"] == "needs 2 consecutive days with at least 70 % wear; this window has none"


@pytest.mark.parametrize(("diabetes", "stated"), [("no", False), ("yes", True), ("unknown", True), (None, True)])
def test_gmi_is_withheld_from_people_known_to_have_no_diabetes(*, diabetes: str | None, stated: bool) -> None:
    assert ("gmi" not in window(14, diabetes=diabetes)) is stated


def test_a_window_without_readings_withholds_everything() -> None:
    person = Person("p", [])
    out = blood_glucose.summarise_window(records([person]), context([person], dates("2025-03-07", "2025-03-20")))
    assert withheld(out.row(0, named=True)).keys() == ALL
