"""Questions on the sleep that ended on a local date.

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: questions of every kind (`common_questions`), or a grade of sleep.
"""

from collections.abc import Mapping

from vitals.training.claims import Claim, difference_as_written
from vitals.training.narrative import Narrative, phrases
from vitals.training.source_names import other_of, title_of
from vitals.training.tasks.ask import Answer, Day, Guess, Question, named, side, states, unit

_MINUTES: Mapping[str, str] = {
    "time asleep": "tst",
    "time awake after sleep onset": "waso",
    "session length": "tib",
    "light sleep": "light",
    "deep sleep": "deep",
    "REM sleep": "rem",
}
# Asleep, awake and stage minutes follow from one another, from shares and, for apps whose sessions begin at sleep
# onset, from the session's length.
_ASLEEP = (
    *("tst", "waso", "se", "sme", "light", "deep", "rem", "pct_light", "pct_deep", "pct_rem"),
    *("midpoint_local_minutes", "total_tst_all_sessions", "naps", "awakenings_ge5", "between_awake_minutes"),
)
_STAGES_COMPARED = phrases(
    "In the main sleep that ended on {date} REM sleep ({rem} {unit}) was {difference} min {side}"
    " than deep sleep ({deep} min)",
    "REM sleep was {rem} {unit} in the main sleep ending on {date}, {difference} min {side}"
    " than the {deep} min of deep sleep",
)
_SOURCES_COMPARED = phrases(
    "For the main sleep that ended on {date}, {app} had {value} {unit} asleep, {difference} min {side}"
    " than the {own} min of the source used",
    "{app} had {value} {unit} asleep for the main sleep ending on {date}, {difference} min {side}"
    " than the source used ({own} min)",
)


def _minutes(name: str) -> Answer:
    column = _MINUTES[name]
    rivals = {other: rival for other, rival in _MINUTES.items() if other != name}
    return states(
        "The {metric} in the main sleep that ended on {date} was {minutes} {unit}",
        "In the main sleep that ended on {date} the {metric} was {minutes} {unit}",
        words={"metric": named(name, column, rivals), "unit": unit("min", column)},
        minutes=column,
    )


def _stages_compared(day: Day, narrative: Narrative) -> bool:
    rem, deep = day.claim("rem"), day.claim("deep")
    if rem is None or deep is None or rem.text() == deep.text():
        return False
    difference = difference_as_written(rem, deep)
    longer = float(rem.value) > float(deep.value)
    words = {
        "unit": unit("min", "rem"),
        "side": side("longer" if longer else "shorter", difference.id.partition(".")[2]),
    }
    narrative.say(_STAGES_COMPARED, date=day.date, rem=rem, deep=deep, difference=difference, **words)
    return True


def _sources_compared(day: Day, narrative: Narrative) -> bool:
    own = day.claim("tst")
    value = _other(day)
    if own is None or value is None or value.text() == own.text():
        return False
    difference = difference_as_written(value, own)
    more = float(value.value) > float(own.value)
    column = value.id.partition(".")[2]
    words = {"unit": unit("min", column), "side": side("more" if more else "less", f"{column}#difference")}
    app = title_of(other_of(value.id))
    narrative.say(_SOURCES_COMPARED, date=day.date, app=app, value=value, own=own, difference=difference, **words)
    return True


def _other(day: Day) -> Claim | None:
    """What the first source that was not used says of the time asleep."""
    found = (c for c in day.stated.values() if c.id.startswith("sleep.tst#other:") and c.formula is None)
    return next(found, None)


def _stage(name: str, column: str, *asked: str) -> Question:
    return Question(
        name=column,
        ask=phrases(*asked),
        answer=_minutes(name),
        metric=column,
        subject=f"the amount of {name}",
        hides=_ASLEEP,
        guess=Guess(38, 118, "was {value} min"),
    )


