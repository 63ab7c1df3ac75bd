"""Questions over a person's last days in one metric: exact answers, and refusals that name what is missing.

Belongs here: how they are asked and answered, and when they are refused.
Does not belong here: questions over two kinds (`cross_kind`), or what counts as a value (`day_table`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vitals.training.claims import Claim
from vitals.training.common_sentences import app_words
from vitals.training.day_journal.day_table import (
    STATE_WORDS,
    DayTable,
    TableDay,
    date_claim,
    hours_of,
    least_days,
    newest_of,
    window_days,
)
from vitals.training.day_journal.question_words import (
    ASK_BELOW,
    ASK_COUNT,
    ASK_EXTREMES,
    ASK_MEAN,
    ASK_TWO_DAYS,
    BELOW,
    COUNT,
    COUNT_NONE,
    EXTREMES,
    HIGHER_OR_LOWER,
    HOURS,
    MEAN,
    NEVER_BELOW,
    NEWEST,
    NO_COMPARISON,
    NO_WEEKEND,
    NOT_FINAL,
    ON_DATES,
    SAME,
    SOURCE,
    TOO_FEW,
    TOO_FEW_NONE,
    VALUE_ON,
    WITHOUT_FINAL,
)
from vitals.training.narrative import Narrative, Phrases, listing, noun


@dataclass(frozen=True, kw_only=True)
class TableQuestion:
    """A question on one metric.

    Attributes:
        name: its name in `metadata.question`.
        ask: with the fields ``name``, ``days``, ``first``, ``previous`` and ``last``.
        may_answer: whether the table holds the answer.
        answer: writes it.
        refuse: writes the refusal where it does not; None if there is nothing to refuse.
        needed: the days that it rests on.
        refused: what a refusal refuses: qualifier of the derived claim.
    """

    name: str
    ask: Phrases
    may_answer: Callable[[DayTable], bool]
    answer: Callable[[DayTable, Narrative], None]
    refuse: Callable[[DayTable, Narrative], None] | None
    needed: Callable[[DayTable], Sequence[TableDay]]
    refused: str = ""


def _two(table: DayTable) -> tuple[TableDay, TableDay]:
    return table.days[-1], table.days[-2]


def _both_final(table: DayTable) -> bool:
    return all(day.state == "final" for day in _two(table))


def _compare(table: DayTable, narrative: Narrative) -> None:
    later, earlier = _two(table)
    value, base = later.claim, earlier.claim
    assert value is not None
    assert base is not None
    fields: dict[str, Claim | str] = {
        "name": table.metric.name,
        "unit": table.metric.unit,
        "date": later.date_claim(),
        "previous": earlier.date_claim(),
        "value": value,
        "base": base,
    }
    difference = table.difference(value, base)
    if difference.value == 0:
        narrative.say(SAME, **fields)
    else:
        side = "higher" if float(value.value) > float(base.value) else "lower"
        narrative.say(HIGHER_OR_LOWER, difference=difference, side=side, **fields)
    say_basis((later, earlier), narrative)


def _refuse_comparison(table: DayTable, narrative: Narrative) -> None:
    later, earlier = _two(table)
    narrative.say(NO_COMPARISON, name=table.metric.name, date=later.date_claim(), previous=earlier.date_claim())
    say_missing((earlier, later), narrative)


def _mean(table: DayTable, narrative: Narrative) -> None:
    narrative.say(MEAN, mean=table.mean(), days=window_days(), **_window_fields(table))
    say_basis(table.final, narrative)
    say_missing(table.days, narrative)


def _extremes(table: DayTable, narrative: Narrative) -> None:
    low, high = table.extreme("lowest"), table.extreme("highest")
    narrative.say(
        EXTREMES,
        days=window_days(),
        low=low,
        high=high,
        low_dates=_dates_of(table, low, narrative),
        high_dates=_dates_of(table, high, narrative),
        **_window_fields(table),
    )
    say_basis(table.final, narrative)
    say_missing(table.days, narrative)


def _below(table: DayTable, narrative: Narrative) -> None:
    mean = table.mean()
    below, fields = days_below(table), _window_fields(table)
    if not below:
        narrative.say(NEVER_BELOW, mean=mean, **fields)
    else:
        count = table.count("days_below_mean", [day.claim for day in below if day.claim is not None])
        sentence = narrative.phrase(BELOW, mean=mean, below=count, **fields)
        unit = table.metric.unit
        parts = [
            narrative.phrase(VALUE_ON, date=day.date_claim(), value=day.claim, unit=unit)
            for day in below
            if day.claim is not None
        ]
        narrative.close([sentence + narrative.phrase(ON_DATES, parts=listing(parts))])
    say_basis(table.final, narrative)
    say_missing(table.days, narrative)


def _count(table: DayTable, narrative: Narrative) -> None:
    fields = _window_fields(table)
    if not table.final:
        narrative.say(COUNT_NONE, days=window_days(), **fields)
    else:
        have = "has" if len(table.final) == 1 else "have"
        sentence = narrative.phrase(COUNT, days=window_days(), have=have, **fields)
        dates = _dates([day.date_claim() for day in table.final], narrative)
        narrative.close([sentence + narrative.phrase(ON_DATES, parts=dates)])
    say_basis(table.final, narrative)
    say_missing(table.days, narrative)


def refuse_mean(table: DayTable, narrative: Narrative) -> None:
    """Say why nothing is said of the mean of the window."""
    fields = _window_fields(table)
    if len(table.final) < table.metric.least_days:
        narrative.say(TOO_FEW if table.final else TOO_FEW_NONE, least=least_days(table.metric), **fields)
    else:
        narrative.say(NO_WEEKEND, name=fields["name"], first=fields["first"], last=fields["last"])
    say_missing(table.days, narrative)


def days_below(table: DayTable) -> list[TableDay]:
    """Days with a final value below the mean of the window, both as they are written."""
    mean = table.mean_value
    return [day for day in table.final if day.claim is not None and float(day.claim.value) < mean]


def say_basis(days: Sequence[TableDay], narrative: Narrative) -> None:
    """Name the sources of the values of these days, and the days that were not 24 h long."""
    apps = [app for day in days if day.claim is not None for app in day.claim.sources]
    if apps:
        narrative.say(SOURCE, apps=app_words(sorted(set(apps))))
    # Two kinds of one day agree on its length.
    for _, day in sorted({day.day: day for day in days}.items()):
        hours = hours_of(day)
        if hours is not None:
            narrative.say(HOURS, date=day.date_claim(), hours=hours)


def say_missing(days: Sequence[TableDay], narrative: Narrative) -> None:
    """Name the days without a final value, by what they lack; none makes no sentence."""
    groups: dict[str, list[Claim]] = {}
    for day in days:
        if day.state == "final":
            continue
        state, newest = STATE_WORDS[day.state], newest_of(day)
        if newest is not None:
            state = narrative.phrase(NEWEST, state=state, as_of=newest)
        groups.setdefault(state, []).append(day.date_claim())
    parts = [
        narrative.phrase(NOT_FINAL, dates=_dates(dates, narrative), state=state) for state, dates in groups.items()
    ]
    if parts:
        narrative.say(WITHOUT_FINAL, parts="; ".join(parts))


def missing_reason(days: Sequence[TableDay]) -> str:
    """What the days without a final value lack, for the metadata of a refusal."""
    return "; ".join(f"{day.day}: {STATE_WORDS[day.state]}" for day in days if day.state != "final")


def _window_fields(table: DayTable) -> dict[str, Claim | str]:
    fields: dict[str, Claim | str] = {
        "name": table.metric.name,
        "unit": table.metric.unit,
        "first": date_claim(table.days[0].day),
        "last": date_claim(table.days[-1].day),
    }
    if table.final:
        count = table.count("valid_days", table.values)
        fields |= {"count": count, "noun": noun(count, "day")}
    return fields


def _dates_of(table: DayTable, extreme: Claim, narrative: Narrative) -> str:
    found = [day.date_claim() for day in table.final if day.claim is not None and day.claim.value == extreme.value]
    return _dates(found, narrative)


def _dates(dates: Sequence[Claim], narrative: Narrative) -> str:
    for claim in dates:
        narrative.claims[claim.id] = claim
    return listing([claim.text() for claim in dates])


def _window(table: DayTable) -> Sequence[TableDay]:
    return table.days


TABLE_QUESTIONS: Mapping[str, TableQuestion] = {
    question.name: question
    for question in (
        TableQuestion(
            name="two_days",
            ask=ASK_TWO_DAYS,
            may_answer=_both_final,
            answer=_compare,
            refuse=_refuse_comparison,
            needed=_two,
            refused="difference",
        ),
        TableQuestion(
            name="window_mean",
            ask=ASK_MEAN,
            may_answer=DayTable.has_enough_days,
            answer=_mean,
            refuse=refuse_mean,
            needed=_window,
            refused="window_mean",
        ),
        TableQuestion(
            name="window_extremes",
            ask=ASK_EXTREMES,
            may_answer=lambda table: len(table.final) > 1,
            answer=_extremes,
            refuse=None,
            needed=_window,
        ),
        TableQuestion(
            name="days_below_own_mean",
            ask=ASK_BELOW,
            may_answer=DayTable.has_enough_days,
            answer=_below,
            refuse=refuse_mean,
            needed=_window,
            refused="days_below_mean",
        ),
        TableQuestion(
            name="days_with_final_value",
            ask=ASK_COUNT,
            may_answer=lambda table: any(day.row is not None for day in table.days),
            answer=_count,
            refuse=None,
            needed=_window,
        ),
    )
}
