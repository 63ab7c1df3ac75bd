"""The narrative of the sleep that ended on a local date.

Belongs here: what a text says of one row of `clinical/sleep` (docs/spec/narrative.md C) and what it calls things.
Does not belong here: any computation, or a grade of sleep.

    session -> asleep, awake within, awakenings -> stages as the app classified them -> its parts -> naps
    -> the other source

A day on which no main sleep ended has its naps alone.
"""

from datetime import datetime, time, timedelta

from vitals.clinical.sleep import NO_MAIN_SLEEP
from vitals.record_types import SLEEP
from vitals.training.claims import Claim, constant
from vitals.training.common_sentences import (
    UnusedWords,
    app_words,
    day_words,
    items_left_out,
    provisional,
    unused_sources,
    used_words,
)
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative, StagesTable
from vitals.training.narrative import Narrative, listing, noun, phrases
from vitals.training.not_assessable import Labels, say_not_assessable
from vitals.training.parts import MAX_NAPS
from vitals.training.rounding import round_half_up

HEAD = phrases(
    "Main sleep ending on {day}, {apps}: session {start}-{end}{length}",
    "The main sleep session that ended on {day}, recorded by {apps}, ran {start}-{end}{length}",
    "Sleep ending on {day}, recorded by {apps}: {start}-{end}{length}",
)
HEAD_UNTIMED = phrases(
    "Sleep ending on {day}, {apps}{length}",
    "Sleep session that ended on {day}, by {apps}{length}",
)
LENGTH = phrases(" ({tib} min elapsed)", ", {tib} min elapsed", " ({tib} min from start to end)")
ASLEEP = phrases("{tst} min asleep", "asleep for {tst} min", "total sleep {tst} min")
AWAKE = phrases("{waso} min awake within", "awake for {waso} min within", "{waso} min of wake after onset")
AWAKENINGS = phrases(
    "{count} {noun} of {least} min or more",
    "{count} {noun} lasting at least {least} min",
)
LATENCY = phrases("{sol} min from session start to sleep onset", "sleep onset {sol} min after the session began")
EFFICIENCY = phrases("{se} % of the session asleep", "asleep during {se} % of the session")
MAINTENANCE = phrases(
    "{sme} % of the time from onset to final waking asleep",
    "asleep for {sme} % of the time between onset and final waking",
)
MIDPOINT = phrases("midpoint {midpoint}", "sleep midpoint {midpoint}")
STAGES = phrases(
    "Stages as classified by {apps}: {stages}",
    "As classified by {apps}, stages were {stages}",
    "Stage minutes as classified by {apps}: {stages}",
)
STAGE = phrases("{name} {minutes} min")
STAGE_WITH_SHARE = phrases("{name} {minutes} min ({share} %)", "{name} {minutes} min, {share} % of sleep")
UNSCORED = phrases("{minutes} min unscored", "{minutes} min without a score")
UNSTAGED = phrases(
    "{apps} delivered no stages for this session",
    "Stages were not delivered by {apps} for this session",
)
SLEEP_WITHOUT_STAGES = phrases(
    "For this session {apps} did not tell stages of sleep apart",
    "{apps} did not tell the stages of sleep apart for this session",
)
PARTS = phrases("{apps} recorded this sleep in {count} parts", "This sleep was recorded in {count} parts by {apps}")
BETWEEN_AWAKE = phrases("{minutes} min between parts count as awake", "between parts {minutes} min count as awake")
BETWEEN_UNSCORED = phrases("{minutes} min between parts are not scored", "between parts {minutes} min are not scored")
NO_MAIN = phrases(
    "No main sleep ended on {day}; recorded by {apps}: {naps}",
    "On {day} no main sleep ended; {apps} recorded {naps}",
)
NO_MAIN_UNTIMED = phrases(
    "No main sleep ended on {day}; {apps} recorded naps only",
    "On {day} no main sleep ended; only naps were recorded by {apps}",
)
NAPS = phrases("Apart from the main sleep, {naps}", "Counted apart: {naps}", "Outside the main sleep: {naps}")
NAPS_BY = phrases("Apart from the main sleep, by {apps}: {naps}", "Counted apart, by {apps}: {naps}")
NAP = phrases("a nap {start}-{end} with {tst} min asleep", "nap {start}-{end}, {tst} min asleep")
NAP_UNMEASURED = phrases("a nap {start}-{end}", "nap {start}-{end}")
SESSIONS = phrases("{count} sessions in all", "{count} sessions in total")
TOTAL = phrases("{tst} min asleep over all sessions", "all sessions together {tst} min asleep")
OTHER_TST = phrases(
    "{app} recorded the same night with {value} min asleep and was not used",
    "{app} was also present and not used; it had {value} min asleep",
)
OTHER_TST_AND_DIFFERENCE = phrases(
    "{app} recorded the same night with {value} min asleep, {difference} min {side}, and was not used",
    "{app} was also present and not used; it had {value} min asleep ({difference} min {side})",
)

