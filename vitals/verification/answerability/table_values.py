"""What follows from the series or the stage runs that a prompt tabulates in full.

Belongs here: arithmetic of docs/spec/clinical.md that a reader of the table can repeat, on the values as they are written.
Does not belong here: measures that need more than the table (wear, MAGE, time-weighted means).

A table of means says nothing here, however fine: the extremes and counts of its readings are gone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import log
from statistics import fmean, median, stdev
from types import MappingProxyType

from vitals.training.rounding import round_half_up
from vitals.verification.answerability.prompt_reader import Record, Table

_ROW = re.compile(r"(\d\d)(?: \(UTC([-+])(\d\d):(\d\d)\))?: (.*)")
_MINUTE_EACH = re.compile(r"minute=value(?:; a value alone is (\d+) min after the one before)?\)")
"""How the title of a table of readings explains them; a value alone follows the one before it at an interval."""

_STAGE = re.compile(r"(\d\d) (.+) (\d+(?:\.\d+)?)")
_DAY_MINUTES = 1440
_NIGHT_ENDS_MINUTE = 6 * 60
_INTERVAL = "sampling interval"
_SIGNS = frozenset("<>")
"""Before a value: at or below it, at or above it. The device told no more."""
_SIGN_OF = {"at_most": {"<"}, "at_least": {">"}}
_OF_COUNTS = frozenset({"n", "nocturnal_n"})
_ASLEEP = frozenset({"light", "deep", "REM", "sleeping"})
_AWAKE = frozenset({"awake", "out of bed"})

Point = tuple[int, float]
"""Minutes since the first row's midnight by its own offset (so elapsed time), and the value."""

Run = tuple[int, str, float]
"""Start as minutes since the first row's midnight, stage, minutes."""


def values_of(record: Record, column: str, part: str) -> str | float | None:
    """What the tables of a record say of a metric.

    Args:
        record: a record of a prompt.
        column: metric id without its prefix.
        part: "" for the value, else the qualifier of its claim ("at", "start").

    Returns:
        A number, or a clock time HH:MM; None if the tables do not say.
    """
    for table in record.tables:
        value: str | float | None = None
        if "stage runs" in table.title:
            value = _of_stages(table, column, part)
        elif _MINUTE_EACH.search(table.title) and "means" not in table.title:
            value = _of_series(table, column, part, _day_minutes(record), _hold(record))
        if value is not None:
            return value
    return None


def _of_stages(table: Table, column: str, part: str) -> float | None:
    runs = _runs(table)
    return _OF_RUNS[column](runs) if runs and not part and column in _OF_RUNS else None


def _of_series(table: Table, column: str, part: str, day_minutes: int, hold: int | None) -> str | float | None:
    points, clocks, signs = _points(table)
    if not points:
        return None
    if signs and part in _SIGN_OF and column in _OF_VALUES:
        return _OF_VALUES[column]([value for _, value in points]) if signs == _SIGN_OF[part] else None
    if column == "longest_gap_minutes":
        return None if hold is None else _longest_gap(points, day_minutes, hold, part)
    if part:
        return _clock(points, clocks, column, part)
    return None if signs and column not in _OF_COUNTS else _of_all(points, clocks, column)


def _of_all(points: Sequence[Point], clocks: Sequence[int], column: str) -> float | None:
    if column in _OF_VALUES:
        return _OF_VALUES[column]([value for _, value in points])
    night = [value for (_, value), at in zip(points, clocks, strict=True) if at < _NIGHT_ENDS_MINUTE]
    return _OF_NIGHT[column](night) if night and column in _OF_NIGHT else None


def _share(inside: Callable[[float], bool]) -> Callable[[Sequence[float]], float]:
    return lambda values: 100 * sum(map(inside, values)) / len(values)


def _sd(values: Sequence[float]) -> float | None:
    return stdev(values) if len(values) > 1 else None


def _cv(values: Sequence[float]) -> float | None:
    return 100 * stdev(values) / fmean(values) if len(values) > 1 else None


_OF_VALUES: Mapping[str, Callable[[Sequence[float]], float | None]] = MappingProxyType(
    {
        "n": len,
        "mean": fmean,
        "rmssd_mean": fmean,
        "ln_rmssd": lambda values: log(fmean(values)),
        "median": median,
        "rmssd_median": median,
        "min": min,
        "max": max,
        "sd": _sd,
        "cv": _cv,
        "pct_70_140": _share(lambda value: 70 <= value <= 140),
        "pct_70_180": _share(lambda value: 70 <= value <= 180),
        "pct_above_180": _share(lambda value: value > 180),
        "pct_above_250": _share(lambda value: value > 250),
        "pct_below_70": _share(lambda value: value < 70),
        "pct_below_54": _share(lambda value: value < 54),
    }
)
_OF_NIGHT: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {"nocturnal_mean": fmean, "nocturnal_n": len}
)


