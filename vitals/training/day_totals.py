"""What steps and active energy have in common: one total of the day, complete or "at least".

Belongs here: the order of statements about a day's total and its other sources.
Does not belong here: what is counted, its unit and its words (the two kinds).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vitals.training.claims import Claim
from vitals.training.common_sentences import app_words, day_words, other_value, provisional, used_words
from vitals.training.fact_row import FactRow
from vitals.training.narrative import Narrative, Phrases, noun, phrases
from vitals.training.source_names import title_of

OTHERS_AS_OF = phrases(
    "{app} was also present and not used: {value} {unit} as of {as_of}",
    "{app} had {value} {unit} as of {as_of}, not used and not added",
    "not used and not added: {app}, {value} {unit} as of {as_of}",
)
OTHERS = phrases(
    "{app} was also present and not used: {value} {unit}",
    "{app} had {value} {unit}, not used and not added",
    "not used and not added: {app}, {value} {unit}",
)
OTHERS_WITHOUT_VALUE = phrases(
    "{app} was also present and not used",
    "{app} delivered data too, not used and not added",
)
PHONE_TOTAL = phrases(
    "the phone's own priority rule gives {value} {unit}",
    "by the phone's own priority rule the figure is {value} {unit}",
)
MADE_OF = phrases("from {n} {records}", "made of {n} {records}")
WITHOUT_SHARE = phrases(
    "without the share of records that reach over midnight",
    "what records that reach over midnight hold of the day is not in it",
)
RUNNING = phrases(
    "the total was still running, so the final figure of the day is not known",
    "the count had not ended then, and the day's final figure is not in these data",
)
NO_TOTAL = phrases(
    "No total of {what} can be stated for {day}; data of {apps} were present",
    "Data of {apps} for {day} do not allow a total of {what}",
)
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class TotalWords:
    """The words of one kind of total.

    Attributes:
        what: what is counted.
        unit: unit as a word after the number.
        at_least: lower bound with time: fields day, apps, total, as_of.
        at_least_untimed: lower bound without a time: fields day, apps, total.
        whole: complete total: fields day, apps, total.
    """

    what: str
    unit: str
    at_least: Phrases
    at_least_untimed: Phrases
    whole: Phrases


def say_total(row: FactRow, narrative: Narrative, words: TotalWords) -> Claim | None:
    """State the day's total, as a lower bound where the source was still counting or a part of it is not known.

    Returns:
        The claim of the total; None if it may not be stated.
    """
    day, apps = day_words(row, narrative), used_words(row)
    total = row.claim("recommended_total")
    if total is None:
        present = apps if row.used else app_words(source["name"] for source in row.others)
        narrative.say(NO_TOTAL, what=words.what, day=day, apps=present)
        return None
    as_of = _as_of(row)
    if not is_bound(row):
        clause = narrative.phrase(words.whole, day=day, apps=apps, total=total)
    elif as_of is None:
        clause = narrative.phrase(words.at_least_untimed, day=day, apps=apps, total=total)
    else:
        clause = narrative.phrase(words.at_least, day=day, apps=apps, total=total, as_of=as_of)
    narrative.close([clause, *_made_of(row, narrative)], separator=", ")
    return total


def say_state(row: FactRow, narrative: Narrative, total: Claim | None) -> None:
    """Say that the day's total may still grow, if it may."""
    if total is not None and is_bound(row) and not lacks_share(row):
        narrative.say(RUNNING)
    else:
        provisional(row, narrative)


def say_other_totals(row: FactRow, narrative: Narrative, words: TotalWords, total: Claim | None) -> None:
    """Name the sources that were not used with their totals, and the phone's own figure where it differs."""
    clauses: list[str] = []
    # Where none was used, the sentence that there is no total has named them.
    for source in row.others[:_MOST_NAMED] if row.used else ():
        app = title_of(source["name"])
        value = None if total is None else _other_total(row, narrative, source, words)
        clauses.append(narrative.phrase(OTHERS_WITHOUT_VALUE, app=app) if value is None else value)
    phone = row.claim("hc_priority_total")
    if phone is not None and total is not None and phone.text() != total.text():
        clauses.append(narrative.phrase(PHONE_TOTAL, value=phone, unit=words.unit))
    narrative.close(clauses)


def _as_of(row: FactRow) -> Claim | None:
    """As of when the total stands: HH:MM on the day itself, with its date on another day."""
    moment = row.values["value_as_of_local"]
    if moment is None or lacks_share(row):
        return None
    unit = "local time" if moment[:10] == row.date else "local date and time"
    return row.part("recommended_total", "as_of", moment, unit)


def is_bound(row: FactRow) -> bool:
    """Whether the total is a lower bound; without word on it, it may be one."""
    return row.values["lower_bound"] is not False or row.is_withheld("lower_bound")


def lacks_share(row: FactRow) -> bool:
    """Whether the total is a lower bound because the share of records that reach over midnight is not known."""
    return bool(row.values["lower_bound"] and row.values.get("over_midnight"))


def _made_of(row: FactRow, narrative: Narrative) -> list[str]:
    """Of how many records the total is made, or what is missing in it."""
    if lacks_share(row):
        return [narrative.phrase(WITHOUT_SHARE)]
    count = sum(source["n"] or 0 for source in row.used)
    if not count:
        return []
    n = row.part("recommended_total", "records", count, "count")
    return [narrative.phrase(MADE_OF, n=n, records=noun(n, "record"))]


def _other_total(row: FactRow, narrative: Narrative, source: Mapping[str, Any], words: TotalWords) -> str | None:
    value = other_value(row, source, "recommended_total", unit=words.unit)
    if value is None:
        return None
    app = title_of(source["name"])
    moment = source["as_of_utc"]
    if moment is None:
        return narrative.phrase(OTHERS, app=app, value=value, unit=words.unit)
    text = row.local(moment)
    unit = "local time" if text[:10] == row.date else "local date and time"
    as_of = row.part("recommended_total", f"other:{source['name']}:as_of", text, unit, sources=value.sources)
    return narrative.phrase(OTHERS_AS_OF, app=app, value=value, unit=words.unit, as_of=as_of)
