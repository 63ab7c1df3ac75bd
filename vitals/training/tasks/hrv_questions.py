"""Questions on a night of heart-rate variability (RMSSD).

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: questions of every kind (`common_questions`), or a trend inside one night.
"""

from vitals.training.claims import difference_as_written
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import Day, Guess, Question, first_of, named, side, states, unit

_COMPARED = phrases(
    "For the night ending on {date} the mean RMSSD ({mean} {unit}) was {difference} ms {side}"
    " than the median RMSSD ({median} ms)",
    "The mean RMSSD of the night ending on {date} was {mean} {unit}, {difference} ms {side}"
    " than the median RMSSD of {median} ms",
)


def _mean_and_median(day: Day, narrative: Narrative) -> bool:
    mean, median = day.claim("rmssd_mean"), day.claim("rmssd_median")
    if mean is None or median is None or mean.text() == median.text():
        return False
    difference = difference_as_written(mean, median)
    higher = float(mean.value) > float(median.value)
    words = {
        "unit": unit("ms", "rmssd_mean"),
        "side": side("higher" if higher else "lower", difference.id.partition(".")[2]),
    }
    narrative.say(_COMPARED, date=day.date, mean=mean, median=median, difference=difference, **words)
    return True


QUESTIONS: tuple[Question, ...] = (
    Question(
        name="mean",
        ask=phrases(
            "What was the mean RMSSD of the night ending on {date}?",
            "Give the nightly mean of RMSSD for {date}.",
            "What did overnight RMSSD average in the main sleep ending on {date}?",
            "How many milliseconds was the mean RMSSD of the night to {date}?",
        ),
        answer=states(
            "The {metric} of the night ending on {date} was {mean} {unit}",
            "For the night ending on {date} the {metric} was {mean} {unit}",
            words={
                "metric": named("mean RMSSD", "rmssd_mean", {"median RMSSD": "rmssd_median"}),
                "unit": unit("ms", "rmssd_mean"),
            },
            mean="rmssd_mean",
        ),
        metric="rmssd_mean",
        subject="the mean RMSSD",
        hides=("rmssd_mean", "ln_rmssd"),
        hides_source_values=True,
        guess=Guess(24, 68, "was {value} ms"),
    ),
    Question(
        name="median",
        ask=phrases(
            "What was the median RMSSD of the night ending on {date}?",
            "Give the nightly median of RMSSD for {date}.",
            "What is the median of the RMSSD values of the night to {date}?",
        ),
        answer=states(
            "The {metric} of the night ending on {date} was {median} {unit}",
            "For the night ending on {date} the {metric} was {median} {unit}",
            words={
                "metric": named("median RMSSD", "rmssd_median", {"mean RMSSD": "rmssd_mean"}),
                "unit": unit("ms", "rmssd_median"),
            },
            median="rmssd_median",
        ),
        metric="rmssd_median",
        subject="the median RMSSD",
        hides=("rmssd_median",),
        guess=Guess(22, 64, "was {value} ms"),
    ),
    Question(
        name="mean_and_median",
        ask=phrases(
            "Compare the mean and the median RMSSD of the night ending on {date}.",
            "Was the mean or the median RMSSD of the night to {date} higher, and by how much?",
            "How far apart were mean and median RMSSD in the night ending on {date}?",
        ),
        answer=_mean_and_median,
    ),
    Question(
        name="coverage",
        ask=phrases(
            "How complete are the RMSSD values of the night ending on {date}?",
            "How many RMSSD values does the night ending on {date} have, and which share of the session do they cover?",
            "Which share of the main sleep session ending on {date} do RMSSD values cover?",
        ),
        answer=first_of(
            states(
                "The night ending on {date} has {n} RMSSD {counted} of {every} {unit} each;"
                " coverage of the session was {coverage} %",
                "For the night ending on {date} the number of RMSSD values of {every} {unit} each was {n},"
                " covering {coverage} % of the session",
                words={"unit": unit("min", "sampling_interval_minutes")},
                counted="value",
                n="n",
                every="sampling_interval_minutes",
                coverage="coverage_percent",
            ),
            states(
                "For {date} the number of RMSSD values of {every} min each in the main sleep was {n}",
                "The number of RMSSD values of {every} min each in the main sleep of {date} was {n}",
                n="n",
                every="sampling_interval_minutes",
            ),
        ),
    ),
    Question(
        name="session",
        ask=phrases(
            "To which sleep session do the RMSSD values of {date} belong?",
            "When did the sleep session of the RMSSD values of {date} begin and end?",
        ),
        answer=states(
            "The sleep session of the RMSSD values of {date} ran from {start} to {end} local time",
            "The RMSSD values of {date} belong to the sleep session from {start} to {end} local time",
            start="session#start",
            end="session#end",
        ),
    ),
)
