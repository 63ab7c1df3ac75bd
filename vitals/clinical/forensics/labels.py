"""Why a gap is one: exactly one label for each part of it.

Belongs here: what the fetches covered of a source, and the label that follows.
Does not belong here: where the gaps are (`gaps`), or what to do about them (`advice`).

    exporter_hole    no fetch read back to it after its source had published it: there may have been data
    late_pending     after the last fetch less the lag: may still come
    sensor_gap       a fetch covered it after its source had published, and nothing came
    source_silent    the same, but the source brings nothing at all since more than SILENT_MS, and others do
    not_assessable   fewer than MIN_FETCHES, or a source that ends where nothing else goes on to compare it with

A fetch covers a source from its window's begin to the fetch less the lag, or to the last records but a few that it
brought of the source, if that is later: a source publishes in order, so what is older was there.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from vitals.clinical.forensics.deliveries import DAY_MS, Deliveries, History
from vitals.clinical.forensics.gaps import LONGEST_BETWEEN_MS, Gap
from vitals.clinical.forensics.lags import Lag
from vitals.clinical.forensics.windows import Windows

EXPORTER_HOLE, LATE_PENDING, SENSOR_GAP = "exporter_hole", "late_pending", "sensor_gap"
SOURCE_SILENT, NOT_ASSESSABLE = "source_silent", "not_assessable"
LABELS = (EXPORTER_HOLE, LATE_PENDING, SENSOR_GAP, SOURCE_SILENT, NOT_ASSESSABLE)

SILENT_MS = DAY_MS
MIN_FETCHES = 2
WITNESSES = 3
"""Records of readings that must have come from after a stretch, to prove that it had been published: a record that is
written while it grows comes before what is older."""

Span = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A part of a gap and its label."""

    from_ms: int
    to_ms: int
    label: str


def covered_spans(stream: Deliveries, windows: Windows, lag: Lag) -> list[Span]:
    """What each fetch covered of a stream, in order of fetch; not joined."""
    spans = []
    first = stream.first_fetch
    witnesses = WITNESSES if stream.kind in LONGEST_BETWEEN_MS else 1
    for number, at in enumerate(windows.fetch_ms.tolist()):
        begin = windows.begin_for(stream, number)
        if begin is None:
            continue
        # The last fetch closes what it closes; an earlier one that brought nothing newer may have met a longer lag than
        # any that was measured, whose data were then lost and could not be measured.
        is_last = number == len(windows.fetch_ms) - 1
        upto = at - (lag.longest_ms if is_last else lag.sure_ms)
        brought = stream.start_ms[np.flatnonzero(stream.modified_ms[:, number])]
        if len(brought) >= witnesses:
            proven = int(brought[-witnesses])
            # Unless a later fetch brought older ones that this one should have found.
            late = stream.start_ms[(first > number) & (stream.start_ms >= begin) & (stream.end_ms <= proven)]
            upto = max(upto, int(late.min(initial=proven)))
        if upto > begin:
            spans.append((begin, min(upto, at)))
    return spans


def label_gap(gap: Gap, *, covered: list[Span], pending_from_ms: int, sliver_ms: int) -> Iterator[Labelled]:
    """Split a gap by what was covered and label the parts (exporter_hole, late_pending, sensor_gap).

    Args:
        covered: `covered_spans` of its stream.
        pending_from_ms: last fetch less the lag.
        sliver_ms: a part shorter than this takes the label of its longer neighbour: readings are no finer.
    """
    if gap.asked_ms is not None:
        is_covered = any(begin <= gap.asked_ms and upto >= gap.shown_ms for begin, upto in covered)
        missing = LATE_PENDING if gap.shown_ms > pending_from_ms else EXPORTER_HOLE
        yield Labelled(from_ms=gap.from_ms, to_ms=gap.to_ms, label=SENSOR_GAP if is_covered else missing)
        return
    edges = {gap.from_ms, gap.to_ms, pending_from_ms, *(edge for span in covered for edge in span)}
    cuts = sorted(edge for edge in edges if gap.from_ms <= edge <= gap.to_ms)
    parts: list[tuple[int, int, str]] = []
    for begin, end in itertools.pairwise(cuts):
        if any(first <= begin and end <= upto for first, upto in covered):
            label = SENSOR_GAP
        else:
            label = LATE_PENDING if begin >= pending_from_ms else EXPORTER_HOLE
        parts.append((begin, end, label))
    for begin, end, label in _without_slivers(_joined(parts), sliver_ms):
        yield Labelled(from_ms=begin, to_ms=end, label=label)


def settle_silence(parts: list[Labelled], *, source_end_ms: int, others_end_ms: int, until_ms: int) -> list[Labelled]:
    """Tell a source that fell silent from a sensor that paused.

    Args:
        parts: labelled parts of a stream's gaps.
        source_end_ms: last instant that any record of the source tells of.
        others_end_ms: last instant that any record of another source tells of.
        until_ms: last instant at which anything was expected.
    """
    if until_ms - source_end_ms <= SILENT_MS:
        return parts
    silent = SOURCE_SILENT if others_end_ms > source_end_ms + SILENT_MS else NOT_ASSESSABLE
    return [
        Labelled(from_ms=part.from_ms, to_ms=part.to_ms, label=silent)
        if part.label == SENSOR_GAP and part.from_ms >= source_end_ms
        else part
        for part in parts
    ]


def assessable(history: History) -> bool:
    """Whether there are fetches enough to tell windows and lags."""
    return len(history.fetch_ms) >= MIN_FETCHES


def _joined(parts: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    joined: list[tuple[int, int, str]] = []
    for begin, end, label in parts:
        if joined and joined[-1][2] == label:
            joined[-1] = (joined[-1][0], end, label)
        else:
            joined.append((begin, end, label))
    return joined


def _without_slivers(parts: list[tuple[int, int, str]], sliver_ms: int) -> list[tuple[int, int, str]]:
    while len(parts) > 1:
        short = min(range(len(parts)), key=lambda i: parts[i][1] - parts[i][0])
        if parts[short][1] - parts[short][0] >= sliver_ms:
            break
        near = [i for i in (short - 1, short + 1) if 0 <= i < len(parts)]
        heir = max(near, key=lambda i: parts[i][1] - parts[i][0])
        begin, end, _ = parts[short]
        parts = _joined([*parts[:short], (begin, end, parts[heir][2]), *parts[short + 1 :]])
    return parts
