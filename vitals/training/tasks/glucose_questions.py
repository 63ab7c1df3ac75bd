"""Questions on a day of blood glucose: levels, their times, and what the sensor delivered.

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: shares and episodes (`glucose_range_questions`), questions of every kind (`common_questions`).
"""

from collections.abc import Mapping

from vitals.training.claims import difference_as_written
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import Answer, Day, Guess, Question, extreme, first_of, named, side, states, unit

_LEVELS: Mapping[str, str] = {
    "mean glucose": "mean",
    "median glucose": "median",
    "lowest glucose": "min",
    "highest glucose": "max",
    "standard deviation of glucose": "sd",
}
_WIDTH = phrases(
    "On {date} the highest reading ({high} {unit}) was {width} mg/dL {side} than the lowest ({low} mg/dL)",
    "The highest reading of {date}, {high} {unit}, was {width} mg/dL {side} than the lowest, {low} mg/dL",
)


def _metric(text: str) -> dict[str, str]:
    return {name: column for name, column in _LEVELS.items() if name != text}


def _mean_bound(words: str, column: str) -> Answer:
    return states(
        f"The mean glucose on {{date}} was {words} {{mean}} {{unit}}",
        f"On {{date}} the mean glucose was {words} {{mean}} {{unit}}",
        words={"unit": unit("mg/dL", f"mean#{column}")},
        mean=f"mean#{column}",
    )


def _width(day: Day, narrative: Narrative) -> bool:
    low, high = day.claim("min"), day.claim("max")
    if low is None or high is None or low.text() == high.text() or float(low.value) > float(high.value):
        return False
    width = difference_as_written(high, low)
    words = {"unit": unit("mg/dL", "max"), "side": side("higher", width.id.partition(".")[2])}
    narrative.say(_WIDTH, date=day.date, low=low, high=high, width=width, **words)
    return True


