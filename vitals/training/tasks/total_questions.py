"""Questions on a day's steps and active energy.

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: questions of every kind (`common_questions`), or an amount to reach.
"""

from vitals.training.claims import Claim, difference_as_written
from vitals.training.common_sentences import provisional
from vitals.training.day_totals import is_bound
from vitals.training.narrative import Narrative, Phrases, phrases
from vitals.training.source_names import other_of, title_of
from vitals.training.tasks.ask import Answer, Day, Guess, Question, side, states, unit

_TOTAL = "recommended_total"
_HIDES_TOTAL = (_TOTAL, "hc_priority_total", "value_as_of_local", "net_met_minutes", "minutes_ge100")


def _total(what: str, unit_text: str) -> Answer:
    """The day's total: as it is, or as a lower bound with its time."""
    bound = phrases(
        f"By {{as_of}} local time on {{date}} the {what} was {{side}} {{total}} {{unit}};"
        " the final figure of the day is not known",
        f"The {what} of {{date}} was {{side}} {{total}} {{unit}} by {{as_of}} local time, a lower bound",
    )
    bound_later = phrases(f"As of {{as_of}} local time the {what} of {{date}} was {{side}} {{total}} {{unit}}")
    bound_untimed = phrases(f"The {what} of {{date}} was {{side}} {{total}} {{unit}}, a lower bound")
    whole = phrases(
        f"The {what} of {{date}} was {{total}} {{unit}}",
        f"On {{date}} the {what} was {{total}} {{unit}}",
    )
    words = {"unit": unit(unit_text, _TOTAL), "side": side("at least", _TOTAL)}

    def answer(day: Day, narrative: Narrative) -> bool:
        total = day.claim(_TOTAL)
        if total is None:
            return False
        as_of = day.claim(f"{_TOTAL}#as_of")
        if not is_bound(day.row):
            narrative.say(whole, date=day.date, total=total, **words)
            provisional(day.row, narrative)
        elif as_of is None:
            narrative.say(bound_untimed, date=day.date, total=total, **words)
        else:
            says = bound if as_of.unit == "local time" else bound_later
            narrative.say(says, date=day.date, total=total, as_of=as_of, **words)
        return True

    return answer


def _compared(unit_text: str, *, as_of: str) -> Phrases:
    return phrases(
        f"For {{date}} {{app}} had {{value}} {{unit}}{as_of}, {{difference}} {unit_text} {{side}}"
        f" than the source used ({{own}} {unit_text})",
        f"{{app}} had {{value}} {{unit}}{as_of} on {{date}}, {{difference}} {unit_text} {{side}}"
        f" than the {{own}} {unit_text} of the source used",
    )


def _sources_compared(unit_text: str) -> Answer:
    says = _compared(unit_text, as_of="")
    says_as_of = _compared(unit_text, as_of=" as of {as_of}")
    fewer = "fewer" if unit_text == "steps" else "less"

    def answer(day: Day, narrative: Narrative) -> bool:
        own, value = day.claim(_TOTAL), _other(day)
        if own is None or value is None or own.text() == value.text():
            return False
        difference = difference_as_written(value, own)
        column = value.id.partition(".")[2]
        more = float(value.value) > float(own.value)
        words = {
            "unit": unit(unit_text, column),
            "side": side("more" if more else fewer, f"{column}#difference"),
        }
        fields: dict[str, Claim | str] = {"app": title_of(other_of(value.id)), "value": value, "own": own}
        # Without its time, the total of a source that stopped early would pass for one of the whole day.
        as_of = day.stated.get(f"{value.id}:as_of")
        if as_of is None:
            narrative.say(says, date=day.date, difference=difference, **fields, **words)
        else:
            narrative.say(says_as_of, date=day.date, difference=difference, as_of=as_of, **fields, **words)
        if not is_bound(day.row):
            provisional(day.row, narrative)
        else:
            narrative.say(_STILL_RUNNING)
        return True

    return answer


_STILL_RUNNING = phrases("The total of the source used was a lower bound", "The total in use was a lower bound only")


def _other(day: Day) -> Claim | None:
    """The total of the first source that was not used."""
    prefix = day.row.id_of(f"{_TOTAL}#other:")
    found = (c for c in day.stated.values() if c.id.startswith(prefix) and not c.id.endswith(":as_of"))
    return next(found, None)


