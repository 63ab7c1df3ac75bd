"""Questions on a day of blood glucose.

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: questions of every kind (`common_questions`).
"""

from collections.abc import Mapping

from vitals.training.claims import Claim, difference_as_written
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import Day, Guess, Question, extreme, named, side, states, unit

_LEVELS: Mapping[str, str] = {
    "mean glucose": "mean",
    "median glucose": "median",
    "lowest glucose": "min",
    "highest glucose": "max",
    "standard deviation of glucose": "sd",
}
# The shares of a day add up to 100, narrow ones bound wide ones, and the extremes tell where a share is 0 or 100.
_SHARES = (
    *("pct_70_140", "pct_70_180", "pct_above_180", "pct_above_250", "pct_below_70", "pct_below_54"),
    *("min", "min_at_local", "max", "max_at_local", "episodes"),
)
_WIDTH = phrases(
    "On {date} the highest reading ({high} {unit}) was {width} mg/dL {side} than the lowest ({low} mg/dL)",
    "The highest reading of {date}, {high} {unit}, was {width} mg/dL {side} than the lowest, {low} mg/dL",
)
_FIRST_EPISODE = phrases(
    "The first episode above {limit} mg/dL on {date} began at {start} and lasted {minutes} {unit};"
    " its highest reading was {extreme} mg/dL",
    "On {date} the first episode above {limit} mg/dL began at {start}, lasted {minutes} {unit}"
    " and had a highest reading of {extreme} mg/dL",
)
_SHARES_COMPARED = phrases(
    "On {date} {share} % of the readings were {low}-{high} mg/dL, {difference} percentage points {side}"
    " than the {over} % above {limit} mg/dL",
    "The share of readings at {low}-{high} mg/dL was {share} % on {date}, {difference} percentage points {side}"
    " than the {over} % above {limit} mg/dL",
)


def _metric(text: str) -> dict[str, str]:
    return {name: column for name, column in _LEVELS.items() if name != text}


def _width(day: Day, narrative: Narrative) -> bool:
    low, high = day.claim("min"), day.claim("max")
    if low is None or high is None or low.text() == high.text() or float(low.value) > float(high.value):
        return False
    width = difference_as_written(high, low)
    words = {"unit": unit("mg/dL", "max"), "side": side("higher", width.id.partition(".")[2])}
    narrative.say(_WIDTH, date=day.date, low=low, high=high, width=width, **words)
    return True


def _first_episode(day: Day, narrative: Narrative) -> bool:
    column = "episodes_lv1_hyper"
    found: dict[str, Claim] = {}
    for name in ("start", "minutes", "extreme"):
        claim = day.claim(f"{column}#1:{name}")
        if claim is None:
            return False
        found[name] = claim
    limit = day.stated[day.row.id_of(f"{column}#above")]
    words = {"unit": unit("min", f"{column}#1:minutes")}
    narrative.say(_FIRST_EPISODE, date=day.date, limit=limit, **words, **found)
    return True


