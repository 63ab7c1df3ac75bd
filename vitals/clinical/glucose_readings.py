"""Which glucose readings count, per person and local day.

Belongs here: which records are one reading, which readings a sensor took, the choice of one source app per day and of one
sensor at a time, what is kept of the others, and the order of the readings.
Does not belong here: any metric, or how intervals are found (`sampling_interval`).

Sources are chosen, never pooled (docs/spec/clinical.md, G10): two sensors on one person differ by more than most days do.
A *stream* is what one device of one app wrote of one specimen on one local day. What a stream is follows from its
specimen, its device and its spacings (docs/spec/clinical.md, 1.1): a sensor's readings cover time; single readings, of
finger blood as a rule, do not, and never mix with a sensor's.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import polars as pl

from vitals.clinical.context import SOURCES_TYPE
from vitals.clinical.devices import PHONE, device_identity, device_type
from vitals.clinical.exact_sums import exact_mean
from vitals.clinical.glucose_sensors import sensor_of
from vitals.clinical.sampling_interval import (
    LEAST_MINUTES,
    MINUTE_MS,
    USUAL_MINUTES,
    Bools,
    Ints,
    distinct_readings,
    sampling_intervals,
)
from vitals.clinical.source_capabilities import glucose_ceiling, glucose_floor
from vitals.clinical.sources import explicit_ranks

DAY = ("subject_id", "local_date")
FLUID, UNTOLD, BLOOD = 0, 1, 2
"""What a reading was taken from, as far as its writer says."""

SOURCE_FIELDS = ("app", "device", "used", "n", "value", "as_of_utc")

_METER = "METER"
_BLOODS = ("CAPILLARY_BLOOD", "WHOLE_BLOOD", "PLASMA", "SERUM")
_REVISION = ("modified_utc", "client_record_version", "fetched_utc")


@dataclass(frozen=True)
class ChosenReadings:
    """The readings of one source app per person and local day.

    Attributes:
        days: one row per person and local day with readings, sorted: `subject_id`, `local_date`, `day` (row
            number), `source_app` (the chosen one), `is_single` (its readings are single ones), `single_n` (single
            readings of the app), `sampling_interval_minutes` (null for single readings, or where it changed in the day),
            `source_floor_mg_dl` and `source_ceiling_mg_dl` (what the app withholds), `limit_low_mg_dl` and
            `limit_high_mg_dl` (what the sensor can tell), `as_of_utc`, `source_keys_sha256`, `data_quality_score`, and
            `sources` (`context.SOURCES_TYPE`, the chosen one first; the value is the app's own mean).
        readings: one row per distinct reading, sorted by person and instant: `person` and `day` as numbers, `series`
            (number of a device of a person), `start_utc`, `offset_seconds`, `level_mg_dl` as written, `value_mg_dl`
            (the limit, where it is at or beyond one), `at_low`, `at_high`, `limit_low_mg_dl`, `limit_high_mg_dl`, `interval_ms`, `is_single`, `local_time`
            (naive wall clock).
    """

    days: pl.DataFrame
    readings: pl.DataFrame


def choose_readings(records: pl.DataFrame, priorities: pl.DataFrame) -> ChosenReadings:
    """Choose one source app per person and local day, and one of its sensors at a time.

    Of apps: one with a sensor; then the explicit rank; then a sensor before a phone; then the one whose readings stand for
    more time; then the app's name. Of sensors of one app: the same order by device, each for the whole time from its
    first to its last reading of the day; another counts before and after it.

    Args:
        records: glucose records with local columns.
        priorities: `context.PRIORITIES_SCHEMA`.
    """
    streams, stream_of_record = _streams(records)
    readings, streams = _distinct(records, streams, stream_of_record)
    level, sensor = pl.col("level_mg_dl"), ~pl.col("is_single")
    readings = (
        readings.with_columns(pl.Series("used", _one_sensor_at_a_time(readings, streams)))
        .with_columns(streams.select("series", "limit_low_mg_dl", "limit_high_mg_dl")[readings["stream"]])
        .with_columns(
            at_low=(sensor & (level <= pl.col("limit_low_mg_dl"))).fill_null(value=False),
            at_high=(sensor & (level >= pl.col("limit_high_mg_dl"))).fill_null(value=False),
        )
    )
    provenance = records.select("modified_utc", "file_quality").with_columns(stream_of_record)
    sources = _sources(readings, streams, provenance, priorities)
    chosen = _chosen(sources)
    counted = (
        readings.join(
            chosen.select("person", "day", "source", day_is_single="is_single"), on="source", maintain_order="left"
        )
        .filter(pl.col("used") & (pl.col("is_single") == pl.col("day_is_single")))
        .drop("day_is_single")
    )
    days = chosen.drop("person", "source").join(
        _behind(counted, streams, provenance), on="day", how="left", maintain_order="left"
    )
    return ChosenReadings(days=days, readings=_in_order(counted, records["record_id"]))


def _specimen() -> pl.Expr:
    """FLUID, UNTOLD or BLOOD; what a meter wrote is blood unless it says otherwise."""
    written = pl.col("specimen_source").str.strip_chars().str.to_uppercase().str.strip_prefix("SPECIMEN_SOURCE_")
    return (
        pl.when(written == "INTERSTITIAL_FLUID")
        .then(FLUID)
        .when(written.is_in(_BLOODS) | (device_type() == _METER))
        .then(BLOOD)
        .otherwise(UNTOLD)
        .cast(pl.Int8)
        .alias("specimen")
    )


def _streams(records: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """The streams, sorted by person, day, app, specimen and device, and the number of each record's stream."""
    # The only pass that looks at the text of all records; what follows works on numbers. Records come file by file,
    # so that neighbours say the same, and groups of runs are far fewer to find than groups of records.
    texts = records.select(
        *DAY,
        *("source_app", "device_type", "device_manufacturer", "device_model", "specimen_source", "source_key_sha256"),
    )
    run = texts.select(pl.struct(pl.all()).rle_id()).to_series()
    by = (*DAY, "source_app", "specimen", "device")
    streams = (
        texts.filter(run != run.shift(1, fill_value=-1))
        .with_row_index("run")
        .with_columns(
            device_type(),
            device_identity(),
            _specimen(),
            model=pl.col("device_model").fill_null("").str.strip_chars().str.to_lowercase(),
        )
        .group_by(by)
        .agg(
            "run",
            # Part of what tells devices apart, so the same in the whole stream.
            pl.col("device_type", "model").first(),
            keys=pl.col("source_key_sha256").unique(),
        )
        .sort(by)
        .with_row_index("stream")
        .with_columns(
            pl.col("stream").cast(pl.Int64),
            source=pl.struct(*DAY, "source_app").rle_id().cast(pl.Int64),
            series=pl.struct("subject_id", "source_app", "device").rank("dense").cast(pl.Int64),
            phone=pl.col("device_type") == PHONE,
        )
    )
    stream_of_run = streams.select("stream", "run").explode("run").sort("run")["stream"]
    kinds = streams.select("source_app", "device_type", "model").unique()
    known = [sensor_of(*names) for names in kinds.rows()]
    kinds = kinds.with_columns(
        pl.Series("usual_minutes", [sensor and sensor.minutes for sensor in known], dtype=pl.Int64),
        pl.Series("limit_low_mg_dl", [sensor and sensor.low_mg_dl for sensor in known], dtype=pl.Int32),
        pl.Series("limit_high_mg_dl", [sensor and sensor.high_mg_dl for sensor in known], dtype=pl.Int32),
        pl.Series("is_known", [sensor is not None for sensor in known], dtype=pl.Boolean),
    )
    streams = streams.drop("run").join(kinds, on=["source_app", "device_type", "model"], maintain_order="left")
    return streams, stream_of_run.gather(run).alias("stream")


def _distinct(
    records: pl.DataFrame, streams: pl.DataFrame, stream_of_record: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Distinct readings sorted by stream and instant, and the streams with `is_single` and `minutes`."""
    every = records.select(
        "start_utc", "offset_seconds", "level_mg_dl", *_REVISION, start_ms=pl.col("start_utc").to_physical()
    ).with_columns(stream_of_record, row=pl.int_range(pl.len()))
    # One number sorts several times faster than two columns.
    since_first = pl.col("start_ms") - pl.col("start_ms").min()
    every = every.sort(pl.col("stream") * (since_first.max() + 1) + since_first)
    intervals = sampling_intervals(
        series=_ints(every, "stream"),
        utc_ms=_ints(every, "start_ms"),
        usual_minutes=streams["usual_minutes"].fill_null(0).to_numpy(),
    )
    is_fluid = pl.col("specimen") == FLUID
    # Beside readings that name their specimen, one that does not is the sensor's only if its spacings say so.
    is_sensors = is_fluid | (
        (pl.col("specimen") == UNTOLD)
        & (pl.lit(pl.Series(intervals.is_regular)) | (pl.col("is_known") & ~is_fluid.any().over("source")))
    )
    streams = streams.with_columns(is_single=~is_sensors).with_columns(
        minutes=pl.when("is_single").then(LEAST_MINUTES).otherwise(pl.lit(pl.Series(intervals.minutes)))
    )
    every = every.with_columns(streams.select("is_single", "minutes", "source")[every["stream"]])
    singles = every.filter("is_single")
    taken = _latest(every.filter(~pl.col("is_single")), by=["stream"], records=records)
    if len(singles):
        # An app that writes a level again some seconds later, under whichever device, has not measured again.
        again = singles.with_columns(minutes=pl.lit(USUAL_MINUTES, dtype=pl.Int64))
        singles = _latest(again, by=["source", "level_mg_dl"], records=records)
        singles = singles.with_columns(minutes=pl.lit(LEAST_MINUTES, dtype=pl.Int64))
        taken = pl.concat([taken, _latest(singles, by=["source"], records=records)]).sort("stream", "start_ms", "row")
    return taken, streams


def _latest(readings: pl.DataFrame, *, by: list[str], records: pl.DataFrame) -> pl.DataFrame:
    """Of the records that are one reading the one that was modified last, ordered by series and instant.

    Args:
        readings: records, with the `minutes` of their series.
        by: columns of a series.
        records: where `row` points to; ids decide between equal revisions.
    """
    if by != ["stream"]:
        readings = readings.sort(*by, "start_ms")
    series = readings.select(pl.struct(by).rle_id().cast(pl.Int64)).to_series()
    first_rows = np.flatnonzero(np.diff(series.to_numpy(), prepend=-1))
    reading = distinct_readings(
        series=series.to_numpy(),
        utc_ms=_ints(readings, "start_ms"),
        minutes=_ints(readings, "minutes")[first_rows],
    )
    if not len(reading) or reading[-1] + 1 == len(reading):
        return readings
    readings = readings.with_columns(pl.Series("reading", reading))
    alone = pl.Series(np.bincount(reading)[reading] == 1)
    written_again = readings.filter(~alone)
    latest = (
        written_again.with_columns(records["record_id"].gather(written_again["row"]))
        .sort("reading", *_REVISION, "record_id")
        .unique("reading", keep="last", maintain_order=True)
        .drop("record_id")
    )
    return pl.concat([readings.filter(alone), latest]).sort("reading").drop("reading")


def _one_sensor_at_a_time(readings: pl.DataFrame, streams: pl.DataFrame) -> Bools:
    """Whether each reading counts among those of its app: a sensor's within another one's time does not."""
    used = np.ones(len(readings), dtype=np.bool_)
    sensors = streams.filter(~pl.col("is_single"))
    rivals = sensors.filter(pl.len().over("source") > 1)
    if rivals.is_empty():
        return used
    at, stream = _ints(readings, "start_ms"), _ints(readings, "stream")
    first, after = (np.searchsorted(stream, rivals["stream"].to_numpy(), side=side) for side in ("left", "right"))
    held_ms = rivals["minutes"].to_numpy() * MINUTE_MS
    ranked = (
        rivals.select("source", "specimen", "phone", "device")
        .with_columns(
            first=pl.Series(first),
            after=pl.Series(after),
            held_ms=pl.Series(held_ms),
            stands_for=pl.Series((after - first) * held_ms),
        )
        .sort("source", "specimen", "phone", "stands_for", "device", descending=[False, False, False, True, False])
    )
    # A loop over the streams of the few days with several sensors.
    for _, group in groupby(ranked.select("source", "first", "after", "held_ms").rows(), key=lambda row: row[0]):
        begins: list[int] = []
        ends: list[int] = []
        for _, begin, end, hold in group:
            times = at[begin:end]
            if begins:
                place = np.searchsorted(begins, times, side="right") - 1
                used[begin:end] = (place < 0) | (times >= np.array(ends)[place])
            _join(begins, ends, int(times[0]), int(times[-1]) + hold)
    return used


def _join(begins: list[int], ends: list[int], begin: int, end: int) -> None:
    """Add a span to disjoint ascending spans."""
    first, after = bisect_left(ends, begin), bisect_right(begins, end)
    if first < after:
        begin, end = min(begin, begins[first]), max(end, ends[after - 1])
    begins[first:after] = [begin]
    ends[first:after] = [end]


def _sources(
    readings: pl.DataFrame, streams: pl.DataFrame, provenance: pl.DataFrame, priorities: pl.DataFrame
) -> pl.DataFrame:
    """One row per person, local date and app, sorted by person and date, the best source first.

    Returns:
        `source`, its names, `is_single`; `n`, `value`, `as_of_utc` and `device_type` of what counts of it; `single_n`;
        and `other_n`, `other_value` of another sensor's readings that do not count.
    """
    sensors, used, level = ~pl.col("is_single"), pl.col("used"), pl.col("level_mg_dl")
    at_limit = pl.col("at_low") | pl.col("at_high")

    def mean_of(which: pl.Expr) -> pl.Expr:
        return pl.when(~(at_limit & which).any()).then(level.filter(which).mean())

    of_source = readings.group_by("source").agg(
        sensor_n=(sensors & used).sum().cast(pl.Int64),
        single_n=pl.col("is_single").sum().cast(pl.Int64),
        other_n=(sensors & ~used).sum().cast(pl.Int64),
        sensor_value=mean_of(sensors & used),
        single_value=level.filter("is_single").mean(),
        other_value=mean_of(sensors & ~used),
        covered_minutes=pl.col("minutes").filter(sensors & used).sum(),
    )
    as_of = provenance.group_by("stream").agg(as_of_utc=pl.col("modified_utc").max())
    names = (
        streams.join(as_of, on="stream", how="left", maintain_order="left")
        .group_by("source")
        .agg(
            pl.col(*DAY, "source_app").first(),
            is_single=pl.col("is_single").all(),
            phone=pl.col("phone").all(),
            as_of_utc=pl.col("as_of_utc").max(),
            device_type=pl.col("device_type").sort_by("is_single", "phone", "specimen", "device").first(),
        )
    )
    return (
        explicit_ranks(names.join(of_source, on="source"), priorities)
        .with_columns(
            n=pl.when("is_single").then("single_n").otherwise("sensor_n"),
            value=pl.when("is_single").then("single_value").otherwise("sensor_value"),
        )
        .sort(
            *DAY,
            *("is_single", "rank", "phone", "covered_minutes", "n", "source_app"),
            descending=[False, False, False, False, False, True, True, False],
            nulls_last=True,
        )
    )


def _chosen(sources: pl.DataFrame) -> pl.DataFrame:
    """The chosen source of each day: what `ChosenReadings.days` says of it alone, with `person` and `source`."""
    sources = sources.with_columns(
        place=pl.int_range(pl.len()).over(DAY), day_is_single=pl.col("is_single").first().over(DAY)
    ).with_columns(
        used=pl.col("place") == 0,
        # The mean of single readings is no rival of a sensor's.
        value=pl.when(pl.col("is_single") == pl.col("day_is_single")).then("value"),
    )
    other_sensors = sources.filter(pl.col("used") & (pl.col("other_n") > 0)).with_columns(
        used=pl.lit(value=False), n="other_n", value="other_value"
    )
    fields = {"app": "source_app", "device": "device_type"}
    listed = (
        pl.concat([sources, other_sensors])
        .sort(*DAY, "place", "used", descending=[False, False, False, True])
        .group_by(DAY, maintain_order=True)
        .agg(sources=pl.struct(pl.col(fields.get(name, name)).alias(name) for name in SOURCE_FIELDS))
    )
    return (
        sources.filter("used")
        .join(listed, on=DAY, maintain_order="left")
        .with_row_index("day")
        .select(
            pl.col("day").cast(pl.Int64),
            *DAY,
            *("source", "source_app", "is_single", "single_n"),
            pl.col("sources").cast(SOURCES_TYPE),
            person=pl.col("subject_id").rle_id().cast(pl.Int64),
            source_floor_mg_dl=glucose_floor(pl.col("source_app")),
            source_ceiling_mg_dl=glucose_ceiling(pl.col("source_app")),
        )
    )


def _behind(counted: pl.DataFrame, streams: pl.DataFrame, provenance: pl.DataFrame) -> pl.DataFrame:
    """What the devices and the files behind each day's readings tell, by `day`."""
    behind = counted.select("day", "stream").unique().join(streams, on="stream")
    sensor = ~pl.col("is_single")
    devices = behind.group_by("day").agg(
        sampling_interval_minutes=pl.when(sensor.all() & (pl.col("minutes").n_unique() == 1)).then(
            pl.col("minutes").first()
        ),
        limit_low_mg_dl=pl.col("limit_low_mg_dl").filter(sensor).max(),
        limit_high_mg_dl=pl.col("limit_high_mg_dl").filter(sensor).min(),
        source_keys_sha256=pl.col("keys").explode().unique().sort(),
    )
    files = (
        provenance.join(behind.select("stream", "day"), on="stream")
        .group_by("day")
        .agg(as_of_utc=pl.col("modified_utc").max(), data_quality_score=exact_mean(pl.col("file_quality")))
    )
    return devices.join(files, on="day")


def _in_order(readings: pl.DataFrame, record_ids: pl.Series) -> pl.DataFrame:
    # Instants stay below 2^44 ms until the year 2527.
    order = readings["person"] * 2**44 + readings["start_ms"]
    if not order.is_sorted():
        readings = (
            readings.with_columns(order.alias("order"), record_ids.gather(readings["row"]))
            .sort("order", "record_id")
            .drop("order", "record_id")
        )
    value = pl.when("at_low").then("limit_low_mg_dl").when("at_high").then("limit_high_mg_dl").otherwise("level_mg_dl")
    return readings.select(
        *("person", "day", "series", "start_utc", "offset_seconds", "level_mg_dl"),
        *("at_low", "at_high", "limit_low_mg_dl", "limit_high_mg_dl", "is_single"),
        value_mg_dl=value,
        interval_ms=pl.col("minutes") * MINUTE_MS,
        local_time=(pl.col("start_utc") + pl.duration(seconds="offset_seconds")).dt.replace_time_zone(None),
    )


def _ints(frame: pl.DataFrame, column: str) -> Ints:
    return np.asarray(frame[column].cast(pl.Int64).to_numpy())