QUESTIONS: tuple[Question, ...] = (
    Question(
        name="mean",
        ask=phrases(
            "What was the mean glucose on {date}?",
            "Give the mean glucose of {date} in mg/dL.",
            "What did the glucose readings of {date} average?",
            "Which mean do the readings of {date} have?",
        ),
        answer=first_of(
            states(
                "The {metric} on {date} was {mean} {unit}",
                "On {date} the {metric} was {mean} {unit}",
                words={"metric": named("mean glucose", "mean", _metric("mean glucose")), "unit": unit("mg/dL", "mean")},
                mean="mean",
            ),
            *(_mean_bound(words, column) for words, column in (("at least", "at_least"), ("at most", "at_most"))),
        ),
        metric="mean",
        subject="the mean glucose",
        hides=("mean", "cv", "single_readings"),
        hides_source_values=True,
        guess=Guess(96, 152, "was {value} mg/dL"),
    ),
    Question(
        name="median",
        ask=phrases(
            "What was the median glucose on {date}?",
            "Give the median of the glucose readings of {date}.",
            "Half of the readings of {date} lay at or under which level?",
        ),
        answer=states(
            "The {metric} on {date} was {median} {unit}",
            "On {date} the {metric} was {median} {unit}",
            words={
                "metric": named("median glucose", "median", _metric("median glucose")),
                "unit": unit("mg/dL", "median"),
            },
            median="median",
        ),
        metric="median",
        subject="the median glucose",
        hides=("median", "single_readings"),
    ),
    Question(
        name="lowest",
        ask=phrases(
            "What was the lowest glucose reading on {date}, and at what time?",
            "At what time was glucose lowest on {date}, and how low was it?",
            "Name the minimum of the glucose readings of {date} and its local time.",
            "When did the lowest reading of {date} occur?",
        ),
        answer=first_of(
            states(
                "The {side} reading on {date} was {low} {unit}, at {low_at} local time",
                "On {date} the {side} reading was {low} {unit} at {low_at} local time",
                words={"side": extreme("lowest", "min", "max"), "unit": unit("mg/dL", "min")},
                low="min",
                low_at="min#at",
            ),
            states(
                "The lowest reading on {date} was at or below {low} {unit}, at {low_at} local time",
                "On {date} the lowest reading was at or below {low} {unit} at {low_at} local time",
                words={"unit": unit("mg/dL", "min#at_most")},
                low="min#at_most",
                low_at="min#at",
            ),
        ),
        metric="min",
        subject="the lowest reading",
        hides=("min", "min_at_local", "episodes", "single_readings"),
    ),
    Question(
        name="highest",
        ask=phrases(
            "What was the highest glucose reading on {date}, and at what time?",
            "At what time was glucose highest on {date}, and how high was it?",
            "Name the maximum of the glucose readings of {date} and its local time.",
            "When did the highest reading of {date} occur?",
        ),
        answer=first_of(
            states(
                "The {side} reading on {date} was {high} {unit}, at {high_at} local time",
                "On {date} the {side} reading was {high} {unit} at {high_at} local time",
                words={"side": extreme("highest", "max", "min"), "unit": unit("mg/dL", "max")},
                high="max",
                high_at="max#at",
            ),
            states(
                "The highest reading on {date} was at or above {high} {unit}, at {high_at} local time",
                "On {date} the highest reading was at or above {high} {unit} at {high_at} local time",
                words={"unit": unit("mg/dL", "max#at_least")},
                high="max#at_least",
                high_at="max#at",
            ),
        ),
        metric="max",
        subject="the highest reading",
        hides=("max", "max_at_local", "episodes", "single_readings"),
    ),
    Question(
        name="range_width",
        ask=phrases(
            "How far apart were the lowest and the highest glucose reading of {date}?",
            "By how much did the highest reading of {date} differ from the lowest?",
            "What is the difference between the maximum and the minimum glucose of {date}?",
        ),
        answer=_width,
    ),
    Question(
        name="night_mean",
        ask=phrases(
            "What was the mean glucose between 00:00 and 05:59 on {date}?",
            "Give the mean of the night block 00:00-05:59 of {date}.",
            "What did glucose average from 00:00 to 05:59 on {date}?",
        ),
        answer=states(
            "Between {start} and {end} on {date} the mean glucose was {mean} {unit}",
            "The mean glucose from {start} to {end} on {date} was {mean} {unit}",
            words={"unit": unit("mg/dL", "nocturnal_mean")},
            mean="nocturnal_mean",
            start="nocturnal_mean#from",
            end="nocturnal_mean#to",
        ),
        metric="nocturnal_mean",
        subject="the night mean",
        hides=("nocturnal_mean",),
        guess=Guess(88, 126, "was {value} mg/dL"),
    ),
    Question(
        name="variation",
        ask=phrases(
            "What was the coefficient of variation of glucose on {date}?",
            "Give the glucose CV of {date}.",
            "How large was the CV of the glucose readings on {date}?",
        ),
        answer=states(
            "The coefficient of variation (CV) of glucose on {date} was {cv} %",
            "On {date} the CV of glucose was {cv} %",
            cv="cv",
        ),
        metric="cv",
        subject="the CV",
        hides=("cv", "sd"),
        guess=Guess(12, 31, "was {value} %"),
    ),
    Question(
        name="coverage",
        ask=phrases(
            "How complete are the glucose readings of {date}?",
            "What was the sensor wear on {date}?",
            "How many readings does {date} have, and which share of the day do they cover?",
        ),
        answer=states(
            "{date} has {n} {counted}; wear was {wear} %",
            "Wear on {date} was {wear} %, from {n} {counted}",
            counted="reading",
            n="n",
            wear="wear_percent",
        ),
    ),
    Question(
        name="sensor_range",
        open_day=False,
        ask=phrases(
            "Can glucose below 70 mg/dL be assessed from the data of {date}?",
            "Which levels can the app that was used on {date} not deliver?",
            "What are the limits of the glucose values delivered on {date}?",
        ),
        answer=states(
            "The app used on {date} delivers only {floor}-{ceiling} mg/dL,"
            " so time below {floor} and above {ceiling} mg/dL cannot be assessed",
            "On {date} values below {floor} or above {ceiling} mg/dL were not delivered by the app used;"
            " time outside {floor}-{ceiling} mg/dL cannot be assessed",
            floor="source_floor_mg_dl",
            ceiling="source_ceiling_mg_dl",
        ),
    ),
)
