"""The narrative of a day's steps.

Belongs here: what a text says of one row of `clinical/steps` (docs/spec/narrative.md C) and what it calls things.
Does not belong here: any computation, a sum of sources, or a number of steps to reach.

    total ("at least" while the source still counted) -> cadence -> other sources -> what is missing
"""

from vitals.record_types import STEPS
from vitals.training.claims import constant
from vitals.training.day_totals import TotalWords, is_bound, say_other_totals, say_state, say_total
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative
from vitals.training.narrative import Narrative, phrases
from vitals.training.not_assessable import Labels, say_not_assessable

WORDS = TotalWords(
    what="steps",
    unit="steps",
    at_least=phrases(
        "Steps on {day}: at least {total} by {as_of} ({apps})",
        "On {day} {apps} had counted at least {total} steps by {as_of}",
        "At least {total} steps by {as_of} on {day}, source {apps}",
    ),
    at_least_untimed=phrases(
        "Steps on {day}: at least {total} ({apps})",
        "On {day} {apps} had counted at least {total} steps",
    ),
    whole=phrases(
        "Steps on {day}: {total} ({apps})",
        "On {day} {apps} counted {total} steps",
        "{total} steps on {day}, source {apps}",
    ),
)
CADENCE = phrases(
    "{minutes} min had {cadence} steps per minute or more",
    "minutes with at least {cadence} steps per minute: {minutes}",
)
CADENCE_SO_FAR = phrases(
    "at least {minutes} min had {cadence} steps per minute or more",
    "minutes with {cadence} steps per minute or more: at least {minutes}",
)

LABELS = Labels(
    STEPS,
    {
        "recommended_total": "total of the day",
        "minutes_ge100": "cadence",
    },
)
CADENCE_LIMIT = constant("steps.minutes_ge100", "from", 100, "steps/min")


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the day's text: see the module docstring for the order."""
    total = say_total(row, narrative, WORDS)
    minutes = row.claim("minutes_ge100")
    if minutes is not None:
        narrative.say(CADENCE_SO_FAR if is_bound(row) else CADENCE, minutes=minutes, cadence=CADENCE_LIMIT)
    say_other_totals(row, narrative, WORDS, total)
    say_not_assessable(row, narrative, LABELS)
    say_state(row, narrative, total)


NARRATIVE = KindNarrative(record_type=STEPS, narrate=narrate, headline=("recommended_total",), labels=LABELS)
