"""Filling gaps: only gaps, only the record that was meant, only values that exist."""

import polars as pl
import pytest

from tests.vitals.validated.decoded import frame, row
from vitals.errors import ImplausibleValueError, UsageError
from vitals.raw.schemas import reader_schema
from vitals.record_types import BLOOD_GLUCOSE, STEPS
from vitals.validated.completions import CHOICES, UNKNOWN, ZONE, Filling, checked_field, checked_value, filled, lacking

SUBJECTS = pl.DataFrame({"file_index": [0, 1], "subject_id": ["s0", "s1"]}, schema_overrides={"file_index": pl.UInt32})


def zones(*fillings: Filling, **changes) -> list:
    rows = [row(STEPS, 0, **changes), {**row(STEPS, 0, **changes), "file_index": 1}, row(STEPS, 1, **changes)]
    return filled(frame(rows), SUBJECTS, list(fillings))["start_zone"].to_list()


def test_a_gap_is_filled_of_that_person_and_record_only():
    assert zones(Filling("s0", "r0", ZONE, "+05:30"), start_zone=None) == ["+05:30", None, None]


def test_an_empty_zone_is_a_gap_and_what_the_record_gives_always_counts():
    assert zones(Filling("s0", "r0", ZONE, "+05:30"), start_zone="")[0] == "+05:30"
    assert zones(Filling("s0", "r0", ZONE, "+05:30"), start_zone="Z")[0] == "Z"


def test_unknown_is_a_gap_of_a_choice():
    said = [Filling("s0", "r0", "specimen_source", "SERUM"), Filling("s0", "r1", "specimen_source", "TEARS")]
    rows = [row(BLOOD_GLUCOSE, 0), row(BLOOD_GLUCOSE, 1, specimen_source="PLASMA")]
    assert filled(frame(rows), SUBJECTS, said)["specimen_source"].to_list() == ["SERUM", "PLASMA"]


def test_the_choices_are_those_of_the_writer_schema():
    text = str(reader_schema("blood_glucose").tree)
    for values in CHOICES.values():
        assert all(f"'{value}'" in text for value in [*values, UNKNOWN])


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        (ZONE, "-05:00", "-05:00"),
        (ZONE, "Z", "+00:00"),
        (ZONE, "+14:00", "+14:00"),
        ("specimen_source", "serum", "SERUM"),
        ("relation_to_meal", " FASTING ", "FASTING"),
    ],
)
def test_a_value_that_exists_is_stored_in_one_form(field, given, stored):
    assert checked_value(field, given) == stored


@pytest.mark.parametrize(
    ("field", "given"),
    [
        (ZONE, "+14:01"),
        (ZONE, "-12:01"),
        (ZONE, "Europe/Berlin"),
        (ZONE, ""),
        (ZONE, "+05:75"),
        ("specimen_source", "UNKNOWN"),
        ("specimen_source", "SALIVA"),
        ("relation_to_meal", "-100"),
    ],
)
def test_a_value_that_does_not_exist_is_refused(field, given):
    with pytest.raises(ImplausibleValueError):
        checked_value(field, given)


def test_a_field_that_the_kind_does_not_leave_open_is_refused():
    assert checked_field(STEPS, "zone") == ZONE
    for name in ("specimen_source", "level_mg_dl", "subject_id"):
        with pytest.raises(UsageError):
            checked_field(STEPS, name)


def test_a_row_lacks_what_is_demanded_and_open_and_its_zone_if_nothing_places_it():
    rows = pl.DataFrame(
        {
            "start_offset_seconds": [0, None, None],
            "specimen_source": ["SERUM", None, "UNKNOWN"],
            "placed": [False, False, True],
        },
        schema_overrides={"start_offset_seconds": pl.Int32},
    )
    found = lacking(rows, ["specimen_source"], unplaced=~pl.col("placed"))["missing"].to_list()
    assert found == [[], ["specimen_source", ZONE], ["specimen_source"]]
    assert lacking(rows, [], unplaced=~pl.col("placed"))["missing"].to_list() == [[], [ZONE], []]


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("level_mg_dl", "20", "20"),
        ("level_mg_dl", " 99.6 ", "100"),
        ("level_mg_dl", "600", "600"),
        ("rmssd_ms", "41.25", "41.25"),
        ("count", "0", "0"),
        ("count", "100000", "100000"),
        ("energy_kcal", "12.5", "12.5"),
    ],
)
def test_a_value_in_its_plausible_range_may_be_given(field, value, stored):
    assert checked_value(field, value) == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("level_mg_dl", value)
            for value in ("-100", "0", "5.6", "19.9", "601", "1e9", "nan", "-inf", "", "1,5", "0x20")
        ),
        ("rmssd_ms", "0.9"),
        ("rmssd_ms", "301"),
        ("count", "-1"),
        ("count", "100001"),
        ("energy_kcal", "10001"),
    ],
)
def test_a_value_out_of_its_range_is_refused_with_the_range(field, value):
    with pytest.raises(ImplausibleValueError, match="from") as refused:
        checked_value(field, value)
    assert not value or f" {value} " not in str(refused.value)
