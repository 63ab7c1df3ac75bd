"""A writer in its own process, for tests of what happens when several write at once or one is killed.

Run as a module it reads one line of JSON, imports what it needs, says `ready`, waits for a line and goes to work.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import polars as pl

from resources.lake.lake import Lake, S3Access

TABLE = "validated/numbers"
FIRST_DAY = date(2025, 1, 1)
ROWS_PER_DAY = 3


def days_from(start: int, count: int) -> list[date]:
    """Consecutive dates."""
    return [FIRST_DAY + timedelta(days=start + number) for number in range(count)]


def numbers(days: list[date], value: int, *, rows: int = ROWS_PER_DAY) -> pl.DataFrame:
    """The same value in every row of every day."""
    return pl.DataFrame({"day": days}).select(
        value=pl.lit(value, dtype=pl.Int64), day=pl.col("day").repeat_by(rows).explode()
    )


def noise(day: date, *, rows: int) -> pl.DataFrame:
    """Values that do not compress, so that writing them takes a while."""
    values = pl.int_range(rows, eager=True).hash(1).reinterpret(signed=True)
    return pl.DataFrame({"value": values}).with_columns(day=pl.lit(day))


@contextmanager
def writers(lake: Lake, plans: list[dict[str, Any]]) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that are ready to carry out a plan each (arguments of `_work`), and that start together."""
    processes = []
    access = lake._root.s3
    secrets = {} if access is None else dict(vars(access))
    try:
        for plan in plans:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            processes.append(process)
            say(process, json.dumps({"root": lake.root_url, "s3": secrets, "plan": plan}))
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            say(process, "go")
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def say(process: "subprocess.Popen[str]", line: str) -> None:
    """Send a line to a writer."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def _work(lake: Lake, *, how: str, start: int, count: int, value: int, rows: int = ROWS_PER_DAY) -> None:
    days = days_from(start, count)
    if how == "append":
        for day in days:
            lake.append(TABLE, numbers([day], value, rows=rows), partition_by="day")
    elif how == "replace":
        for day in days:
            lake.replace(TABLE, numbers([day], value, rows=rows), partition_by="day", values=[day])
    elif how == "replace by noise":
        lake.replace(TABLE, noise(days[0], rows=rows), partition_by="day", values=days)
    elif how == "replace often":
        for number in range(5):
            lake.replace(TABLE, numbers(days, value + number, rows=rows), partition_by="day", values=days)
    else:
        # Until it is killed.
        while True:
            value += 1
            lake.replace(TABLE, numbers(days, value, rows=rows), partition_by="day", values=days)


def _main() -> None:
    task = json.loads(sys.stdin.readline())
    lake = Lake(task["root"], s3=S3Access(**task["s3"]) if task["s3"] else None)
    print("ready", flush=True)
    sys.stdin.readline()
    _work(lake, **task["plan"])
    print("done", flush=True)


if __name__ == "__main__":
    _main()
