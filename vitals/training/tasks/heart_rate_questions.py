"""Questions on a day of heart rate.

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: questions of every kind (`common_questions`).
"""

from collections.abc import Mapping

from vitals.training.claims import difference_as_written
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import Answer, Day, Guess, Question, extreme, named, side, states, unit

_MEANS: Mapping[str, str] = {
    "time-weighted mean heart rate": "mean_time_weighted",
    "mean heart rate asleep": "sleep_mean_time_weighted",
    "mean heart rate awake": "wake_mean_time_weighted",
    "lowest minute of heart rate": "min",
    "highest minute of heart rate": "max",
}
_COMPARED = phrases(
    "On {date} the mean heart rate asleep ({asleep} {unit}) was {difference} bpm {side} than awake ({awake} bpm)",
    "Asleep the mean heart rate of {date} was {asleep} {unit}, {difference} bpm {side} than the {awake} bpm awake",
)


def _mean(name: str) -> Answer:
    column = _MEANS[name]
    rivals = {other: rival for other, rival in _MEANS.items() if other != name}
    return states(
        "The {metric} on {date} was {mean} {unit}",
        "On {date} the {metric} was {mean} {unit}",
        words={"metric": named(name, column, rivals), "unit": unit("bpm", column)},
        mean=column,
    )


def _asleep_and_awake(day: Day, narrative: Narrative) -> bool:
    asleep, awake = day.claim("sleep_mean_time_weighted"), day.claim("wake_mean_time_weighted")
    if asleep is None or awake is None or asleep.text() == awake.text():
        return False
    difference = difference_as_written(asleep, awake)
    lower = float(asleep.value) < float(awake.value)
    words = {
        "unit": unit("bpm", "sleep_mean_time_weighted"),
        "side": side("lower" if lower else "higher", difference.id.partition(".")[2]),
    }
    narrative.say(_COMPARED, date=day.date, asleep=asleep, awake=awake, difference=difference, **words)
    return True


def _bouts(column: str, comparison: str, limit: str) -> Answer:
    return states(
        "In the covered time of {date} the number of bouts {side} {limit} bpm lasting {least} {unit} or more"
        " was {count}",
        "On {date} the number of bouts of at least {least} {unit} {side} {limit} bpm in the covered time was {count}",
        words={"side": side(comparison, column), "unit": unit("min", f"{column}#least_minutes")},
        count=column,
        limit=f"{column}#{limit}",
        least=f"{column}#least_minutes",
    )


