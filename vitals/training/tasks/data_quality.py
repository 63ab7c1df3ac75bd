"""Explanations of how far the data of a day carry.

Belongs here: what such an explanation holds for each kind, and its order.
Does not belong here: values of the person, or a grade of the data.

    coverage -> longest gap -> items left out -> sources -> what another source said -> limits of the app
    -> what is missing -> state
"""

from vitals.training.claims import Claim
from vitals.training.common_sentences import items_left_out, provisional
from vitals.training.day_totals import is_bound
from vitals.training.narrative import Narrative, noun, phrases
from vitals.training.prompt_words import TOPICS
from vitals.training.source_names import other_of, title_of
from vitals.training.tasks.ask import Day
from vitals.training.tasks.common_questions import MISSING, SOURCES
from vitals.training.tasks.draft import Draft, identity_of, with_operands
from vitals.training.tasks.mix import DATA_QUALITY
from vitals.training.tasks.questions import QUESTIONS

INSTRUCTIONS = phrases(
    "How far do the {topic} data of this day carry? Explain coverage, gaps, sources and what is not assessable.",
    "Explain the data behind this day's {topic}: completeness, sources, limits.",
    "Describe the quality of the {topic} data below, not the values themselves.",
    "What has a reader of this {topic} record to know about its coverage, sources and gaps?",
    "Before anybody uses this {topic} record: what does it cover, what does it lack, and why?",
    "Write a note on the completeness of the {topic} data of this day.",
    "State coverage, gaps, sources, conflicts and provisional state of this {topic} record.",
    "On what basis do statements on the {topic} of this day rest, and which cannot be made?",
)
_IN_ORDER = ("coverage", "longest_gap", "sources", "sources_compared", "sensor_range")
_OTHER_VALUES = {
    "blood_glucose": ("mean", "reading", phrases("{app} had a mean of {value} mg/dL for the day, of {n} {counted}")),
    "heart_rate": ("source_mean", "value", phrases("The mean of the {n} minute {counted} of {app} was {value} bpm")),
    "hrv_rmssd": ("rmssd_mean", "", phrases("{app} had a mean RMSSD of {value} ms for the night")),
}
_LATENESS = phrases(
    "Readings of this app reach the record up to {lag} min late",
    "With this app a reading reaches the record up to {lag} min after it was taken",
)
_BOUND_AS_OF = phrases(
    "The total of the day is a lower bound as of {as_of}",
    "As of {as_of} the total of the day was a lower bound",
)
_BOUND = phrases("The total of the day is a lower bound")
_CLOSED = phrases("The data of the day are closed", "No further uploads are awaited for the day")


def data_quality_draft(day: Day, *, prompt: str) -> Draft:
    """The explanation of this day's data."""
    kind = day.row.record_type.kind
    narrative = Narrative(identity_of(day, DATA_QUALITY, "data"))
    by_name = {question.name: question for question in QUESTIONS[kind]}
    for name in _IN_ORDER:
        if name == SOURCES.name:
            items_left_out(day.claim("dropped_items"), kind, narrative)
        question = by_name.get(name)
        if question is not None:
            question.answer(day, narrative)
        if name == SOURCES.name:
            _other_values(day, narrative)
    lag = day.claim("source_lag_minutes#most")
    if lag is not None:
        narrative.say(_LATENESS, lag=lag)
    MISSING.answer(day, narrative)
    _state(day, narrative)
    return Draft(
        task=DATA_QUALITY,
        instruction=narrative.choose(INSTRUCTIONS).format(topic=TOPICS[kind]),
        prompt=prompt,
        output=narrative.text(),
        claims=with_operands(narrative.claims, day.stated),
    )


def _other_values(day: Day, narrative: Narrative) -> None:
    """What each source that was not used says by itself."""
    known = _OTHER_VALUES.get(day.row.record_type.kind)
    if known is None:
        return
    column, counted, wording = known
    prefix = day.row.id_of(f"{column}#other:")
    for claim in day.stated.values():
        if not claim.id.startswith(prefix) or claim.id.endswith(":n"):
            continue
        app = title_of(other_of(claim.id))
        n = day.stated.get(f"{claim.id}:n")
        if n is None:
            narrative.say(wording, app=app, value=claim)
        else:
            narrative.say(wording, app=app, value=claim, n=n, counted=noun(n, counted))


def _state(day: Day, narrative: Narrative) -> None:
    """Whether the day is closed, and whether its total is one."""
    bound = day.claim("recommended_total") is not None and is_bound(day.row)
    as_of: Claim | None = day.claim("recommended_total#as_of")
    if bound and as_of is not None:
        narrative.say(_BOUND_AS_OF, as_of=as_of)
    elif bound:
        narrative.say(_BOUND)
    if day.row.values["provisional"]:
        provisional(day.row, narrative)
    elif not bound:
        narrative.say(_CLOSED)
