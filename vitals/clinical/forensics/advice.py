"""What to tell the owner of the exporting app: one sentence with the numbers.

Belongs here: the overlap and the window that would have let every hole's data come, and the sentence.
Does not belong here: finding holes (`labels`).

Readings of an instant can be read from the instant plus the lag. Between two fetches a time I apart, nothing is lost
if the window is at least I + lag: the windows then overlap by the lag. A night or a day's total is one record that is
found by its start, so its window reaches from the first fetch after its end plus the lag back to its start.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vitals.clinical.forensics.deliveries import HOUR_MS, MINUTE_MS, TOTALS, Ints, Stream
from vitals.clinical.forensics.lags import Lag
from vitals.clinical.forensics.windows import Windows

ROUNDED_TO_MS = 10 * MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class Hole:
    """An exporter hole with what is needed to see how it could have been avoided.

    Attributes:
        kind, app: whose data are missing.
        from_ms, to_ms: the hole.
        asked_ms, shown_ms: as in `gaps.Gap`.
        lag_ms: longest lag of kind and source.
    """

    kind: str
    app: str
    from_ms: int
    to_ms: int
    asked_ms: int | None
    shown_ms: int
    lag_ms: int


@dataclass(frozen=True, kw_only=True)
class Advice:
    """What would help.

    Attributes:
        sentence: for a person to read.
        overlap_minutes: how far windows must overlap at least for readings and nights; None if they do.
        window_minutes: how far each fetch must read back for the same; None if it does.
        total_window_minutes: how far for the last totals of days; None if it does.
        fetch_interval_minutes: how far apart fetches may lie without a loss; None if something was lost, or the
            exporter has no fixed window, or one shorter than the lag.
    """

    sentence: str
    overlap_minutes: int | None = None
    window_minutes: int | None = None
    total_window_minutes: int | None = None
    fetch_interval_minutes: int | None = None


def advise(holes: Iterable[Hole], windows: Windows, lags: Mapping[Stream, Lag], *, enough_fetches: bool) -> Advice:
    """Advice for some holes of a person."""
    if not enough_fetches:
        return Advice(sentence="Not assessable: too few fetches around these days to tell what each of them read.")
    holes = sorted(holes, key=lambda h: (-h.lag_ms, h.app, h.kind, h.from_ms))
    if not holes:
        return _nothing_lost(windows, lags)
    length = windows.length_ms or 0
    readings = [(h, _needed_ms(h, windows.fetch_ms)) for h in holes if h.kind not in TOTALS]
    totals = [_needed_ms(h, windows.fetch_ms) for h in holes if h.kind in TOTALS]
    avoidable = [(h, needed) for h, needed in readings if needed > length]
    total_ms = _up(max((needed for needed in totals if needed > length), default=0), HOUR_MS)
    if not avoidable and not total_ms:
        return Advice(
            sentence="No window would have helped: files of some kinds never arrived, although their time was read."
        )
    total_clause = f"read back at least {_spoken(total_ms)} from each fetch, or a day's last total never arrives"
    if not avoidable:
        return Advice(
            sentence=f"Ask for windows that {total_clause}; for everything else they suffice.",
            total_window_minutes=total_ms // MINUTE_MS,
        )
    slowest = avoidable[0][0]
    overlap_ms = _up(slowest.lag_ms, ROUNDED_TO_MS)
    window_ms = _up(max(needed for _, needed in avoidable), ROUNDED_TO_MS)
    before = f" instead of {_spoken(length)}" if windows.length_ms else ""
    sentence = (
        f"Ask for an overlap of at least {_spoken(overlap_ms)}: let each fetch read from {_spoken(overlap_ms)} before the "
        f"one before it (here up to {_spoken(window_ms)} back{before}), because {slowest.app} publishes up to "
        f"{_spoken(_up(slowest.lag_ms, MINUTE_MS))} late"
    )
    if total_ms > window_ms:
        sentence += f"; {total_clause}"
    return Advice(
        sentence=sentence + ".",
        overlap_minutes=overlap_ms // MINUTE_MS,
        window_minutes=window_ms // MINUTE_MS,
        total_window_minutes=total_ms // MINUTE_MS or None,
    )


def _nothing_lost(windows: Windows, lags: Mapping[Stream, Lag]) -> Advice:
    told = "Nothing to change: no fetch came too late for anything that a source had published"
    slowest = max(((lag.longest_ms, app) for (kind, app), lag in lags.items() if kind not in TOTALS), default=None)
    spare_ms = 0 if slowest is None or windows.length_ms is None else windows.length_ms - slowest[0]
    interval_ms = spare_ms // ROUNDED_TO_MS * ROUNDED_TO_MS
    if slowest is None or interval_ms <= 0:
        return Advice(sentence=told + ".")
    return Advice(
        sentence=f"{told}; keep fetches at most {_spoken(interval_ms)} apart while each reads back "
        f"{_spoken(windows.length_ms or 0)}: {slowest[1]} publishes up to {_spoken(_up(slowest[0], MINUTE_MS))} late.",
        fetch_interval_minutes=interval_ms // MINUTE_MS,
    )


def _needed_ms(hole: Hole, fetch_ms: Ints) -> int:
    """Window with which nothing of the hole would be missing; 0 if no fetch came late enough to tell."""
    published = (hole.from_ms if hole.asked_ms is None else hole.shown_ms) + hole.lag_ms
    later = fetch_ms[fetch_ms >= published]
    if not len(later):
        return 0
    if hole.asked_ms is not None:
        return int(later[0]) - hole.asked_ms
    # Of each pair of fetches whose lost stretch begins in the hole: the time between them and the lag.
    begins = [hole.from_ms, *(at for at in (fetch_ms - hole.lag_ms).tolist() if hole.from_ms < at < hole.to_ms)]
    nexts = [(at, fetch_ms[fetch_ms > at + hole.lag_ms]) for at in begins]
    return max((int(after[0]) - at for at, after in nexts if len(after)), default=0)


def _up(value_ms: int, step_ms: int) -> int:
    return -(-value_ms // step_ms) * step_ms


def _spoken(value_ms: int) -> str:
    """Hours and minutes, such as "3 h 10 min"."""
    hours, minutes = divmod(value_ms // MINUTE_MS, 60)
    return " ".join(part for part in (f"{hours} h" if hours else "", f"{minutes} min" if minutes else "") if part)