QUESTIONS: tuple[Question, ...] = (
    Question(
        name="asleep",
        ask=phrases(
            "How long was the person asleep in the main sleep that ended on {date}?",
            "How many minutes asleep were recorded for the night ending on {date}?",
            "Give the total sleep time of the main sleep ending on {date}.",
            "What was the time asleep in the night to {date}?",
        ),
        answer=_minutes("time asleep"),
        metric="tst",
        subject="the time asleep",
        hides=_ASLEEP,
        hides_source_values=True,
        guess=Guess(321, 468, "was {value} min"),
    ),
    Question(
        name="awake_within",
        ask=phrases(
            "How long was the person awake after sleep onset in the night ending on {date}?",
            "How many minutes of wake lay within the main sleep ending on {date}?",
            "Give the wake after sleep onset of the night ending on {date}.",
        ),
        answer=_minutes("time awake after sleep onset"),
        metric="waso",
        subject="the time awake after sleep onset",
        hides=_ASLEEP,
        hides_source_values=True,
        guess=Guess(12, 66, "was {value} min"),
    ),
    Question(
        name="awakenings",
        ask=phrases(
            "How many awakenings of 5 min or more were there in the night ending on {date}?",
            "Count the awakenings of at least 5 min in the main sleep ending on {date}.",
            "What was the number of awakenings lasting 5 min or more in the night to {date}?",
        ),
        answer=states(
            "The number of awakenings of {least} {unit} or more in the main sleep that ended on {date} was {count}",
            "In the main sleep that ended on {date} the number of awakenings lasting {side} {least} {unit} was {count}",
            words={
                "unit": unit("min", "awakenings_ge5#least_minutes"),
                "side": side("at least", "awakenings_ge5"),
            },
            count="awakenings_ge5",
            least="awakenings_ge5#least_minutes",
        ),
        metric="awakenings_ge5",
        subject="the number of longer awakenings",
        hides=_ASLEEP,
    ),
    Question(
        name="session",
        ask=phrases(
            "When did the main sleep session that ended on {date} begin and end?",
            "Give the local start and end of the main sleep ending on {date}.",
            "From when to when did the main sleep session of {date} run?",
        ),
        answer=states(
            "The main sleep session that ended on {date} ran from {start} to {end} local time, {length} {unit}",
            "The main sleep session ending on {date} began at {start} and ended at {end} local time, {length} {unit}",
            words={"unit": unit("min", "tib")},
            start="tib#start",
            end="tib#end",
            length="tib",
        ),
        metric="tib",
        subject="the length of the main sleep session",
        hides=("tib", "unscored", "session_start_local", "session_end_local", *_ASLEEP),
        hides_source_values=True,
    ),
    _stage(
        "deep sleep",
        "deep",
        "How many minutes of deep sleep were there in the night ending on {date}?",
        "Give the deep sleep of the main sleep ending on {date} in minutes.",
        "How long was deep sleep, as the app classified it, in the night to {date}?",
    ),
    _stage(
        "REM sleep",
        "rem",
        "How many minutes of REM sleep were there in the night ending on {date}?",
        "Give the REM sleep of the main sleep ending on {date} in minutes.",
        "How long was REM sleep, as the app classified it, in the night to {date}?",
    ),
    Question(
        name="stages_compared",
        ask=phrases(
            "Compare REM sleep and deep sleep in the night ending on {date}.",
            "Was REM sleep or deep sleep longer in the main sleep ending on {date}, and by how much?",
            "How many minutes apart were REM and deep sleep in the night to {date}?",
        ),
        answer=_stages_compared,
    ),
    Question(
        name="sources_compared",
        ask=phrases(
            "Does another source report a different time asleep for the night ending on {date}?",
            "How far apart are the sources on the time asleep of the night ending on {date}?",
            "Compare the time asleep of the source that was not used with that of the source used, night to {date}.",
        ),
        answer=_sources_compared,
    ),
    Question(
        name="share_asleep",
        ask=phrases(
            "Which share of the main sleep session ending on {date} was spent asleep?",
            "How many percent of the session ending on {date} was the person asleep?",
        ),
        answer=states(
            "In the main sleep session that ended on {date} the share of the session asleep was {se} %",
            "The share of the session asleep was {se} % in the main sleep ending on {date}",
            se="se",
        ),
        metric="se",
        subject="the share of the session asleep",
        hides=_ASLEEP,
        hides_source_values=True,
    ),
    Question(
        name="midpoint",
        ask=phrases(
            "At what local time was the midpoint of the sleep that ended on {date}?",
            "Give the sleep midpoint of the night ending on {date}.",
        ),
        answer=states(
            "The sleep midpoint of the night ending on {date} was {midpoint} local time",
            "For the night ending on {date} the sleep midpoint was {midpoint} local time",
            midpoint="midpoint_local_minutes#clock",
        ),
    ),
    Question(
        name="coverage",
        ask=phrases(
            "How much of the main sleep session ending on {date} was left without a score?",
            "How many unscored minutes does the main sleep ending on {date} have?",
        ),
        answer=states(
            "In the main sleep session that ended on {date} the unscored time was {unscored} {unit}",
            "The unscored time of the main sleep session ending on {date} was {unscored} {unit}",
            words={"unit": unit("min", "unscored")},
            unscored="unscored",
        ),
    ),
)
