"""Tidying a table: fewer files, no forgotten versions, the same rows."""

from datetime import date, timedelta

import polars as pl

from resources.lake.lake import Lake

DAY = date(2025, 9, 20)


def table_of(lake: Lake) -> pl.DataFrame:
    return lake.table("validated/steps").collect().sort("n")


def test_many_small_files_become_one_and_the_rows_stay(tmp_path):
    lake = Lake(tmp_path.as_uri())
    for n in range(6):
        lake.append("validated/steps", pl.DataFrame({"utc_date": [DAY], "n": [n]}), partition_by="utc_date")
    before = table_of(lake)
    done = lake.tidy("validated/steps", keep=timedelta(0))
    assert (done.files_before, done.files_after) == (6, 1)
    assert done.files_removed == 6
    assert table_of(lake).equals(before)


def test_files_of_recent_versions_are_kept_as_long_as_asked(tmp_path):
    lake = Lake(tmp_path.as_uri())
    for n in range(3):
        lake.replace(
            "validated/steps", pl.DataFrame({"utc_date": [DAY], "n": [n]}), partition_by="utc_date", values=[DAY]
        )
    assert lake.tidy("validated/steps", keep=timedelta(days=1)).files_removed == 0
    assert lake.tidy("validated/steps", keep=timedelta(0)).files_removed == 2
    assert table_of(lake)["n"].to_list() == [2]


def test_writing_goes_on_after_tidying(tmp_path):
    lake = Lake(tmp_path.as_uri())
    lake.append("validated/steps", pl.DataFrame({"utc_date": [DAY], "n": [1]}), partition_by="utc_date")
    lake.tidy("validated/steps", keep=timedelta(0))
    lake.append("validated/steps", pl.DataFrame({"utc_date": [DAY], "n": [2]}), partition_by="utc_date")
    assert table_of(lake)["n"].to_list() == [1, 2]


def test_a_table_that_does_not_exist_is_left_alone(tmp_path):
    assert Lake(tmp_path.as_uri()).tidy("validated/steps", keep=timedelta(0)) is None
