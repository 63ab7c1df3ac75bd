"""What the journal of a day says of each kind: fewer facts than the kind's own summary.

Belongs here: one small function per kind (docs/spec/narrative.md D) and the metrics it mentions where they are withheld.
Does not belong here: the day itself and what is provisional (`journal`), or a wording that a kind already has.

Each paragraph: sources and coverage -> headline facts -> limits of the source -> what is not assessable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from vitals.training import active_calories, blood_glucose, heart_rate, hrv_rmssd, sleep, steps
from vitals.training.common_sentences import app_words, gap_clauses, unused_sources, used_words
from vitals.training.day_totals import TotalWords, say_other_totals, say_total
from vitals.training.fact_row import FactRow
from vitals.training.glucose_sensor_limits import say_sensor_limits
from vitals.training.kind_narrative import KindNarrative
from vitals.training.narrative import Narrative, noun, phrases
from vitals.training.not_assessable import Labels, say_not_assessable

HEADS = {
    "blood_glucose": phrases("Glucose ({apps}): {amount}", "Glucose by {apps}: {amount}"),
    "heart_rate": phrases("Heart rate ({apps}): {amount}", "Heart rate by {apps}: {amount}"),
    "hrv_rmssd": phrases("HRV (RMSSD, {apps}): {amount}", "RMSSD by {apps}: {amount}"),
}
HRV_HEAD_WITHOUT_SOURCE = phrases("HRV (RMSSD): {amount}", "RMSSD: {amount}")
SLEEP_HEAD = phrases(
    "Sleep ({apps}): session {start}-{end}{length}",
    "Main sleep by {apps}: {start}-{end}{length}",
)
SLEEP_NO_MAIN = phrases(
    "Sleep ({apps}): no main sleep ended on this day",
    "Sleep ({apps}): only naps, no main sleep ended on this day",
)
SLEEP_HEAD_UNTIMED = phrases("Sleep ({apps}){length}", "Main sleep by {apps}{length}")

STEP_WORDS = TotalWords(
    what="steps",
    unit="steps",
    at_least=phrases("Steps ({apps}): at least {total} by {as_of}", "At least {total} steps by {as_of} ({apps})"),
    at_least_untimed=phrases("Steps ({apps}): at least {total}", "At least {total} steps ({apps})"),
    whole=phrases("Step count: {total} steps ({apps})", "{apps} counted {total} steps"),
)
ENERGY_WORDS = TotalWords(
    what="active energy",
    unit="kcal",
    at_least=phrases(
        "Active energy ({apps}): at least {total} kcal by {as_of}",
        "At least {total} kcal of active energy by {as_of} ({apps})",
    ),
    at_least_untimed=phrases(
        "Active energy ({apps}): at least {total} kcal", "At least {total} kcal of active energy ({apps})"
    ),
    whole=phrases("Active energy: {total} kcal ({apps})", "{total} kcal of active energy ({apps})"),
)


@dataclass(frozen=True)
class Paragraph:
    """One kind's part of a journal.

    Attributes:
        kind: the kind, with the labels of the metrics that the journal mentions where they are withheld.
        write: writes the paragraph of a row.
    """

    kind: KindNarrative
    write: Callable[[FactRow, Narrative, Labels], None]


def _glucose(row: FactRow, narrative: Narrative, labels: Labels) -> None:
    _head(row, narrative, blood_glucose.amount(row, narrative))
    mean = blood_glucose.mean_clause(row, narrative)
    clauses = [] if mean is None else [mean]
    low, high = (blood_glucose.extreme(row, narrative, column) for column in ("min", "max"))
    narrative.close(clauses + blood_glucose.extremes(narrative, low, high), separator=", ")
    share = row.claim("pct_70_140")
    if share is not None:
        from_mg_dl, to_mg_dl = blood_glucose.TIGHT
        between = narrative.phrase(blood_glucose.BETWEEN, share=share, low=from_mg_dl, high=to_mg_dl)
        narrative.say(blood_glucose.shares_words(row), shares=between)
    blood_glucose.say_unused(row, narrative)
    explained = say_sensor_limits(row, narrative)
    say_not_assessable(row, narrative, labels, skip=explained)
    blood_glucose.say_referral(row, narrative)


def _heart_rate(row: FactRow, narrative: Narrative, labels: Labels) -> None:
    n, coverage = row.claim("n"), row.claim("coverage_percent")
    if coverage is not None:
        amount = narrative.phrase(heart_rate.AMOUNT_WITHOUT_N, coverage=coverage)
    elif n is not None:
        amount = narrative.phrase(heart_rate.AMOUNT_WITHOUT_COVERAGE, n=n, minutes=noun(n, "minute"))
    else:
        amount = narrative.phrase(heart_rate.AMOUNT_UNKNOWN)
    _head(row, narrative, amount)
    clauses = []
    for column, wording, field in (
        ("mean_time_weighted", heart_rate.MEAN, "mean"),
        ("min", heart_rate.LOWEST, "low"),
        ("max", heart_rate.HIGHEST, "high"),
        ("sleep_mean_time_weighted", heart_rate.ASLEEP, "mean"),
    ):
        value = row.claim(column)
        if value is not None:
            clauses.append(narrative.phrase(wording, **{field: value}))
    lowest = row.claim("resting_low30_in_main_sleep")
    if lowest is not None:
        clauses.append(narrative.phrase(heart_rate.LOWEST_HALF_HOUR, window=heart_rate.ROLLING_WINDOW, mean=lowest))
    narrative.close(clauses, separator=", ")
    unused_sources(
        row,
        narrative,
        heart_rate.SOURCE_MEAN,
        heart_rate.OTHER_MEAN,
        unit="bpm",
        gate="mean_time_weighted",
        counted="value",
    )
    say_not_assessable(row, narrative, labels)


def _sleep(row: FactRow, narrative: Narrative, labels: Labels) -> None:
    if sleep.has_no_main_sleep(row):
        head = narrative.phrase(SLEEP_NO_MAIN, apps=used_words(row))
        narrative.close([head, *sleep.nap_words(row, narrative)], separator=", ")
        unused_sources(row, narrative, "tst", sleep.OTHER_TST, unit="min", of_a_used_app=sleep.OF_A_USED_APP)
        say_not_assessable(row, narrative, labels)
        return
    window = row.session_window()
    app = row.values["session_app"]
    apps = used_words(row) if app is None else app_words((app,))
    tib = row.claim("tib", window=window)
    length = "" if tib is None else narrative.phrase(sleep.LENGTH, tib=tib)
    start = row.clock("tib", "start", row.values["session_start_local"], window=window)
    end = row.clock("tib", "end", row.values["session_end_local"], window=window)
    if start is None or end is None or row.is_withheld("tib"):
        head = narrative.phrase(SLEEP_HEAD_UNTIMED, apps=apps, length=length)
    else:
        head = narrative.phrase(SLEEP_HEAD, apps=apps, start=start, end=end, length=length)
    clauses = [head]
    tst, waso = row.claim("tst", window=window), row.claim("waso", window=window)
    if tst is not None:
        clauses.append(narrative.phrase(sleep.ASLEEP, tst=tst))
    if waso is not None:
        clauses.append(narrative.phrase(sleep.AWAKE, waso=waso))
    count = row.claim("awakenings_ge5", window=window)
    if count is not None:
        word, least = noun(count, "awakening"), sleep.LEAST_AWAKENING
        clauses.append(narrative.phrase(sleep.AWAKENINGS, count=count, noun=word, least=least))
    if tst is not None:
        clauses += sleep.unscored_clauses(row, narrative, window)
    narrative.close(clauses, separator=", ")
    unused_sources(
        row,
        narrative,
        "tst",
        sleep.OTHER_TST,
        unit="min",
        window=window,
        own=tst,
        difference=sleep.OTHER_TST_AND_DIFFERENCE,
        of_a_used_app=sleep.OF_A_USED_APP,
    )
    say_not_assessable(row, narrative, labels)


def _hrv(row: FactRow, narrative: Narrative, labels: Labels) -> None:
    window = row.session_window()
    amount = hrv_rmssd.amount_of(row, narrative, window)
    if row.apps:
        _head(row, narrative, amount)
    else:
        narrative.say(HRV_HEAD_WITHOUT_SOURCE, amount=amount)
    mean, median = row.claim("rmssd_mean", window=window), row.claim("rmssd_median", window=window)
    clauses = []
    if mean is not None:
        clauses.append(narrative.phrase(hrv_rmssd.MEAN, mean=mean))
    if median is not None:
        clauses.append(narrative.phrase(hrv_rmssd.MEDIAN, median=median))
    if clauses:
        clauses.append(narrative.phrase(hrv_rmssd.ONE_NIGHT))
    narrative.close(clauses)
    unused_sources(row, narrative, "rmssd_mean", hrv_rmssd.OTHER_MEAN, unit="ms", window=window)
    say_not_assessable(row, narrative, labels)


def _steps(row: FactRow, narrative: Narrative, labels: Labels) -> None:
    _total(row, narrative, labels, STEP_WORDS)


def _active_energy(row: FactRow, narrative: Narrative, labels: Labels) -> None:
    _total(row, narrative, labels, ENERGY_WORDS)


def _total(row: FactRow, narrative: Narrative, labels: Labels, words: TotalWords) -> None:
    total = say_total(row, narrative, words)
    say_other_totals(row, narrative, words, total)
    say_not_assessable(row, narrative, labels)


def _head(row: FactRow, narrative: Narrative, amount: str) -> None:
    head = narrative.phrase(HEADS[row.record_type.kind], apps=used_words(row), amount=amount)
    narrative.close([head, *gap_clauses(row, narrative)])


def _paragraph(
    kind: KindNarrative, write: Callable[[FactRow, Narrative, Labels], None], columns: tuple[str, ...]
) -> Paragraph:
    names = {column: kind.labels.names[column] for column in columns}
    labels = Labels(kind.record_type, names)
    return Paragraph(replace(kind, labels=labels, table=None), write)


PARAGRAPHS: Mapping[str, Paragraph] = MappingProxyType(
    {
        "blood_glucose": _paragraph(
            blood_glucose.NARRATIVE, _glucose, ("mean", "pct_70_140", "pct_below_70", "pct_above_250")
        ),
        "heart_rate": _paragraph(
            heart_rate.NARRATIVE,
            _heart_rate,
            ("mean_time_weighted", "sleep_mean_time_weighted", "resting_low30_in_main_sleep"),
        ),
        "sleep": _paragraph(sleep.NARRATIVE, _sleep, ("tst", "waso", "awakenings_ge5")),
        "hrv_rmssd": _paragraph(hrv_rmssd.NARRATIVE, _hrv, ("rmssd_mean", "rmssd_median")),
        "steps": _paragraph(steps.NARRATIVE, _steps, ("recommended_total",)),
        "active_calories": _paragraph(active_calories.NARRATIVE, _active_energy, ("recommended_total",)),
    }
)
"""The kinds in the order of a journal."""
