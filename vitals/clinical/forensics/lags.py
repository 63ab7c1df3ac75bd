"""How late a source publishes: what stands between an instant and its data being there to be fetched.

Belongs here: the publication lag of each kind and source, measured from its records.
Does not belong here: what the lag means for a gap (`labels`).

    lag of a record        from its end to `lastModified` of the revision that came first, or to the last fetch that
                           covered it and did not bring it, if that is later: then `lastModified` cannot be when
                           it could first be read
    lag of running totals  how long before a fetch the newest total it brought was made
"""

from dataclasses import dataclass

import numpy as np

from vitals.clinical.forensics.deliveries import MINUTE_MS, TOTALS, Deliveries, History, Ints, Stream
from vitals.clinical.forensics.windows import Windows
from vitals.clinical.source_capabilities import capability_of

ENOUGH_RECORDS = 20
"""Fewer do not show a lag; then that of the source's other kinds holds, or what is known of the app."""
CLOCK_SKEW_MS = 5_000
"""`lastModified` may lie some seconds after the fetch, or before the end: clocks are not exact."""


@dataclass(frozen=True, kw_only=True)
class Lag:
    """Publication lag of a stream, in milliseconds.

    Attributes:
        records: how many records of the stream it was measured on.
        median_ms, p95_ms: of those; None without any.
        longest_ms: after so long everything that ever came had been published; days close by it.
        sure_ms: longer by as much as the longest is above the median: what a source that is now late, now not, may
            exceed its longest by.
        basis: `records` of this kind; `source`: too few of them, the source's other kinds too; `assumed`: too few
            altogether, the longest known of the app.
    """

    records: int
    median_ms: int | None
    p95_ms: int | None
    longest_ms: int
    sure_ms: int
    basis: str


def lags_of(history: History, windows: Windows) -> dict[Stream, Lag]:
    """Lag of every stream."""
    samples = {key: _samples(stream, windows) for key, stream in history.streams.items()}
    lags = {}
    for key, own in samples.items():
        app = key[1]
        of_source = np.concatenate([found for (_, other), found in samples.items() if other == app])
        known_ms = capability_of(app).lag_minutes * MINUTE_MS
        longest, basis = max(known_ms, int(of_source.max(initial=0))), "assumed"
        for found, name in ((own, "records"), (of_source, "source")):
            if len(found) >= ENOUGH_RECORDS:
                longest, basis = int(found.max()), name
                break
        lags[key] = Lag(
            records=len(own),
            median_ms=_quantile(own, 0.5),
            p95_ms=_quantile(own, 0.95),
            longest_ms=longest,
            sure_ms=2 * longest - int(np.median(found)) if basis != "assumed" else longest,
            basis=basis,
        )
    return lags


def _samples(stream: Deliveries, windows: Windows) -> Ints:
    first = stream.first_fetch
    modified = stream.modified_ms[np.arange(len(first)), first]
    complete = stream.end_ms <= modified + CLOCK_SKEW_MS
    lag = np.maximum(modified, _last_absent_ms(stream, windows)) - stream.end_ms
    running: list[int] = []
    # Other records that end after the fetch grow, too, but their source tells its lag by those that are complete.
    if stream.kind in TOTALS:
        for number, at in enumerate(windows.fetch_ms.tolist()):
            newest = np.flatnonzero((stream.modified_ms[:, number] != 0) & (stream.end_ms > at))
            running += [at - int(stream.modified_ms[row, number]) for row in newest[-1:]]
    return np.asarray(np.maximum(np.concatenate([lag[complete], np.array(running, dtype=np.int64)]), 0))


def _last_absent_ms(stream: Deliveries, windows: Windows) -> Ints:
    """Last fetch before the first that brought each record, although it covered the record; 0 if there is none."""
    absent = np.zeros(len(stream.start_ms), dtype=np.int64)
    if windows.length_ms is None:
        return absent
    first = stream.first_fetch
    for number, at in enumerate(windows.fetch_ms.tolist()):
        begin = windows.begin_for(stream, number)
        if begin is not None:
            absent[(first > number) & (stream.start_ms >= begin) & (stream.end_ms <= at)] = at
    return absent


def _quantile(values: Ints, share: float) -> int | None:
    return int(np.quantile(values, share, method="higher")) if len(values) else None
