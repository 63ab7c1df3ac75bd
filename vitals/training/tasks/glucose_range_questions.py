"""Questions on the ranges of a day of blood glucose: shares of readings, and episodes.

Belongs here: how they are asked and answered, and what would have to be hidden.
Does not belong here: levels and their times (`glucose_questions`).
"""

from vitals.training.claims import Claim, difference_as_written
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import Answer, Day, Guess, Question, side, states, unit

# The shares of a day add up to 100, narrow ones bound wide ones, and the extremes tell where a share is 0 or 100.
_SHARES = (
    *("pct_70_140", "pct_70_180", "pct_above_180", "pct_above_250", "pct_below_70", "pct_below_54"),
    *("min", "min_at_local", "max", "max_at_local", "episodes"),
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


def _of_readings(answer: Answer) -> Answer:
    """An answer that calls shares those of readings: not of a day on which they do not all stand for as much time."""

    def of_readings(day: Day, narrative: Narrative) -> bool:
        return day.row.values["sampling_interval_minutes"] is not None and answer(day, narrative)

    return of_readings


def _shares_compared(day: Day, narrative: Narrative) -> bool:
    share, over = day.claim("pct_70_140"), day.claim("pct_above_180")
    if share is None or over is None or share.text() == over.text():
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
        name="time_in_range",
        ask=phrases(
            "What share of the readings of {date} was at 70-180 mg/dL?",
            "How many percent of the readings lay at 70-180 mg/dL on {date}?",
            "Give the time in range (70-180 mg/dL) of {date}.",
        ),
        answer=_of_readings(
            states(
                "On {date} {share} % of the readings were {low}-{high} {unit}",
                "{share} % of the readings of {date} were {low}-{high} {unit}",
                words={"unit": unit("mg/dL", "pct_70_180")},
                share="pct_70_180",
                low="pct_70_180#from",
                high="pct_70_180#to",
            )
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
        answer=_of_readings(
            states(
                "On {date} {share} % of the readings were {side} {limit} {unit}",
                "{share} % of the readings of {date} were {side} {limit} {unit}",
                words={"unit": unit("mg/dL", "pct_above_180"), "side": side("above", "pct_above_180")},
                share="pct_above_180",
                limit="pct_above_180#above",
            )
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
        answer=_of_readings(_shares_compared),
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
)