def _minutes(*stages: str) -> Callable[[Sequence[Run]], float]:
    return lambda runs: sum(length for _, stage, length in runs if stage in stages)


def _of_sleep(stage: str) -> Callable[[Sequence[Run]], float | None]:
    def share(runs: Sequence[Run]) -> float | None:
        asleep = _minutes(*_ASLEEP)(runs)
        return 100 * _minutes(stage)(runs) / asleep if asleep else None

    return share


def _within(runs: Sequence[Run]) -> list[Run]:
    """The runs from the first that is asleep to the last."""
    asleep = [index for index, (_, stage, _) in enumerate(runs) if stage in _ASLEEP]
    return list(runs[asleep[0] : asleep[-1] + 1]) if asleep else []


_OF_RUNS: Mapping[str, Callable[[Sequence[Run]], float | None]] = MappingProxyType(
    {
        "light": _minutes("light"),
        "deep": _minutes("deep"),
        "rem": _minutes("REM"),
        "unscored": _minutes("unscored"),
        "tst": _minutes(*_ASLEEP),
        "waso": lambda runs: _minutes(*_AWAKE)(_within(runs)),
        "pct_light": _of_sleep("light"),
        "pct_deep": _of_sleep("deep"),
        "pct_rem": _of_sleep("REM"),
    }
)


def _rows(table: Table) -> list[tuple[int, int | None, str]]:
    """Hour, offset in minutes if the row names one, and cells."""
    rows = []
    for row in table.rows:
        found = _ROW.fullmatch(row)
        if found:
            hour, sign, hours, minutes, cells = found.groups()
            offset = None if sign is None else (60 * int(hours) + int(minutes)) * (-1 if sign == "-" else 1)
            rows.append((int(hour), offset, cells))
    return rows


def _points(table: Table) -> tuple[list[Point], list[int], set[str]]:
    """The values with their elapsed minutes, the minute of the clock of each, and the signs of those that are limits."""
    signs: set[str] = set()
    points: list[Point] = []
    clocks: list[int] = []
    first_offset: int | None = None
    explained = _MINUTE_EACH.search(table.title)
    step = int(explained[1]) if explained and explained[1] else None
    days, previous = 0, -1
    for hour, offset, cells in _rows(table):
        first_offset = offset if first_offset is None else first_offset
        moved = 0 if offset is None or first_offset is None else offset - first_offset
        minute = 0
        for cell in cells.split(" "):
            named, equals, value = cell.rpartition("=")
            if not equals and step is None:
                # Nobody can tell when it was, so the table says nothing.
                return [], [], signs
            minute = int(named) if equals else minute + (step or 0)
            clock = 60 * hour + minute
            elapsed = clock - moved + days * _DAY_MINUTES
            if elapsed < previous:
                days += 1
                elapsed += _DAY_MINUTES
            previous = elapsed
            signs.update(_SIGNS.intersection(value[:1]))
            points.append((elapsed, float(value.lstrip("<>"))))
            clocks.append(clock)
    return points, clocks, signs


def _runs(table: Table) -> list[Run]:
    runs: list[Run] = []
    for hour, _, cells in _rows(table):
        for cell in cells.split(", "):
            found = _STAGE.fullmatch(cell)
            if found:
                runs.append((60 * hour + int(found[1]), found[2], float(found[3])))
    return runs


def _day_minutes(record: Record) -> int:
    return _DAY_MINUTES if record.hours is None else int(round_half_up(60 * float(record.hours)))


def _hold(record: Record) -> int | None:
    """Minutes that a reading stands for, if the record tells."""
    interval = record.parts_of(_INTERVAL).get("")
    return None if interval is None else int(round_half_up(float(interval.value)))


def _longest_gap(points: Sequence[Point], day_minutes: int, hold: int, part: str) -> str | int | None:
    """The longest stretch that no value stands for, with more than half an interval before and after a value."""
    times = [-hold, *(at for at, _ in points), day_minutes]
    gaps = [(end - start - hold, start + hold, end) for start, end in pairwise(times) if 2 * (end - start) > 3 * hold]
    length, start, end = max(gaps, key=lambda gap: gap[0], default=(0, 0, 0))
    if not part or not length:
        return None if part else length
    return _written((start if part == "start" else end) % _DAY_MINUTES)


def _clock(points: Sequence[Point], clocks: Sequence[int], column: str, part: str) -> str | None:
    if part == "at" and column in {"min", "max"}:
        values = [value for _, value in points]
        return _written(clocks[values.index(min(values) if column == "min" else max(values))])
    return None


def _written(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
