"""The narrative of a night of heart-rate variability (RMSSD).

Belongs here: what a text says of one row of `clinical/hrv_rmssd` (docs/spec/narrative.md C) and what it calls things.
Does not belong here: a trend inside one night, cut-offs, or any measure that needs the beats themselves.

    session, source, values and coverage -> mean and median -> what is missing
"""

from vitals.record_types import HRV_RMSSD
from vitals.training.claims import Claim
from vitals.training.common_sentences import (
    day_words,
    gap_clauses,
    provisional,
    unused_sources,
    used_words,
)
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative, SeriesTable
from vitals.training.narrative import Narrative, noun, phrases
from vitals.training.not_assessable import Labels, say_not_assessable
from vitals.training.source_names import title_of

HEAD = phrases(
    "HRV (RMSSD) of the night ending on {day}, {apps}: {amount}",
    "RMSSD for the main sleep that ended on {day}, from {apps}: {amount}",
    "Night ending on {day}, RMSSD by {apps}: {amount}",
)
HEAD_WITHOUT_SOURCE = phrases(
    "HRV (RMSSD) on {day}: {amount}, so that no source was used",
    "RMSSD of {day}: {amount}, and no source was used",
)
HEAD_OF_UNUSED = phrases("HRV (RMSSD) on {day}: {amount}", "RMSSD of {day}: {amount}")
HEAD_WITHOUT_NIGHT = phrases(
    "HRV (RMSSD) on {day}, {apps}: {amount}",
    "RMSSD of {day}, from {apps}: {amount}",
)
AMOUNT = phrases(
    "{n} {values} of {every} min, {coverage} % of the session",
    "{n} {windows} of {every} min covering {coverage} % of the session",
)
AMOUNT_WITHOUT_COVERAGE = phrases("{n} {values} of {every} min", "{n} {windows} of {every} min")
AMOUNT_WITHOUT_INTERVAL = phrases(
    "{n} {values}, {coverage} % of the session", "{n} {windows} covering {coverage} % of the session"
)
AMOUNT_BARE = phrases("{n} {values}", "{n} {windows}")
AMOUNT_WITHOUT_N = phrases("{coverage} % of the session covered", "a coverage of {coverage} % of the session")
AMOUNT_UNKNOWN = phrases("values present", "some values")
UNUSED = phrases("values present, none of them used", "there are values, none of which was used")
SESSION = phrases(
    "the session ran {start}-{end} as recorded by {app}",
    "main sleep session {start}-{end} ({app})",
)
MEAN_AND_MEDIAN = phrases(
    "mean {mean} ms, median {median} ms",
    "the mean was {mean} ms and the median {median} ms",
    "RMSSD averaged {mean} ms with a median of {median} ms",
)
MEAN = phrases("mean {mean} ms", "the mean was {mean} ms")
MEDIAN = phrases("median {median} ms", "the median was {median} ms")
LOGARITHM = phrases("natural logarithm of the mean {ln}", "ln RMSSD {ln}")
ONE_NIGHT = phrases(
    "one night, no trend", "this is a single night and shows no trend", "a single night allows no trend"
)
OTHER_MEAN = phrases(
    "{app} was also present and not used (mean {value} ms)",
    "{app} also delivered RMSSD, not used (its mean: {value} ms)",
)

LABELS = Labels(
    HRV_RMSSD,
    {
        "rmssd_mean": "nightly mean",
        "rmssd_median": "nightly median",
        "coverage_percent": "coverage of the night",
    },
)


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the night's text: see the module docstring for the order."""
    window = row.session_window()
    _amount(row, narrative, window)
    unused_sources(row, narrative, "rmssd_mean", OTHER_MEAN, unit="ms", window=window)
    clauses: list[str] = []
    mean, median = row.claim("rmssd_mean", window=window), row.claim("rmssd_median", window=window)
    if mean is not None and median is not None:
        clauses.append(narrative.phrase(MEAN_AND_MEDIAN, mean=mean, median=median))
    elif mean is not None:
        clauses.append(narrative.phrase(MEAN, mean=mean))
    elif median is not None:
        clauses.append(narrative.phrase(MEDIAN, median=median))
    logarithm = row.claim("ln_rmssd", decimals=2, window=window)
    if logarithm is not None:
        clauses.append(narrative.phrase(LOGARITHM, ln=logarithm))
    if clauses:
        clauses.append(narrative.phrase(ONE_NIGHT))
    narrative.close(clauses)
    say_not_assessable(row, narrative, LABELS)
    provisional(row, narrative)


def amount_of(row: FactRow, narrative: Narrative, window: str | None) -> str:
    """How many values there are, and how much of the session they cover."""
    n, coverage = row.claim("n", window=window), row.claim("coverage_percent", window=window)
    every = row.claim("sampling_interval_minutes", window=window)
    if n is None:
        if coverage is not None:
            return narrative.phrase(AMOUNT_WITHOUT_N, coverage=coverage)
        return narrative.phrase(AMOUNT_UNKNOWN if row.apps else UNUSED)
    words: dict[str, Claim | str] = {"n": n, "values": noun(n, "value"), "windows": noun(n, "window")}
    if every is None and coverage is None:
        return narrative.phrase(AMOUNT_BARE, **words)
    if every is None or coverage is None:
        known = {"coverage": coverage} if every is None else {"every": every}
        wording = AMOUNT_WITHOUT_INTERVAL if every is None else AMOUNT_WITHOUT_COVERAGE
        return narrative.phrase(wording, **words, **{name: claim for name, claim in known.items() if claim is not None})
    return narrative.phrase(AMOUNT, **words, coverage=coverage, every=every)


def _amount(row: FactRow, narrative: Narrative, window: str | None) -> None:
    n, coverage = row.claim("n", window=window), row.claim("coverage_percent", window=window)
    amount = amount_of(row, narrative, window)
    day = day_words(row, narrative)
    if not row.apps:
        head = HEAD_OF_UNUSED if n is None and coverage is None else HEAD_WITHOUT_SOURCE
        clauses = [narrative.phrase(head, day=day, amount=amount)]
    else:
        head = HEAD_WITHOUT_NIGHT if window is None else HEAD
        clauses = [narrative.phrase(head, day=day, apps=used_words(row), amount=amount)]
    start = row.clock("session", "start", row.values["session_start_local"], window=window)
    end = row.clock("session", "end", row.values["session_end_local"], window=window)
    if start is not None and end is not None:
        app = title_of(row.values["session_app"] or "")
        clauses.append(narrative.phrase(SESSION, start=start, end=end, app=app))
    narrative.close(clauses + gap_clauses(row, narrative))


NARRATIVE = KindNarrative(
    record_type=HRV_RMSSD,
    narrate=narrate,
    headline=("rmssd_mean",),
    labels=LABELS,
    counted="values",
    table=SeriesTable(title="RMSSD in ms by local hour (minute=value)", decimals=1),
)
