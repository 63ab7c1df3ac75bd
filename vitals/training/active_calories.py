"""The narrative of a day's active energy.

Belongs here: what a text says of one row of `clinical/active_calories` (docs/spec/narrative.md C) and what it calls things.
Does not belong here: any computation, a sum of sources, or an amount to reach.

    total ("at least" while the source still counted) -> net MET-minutes -> other sources -> what is missing
"""

from vitals.record_types import ACTIVE_CALORIES
from vitals.training.day_totals import TotalWords, is_bound, say_other_totals, say_state, say_total
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative
from vitals.training.narrative import Narrative, phrases
from vitals.training.not_assessable import Labels, say_not_assessable

WORDS = TotalWords(
    what="active energy",
    unit="kcal",
    at_least=phrases(
        "Active energy on {day}: at least {total} kcal by {as_of} ({apps})",
        "On {day} {apps} had recorded at least {total} kcal of active energy by {as_of}",
        "At least {total} kcal of active energy by {as_of} on {day}, source {apps}",
    ),
    at_least_untimed=phrases(
        "Active energy on {day}: at least {total} kcal ({apps})",
        "On {day} {apps} had recorded at least {total} kcal of active energy",
    ),
    whole=phrases(
        "Active energy on {day}: {total} kcal ({apps})",
        "On {day} {apps} recorded {total} kcal of active energy",
        "{total} kcal of active energy on {day}, source {apps}",
    ),
)
NET = phrases(
    "net of rest this is {met} MET-minutes at the recorded body weight",
    "at the recorded body weight that makes {met} net MET-minutes",
)
NET_AT_LEAST = phrases(
    "net of rest this is at least {met} MET-minutes at the recorded body weight",
    "at the recorded body weight that makes at least {met} net MET-minutes",
)

LABELS = Labels(
    ACTIVE_CALORIES,
    {
        "recommended_total": "total of the day",
        "net_met_minutes": "MET-minutes",
    },
)


def narrate(row: FactRow, narrative: Narrative) -> None:
    """Write the day's text: see the module docstring for the order."""
    total = say_total(row, narrative, WORDS)
    met = row.claim("net_met_minutes")
    if met is not None:
        narrative.say(NET_AT_LEAST if is_bound(row) else NET, met=met)
    say_other_totals(row, narrative, WORDS, total)
    say_not_assessable(row, narrative, LABELS)
    say_state(row, narrative, total)


NARRATIVE = KindNarrative(record_type=ACTIVE_CALORIES, narrate=narrate, headline=("recommended_total",), labels=LABELS)
