"""Several writers of one table, writers that are killed, answers that are lost."""

import dataclasses
import signal
import time
from pathlib import Path

import polars as pl
import pytest

from resources.lake.access import parse_root
from resources.lake.lake import Lake
from resources.lake.tables import COMMIT_ATTEMPTS, Tables
from tests.conftest import LakeFactory
from tests.resources.lake.lake_writer import FIRST_DAY, ROWS_PER_DAY, TABLE, days_from, numbers, writers
from tests.servers.losing_proxy import losing_proxy
from tests.servers.s3 import S3Server
from vitals.errors import TransientError

SCHEMA = pl.Schema({"value": pl.Int64, "day": pl.Date})


def stored(lake: Lake) -> pl.DataFrame:
    return lake.scan(TABLE, schema=SCHEMA).collect().sort("day", "value")


@pytest.mark.parametrize("how", ["append", "replace"])
def test_writers_of_different_partitions_all_get_through_and_the_table_is_created_once(lake: Lake, how: str) -> None:
    count = 6
    plans = [{"how": how, "start": who * count, "count": count, "value": who} for who in range(3)]
    with writers(lake, plans) as processes:
        assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    expected = [numbers(days_from(who * count, count), who) for who in range(3)]
    assert stored(lake).equals(pl.concat(expected))


@pytest.mark.parametrize("exists", [False, True], ids=["new table", "old table"])
def test_writers_that_replace_the_same_partitions_leave_the_work_of_one_of_them(lake: Lake, exists: bool) -> None:
    if exists:
        lake.append(TABLE, numbers(days_from(1, 5), 9), partition_by="day")
    plans = [{"how": "replace often", "start": 0, "count": 2, "value": 100 * who} for who in range(3)]
    with writers(lake, plans) as processes:
        while any(process.poll() is None for process in processes):
            # A reader sees the work of one writer at any moment, never a mixture.
            found = lake.scan(TABLE, schema=SCHEMA, partitions=("day", days_from(0, 2))).collect()
            assert found["value"].n_unique() <= 1
            assert found.height in {0, 2 * ROWS_PER_DAY, ROWS_PER_DAY}
            time.sleep(0.02)
        assert [process.returncode for process in processes] == [0, 0, 0]
    found = lake.scan(TABLE, schema=SCHEMA, partitions=("day", days_from(0, 2))).collect()
    assert found.height == 2 * ROWS_PER_DAY
    assert found["value"].n_unique() == 1


def test_writers_that_append_to_the_same_partition_lose_nothing(lake: Lake) -> None:
    plans = [{"how": "append", "start": 0, "count": 4, "value": who} for who in range(3)]
    with writers(lake, plans) as processes:
        assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    assert stored(lake).equals(pl.concat([numbers(days_from(0, 4), who) for who in range(3)]).sort("day", "value"))


def test_a_writer_killed_at_any_moment_leaves_whole_commits_only(reopen_lake: LakeFactory) -> None:
    lake = reopen_lake()
    days = days_from(0, 3)
    for pause in (0.01, 0.07, 0.13):
        with writers(lake, [{"how": "for ever", "start": 0, "count": 3, "value": 0, "rows": 20_000}]) as [process]:
            until = time.monotonic() + 60
            before = lake.version(TABLE) or 0
            while (lake.version(TABLE) or 0) < before + 2 and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(pause)
            process.send_signal(signal.SIGKILL)
            process.wait()
        found = reopen_lake().scan(TABLE, schema=SCHEMA).collect()
        assert found.height == 20_000 * len(days)
        assert found["value"].n_unique() == 1
        assert (lake.version(TABLE) or 0) >= before + 2


def test_a_writer_killed_with_files_written_but_not_committed_changes_nothing(tmp_path: Path) -> None:
    lake = Lake(tmp_path.as_uri())
    [day] = days_from(0, 1)
    lake.append(TABLE, numbers([day], 1), partition_by="day")
    folder = tmp_path / TABLE / f"day={day}"
    before = set(folder.iterdir())
    plan = {"how": "replace by noise", "start": 0, "count": 1, "value": 0, "rows": 3_000_000}
    with writers(lake, [plan]) as [process]:
        while not set(folder.iterdir()) - before and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert set(folder.iterdir()) - before, "it was killed before it wrote anything"
    assert lake.version(TABLE) == 0
    assert stored(lake).equals(numbers([day], 1))
    lake.replace(TABLE, numbers([day], 3), partition_by="day", values=[day])
    assert stored(lake).equals(numbers([day], 3))


@pytest.mark.integration
@pytest.mark.parametrize("new_column", [False, True])
def test_a_commit_whose_answer_was_lost_is_not_made_twice(s3: S3Server, new_column: bool) -> None:
    port = int((s3.access.endpoint_url or "").rsplit(":", 1)[1])
    with losing_proxy(port) as proxy:
        access = dataclasses.replace(s3.access, endpoint_url=f"http://127.0.0.1:{proxy.port}")
        lake = Lake(f"{s3.root_url}/lost-answers-{new_column}", s3=access)
        frame = numbers([FIRST_DAY], 1)
        proxy.lose_answer_to_put("00000000.json")
        lake.append(TABLE, frame, partition_by="day")
        assert stored(lake).height == ROWS_PER_DAY
        version = lake.version(TABLE)
        assert version is not None
        proxy.lose_answer_to_put(f"{version + 1:08}.json")
        lake.append(TABLE, frame.with_columns(new=1) if new_column else frame, partition_by="day")
        assert stored(lake).height == 2 * ROWS_PER_DAY
        version = lake.version(TABLE)
        assert version is not None
        proxy.lose_answer_to_put(f"{version + 1:08}.json")
        lake.replace(TABLE, frame, partition_by="day", values=[FIRST_DAY])
        assert stored(lake).height == ROWS_PER_DAY


def test_a_writer_that_loses_every_race_waits_longer_and_longer_and_gives_up(tmp_path: Path) -> None:
    """Every wait is used by another writer to add a column, which changes what the first one planned with."""
    waits: list[float] = []
    tables = Tables(parse_root(tmp_path.as_uri(), s3=None), sleep=waits.append)
    other = Tables(parse_root(tmp_path.as_uri(), s3=None))
    frame = numbers([FIRST_DAY], 1)
    other.append(TABLE, frame, partition_by="day")
    opened = tables.open

    def open_then_lose(table: str):
        found = opened(table)
        other.append(TABLE, frame.with_columns(pl.lit(1).alias(f"new_{len(waits)}")), partition_by="day")
        return found

    tables.open = open_then_lose  # type: ignore[method-assign]
    with pytest.raises(TransientError, match=f"{COMMIT_ATTEMPTS} times"):
        tables.append(TABLE, frame.with_columns(mine=1), partition_by="day")
    assert len(waits) == COMMIT_ATTEMPTS - 1
    assert all(wait >= 0 for wait in waits)
    assert max(waits) > 10 * waits[0] or waits[0] < 0.05
    assert other.scan(TABLE, schema=None, partitions=None).filter(pl.col("new_0").is_null()).collect().height >= 3
