"""Tables of a lake: what is written is read, in the asked types, from the asked partitions only."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import rmtree

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from resources.lake.lake import Lake
from tests.conftest import LakeFactory
from vitals.errors import NotFoundError, PermanentError, UsageError
from vitals.record_types import RECORD_TYPES, UTC_MS, RecordType

TABLE = "validated/things"
D1, D2, D3, D4 = (date(2025, 9, day) for day in (20, 21, 22, 23))
SCHEMA = pl.Schema({"name": pl.String, "at_utc": UTC_MS, "count": pl.Int32, "day": pl.Date})


def things(*days: date, names: str = "ab", schema: pl.Schema = SCHEMA) -> pl.DataFrame:
    rows = [
        {"name": name, "at_utc": datetime(day.year, day.month, day.day, 5, tzinfo=UTC), "count": number, "day": day}
        for day in days
        for number, name in enumerate(names)
    ]
    return pl.DataFrame(rows, schema=schema)


def stored(lake: Lake, *, schema: pl.Schema = SCHEMA, days: list[date] | None = None) -> pl.DataFrame:
    return lake.scan(TABLE, schema=schema, partitions=None if days is None else ("day", days)).collect()


def record_frames(kind: RecordType):
    dates = {"min_value": date(2000, 1, 1), "max_value": date(2030, 1, 1)}
    frames = dataframes(
        cols=[
            pl.testing.parametric.column(name, dtype=dtype)
            for name, dtype in kind.columns.items()
            if name != "utc_date"
        ],
        max_size=6,
        allow_null=True,
        allow_time_zones=True,
    )
    return st.tuples(frames, st.lists(st.dates(**dates), min_size=6, max_size=6)).map(
        lambda drawn: (
            drawn[0]
            .with_columns(pl.Series("utc_date", sorted(drawn[1][: drawn[0].height]), dtype=pl.Date))
            .select(list(kind.columns))
        )
    )


@pytest.mark.parametrize("kind", RECORD_TYPES, ids=lambda kind: kind.kind)
def test_records_of_every_kind_come_back_as_they_went_in(tmp_path_factory, kind: RecordType) -> None:
    @settings(max_examples=15, deadline=None)
    @given(frame=record_frames(kind))
    def law(frame: pl.DataFrame) -> None:
        lake = Lake(tmp_path_factory.mktemp("lake").as_uri())
        lake.append(TABLE, frame, partition_by="utc_date")
        found = lake.scan(TABLE, schema=pl.Schema(kind.columns)).collect()
        assert found.schema == pl.Schema(kind.columns)
        assert found.equals(frame)

    law()


def test_lists_of_structs_with_times_come_back_null_empty_and_full(lake: Lake) -> None:
    stage = pl.Struct({"start_utc": UTC_MS, "stage": pl.String})
    schema = pl.Schema({"stages": pl.List(stage), "keys": pl.List(pl.String), "day": pl.Date})
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1_758_407_139_312)
    full = [{"start_utc": at, "stage": "deep"}, {"start_utc": None, "stage": None}]
    frame = pl.DataFrame(
        {"stages": [None, [], full, [None]], "keys": [["a"], [], None, [None]], "day": [D1] * 4}, schema
    )
    lake.append(TABLE, frame, partition_by="day")
    assert stored(lake, schema=schema).equals(frame)


def test_naive_local_times_stay_naive(lake: Lake) -> None:
    schema = pl.Schema({"at_local": pl.Datetime("ms"), "day": pl.Date})
    frame = pl.DataFrame({"at_local": [datetime(2025, 3, 30, 2, 30, 0, 123_000)], "day": [D1]}, schema)
    lake.replace(TABLE, frame, partition_by="day", values=[D1])
    assert stored(lake, schema=schema).equals(frame)


def test_unsigned_and_categorical_columns_come_back_in_the_types_asked_for(lake: Lake) -> None:
    inner = pl.Struct({"n": pl.UInt16, "app": pl.Categorical()})
    schema = pl.Schema(
        {
            "small": pl.UInt8,
            "index": pl.UInt32,
            "app": pl.Categorical(),
            "level": pl.Enum(["low", "high"]),
            "parts": pl.List(inner),
            "day": pl.Date,
        }
    )
    frame = pl.DataFrame(
        {
            "small": [255],
            "index": [2**32 - 1],
            "app": ["x"],
            "level": ["high"],
            "parts": [[{"n": 65_535, "app": "y"}]],
            "day": [D1],
        },
        schema,
    )
    lake.append(TABLE, frame, partition_by="day")
    assert stored(lake, schema=schema).to_dicts() == frame.to_dicts()
    assert stored(lake, schema=schema).schema == schema


def test_a_table_that_does_not_exist_reads_as_an_empty_one(lake: Lake) -> None:
    assert stored(lake).equals(pl.DataFrame(schema=SCHEMA))
    assert stored(lake, days=[D1]).schema == SCHEMA
    assert lake.version(TABLE) is None
    assert lake.files_in(TABLE, partition_by="day", values=[D1]) == 0
    with pytest.raises(NotFoundError):
        lake.table(TABLE)


def test_a_reader_keeps_what_it_saw_when_it_opened_the_table(lake: Lake) -> None:
    lake.append(TABLE, things(D1, D2), partition_by="day")
    opened = lake.scan(TABLE, schema=SCHEMA)
    lake.replace(TABLE, things(D1, names="z"), partition_by="day", values=[D1, D2])
    assert opened.collect().sort("day").equals(things(D1, D2))
    assert stored(lake).equals(things(D1, names="z"))


def test_only_files_of_the_asked_partitions_are_opened(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.append(TABLE, things(D1, D2, D3), partition_by="day")
    for day in (D1, D3):
        rmtree(tmp_path / TABLE / f"day={day}")
    assert stored(lake, days=[D2, D4]).equals(things(D2))
    with pytest.raises(OSError, match="No such file"):
        stored(lake, days=[D1, D2])


def test_partitions_without_rows_and_no_partitions_at_all_read_as_nothing(lake: Lake) -> None:
    lake.append(TABLE, things(D1), partition_by="day")
    assert stored(lake, days=[D4]).equals(things())
    assert stored(lake, days=[]).equals(things())


def test_replacing_takes_away_exactly_the_named_partitions(lake: Lake) -> None:
    lake.append(TABLE, things(D1, D2, D3), partition_by="day")
    lake.append(TABLE, things(D2, names="c"), partition_by="day")
    version = lake.version(TABLE)
    lake.replace(TABLE, things(D2, names="xyz"), partition_by="day", values=[D2, D3, D4])
    assert stored(lake).equals(pl.concat([things(D1), things(D2, names="xyz")]))
    assert version is not None
    assert lake.version(TABLE) == version + 1


def test_replacing_by_nothing_empties_the_partitions(lake: Lake) -> None:
    lake.append(TABLE, things(D1, D2), partition_by="day")
    lake.replace(TABLE, things(), partition_by="day", values=[D1])
    assert stored(lake).equals(things(D2))
    lake.replace(TABLE, things(), partition_by="day", values=[])
    assert stored(lake).equals(things(D2))


def test_replacing_creates_the_table_even_without_rows(lake: Lake) -> None:
    lake.replace(TABLE, things(), partition_by="day", values=[D1])
    assert lake.version(TABLE) == 0
    assert lake.table(TABLE).collect().schema == SCHEMA


def test_replacing_nothing_by_nothing_adds_no_commit(lake: Lake) -> None:
    lake.append(TABLE, things(D1), partition_by="day")
    lake.replace(TABLE, things(), partition_by="day", values=[D4])
    lake.append(TABLE, things(), partition_by="day")
    assert lake.version(TABLE) == 0


def test_replacing_again_by_the_same_rows_changes_nothing(lake: Lake) -> None:
    for _ in range(3):
        lake.replace(TABLE, things(D1, D2), partition_by="day", values=[D1, D2, D3])
    assert stored(lake).equals(things(D1, D2))


def test_rows_of_other_partitions_are_refused_and_nothing_is_written(lake: Lake) -> None:
    lake.append(TABLE, things(D1), partition_by="day")
    with pytest.raises(UsageError, match="other partitions"):
        lake.replace(TABLE, things(D1, D2), partition_by="day", values=[D1])
    assert lake.version(TABLE) == 0


def test_files_are_counted_per_partition_until_they_are_put_together(lake: Lake) -> None:
    for name in "abc":
        lake.append(TABLE, things(D1, names=name), partition_by="day")
    lake.append(TABLE, things(D2), partition_by="day")
    assert lake.files_in(TABLE, partition_by="day", values=[D1]) == 3
    assert lake.files_in(TABLE, partition_by="day", values=[D1, D2, D4]) == 4
    assert lake.files_in(TABLE, partition_by="day", values=[]) == 0
    lake.replace(TABLE, stored(lake, days=[D1]), partition_by="day", values=[D1])
    assert lake.files_in(TABLE, partition_by="day", values=[D1]) == 1


def test_a_column_added_later_is_null_in_older_rows(lake: Lake) -> None:
    lake.append(TABLE, things(D1), partition_by="day")
    newer = pl.Schema({**SCHEMA, "score": pl.Float64(), "apps": pl.List(pl.String())})
    assert stored(lake, schema=newer).equals(things(D1, schema=newer))
    added = things(D2, schema=newer).with_columns(score=pl.lit(0.5), apps=pl.lit(["x"], dtype=pl.List(pl.String)))
    lake.replace(TABLE, added, partition_by="day", values=[D2])
    assert stored(lake, schema=newer).equals(pl.concat([things(D1, schema=newer), added]))


def test_a_struct_field_added_later_is_null_in_older_rows(lake: Lake) -> None:
    def frame(fields: dict[str, pl.DataType], day: date) -> pl.DataFrame:
        values = {"minutes": 5.0, "level": "low"}
        rows = [{"bouts": [{name: values[name] for name in fields}], "day": day}]
        return pl.DataFrame(rows, schema={"bouts": pl.List(pl.Struct(fields)), "day": pl.Date})

    old, new = {"minutes": pl.Float64()}, {"level": pl.String(), "minutes": pl.Float64()}
    lake.append(TABLE, frame(old, D1), partition_by="day")
    lake.append(TABLE, frame(new, D2), partition_by="day")
    lake.append(TABLE, frame(old, D3), partition_by="day")
    found = stored(lake, schema=frame(new, D2).schema)["bouts"].to_list()
    null_level, both = [{"level": None, "minutes": 5.0}], [{"level": "low", "minutes": 5.0}]
    assert found == [null_level, both, null_level]


def test_an_older_writer_may_leave_a_newer_column_out(lake: Lake) -> None:
    lake.append(TABLE, things(D1).with_columns(score=0.5), partition_by="day")
    lake.append(TABLE, things(D2), partition_by="day")
    lake.replace(TABLE, things(D3).select("day", "name"), partition_by="day", values=[D3])
    newer = pl.Schema({**SCHEMA, "score": pl.Float64()})
    found = stored(lake, schema=newer)
    assert found["score"].to_list() == [0.5, 0.5, None, None, None, None]
    assert found["count"].to_list() == [0, 1, 0, 1, None, None]


@pytest.mark.parametrize("value", [1.5, "one", [1], datetime(2025, 1, 1), None], ids=repr)
def test_a_column_of_another_type_is_refused_before_anything_is_cast(lake: Lake, value: object) -> None:
    lake.append(TABLE, things(D1), partition_by="day")
    with pytest.raises(PermanentError, match="column count"):
        lake.append(TABLE, things(D2).with_columns(count=pl.Series([value, value])), partition_by="day")
    assert lake.version(TABLE) == 0


@pytest.mark.parametrize("column", ["name", "missing"])
def test_a_table_is_partitioned_by_a_date_that_every_row_has(lake: Lake, column: str) -> None:
    with pytest.raises(UsageError, match="not a date"):
        lake.append(TABLE, things(D1), partition_by=column)
    with pytest.raises(UsageError, match="not a date"):
        lake.append(TABLE, things(D1).with_columns(day=pl.lit(None, dtype=pl.Date)), partition_by="day")


def test_a_table_is_used_by_its_own_partition_column_only(lake: Lake) -> None:
    lake.append(TABLE, things(D1), partition_by="day")
    other = things(D1).with_columns(other_day=pl.col("day"))
    for call in (
        lambda: lake.append(TABLE, other, partition_by="other_day"),
        lambda: lake.replace(TABLE, other, partition_by="other_day", values=[D1]),
        lambda: lake.scan(TABLE, schema=SCHEMA, partitions=("name", [D1])),
        lambda: lake.files_in(TABLE, partition_by="name", values=[D1]),
    ):
        with pytest.raises(UsageError, match="partitioned by day"):
            call()


def test_equal_rows_in_equal_order_give_the_same_bytes(tmp_path: Path) -> None:
    whole = pl.concat([things(D1, names="abcdefgh"), things(D2, names="ab")])
    in_chunks = pl.concat([whole[:3], whole[3:7], whole[7:]], rechunk=False)
    contents = []
    for number, frame in enumerate((whole, whole.clone(), in_chunks)):
        Lake((tmp_path / str(number)).as_uri()).append(TABLE, frame, partition_by="day")
        contents.append(sorted(path.read_bytes() for path in (tmp_path / str(number)).rglob("*.parquet")))
    assert len(contents[0]) == 2
    assert contents[0] == contents[1] == contents[2]


def test_rows_of_a_file_keep_their_order(lake: Lake) -> None:
    frame = pl.DataFrame({"n": list(range(50_000, 0, -1)), "day": [D1] * 50_000})
    lake.append(TABLE, frame, partition_by="day")
    assert stored(lake, schema=frame.schema).equals(frame)


def test_a_whole_table_goes_to_pandas(lake: Lake) -> None:
    lake.append(TABLE, things(D1, D2), partition_by="day")
    frame = lake.table(TABLE).collect()
    assert frame.schema == SCHEMA
    assert len(frame.to_pandas()) == 4


def test_another_process_of_the_same_lake_sees_what_was_written(reopen_lake: LakeFactory) -> None:
    reopen_lake().append(TABLE, things(D1), partition_by="day")
    assert stored(reopen_lake()).equals(things(D1))


def test_a_local_root_with_spaces_holds_tables_too(tmp_path: Path) -> None:
    lake = Lake((tmp_path / "my läke #1?").as_uri())
    lake.append(TABLE, things(D1, D2), partition_by="day")
    lake.replace(TABLE, things(D2, names="q"), partition_by="day", values=[D2])
    assert stored(lake, days=[D2]).equals(things(D2, names="q"))


def test_every_other_library_can_read_the_table(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.append(TABLE, things(D1, D2), partition_by="day")
    found = pl.scan_delta(str(tmp_path / TABLE)).collect().sort("day", "name")
    assert found.select("name", "count", "day").equals(things(D1, D2).select("name", "count", "day"))


def test_many_dates_at_once_are_no_burden(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    lake.append(TABLE, things(D1), partition_by="day")
    days = [date(2000, 1, 1) + timedelta(days=number) for number in range(10_000)]
    assert stored(lake, days=days).equals(things(D1))
    lake.replace(TABLE, things(D2), partition_by="day", values=days)
    assert stored(lake).equals(things(D2))
