"""Sentences that every kind has: the day, the sources, the longest gap, what is provisional.

Belongs here: wording shared by all kinds (docs/spec/narrative.md A, "MUST state").
Does not belong here: what only one kind says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from vitals.training.claims import Claim, difference_as_written
from vitals.training.fact_row import FactRow
from vitals.training.narrative import Narrative, Phrases, listing, noun, phrases
from vitals.training.source_names import UNLISTED, identifier_of, title_of

DAY = phrases("{date} ({offset})")
DAY_OF_OTHER_LENGTH = phrases("{date} ({offset}; {what}, {hours} h)", "{date} ({offset}; {what}, a day of {hours} h)")
LATER_OFFSET = phrases("{before}, then {offset}")
AS_OF = phrases(
    "Provisional: as of {as_of}, more data of this day may still arrive",
    "These are the data as of {as_of}; the day is provisional",
    "As of {as_of} this day is provisional: later uploads may add to it",
    "The day was still open to late data as of {as_of}",
)
OPEN = phrases("Provisional: more data of this day may still arrive", "The day is still open to late data")
PRESENT_UNUSED = phrases(
    "{app} was also present and not used",
    "{app} also delivered data, which were not used",
    "data of {app} were present too, but not used",
)
PRESENT_NONE_USED = phrases("{app} delivered data, which were not used", "data of {app} were present, but not used")
MORE_UNUSED = phrases("further apps were present and not used", "other apps delivered data too, not used")
GAP = phrases(
    "longest gap {gap} min, {start}-{end}",
    "the longest stretch without data was {gap} min ({start}-{end})",
    "no data for {gap} min at the longest, {start}-{end}",
)
GAP_TO_OPEN_END = phrases(
    "no data from {start} on ({gap} min to the end of the day, which was still open)",
    "longest stretch without data from {start} on, {gap} min to the end of the still open day",
)
NO_GAP = phrases(
    "no gap of more than one sampling interval ({every} min)",
    "no stretch without data of more than one sampling interval ({every} min)",
)
NO_GAP_UNTIMED = phrases("no gap in the data", "no stretch without data")
GAP_UNTIMED = phrases("longest gap {gap} min", "the longest stretch without data was {gap} min")
LEFT_OUT = phrases(
    "Left out as impossible: {count} {items}",
    "Impossible and therefore not used: {count} {items}",
    "Not counted, as they cannot be true: {count} {items}",
)
"""Items of lists that validation dropped; said without a verb that would have to agree with the number."""
ITEM_OF_LIST: Mapping[str, str] = MappingProxyType({"heart_rate": "sample", "sleep": "stage"})
"""Kind to what its records hold a list of, as a singular."""


@dataclass(frozen=True, kw_only=True)
class UnusedWords:
    """How something that was not used is named.

    Attributes:
        bare: with the field ``app``.
        valued: with ``app`` and ``value``.
        compared: with ``app``, ``value``, ``difference`` and ``side`` ("more", "less").
    """

    bare: Phrases
    valued: Phrases
    compared: Phrases


CLOCK_CHANGE_MINUTES = (30.0, 60.0)
"""Steps by which an authority moves the clock; any other length of a day comes from a journey."""

_FULL_DAY_MINUTES = 1440
_MOST_NAMED = 3


def day_words(row: FactRow, narrative: Narrative) -> str:
    """The local date with its UTC offset, and what is special about the length of the day."""
    offsets: str = row.offset(0).text()
    first = row.offset(0)
    narrative.claims.setdefault(first.id, first)
    for index in range(1, len(row.offsets)):
        offsets = narrative.phrase(LATER_OFFSET, before=offsets, offset=row.offset(index))
    hours = row.day_hours()
    if hours is None:
        return narrative.phrase(DAY, date=row.day(), offset=offsets)
    changed = abs(row.values["day_minutes"] - _FULL_DAY_MINUTES)
    what = "clock change" if changed in CLOCK_CHANGE_MINUTES else "travel day"
    return narrative.phrase(DAY_OF_OTHER_LENGTH, date=row.day(), offset=offsets, what=what, hours=hours)


def app_words(names: Iterable[str]) -> str:
    """Titles of apps, or of sources by their names, in a row; UNLISTED without any."""
    return listing(list(dict.fromkeys(title_of(name) for name in names))) or UNLISTED


def used_words(row: FactRow) -> str:
    """Titles of the sources used."""
    return app_words(row.names)


def other_value(
    row: FactRow,
    source: Mapping[str, Any],
    column: str,
    *,
    unit: str,
    window: str | None = None,
    gate: str | None = None,
) -> Claim | None:
    """Claim of what a source that was not used says by itself.

    None if it says nothing, or if the metric of `gate` (of `column` unless told) is withheld: what may not be
    stated of the source used may not be stated of another.
    """
    value = source["value"]
    if value is None or value != value or row.is_withheld(gate or column):  # noqa: PLR0124 - NaN
        return None
    apps = (identifier_of(source["app"]),)
    return row.part(column, f"other:{source['name']}", float(value), unit, window=window, n=source["n"], sources=apps)


def unused_sources(
    row: FactRow,
    narrative: Narrative,
    column: str,
    wording: Phrases,
    *,
    unit: str,
    window: str | None = None,
    own: Claim | None = None,
    difference: Phrases | None = None,
    gate: str | None = None,
    of_a_used_app: UnusedWords | None = None,
    counted: str | None = None,
) -> None:
    """Name the sources that were present and not used, each with its value where it has one.

    Args:
        row: the facts.
        narrative: where to write.
        column: what the value of a source is: the headline metric, or a support fact of its own.
        wording: phrases with the fields ``app`` and ``value``, and with `counted` also ``n`` and ``counted``.
        unit: unit of the value.
        window: what the value describes, if not the local day.
        own: the value of the source used, to state the difference from.
        gate: the metric that must be stated for the value to be, if not `column`.
        difference: phrases with ``app``, ``value``, ``difference`` and ``side`` ("more", "less").
        of_a_used_app: wordings for what an app has beside what is used of it, where one can have both.
        counted: what the value of a source rests on, as a singular, where that is to be said.
    """
    clauses: list[str] = []
    bare = PRESENT_UNUSED if row.apps else PRESENT_NONE_USED
    for source in row.others[:_MOST_NAMED]:
        words = (bare, wording, difference)
        if of_a_used_app is not None and source["app"] in row.apps:
            words = (of_a_used_app.bare, of_a_used_app.valued, of_a_used_app.compared)
        alone, valued, compared = words
        value = other_value(row, source, column, unit=unit, window=window, gate=gate)
        app = title_of(source["name"])
        if value is None:
            clauses.append(narrative.phrase(alone, app=app))
            continue
        gap = None if own is None else difference_as_written(value, own)
        if counted is not None and source["n"] is not None:
            n = row.part(column, f"other:{source['name']}:n", source["n"], "count", sources=value.sources)
            clauses.append(narrative.phrase(valued, app=app, value=value, n=n, counted=noun(n, counted)))
        elif counted is not None:
            clauses.append(narrative.phrase(bare, app=app))
        elif compared is None or own is None or gap is None or gap.value == 0:
            clauses.append(narrative.phrase(valued, app=app, value=value))
        else:
            side = "more" if float(value.value) > float(own.value) else "less"
            clauses.append(narrative.phrase(compared, app=app, value=value, difference=gap, side=side))
    if len(row.others) > _MOST_NAMED:
        clauses.append(narrative.phrase(MORE_UNUSED))
    narrative.close(clauses)


def items_left_out(count: Claim | None, kind: str, narrative: Narrative) -> None:
    """Say how many items the records of the day have lost, if any."""
    if count is not None:
        narrative.say(LEFT_OUT, count=count, items=noun(count, ITEM_OF_LIST[kind]))


def gap_clauses(row: FactRow, narrative: Narrative) -> list[str]:
    """The longest stretch without data, with its times where they are known."""
    gap = row.claim("longest_gap_minutes")
    if gap is None:
        return []
    if gap.value == 0:
        narrative.claims[gap.id] = gap
        every = row.claim("sampling_interval_minutes") if "sampling_interval_minutes" in row.values else None
        return [narrative.phrase(NO_GAP_UNTIMED) if every is None else narrative.phrase(NO_GAP, every=every)]
    start = row.clock("longest_gap_minutes", "start", row.values.get("longest_gap_start_local"))
    end = row.clock("longest_gap_minutes", "end", row.values.get("longest_gap_end_local"))
    if start is None or end is None:
        return [narrative.phrase(GAP_UNTIMED, gap=gap)]
    if row.values["provisional"] and end.text() == "00:00":
        return [narrative.phrase(GAP_TO_OPEN_END, gap=gap, start=start)]
    return [narrative.phrase(GAP, gap=gap, start=start, end=end)]


def range_clause(
    narrative: Narrative,
    wording: Phrases,
    one_value: Phrases,
    *,
    low: Claim,
    low_at: Claim,
    high: Claim,
    high_at: Claim,
) -> str:
    """Lowest and highest value with their times; where they are one and the same, it stands once.

    Args:
        narrative: where to write.
        wording: phrases with the fields ``low``, ``low_at``, ``high`` and ``high_at``.
        one_value: phrases with ``low`` and ``low_at``.
        low, low_at, high, high_at: the claims; all of them are stated.
    """
    if (low.text(), low_at.text()) != (high.text(), high_at.text()):
        return narrative.phrase(wording, low=low, low_at=low_at, high=high, high_at=high_at)
    clause = narrative.phrase(one_value, low=low, low_at=low_at)
    narrative.claims |= {high.id: high, high_at.id: high_at}
    return clause


def provisional(row: FactRow, narrative: Narrative) -> None:
    """Say that the day may still change, and as of when the data are."""
    if not row.values["provisional"]:
        return
    as_of = row.as_of()
    if as_of is None:
        narrative.say(OPEN)
    else:
        narrative.say(AS_OF, as_of=as_of)
