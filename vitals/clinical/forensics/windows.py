"""What each export session asked for: the window of record starts that it read back to.

Belongs here: estimating the windows from what came and what did not.
Does not belong here: how late sources publish (`lags`).

An exporter with a fixed window W brings at fetch f every record it knows that starts in [f - W, f]. So at each
fetch the oldest record it brought gives a least window, and the newest older record that an earlier fetch had
brought, and this one did not, a greatest. The W that agrees with most fetches is the window; of those that agree
equally well, a whole number of days, or of hours.

A fetch that brings nothing of a kind, although records of it were known in its window, did not read the kind, or
its file never arrived: it covers nothing of that kind.
"""

from dataclasses import dataclass

import numpy as np

from vitals.clinical.forensics.deliveries import DAY_MS, HOUR_MS, MINUTE_MS, Deliveries, History, Ints

NEAR_WHOLE_MS = 15 * MINUTE_MS
"""Without an upper bound, a window this little below a whole hour or day is that: readings are minutes apart."""
AGREEING_SHARE = 0.75
"""Of the fetches; with fewer the exporter has no fixed window."""
MISSING_SHARE = 0.2
"""Of the known records inside their windows that fetches do not bring; with more there is no fixed window."""
UNBOUNDED_MS = 2**60


@dataclass(frozen=True, kw_only=True)
class Windows:
    """What was read.

    Attributes:
        fetch_ms: export sessions, ascending.
        length_ms: the fixed window; None if the exporter has none, or there are too few fetches to tell.
        from_ms: least record start that each fetch read back to.
        unread: kinds that each fetch demonstrably did not bring.
    """

    fetch_ms: Ints
    length_ms: int | None
    from_ms: Ints
    unread: tuple[frozenset[str], ...]

    def begin_for(self, stream: Deliveries, fetch: int) -> int | None:
        """Least record start of a stream that a fetch covers; None if it covers nothing of it."""
        if stream.kind in self.unread[fetch]:
            return None
        if self.length_ms is None:
            # No window to speak of: what it brought of the source is all that it is known to have read.
            brought = np.flatnonzero(stream.modified_ms[:, fetch])
            if len(brought):
                return int(stream.start_ms[brought[0]])
        return int(self.from_ms[fetch])


def windows_of(history: History) -> Windows:
    """Estimate the window of every fetch."""
    fetch_ms, streams = history.fetch_ms, list(history.streams.values())
    least = np.zeros(len(fetch_ms), dtype=np.int64)
    greatest = np.full(len(fetch_ms), UNBOUNDED_MS, dtype=np.int64)
    known, missing = 0, 0
    for number, at in enumerate(fetch_ms.tolist()):
        oldest = min(int(s.start_ms[np.flatnonzero(s.modified_ms[:, number])].min(initial=at)) for s in streams)
        least[number] = at - oldest
        for stream in streams:
            earlier = stream.first_fetch < number
            brought = stream.modified_ms[:, number] != 0
            too_old = stream.start_ms[earlier & ~brought & (stream.start_ms < oldest)]
            if len(too_old):
                greatest[number] = min(greatest[number], at - int(too_old.max()))
            if any(bool(s.modified_ms[:, number].any()) for s in streams if s.kind == stream.kind):
                inside = earlier & (stream.start_ms >= oldest)
                known += int(inside.sum())
                missing += int((inside & ~brought).sum())
    length, agreeing = _agreed(least, greatest)
    fixed = len(fetch_ms) > 0 and agreeing >= AGREEING_SHARE * len(fetch_ms) and missing <= MISSING_SHARE * known
    # A fetch that brought older records read back farther; one that left out known records read less.
    own = (least > length) | (greatest <= length) if fixed else np.ones(len(fetch_ms), dtype=np.bool_)
    begin = fetch_ms - np.where(own, least, length)
    return Windows(
        fetch_ms=fetch_ms,
        length_ms=length if fixed else None,
        from_ms=begin,
        unread=tuple(_unread(streams, number, int(begin[number])) for number in range(len(fetch_ms))),
    )


def _agreed(least: Ints, greatest: Ints) -> tuple[int, int]:
    """The window that most fetches agree with, in milliseconds, and their number."""
    best, most, upto = 0, 0, UNBOUNDED_MS
    for candidate in np.unique(least).tolist():
        agreeing = (least <= candidate) & (candidate < greatest)
        if int(agreeing.sum()) >= most:
            best, most, upto = candidate, int(agreeing.sum()), int(greatest[agreeing].min(initial=UNBOUNDED_MS))
    for unit in (DAY_MS, HOUR_MS):
        whole = -(-best // unit) * unit
        if whole < upto and (upto != UNBOUNDED_MS or whole - best <= NEAR_WHOLE_MS):
            return whole, most
    return best, most


def _unread(streams: list[Deliveries], fetch: int, begin_ms: int) -> frozenset[str]:
    brought = {s.kind for s in streams if s.modified_ms[:, fetch].any()}
    known = {s.kind for s in streams if ((s.first_fetch < fetch) & (s.start_ms >= begin_ms)).any()}
    return frozenset(known - brought)
