"""Heart-rate samples to one value a minute, of one source: of one device of one app.

Belongs here: flattening records into samples, cutting them into spans of a person's time, and the minute series
of a span (docs/spec/clinical.md section 2 "minute series", G10).
Does not belong here: what a day, a night or a bout is, and any metric (`heart_rate` and its other helpers).

    records -> Samples (arrays by person and time) -> Slices (which samples, of which span) -> Minutes

Arrays instead of frames, because everything after one sort is a run length: a day has some 500 samples, and a
batch has thousands of days.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vitals.clinical.devices import device_identity, device_type

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MINUTE_MS = 60_000
# Epoch milliseconds up to the year 2109 fit below this bit; validation rejects later instants.
_PERSON_SHIFT = 42


@dataclass(frozen=True, kw_only=True)
class Samples:
    """All samples, as parallel arrays sorted by person and time.

    Attributes:
        key: person and time in one number (`person_instant`).
        record: number of the record, counted by person and start.
        row: row of each record in the frame given.
        record_source: number of each record's source (one device of one app) within its person, from 0.
        record_offset_seconds: offset in force at the start of each record.
        source_names: `person`, `source`, `source_app`, `device_type`, `device`.
    """

    key: Ints
    bpm: Ints
    record: Ints
    row: Ints
    record_source: Ints
    record_offset_seconds: Ints
    source_names: pl.DataFrame

    @property
    def sources(self) -> int:
        """Greatest number of sources that a person has."""
        return 1 + int(self.record_source.max(initial=0))


@dataclass(frozen=True, kw_only=True)
class Slices:
    """Samples of each span; a sample may lie in several spans."""

    span: Ints
    sample: Ints

    def where(self, keep: Flags) -> "Slices":
        """The samples that a mask keeps."""
        kept = np.flatnonzero(keep)
        return Slices(span=self.span[kept], sample=self.sample[kept])


@dataclass(frozen=True, kw_only=True)
class Minutes:
    """Values per UTC minute, as parallel arrays sorted by span and minute.

    Attributes:
        span: row of the spans.
        start_ms: start of the minute.
        bpm: mean of the samples of the source in the minute.
        source: number of the source within its person.
        offset_seconds: offset in force, the least if the samples disagree.
    """

    span: Ints
    start_ms: Ints
    bpm: Floats
    source: Ints
    offset_seconds: Ints

    def where(self, keep: Flags) -> "Minutes":
        """The minutes that a mask keeps."""
        kept = np.flatnonzero(keep)
        return Minutes(
            span=self.span[kept],
            start_ms=self.start_ms[kept],
            bpm=self.bpm[kept],
            source=self.source[kept],
            offset_seconds=self.offset_seconds[kept],
        )


def person_instant(person: Ints, instant_ms: Ints) -> Ints:
    """One number that sorts by person, then by instant."""
    return (person << _PERSON_SHIFT) + instant_ms


def instant_of(key: Ints) -> Ints:
    """The instant in a `person_instant`, in epoch milliseconds."""
    return key & ((1 << _PERSON_SHIFT) - 1)


def run_starts(*columns: Ints) -> Ints:
    """Positions at which a run of equal values in all columns begins."""
    if not columns[0].size:
        return np.empty(0, np.int64)
    changed = np.zeros(columns[0].size, np.bool_)
    changed[0] = True
    for column in columns:
        changed[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(changed)


def flatten(records: pl.DataFrame, people: pl.DataFrame) -> Samples:
    """Samples of the people, from the records that touch their time.

    Args:
        records: validated heart-rate columns with LOCAL_COLUMNS.
        people: `subject_id`, `person` (Int64, from 0), `from_ms` and `to_ms` (bounds of the time that matters).
    """
    start_ms, end_ms = pl.col("start_utc").to_physical(), pl.col("end_utc").to_physical()
    # Only these columns are moved about: the lists of samples stay where they are until they are flat.
    known = (
        records.select(
            *("subject_id", "source_app", device_type(), device_identity()),
            start_ms=start_ms,
            end_ms=end_ms,
            offset="offset_seconds",
        )
        .with_row_index("row")
        .join(people, on="subject_id", how="inner")
        .filter((pl.col("start_ms") < pl.col("to_ms")) & (pl.col("end_ms") >= pl.col("from_ms")))
    )
    by_source = ["person", "source_app", "device"]
    source_names = (
        known.select(*by_source, "device_type")
        .unique()
        .sort(by_source)
        .with_columns(source=pl.int_range(pl.len(), dtype=pl.Int64).over("person"))
    )
    known = known.join(source_names.drop("device_type"), on=by_source, how="left", maintain_order="left")
    order = np.argsort(person_instant(known["person"].to_numpy(), known["start_ms"].to_numpy()))
    row = known["row"].to_numpy()[order].astype(np.int64)

    flat = records["samples"].explode(empty_as_null=False).struct.unnest()
    counts = records["samples"].list.len().to_numpy().astype(np.int64)
    lengths = counts[row]
    index = ranges((np.cumsum(counts) - counts)[row], lengths)
    time_ms = flat["time_utc"].to_physical().to_numpy()[index]
    key = person_instant(np.repeat(known["person"].to_numpy()[order], lengths), time_ms)
    record = np.repeat(np.arange(row.size), lengths)
    if (key[1:] < key[:-1]).any():
        # Records are in order already and only overlap here and there: a stable sort is then nearly linear.
        sorting = np.argsort(key, kind="stable")
        key, index, record = key[sorting], index[sorting], record[sorting]
    return Samples(
        key=key,
        bpm=flat["bpm"].to_numpy()[index].astype(np.int64),
        record=record,
        row=row,
        record_source=known["source"].to_numpy()[order],
        record_offset_seconds=known["offset"].to_numpy()[order].astype(np.int64),
        source_names=source_names,
    )


def ranges(first: Ints, lengths: Ints) -> Ints:
    """The numbers from each first on, as many as its length, one run after the other."""
    before = np.cumsum(lengths) - lengths
    numbers: Ints = np.arange(lengths.sum()) + np.repeat(first - before, lengths)
    return numbers


def cut(samples: Samples, *, person: Ints, from_ms: Ints, to_ms: Ints) -> Slices:
    """Samples of each span `[from_ms, to_ms)` of a person; spans may overlap."""
    first = np.searchsorted(samples.key, person_instant(person, from_ms))
    last = np.maximum(np.searchsorted(samples.key, person_instant(person, to_ms)), first)
    counts = last - first
    return Slices(span=np.repeat(np.arange(person.size), counts), sample=ranges(first, counts))


def source_minutes(samples: Samples, slices: Slices) -> Minutes:
    """Mean of each source's samples per span and minute, sorted by span, minute and source."""
    span, sample = slices.span, slices.sample
    minute = instant_of(samples.key[sample]) // MINUTE_MS
    record = samples.record[sample]
    starts = run_starts(span, minute)
    if samples.sources > 1:
        # Time is in order already: only within a minute may sources alternate.
        number = np.repeat(np.arange(starts.size) * samples.sources, np.diff(starts, append=span.size))
        number += samples.record_source[record]
        if (number[1:] < number[:-1]).any():
            order = np.argsort(number, kind="stable")
            sample, record, number = sample[order], record[order], number[order]
        starts = run_starts(number)
    if not starts.size:
        none = np.empty(0, np.int64)
        return Minutes(span=none, start_ms=none, bpm=np.empty(0), source=none, offset_seconds=none)
    counts = np.diff(starts, append=span.size)
    record_offset = samples.record_offset_seconds
    return Minutes(
        span=span[starts],
        start_ms=minute[starts] * MINUTE_MS,
        bpm=np.add.reduceat(samples.bpm[sample], starts) / counts,
        source=samples.record_source[record[starts]],
        # Samples of one instant have no order, so that the first offset would be an accident.
        offset_seconds=np.minimum.reduceat(record_offset[record], starts),
    )


def choose(minutes: Minutes, rank: Ints) -> Minutes:
    """One value per span and minute: of the source that ranks first among those with a sample in it.

    Args:
        minutes: `source_minutes`.
        rank: rank of the source of each value in its span; no two sources of a span have the same.
    """
    starts = run_starts(minutes.span, minutes.start_ms)
    if starts.size == minutes.span.size:
        return minutes
    best = np.minimum.reduceat(rank, starts)
    return minutes.where(rank == np.repeat(best, np.diff(starts, append=rank.size)))


def records_of_spans(samples: Samples, slices: Slices) -> tuple[Ints, Ints]:
    """Spans and records (`Samples.record`) of which at least one sample lies in the span, each pair once, sorted."""
    record = samples.record[slices.sample]
    width = max(samples.row.size, 1)
    # Runs first: they leave few pairs to sort, and those nearly in order.
    starts = run_starts(slices.span, record)
    pairs = np.sort(slices.span[starts] * width + record[starts], kind="stable")
    pairs = pairs[run_starts(pairs)]
    return pairs // width, pairs % width