def _questions(what: str, unit_text: str, guess: Guess) -> tuple[Question, ...]:
    return (
        Question(
            name="total",
            ask=phrases(
                f"What was the {what} on {{date}}?",
                f"Give the {what} of {{date}}, with its unit.",
                f"How large was the {what} of {{date}} in the recorded data?",
                f"Which {what} was recorded for {{date}}, and as of when?",
            ),
            answer=_total(what, unit_text),
            metric=_TOTAL,
            subject=f"the {what}",
            hides=_HIDES_TOTAL,
            hides_source_values=True,
            guess=guess,
            open_day=False,
        ),
        Question(
            name="sources_compared",
            ask=phrases(
                f"Does another source report a different {what} for {{date}}?",
                f"How far apart are the sources on the {what} of {{date}}?",
                f"Compare the {what} of the source that was not used with that of the source used on {{date}}.",
            ),
            answer=_sources_compared(unit_text),
            open_day=False,
        ),
        Question(
            name="coverage",
            ask=phrases(
                f"How many records is the {what} of {{date}} made of?",
                f"On how many records does the {what} of {{date}} rest?",
            ),
            answer=states(
                f"The number of records in the {what} of {{date}} was {{records}}",
                f"For {{date}} the number of records behind the {what} was {{records}}",
                records=f"{_TOTAL}#records",
            ),
        ),
    )


def _whole_or_bound(*, whole: Answer, bound: Answer) -> Answer:
    """What follows from a total is a lower bound where the total is one."""

    def answer(day: Day, narrative: Narrative) -> bool:
        return (bound if is_bound(day.row) else whole)(day, narrative)

    return answer


_CADENCE_WORDS = {"unit": unit("min", "minutes_ge100"), "side": side("at least", "minutes_ge100")}

STEPS: tuple[Question, ...] = (
    *_questions("step count", "steps", Guess(2_310, 9_870, "was {value} steps")),
    Question(
        name="brisk_minutes",
        ask=phrases(
            "How many minutes of {date} had 100 steps or more?",
            "Count the minutes with at least 100 steps per minute on {date}.",
            "For how many minutes was cadence at 100 steps per minute or more on {date}?",
        ),
        answer=_whole_or_bound(
            whole=states(
                "On {date} {minutes} {unit} had a cadence of {side} {limit} steps per minute",
                "{minutes} {unit} of {date} had a cadence of {side} {limit} steps per minute",
                words=_CADENCE_WORDS,
                minutes="minutes_ge100",
                limit="minutes_ge100#from",
            ),
            bound=states(
                "On {date} {side} {minutes} {unit} had a cadence of {limit} steps per minute or more",
                words=_CADENCE_WORDS,
                minutes="minutes_ge100",
                limit="minutes_ge100#from",
            ),
        ),
        metric="minutes_ge100",
        subject="the time at that cadence",
        hides=_HIDES_TOTAL,
        hides_source_values=True,
        guess=Guess(4, 48, "was {value} min"),
    ),
)

ACTIVE_ENERGY: tuple[Question, ...] = (
    *_questions("active energy", "kcal", Guess(118, 640, "was {value} kcal")),
    Question(
        name="net_met_minutes",
        ask=phrases(
            "How many net MET-minutes does the active energy of {date} make?",
            "Give the active energy of {date} in net MET-minutes.",
            "Express the active energy of {date} in MET-minutes, net of rest.",
        ),
        answer=_whole_or_bound(
            whole=states(
                "At the recorded body weight the active energy of {date} made {met} net {unit}",
                "On {date} the active energy made {met} net {unit} at the recorded body weight",
                words={"unit": unit("MET-minutes", "net_met_minutes")},
                met="net_met_minutes",
            ),
            bound=states(
                "At the recorded body weight the active energy of {date} made {side} {met} net {unit}",
                "On {date} the active energy made {side} {met} net {unit} at the recorded body weight",
                words={
                    "unit": unit("MET-minutes", "net_met_minutes"),
                    "side": side("at least", "net_met_minutes"),
                },
                met="net_met_minutes",
            ),
        ),
        metric="net_met_minutes",
        subject="the number of net MET-minutes",
        hides=_HIDES_TOTAL,
        hides_source_values=True,
        guess=Guess(104, 610, "was {value}"),
    ),
)
