"""Values that are plausible only in another unit: held by their context, and no real low is."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.validated.decoded import FETCH, frame, row
from vitals.record_types import ACTIVE_CALORIES, BLOOD_GLUCOSE, HRV_RMSSD
from vitals.validated.rules import judge

MINUTE = 60_000
SUSPECT = "unit_suspect:level_mg_dl"
OUT = "out_of_range:level_mg_dl"


def readings(*levels: float, every: float = 5, app: str = "app.example", file: int = 0, first: int = 0) -> list[dict]:
    start = FETCH - 20 * 60 * MINUTE
    times = [start + round(every * MINUTE * i) for i in range(len(levels))]
    return [
        row(BLOOD_GLUCOSE, first + i, level_raw=float(level), start_ms=at, end_ms=at, source_app=app, file_index=file)
        | {"modified_ms": at + MINUTE}
        for i, (at, level) in enumerate(zip(times, levels, strict=True))
    ]


def reasons(rows: list[dict], record_type=BLOOD_GLUCOSE) -> list:
    return judge(frame(rows), record_type)["reason"].to_list()


@pytest.mark.parametrize("level", [1.1, 2.2, 3.9, 5.6, 6, 7, 10.0, 12.3, 15, 19, 19.4])
def test_a_level_too_low_to_live_with_that_makes_sense_in_mmol_is_suspect_alone_and_in_company(level):
    assert reasons(readings(level)) == [SUSPECT]
    assert reasons(readings(110, level, 120)) == [None, SUSPECT, None]
    assert reasons([*readings(110, 115), *readings(level, app="other.app", first=2)]) == [None, None, SUSPECT]


@pytest.mark.parametrize("level", [0, -5, 0.4, 1.0, 601, 700, 99_999])
def test_a_level_that_makes_sense_in_no_unit_is_out_of_range(level):
    assert reasons(readings(level)) == [OUT]


@pytest.mark.parametrize("level", [20.5, 22.2, 23.1, 27.8, 30.4, 33.3])
@pytest.mark.parametrize("others", [(100, 400), (250, 300, 210), (120, 118, 119, 121), (399.99999999999994, 101)])
def test_a_level_with_decimals_among_whole_ones_is_suspect(level, others):
    mixed = readings(others[0], level, *others[1:], every=90)
    assert reasons(mixed) == [None, SUSPECT, *[None] * (len(others) - 1)]


@pytest.mark.parametrize("level", [20.4, 22.2, 24.7, 31.1, 33.3])
def test_a_lone_level_with_decimals_that_no_conversion_gives_is_suspect(level):
    assert reasons(readings(level)) == [SUSPECT]


@pytest.mark.parametrize("mmol", [1.2, 1.3, 1.5, 1.8])
@pytest.mark.parametrize("factor", [18, 18.016, 18.0182])
def test_decimals_of_a_program_that_converts_are_no_sign(mmol, factor):
    converted = readings(*(value * factor for value in (2.9, 2.1, mmol, 1.9, 3.1)))
    assert reasons(converted) == [None] * 5
    assert reasons(readings(mmol * factor)) == [None]


@pytest.mark.parametrize(
    ("levels", "odd"),
    [
        ((380, 390, 22, 395, 400), 2),
        ((400, 22.2, 21.9, 395), 1),
        ((450, 25, 455), 1),
        ((560, 555, 31), 2),
        ((21, 380, 385), 0),
        ((382.5, 21.3, 378.1), 1),
    ],
)
def test_a_level_that_fits_its_neighbours_only_in_mmol_is_suspect(levels, odd):
    assert reasons(readings(*levels))[odd] == SUSPECT
    assert [reason for i, reason in enumerate(reasons(readings(*levels))) if levels[i] > 34] == [None] * sum(
        level > 34 for level in levels
    )


@pytest.mark.parametrize(
    "levels",
    [
        (90, 78, 66, 54, 47, 39, 31, 26, 24, 28, 36, 49, 70, 88),
        (60, 45, 33, 22, 20, 21, 25, 40, 61),
        (110, 70, 50, 25.4, 41, 66),
        (54, 33, 27, 20, 20, 20, 26, 34, 52),
        (101, 72, 33.3, 68),
        (40, 21, 44),
        (75, 20, 90),
    ],
)
def test_a_fall_is_no_slip(levels):
    assert reasons(readings(*levels)) == [None] * len(levels)


@pytest.mark.parametrize("levels", [(20,), (22,), (33,), (24, 180), (180, 28, 160), (31, 120, 110)])
def test_a_low_that_is_whole_and_stands_far_from_others_is_a_low(levels):
    assert reasons(readings(*levels, every=120)) == [None] * len(levels)


@pytest.mark.parametrize("n", [3, 5, 40])
def test_all_rows_of_a_source_whose_median_makes_sense_in_mmol_only_are_suspect(n):
    theirs = readings(*[4.4, 5.5, 22.0, 7.1, 6.0] * 8)[:n]
    others = readings(100, 22, 110, app="other.app", first=n)
    assert reasons([*theirs, *others]) == [SUSPECT] * n + [None] * 3
    assert reasons([*theirs, *readings(100, 22, 110, file=1)]) == [SUSPECT] * n + [None] * 3


@pytest.mark.parametrize(
    ("record_type", "column", "values", "expected"),
    [
        (HRV_RMSSD, "rmssd_ms", (40.0, 0.042, 38.0), [None, "unit_suspect:rmssd_ms", None]),
        (HRV_RMSSD, "rmssd_ms", (0.055,), ["unit_suspect:rmssd_ms"]),
        (HRV_RMSSD, "rmssd_ms", (0.3, 0.5), ["unit_suspect:rmssd_ms", "out_of_range:rmssd_ms"]),
        (HRV_RMSSD, "rmssd_ms", (0.0,), ["out_of_range:rmssd_ms"]),
        (HRV_RMSSD, "rmssd_ms", (1.0, 300.0), [None, None]),
        (ACTIVE_CALORIES, "energy_kcal", (120_000.0,), ["unit_suspect:energy_kcal"]),
        (ACTIVE_CALORIES, "energy_kcal", (110.0, 95_000.0, 12.5), [None, "unit_suspect:energy_kcal", None]),
        (ACTIVE_CALORIES, "energy_kcal", (95_000.0, 120_000.0, 8_000.0), ["unit_suspect:energy_kcal"] * 3),
        (ACTIVE_CALORIES, "energy_kcal", (9_999.0, 2e7, -1.0), [None, "out_of_range:energy_kcal", "out_of_range:energy_kcal"]),
    ],
)  # fmt: skip
def test_other_kinds_are_judged_alike(record_type, column, values, expected):
    rows = [row(record_type, i, **{column: value}) for i, value in enumerate(values)]
    assert reasons(rows, record_type) == expected


@given(
    st.lists(st.one_of(st.integers(20, 600), st.sampled_from([5.6, 22.2, float("nan"), None, 0, 700])), max_size=12),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=100)
def test_a_verdict_does_not_depend_on_the_order_of_rows_or_on_other_files(levels, random):
    rows = readings(*[0.0] * len(levels))
    for one, level in zip(rows, levels, strict=True):
        one["level_raw"] = None if level is None else float(level)
    alone = dict(zip((r["record_id"] for r in rows), reasons(rows), strict=True)) if rows else {}
    beside = [*rows, *readings(6, 7, 8, 300, file=1, first=50), *readings(100, 22.2, app="b", first=60)]
    random.shuffle(beside)
    judged = judge(frame(beside), BLOOD_GLUCOSE)
    together = judged.filter(pl.col("record_id").is_in(list(alone))).select("record_id", "reason")
    assert dict(together.iter_rows()) == alone


@given(st.lists(st.integers(34, 600), min_size=1, max_size=40))
@settings(deadline=None, max_examples=60)
def test_ordinary_levels_are_never_suspect(levels):
    assert reasons(readings(*levels)) == [None] * len(levels)
