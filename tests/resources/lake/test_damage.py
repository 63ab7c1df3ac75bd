"""Damaged files of tables are found one by one, and what an error says of them names no value."""

from datetime import date

import polars as pl
import pytest

from resources.lake.errors import translate
from resources.lake.lake import Lake
from vitals.errors import NotFoundError, PermanentError

DAYS = [date(2025, 9, day) for day in (18, 19, 20)]


@pytest.fixture
def table(tmp_path):
    lake = Lake(tmp_path.as_uri())
    rows = pl.DataFrame({"local_date": DAYS, "value": [1.5, 2.5, 3.5]})
    lake.append("clinical/sleep", rows, partition_by="local_date")
    files = sorted((tmp_path / "clinical" / "sleep").rglob("*.parquet"))
    return lake, files


def test_files_that_are_gone_empty_cut_off_or_overwritten_are_named(table):
    lake, files = table
    assert lake.damaged_files("clinical/sleep") == {}
    names = [f"clinical/sleep/{file.parent.name}/{file.name}" for file in files]
    files[0].unlink()
    whole = files[1].read_bytes()
    for damaged in (b"", whole[:50], bytes(300), whole[:30] + bytes(len(whole) - 38) + whole[-8:]):
        files[1].write_bytes(damaged)
        assert lake.damaged_files("clinical/sleep") == {names[0]: "gone", names[1]: "unreadable"}


def test_a_table_that_does_not_exist_has_no_damaged_files(table):
    assert table[0].damaged_files("clinical/steps") == {}


def read_error(lake: Lake) -> Exception:
    with pytest.raises((OSError, pl.exceptions.ComputeError)) as caught:
        lake.table("clinical/sleep").collect()
    return caught.value


def test_reading_a_damaged_table_is_an_error_that_says_what_to_do(table):
    lake, files = table
    whole = files[1].read_bytes()
    files[1].unlink()
    gone = translate(read_error(lake), attempted="compute the partition", where="clinical/sleep 2025-09-20|default")
    assert isinstance(gone, NotFoundError)
    assert f"local_date=2025-09-19/{files[1].name}" in str(gone)
    assert "A damaged table" in str(gone)
    files[1].write_bytes(whole[:-4] + b"7.25")
    unreadable = translate(read_error(lake), attempted="compute the partition", where="clinical/sleep")
    assert isinstance(unreadable, PermanentError)
    assert "A damaged table" in str(unreadable)
    assert "7.25" not in str(unreadable)
