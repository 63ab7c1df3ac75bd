"""What the answer to each question is, worked out from the fact row alone.

Belongs here: plain Python over a row of a clinical table. Does not belong here: anything of `vitals.training`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Row = Mapping[str, Any]
Expected = tuple[list[str], str | None] | None
"""Numbers and times the answer holds beside its date, and its comparison word; None for no answer."""


def half_up(value: float | str, decimals: int) -> Decimal:
    """Half away from zero, of the decimal number that is written."""
    return Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def number(value: float, decimals: int = 0) -> str:
    written = f"{half_up(half_up(value, 2), decimals):,f}"
    return written.lstrip("-") if float(written.replace(",", "")) == 0 else written


def percent(value: float) -> str:
    kept = half_up(value, 2)
    near_an_end = 0 < kept < 1 or 99 < kept < 100
    if not near_an_end:
        return f"{half_up(kept, 0):f}"
    tenths = f"{half_up(kept, 1):f}"
    return f"{kept:f}" if tenths in {"0.0", "100.0"} else tenths


def clock(moment: datetime) -> str:
    return f"{moment.hour:02d}:{moment.minute:02d}"


def local(moment_utc: datetime, zone: str) -> datetime:
    text = zone.rsplit(">", maxsplit=1)[-1]
    size = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return moment_utc.replace(tzinfo=None) + (size if text[0] == "+" else -size)


def of(*parts: tuple[str, Callable[[Any], str]], also: tuple[str, ...] = ()) -> Callable[[Row], Expected]:
    def expected(row: Row) -> Expected:
        if any(row[column] is None for column, _ in parts):
            return None
        return [*(write(row[column]) for column, write in parts), *also], None

    return expected


def compared(column: str, base: str, words: tuple[str, str], also: tuple[str, ...] = ()) -> Callable[[Row], Expected]:
    def expected(row: Row) -> Expected:
        if row[column] is None or row[base] is None:
            return None
        return two(row[column], row[base], words, also)

    return expected


def two(value: float, base: float, words: tuple[str, str], also: tuple[str, ...] = ()) -> Expected:
    written, other = number(value), number(base)
    if written == other:
        return None
    apart = abs(int(written.replace(",", "")) - int(other.replace(",", "")))
    return [written, other, f"{apart:,}", *also], words[0] if value > base else words[1]


def width(row: Row) -> Expected:
    if row["max"] is None or row["min"] is None or row["max"] < row["min"]:
        return None
    return two(row["max"], row["min"], ("higher", "higher"))


def shares(row: Row) -> Expected:
    share, over = row["pct_70_140"], row["pct_above_180"]
    if share is None or over is None:
        return None
    # Subtracting decimals keeps the places of the finer one.
    apart = f"{abs(Decimal(percent(share)) - Decimal(percent(over))):f}"
    if percent(share) == percent(over):
        return None
    return [percent(share), percent(over), apart, "70", "140", "180"], "more" if share > over else "less"


def of_readings(expected: Callable[[Row], Expected]) -> Callable[[Row], Expected]:
    """Shares are those of readings only where one sensor took them all."""
    return lambda row: None if row["sampling_interval_minutes"] is None else expected(row)


def first_episode(row: Row) -> Expected:
    found = [e for e in row["episodes"] or [] if e["level"] == "lv1_hyper"]
    if row["episodes_lv1_hyper"] is None or not found:
        return None
    first = found[0]
    return ["180", clock(first["start_local"]), number(first["minutes"]), number(first["extreme_mg_dl"])], None


def sensor_range(row: Row) -> Expected:
    floor, ceiling = row["source_floor_mg_dl"], row["source_ceiling_mg_dl"]
    return None if floor is None or ceiling is None else ([number(floor), number(ceiling)] * 2, None)


def gap(row: Row) -> Expected:
    if row["longest_gap_minutes"] is None:
        return None
    if round(row["longest_gap_minutes"], 2) == 0:
        # None is longer than the interval, which is named where there is one.
        every = row.get("sampling_interval_minutes")
        return ([] if every is None else [number(every)]), None
    start, end = row.get("longest_gap_start_local"), row.get("longest_gap_end_local")
    if start is None or end is None:
        return [number(row["longest_gap_minutes"])], None
    if row["provisional"] and clock(end) == "00:00":
        # Its end is the end of the day, which is not yet reached: only its start and length are facts.
        return [number(row["longest_gap_minutes"]), clock(start)], None
    return [number(row["longest_gap_minutes"]), clock(start), clock(end)], None


def session(*columns: str) -> Callable[[Row], Expected]:
    def expected(row: Row) -> Expected:
        start, end = row["session_start_local"], row["session_end_local"]
        if start is None or end is None or any(row[column] is None for column in columns):
            return None
        return [clock(start), clock(end), *(number(row[column]) for column in columns)], None

    return expected


def midpoint(row: Row) -> Expected:
    minutes = row["midpoint_local_minutes"]
    if minutes is None or row["session_end_local"] is None:
        return None
    hour, minute = divmod(int(half_up(half_up(minutes, 2), 0)) % 1440, 60)
    return [f"{hour:02d}:{minute:02d}"], None


def other_source(row: Row, column: str, fewer: str) -> Expected:
    if row[column] is None:
        return None
    for source in [source for source in row["sources"] if not source["used"]][:3]:
        if source["value"] is not None:
            return two(source["value"], row[column], ("more", fewer))
    return None


def other_total(row: Row, fewer: str) -> Expected:
    """As `other_source`, with the time as of which the other total stands."""
    expected = other_source(row, "recommended_total", fewer)
    if expected is None:
        return None
    figures, word = expected
    compared_with = next(each for each in row["sources"] if not each["used"] and each["value"] is not None)
    if compared_with["as_of_utc"] is None:
        return expected
    moment = local(compared_with["as_of_utc"], row["zone"] or "+00:00")
    dated = [] if moment.date() == row["local_date"] else [moment.date().isoformat()]
    return [*figures, *dated, clock(moment)], word


def total(row: Row) -> Expected:
    if row["recommended_total"] is None:
        return None
    value = number(row["recommended_total"])
    if row["lower_bound"] is False:
        return [value], None
    as_of = row["value_as_of_local"]
    if as_of is None or lacks_share(row):
        return [value], "at least"
    dated = [] if as_of.date() == row["local_date"] else [as_of.date().isoformat()]
    return [value, *dated, clock(as_of)], "at least"


def lacks_share(row: Row) -> bool:
    """A bound of what lies inside the day is one whenever it was counted."""
    return bool(row["lower_bound"] and row["over_midnight"])


def records(row: Row) -> Expected:
    count = sum(source["n"] or 0 for source in row["sources"] if source["used"])
    stated = row["recommended_total"] is not None and not lacks_share(row)
    return ([number(count)], None) if count and stated else None


def hrv_coverage(row: Row) -> Expected:
    every = row["sampling_interval_minutes"]
    if row["n"] is None or every is None:
        return None
    share = [] if row["coverage_percent"] is None else [percent(row["coverage_percent"])]
    return [number(row["n"]), number(every), *share], None


ORACLE: Mapping[str, Mapping[str, Callable[[Row], Expected]]] = {
    "blood_glucose": {
        "mean": of(("mean", number)),
        "median": of(("median", number)),
        "lowest": of(("min", number), ("min_at_local", clock)),
        "highest": of(("max", number), ("max_at_local", clock)),
        "range_width": width,
        "time_in_range": of_readings(of(("pct_70_180", percent), also=("70", "180"))),
        "time_above_180": of_readings(of(("pct_above_180", percent), also=("180",))),
        "shares_compared": of_readings(shares),
        "episodes_above_180": of(("episodes_lv1_hyper", number), also=("15", "180")),
        "first_episode_above_180": first_episode,
        "night_mean": of(("nocturnal_mean", number), also=("00:00", "05:59")),
        "variation": of(("cv", percent)),
        "coverage": of(("n", number), ("wear_percent", percent)),
        "sensor_range": sensor_range,
        "longest_gap": gap,
    },
    "heart_rate": {
        "mean": of(("mean_time_weighted", number)),
        "lowest": of(("min", number), ("min_at_local", clock)),
        "highest": of(("max", number), ("max_at_local", clock)),
        "asleep": of(("sleep_mean_time_weighted", number)),
        "awake": of(("wake_mean_time_weighted", number)),
        "asleep_and_awake": compared("sleep_mean_time_weighted", "wake_mean_time_weighted", ("higher", "lower")),
        "lowest_half_hour": of(("resting_low30_in_main_sleep", number), also=("30",)),
        "bouts_from_100": of(("bouts_ge100", number), also=("10", "100")),
        "bouts_below_50": of(("bouts_lt50", number), also=("10", "50")),
        "moderate_zone": of(("zone_moderate_64_77", number), also=("64", "77")),
        "coverage": of(("coverage_percent", percent), ("n", number)),
        "longest_gap": gap,
    },
    "sleep": {
        "asleep": of(("tst", number)),
        "awake_within": of(("waso", number)),
        "awakenings": of(("awakenings_ge5", number), also=("5",)),
        "session": session("tib"),
        "deep": of(("deep", number)),
        "rem": of(("rem", number)),
        "stages_compared": compared("rem", "deep", ("longer", "shorter")),
        "sources_compared": lambda row: other_source(row, "tst", "less"),
        "share_asleep": of(("se", percent)),
        "midpoint": midpoint,
        "coverage": of(("unscored", number)),
    },
    "steps": {
        "total": total,
        "sources_compared": lambda row: other_total(row, "fewer"),
        "coverage": records,
        "brisk_minutes": of(("minutes_ge100", number), also=("100",)),
    },
    "active_calories": {
        "total": total,
        "sources_compared": lambda row: other_total(row, "less"),
        "coverage": records,
        "net_met_minutes": of(("net_met_minutes", number)),
    },
    "hrv_rmssd": {
        "mean": of(("rmssd_mean", number)),
        "median": of(("rmssd_median", number)),
        "mean_and_median": compared("rmssd_mean", "rmssd_median", ("higher", "lower")),
        "coverage": hrv_coverage,
        "session": session(),
        "longest_gap": gap,
    },
}
"""Kind -> question -> the answer's figures. Sources, what is missing and the state have tests of their own."""

STATES_ITS_OWN_STATE = {
    ("blood_glucose", "sensor_range"),
    ("steps", "total"),
    ("steps", "sources_compared"),
    ("active_calories", "total"),
    ("active_calories", "sources_compared"),
}


def as_of_tokens(row: Row, kind: str, question: str) -> list[str]:
    """Date and time as of which a provisional day stands, where the answer adds them."""
    total_known_whole = row.get("lower_bound") is False and question != "sensor_range"
    if (kind, question) in STATES_ITS_OWN_STATE and not total_known_whole:
        return []
    if not row["provisional"] or row["as_of_utc"] is None:
        return []
    moment = local(row["as_of_utc"], row["zone"] or "+00:00")
    return [moment.date().isoformat(), clock(moment)]