QUESTIONS: tuple[Question, ...] = (
    Question(
        name="mean",
        ask=phrases(
            "What was the time-weighted mean heart rate on {date}?",
            "Give the mean heart rate of {date}, weighted by time.",
            "What did heart rate average over the covered time of {date}?",
            "How many beats per minute was the time-weighted mean of {date}?",
        ),
        answer=_mean("time-weighted mean heart rate"),
        metric="mean_time_weighted",
        subject="the time-weighted mean heart rate",
        hides=("mean_time_weighted", "sleep_mean_time_weighted", "wake_mean_time_weighted", "dip_percent"),
        hides_source_values=True,
        guess=Guess(61, 84, "was {value} bpm"),
    ),
    Question(
        name="lowest",
        ask=phrases(
            "What was the lowest heart-rate minute on {date}, and at what time?",
            "At what time was heart rate lowest on {date}, and how low was it?",
            "Name the minimum heart rate of {date} and its local time.",
        ),
        answer=states(
            "The {side} minute of heart rate on {date} was {low} {unit}, at {low_at} local time",
            "On {date} the {side} minute of heart rate was {low} {unit} at {low_at} local time",
            words={"side": extreme("lowest", "min", "max"), "unit": unit("bpm", "min")},
            low="min",
            low_at="min#at",
        ),
        metric="min",
        subject="the lowest minute of heart rate",
        hides=("min", "min_at_local", "bouts"),
        guess=Guess(45, 60, "was {value} bpm"),
    ),
    Question(
        name="highest",
        ask=phrases(
            "What was the highest heart-rate minute on {date}, and at what time?",
            "At what time was heart rate highest on {date}, and how high was it?",
            "Name the maximum heart rate of {date} and its local time.",
        ),
        answer=states(
            "The {side} minute of heart rate on {date} was {high} {unit}, at {high_at} local time",
            "On {date} the {side} minute of heart rate was {high} {unit} at {high_at} local time",
            words={"side": extreme("highest", "max", "min"), "unit": unit("bpm", "max")},
            high="max",
            high_at="max#at",
        ),
        metric="max",
        subject="the highest minute of heart rate",
        hides=("max", "max_at_local", "bouts"),
        guess=Guess(104, 148, "was {value} bpm"),
    ),
    Question(
        name="asleep",
        ask=phrases(
            "What was the mean heart rate during the main sleep of {date}?",
            "Give the mean heart rate asleep for {date}.",
            "What did heart rate average asleep on {date}?",
        ),
        answer=_mean("mean heart rate asleep"),
        metric="sleep_mean_time_weighted",
        subject="the mean heart rate asleep",
        hides=("sleep_mean_time_weighted", "dip_percent"),
        guess=Guess(50, 66, "was {value} bpm"),
    ),
    Question(
        name="awake",
        ask=phrases(
            "What was the mean heart rate outside sleep on {date}?",
            "Give the mean heart rate awake for {date}.",
            "What did heart rate average awake on {date}?",
        ),
        answer=_mean("mean heart rate awake"),
        metric="wake_mean_time_weighted",
        subject="the mean heart rate awake",
        hides=("wake_mean_time_weighted", "dip_percent"),
        guess=Guess(68, 92, "was {value} bpm"),
    ),
    Question(
        name="asleep_and_awake",
        ask=phrases(
            "Compare the mean heart rate asleep and awake on {date}.",
            "How far apart were the means of heart rate asleep and awake on {date}?",
            "Was mean heart rate on {date} higher asleep or awake, and by how much?",
        ),
        answer=_asleep_and_awake,
    ),
    Question(
        name="lowest_half_hour",
        ask=phrases(
            "What was the lowest half-hour mean of heart rate in the main sleep of {date}?",
            "Give the lowest mean heart rate over half an hour asleep on {date}.",
            "How low did the half-hour mean of heart rate get asleep on {date}?",
        ),
        answer=states(
            "The {side} mean heart rate over {window} min of the main sleep of {date} was {mean} {unit}",
            "In the main sleep of {date} the {side} mean heart rate over {window} min was {mean} {unit}",
            words={
                "side": side("lowest", "resting_low30_in_main_sleep"),
                "unit": unit("bpm", "resting_low30_in_main_sleep"),
            },
            mean="resting_low30_in_main_sleep",
            window="resting_low30_in_main_sleep#window",
        ),
        metric="resting_low30_in_main_sleep",
        subject="the lowest half-hour mean asleep",
        hides=("resting_low30_in_main_sleep",),
    ),
    Question(
        name="bouts_from_100",
        ask=phrases(
            "How many bouts of 10 min or more at or above 100 bpm were there on {date}?",
            "Count the bouts at or above 100 bpm that lasted at least 10 min on {date}.",
            "How often did heart rate stay at or above 100 bpm for at least 10 min on {date}?",
        ),
        answer=_bouts("bouts_ge100", "at or above", "from"),
        metric="bouts_ge100",
        subject="the number of bouts at a high rate",
        hides=("bouts_ge100", "bouts", "max", "max_at_local"),
    ),
    Question(
        name="bouts_below_50",
        ask=phrases(
            "How many bouts of 10 min or more below 50 bpm were there on {date}?",
            "Count the bouts below 50 bpm that lasted at least 10 min on {date}.",
            "How often did heart rate stay below 50 bpm for at least 10 min on {date}?",
        ),
        answer=_bouts("bouts_lt50", "below", "below"),
        metric="bouts_lt50",
        subject="the number of bouts at a low rate",
        hides=("bouts_lt50", "bouts", "min", "min_at_local", "resting_low30_in_main_sleep"),
    ),
    Question(
        name="moderate_zone",
        ask=phrases(
            "How many minutes of {date} were at 64 to under 77 % of the age-estimated maximal heart rate?",
            "Give the minutes at 64 to under 77 % of the maximum estimated from age for {date}.",
        ),
        answer=states(
            "In the covered time of {date} the time at {start} to under {to} % of the age-estimated maximum"
            " was {minutes} {unit}",
            "On {date} the time at {start} to under {to} % of the age-estimated maximum was {minutes} {unit}"
            " of the time covered",
            words={"unit": unit("min", "zone_moderate_64_77")},
            minutes="zone_moderate_64_77",
            start="zone_moderate_64_77#from",
            to="zone_moderate_64_77#below",
        ),
        metric="zone_moderate_64_77",
        subject="the time in that intensity zone",
        hides=(
            *("zone_very_light_lt57", "zone_light_57_64", "zone_moderate_64_77"),
            *("zone_vigorous_77_96", "zone_near_max_ge96"),
        ),
        guess=Guess(11, 95, "was {value} min"),
    ),
    Question(
        name="coverage",
        ask=phrases(
            "Which share of {date} do the heart-rate samples cover?",
            "How complete are the heart-rate data of {date}?",
            "How much of {date} is covered by heart-rate samples?",
        ),
        answer=states(
            "Heart-rate samples covered {coverage} % of {date}; the number of minutes with a sample was {n}",
            "On {date} the number of minutes with a sample was {n}, a coverage of {coverage} % of the day",
            coverage="coverage_percent",
            n="n",
        ),
    ),
)