def _shares_compared(day: Day, narrative: Narrative) -> bool:
    share, over = day.claim("pct_70_140"), day.claim("pct_above_180")
    # Shares near 0 or 100 have tenths, and a difference of unlike decimals is not what a reader would get.
    if share is None or over is None or share.decimals != over.decimals or share.text() == over.text():
        return False
    difference = difference_as_written(share, over, unit="percentage points")
    low, high = day.stated[day.row.id_of("pct_70_140#from")], day.stated[day.row.id_of("pct_70_140#to")]
    limit = day.stated[day.row.id_of("pct_above_180#above")]
    more = float(share.value) > float(over.value)
    narrative.say(
        _SHARES_COMPARED,
        date=day.date,
        share=share,
        over=over,
        low=low,
        high=high,
        limit=limit,
        difference=difference,
        side=side("more" if more else "less", difference.id.partition(".")[2]),
    )
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
        answer=states(
            "The {metric} on {date} was {mean} {unit}",
            "On {date} the {metric} was {mean} {unit}",
            words={"metric": named("mean glucose", "mean", _metric("mean glucose")), "unit": unit("mg/dL", "mean")},
            mean="mean",
        ),
        metric="mean",
        subject="the mean glucose",
        hides=("mean", "cv", "sd"),
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
        hides=("median",),
    ),
    Question(
        name="lowest",
        ask=phrases(
            "What was the lowest glucose reading on {date}, and at what time?",
            "At what time was glucose lowest on {date}, and how low was it?",
            "Name the minimum of the glucose readings of {date} and its local time.",
            "When did the lowest reading of {date} occur?",
        ),
        answer=states(
            "The {side} reading on {date} was {low} {unit}, at {low_at} local time",
            "On {date} the {side} reading was {low} {unit} at {low_at} local time",
            words={"side": extreme("lowest", "min", "max"), "unit": unit("mg/dL", "min")},
            low="min",
            low_at="min#at",
        ),
        metric="min",
        subject="the lowest reading",
        hides=("min", "min_at_local", "episodes"),
    ),
    Question(
        name="highest",
        ask=phrases(
            "What was the highest glucose reading on {date}, and at what time?",
            "At what time was glucose highest on {date}, and how high was it?",
            "Name the maximum of the glucose readings of {date} and its local time.",
            "When did the highest reading of {date} occur?",
        ),
        answer=states(
            "The {side} reading on {date} was {high} {unit}, at {high_at} local time",
            "On {date} the {side} reading was {high} {unit} at {high_at} local time",
            words={"side": extreme("highest", "max", "min"), "unit": unit("mg/dL", "max")},
            high="max",
            high_at="max#at",
        ),
        metric="max",
        subject="the highest reading",
        hides=("max", "max_at_local", "episodes"),
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
        name="time_in_range",
        ask=phrases(
            "What share of the readings of {date} was at 70-180 mg/dL?",
            "How many percent of the readings lay at 70-180 mg/dL on {date}?",
            "Give the time in range (70-180 mg/dL) of {date}.",
        ),
        answer=states(
            "On {date} {share} % of the readings were {low}-{high} {unit}",
            "{share} % of the readings of {date} were {low}-{high} {unit}",
            words={"unit": unit("mg/dL", "pct_70_180")},
            share="pct_70_180",
            low="pct_70_180#from",
            high="pct_70_180#to",
        ),
        metric="pct_70_180",
        subject="the time in range",
        hides=_SHARES,
        guess=Guess(61, 97, "was {value} %"),
    ),
    Question(
        name="time_above_180",
        ask=phrases(
            "What share of the readings of {date} was above 180 mg/dL?",
            "How many percent of the readings were over 180 mg/dL on {date}?",
            "Give the time above 180 mg/dL for {date} as a share of readings.",
        ),
        answer=states(
            "On {date} {share} % of the readings were {side} {limit} {unit}",
            "{share} % of the readings of {date} were {side} {limit} {unit}",
            words={"unit": unit("mg/dL", "pct_above_180"), "side": side("above", "pct_above_180")},
            share="pct_above_180",
            limit="pct_above_180#above",
        ),
        metric="pct_above_180",
        subject="the time above range",
        hides=_SHARES,
        guess=Guess(2, 24, "was {value} %"),
    ),
    Question(
        name="shares_compared",
        ask=phrases(
            "Which share of the readings of {date} was larger: that at 70-140 mg/dL or that above 180 mg/dL?",
            "Compare, for {date}, the share of readings at 70-140 mg/dL with the share above 180 mg/dL.",
            "Were more readings of {date} at 70-140 mg/dL or above 180 mg/dL?",
        ),
        answer=_shares_compared,
    ),
    Question(
        name="episodes_above_180",
        ask=phrases(
            "How many episodes above 180 mg/dL were there on {date}?",
            "Count the episodes of 15 min or more above 180 mg/dL on {date}.",
            "How often did glucose stay above 180 mg/dL for at least 15 min on {date}?",
        ),
        answer=states(
            "The number of episodes {side} {limit} mg/dL lasting {least} {unit} or more on {date} was {count}",
            "On {date} the number of episodes of at least {least} {unit} {side} {limit} mg/dL was {count}",
            words={
                "side": side("above", "episodes_lv1_hyper"),
                "unit": unit("min", "episodes_lv1_hyper#least_minutes"),
            },
            count="episodes_lv1_hyper",
            limit="episodes_lv1_hyper#above",
            least="episodes_lv1_hyper#least_minutes",
        ),
        metric="episodes_lv1_hyper",
        subject="the number of episodes above range",
        hides=("episodes_lv1_hyper", "episodes_lv2_hyper", *_SHARES),
        guess=Guess(1, 5, "was {value}"),
    ),
    Question(
        name="first_episode_above_180",
        ask=phrases(
            "When did the first episode above 180 mg/dL of {date} begin, and how long did it last?",
            "Describe the first episode above 180 mg/dL on {date}: start, length, highest reading.",
            "At what time did glucose first stay above 180 mg/dL on {date}, and for how many minutes?",
        ),
        answer=_first_episode,
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
            "{date} has {n} readings; wear was {wear} %",
            "Wear on {date} was {wear} %, from {n} readings",
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