OF_A_USED_APP = UnusedWords(
    bare=phrases("another session of {app} was not used", "a session of {app} was present and not used"),
    valued=phrases(
        "{app} recorded the same night with {value} min asleep, and this night of it was not used",
        "a session of {app} for the same night was not used; it had {value} min asleep",
    ),
    compared=phrases(
        "{app} recorded the same night with {value} min asleep, {difference} min {side}, and this night of it was not used",
        "a session of {app} for the same night was not used; it had {value} min asleep ({difference} min {side})",
    ),
)
"""Of an app whose nap counts although its night does not."""

LABELS = Labels(
    SLEEP,
    {
        "tst": "time asleep",
        "waso": "wake within sleep",
        "awakenings_ge5": "longer awakenings",
        "deep": "stage minutes",
        "light": "stage minutes",
        "rem": "stage minutes",
        "se": "share of the session asleep",
        "sol": "time to sleep onset",
    },
)
LEAST_AWAKENING = constant("sleep.awakenings_ge5", "least_minutes", 5, "min")
STAGE_NAMES = {"light": "light", "deep": "deep", "rem": "REM"}


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the night's text: see the module docstring for the order."""
    window = row.session_window()
    tst = row.claim("tst", window=window)
    if has_no_main_sleep(row):
        _no_main(row, narrative)
    else:
        _session(row, narrative, window)
        _amounts(row, narrative, tst, window)
        _stages(row, narrative, window)
        _parts(row, narrative, window)
        _naps(row, narrative)
    items_left_out(row.claim("dropped_items"), SLEEP.kind, narrative)
    unused_sources(
        row,
        narrative,
        "tst",
        OTHER_TST,
        unit="min",
        window=window,
        own=tst,
        difference=OTHER_TST_AND_DIFFERENCE,
        of_a_used_app=OF_A_USED_APP,
    )
    say_not_assessable(row, narrative, LABELS)
    provisional(row, narrative)


def has_no_main_sleep(row: FactRow) -> bool:
    """Whether all sleep of the day are naps."""
    return row.withheld.reasons.get(row.id_of("tib")) == NO_MAIN_SLEEP


def _no_main(row: FactRow, narrative: Narrative) -> None:
    naps = nap_words(row, narrative)
    day, apps = day_words(row, narrative), used_words(row)
    if naps:
        narrative.say(NO_MAIN, day=day, apps=apps, naps="; ".join(naps))
    else:
        narrative.say(NO_MAIN_UNTIMED, day=day, apps=apps)
    if len(row.values["naps"] or ()) > 1:
        _say_all_sessions(row, narrative)


def _session_apps(row: FactRow) -> str:
    app = row.values["session_app"]
    return used_words(row) if app is None else app_words((app,))


def _session(row: FactRow, narrative: Narrative, window: str | None) -> None:
    day, apps = day_words(row, narrative), _session_apps(row)
    tib = row.claim("tib", window=window)
    length = "" if tib is None else narrative.phrase(LENGTH, tib=tib)
    start = row.clock("tib", "start", row.values["session_start_local"], window=window)
    end = row.clock("tib", "end", row.values["session_end_local"], window=window)
    if start is None or end is None or row.is_withheld("tib"):
        narrative.say(HEAD_UNTIMED, day=day, apps=apps, length=length)
    else:
        narrative.say(HEAD, day=day, apps=apps, start=start, end=end, length=length)


def _amounts(row: FactRow, narrative: Narrative, tst: Claim | None, window: str | None) -> None:
    clauses: list[str] = []
    if tst is not None:
        clauses.append(narrative.phrase(ASLEEP, tst=tst))
    waso = row.claim("waso", window=window)
    if waso is not None:
        clauses.append(narrative.phrase(AWAKE, waso=waso))
    awakenings = row.claim("awakenings_ge5", window=window)
    if awakenings is not None:
        clauses.append(
            narrative.phrase(AWAKENINGS, count=awakenings, noun=noun(awakenings, "awakening"), least=LEAST_AWAKENING)
        )
    for column, wording in (("sol", LATENCY), ("se", EFFICIENCY), ("sme", MAINTENANCE)):
        value = row.claim(column, window=window)
        if value is not None:
            clauses.append(narrative.phrase(wording, **{column: value}))
    midpoint = _midpoint(row, window)
    if midpoint is not None:
        clauses.append(narrative.phrase(MIDPOINT, midpoint=midpoint))
    narrative.close(clauses, separator=", ")


def _midpoint(row: FactRow, window: str | None) -> Claim | None:
    """The midpoint as a local time before the session's end: the metric is a clock reading without a date."""
    minutes, end = row.values["midpoint_local_minutes"], row.values["session_end_local"]
    if minutes is None or end is None or row.is_withheld("midpoint_local_minutes"):
        return None
    ended = datetime.fromisoformat(end)
    midpoint = datetime.combine(ended.date(), time()) + timedelta(minutes=int(round_half_up(minutes)) % 1440)
    if midpoint > ended:
        midpoint -= timedelta(days=1)
    return row.clock("midpoint_local_minutes", "clock", midpoint.isoformat(timespec="minutes"), window=window)


def _stages(row: FactRow, narrative: Narrative, window: str | None) -> None:
    parts: list[str] = []
    for column, name in STAGE_NAMES.items():
        minutes, share = row.claim(column, window=window), row.claim(f"pct_{column}", window=window)
        if minutes is None:
            continue
        if share is None:
            parts.append(narrative.phrase(STAGE, name=name, minutes=minutes))
        else:
            parts.append(narrative.phrase(STAGE_WITH_SHARE, name=name, minutes=minutes, share=share))
    apps = _session_apps(row)
    unscored = row.claim("unscored", window=window)
    if parts:
        if unscored is not None:
            parts.append(narrative.phrase(UNSCORED, minutes=unscored))
        narrative.say(STAGES, apps=apps, stages=listing(parts))
        return
    if not row.is_withheld("tst"):
        narrative.close(unscored_clauses(row, narrative, window))
    if row.values["staged"] is False:
        narrative.say(UNSTAGED if row.values["onset_local"] is None else SLEEP_WITHOUT_STAGES, apps=apps)


def unscored_clauses(row: FactRow, narrative: Narrative, window: str | None) -> list[str]:
    """How much of the session is neither sleep nor wake, if any: some of it may have been time awake."""
    unscored = row.claim("unscored", window=window)
    if unscored is None or unscored.text() == "0":
        return []
    return [narrative.phrase(UNSCORED, minutes=unscored)]


def _parts(row: FactRow, narrative: Narrative, window: str | None) -> None:
    """Of how many records the sleep is joined, and what the time between them counts as."""
    count = row.claim("session_records", window=window)
    if count is None or float(count.value) < 2:
        return
    clauses = [narrative.phrase(PARTS, apps=_session_apps(row), count=count)]
    for column, wording in (("between_awake_minutes", BETWEEN_AWAKE), ("between_unscored_minutes", BETWEEN_UNSCORED)):
        minutes = row.claim(column, window=window)
        if minutes is not None and minutes.text() != "0":
            clauses.append(narrative.phrase(wording, minutes=minutes))
    narrative.close(clauses)


def nap_words(row: FactRow, narrative: Narrative) -> list[str]:
    """The first naps of the day, each with its times and, where it is known, the time asleep."""
    naps = row.values["naps"] or []
    parts: list[str] = []
    for index, nap in enumerate(naps[:MAX_NAPS], 1):
        window = f"{nap['start_local']}/{nap['end_local']}"
        start = row.clock("nap", f"{index}:start", nap["start_local"], window=window)
        end = row.clock("nap", f"{index}:end", nap["end_local"], window=window)
        if start is None or end is None:
            continue
        asleep = nap["tst_minutes"]
        if asleep is None:
            parts.append(narrative.phrase(NAP_UNMEASURED, start=start, end=end))
        else:
            tst = row.part("nap", f"{index}:tst", asleep, "min", decimals=row.places(f"nap_{index}"), window=window)
            parts.append(narrative.phrase(NAP, start=start, end=end, tst=tst))
    return parts


def _naps(row: FactRow, narrative: Narrative) -> None:
    parts = nap_words(row, narrative)
    if not parts:
        return
    apps = _nap_apps(row)
    if apps is None:
        narrative.say(NAPS, naps="; ".join(parts))
    else:
        narrative.say(NAPS_BY, naps="; ".join(parts), apps=app_words(apps))
    _say_all_sessions(row, narrative)


def _say_all_sessions(row: FactRow, narrative: Narrative) -> None:
    clauses = []
    count, total = row.claim("n_sessions"), row.claim("total_tst_all_sessions")
    if count is not None:
        clauses.append(narrative.phrase(SESSIONS, count=count))
    if total is not None:
        clauses.append(narrative.phrase(TOTAL, tst=total))
    narrative.close(clauses)


def _nap_apps(row: FactRow) -> list[str] | None:
    """Apps that the naps may be of; None if they are of the app of the main sleep, which is named already."""
    of_night = row.values["session_app"]
    if of_night is None or set(row.apps) <= {of_night}:
        return None
    has_naps = any(source["app"] == of_night and (source["n"] or 0) > 1 for source in row.used)
    return [app for app in row.apps if has_naps or app != of_night]


NARRATIVE = KindNarrative(
    record_type=SLEEP,
    narrate=narrate,
    headline=("tst", "waso"),
    labels=LABELS,
    counted="sessions",
    table=StagesTable(title="Main session, stage runs by local hour (start minute, stage, minutes)"),
)
