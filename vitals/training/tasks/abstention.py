"""Correct refusals: a question whose data the prompt does not hold.

Belongs here: which questions of a day are to be refused, taking their data out of the prompt, and the refusal.
Does not belong here: whether a metric may be stated (clinical withheld it).

A metric is refused because clinical withheld it, with its reason, or because its data have been taken out of the
prompt, together with everything from which it could be had. Neither prompt shows a series.
"""

from typing import Any

from vitals.training.narrative import Narrative, phrases
from vitals.training.not_assessable import reason_in_words
from vitals.training.tasks.ask import Day, Question
from vitals.training.tasks.draft import Draft, PromptWithoutSeries, identity_of, instruction_of
from vitals.training.tasks.mix import ABSTENTION, ranked
from vitals.training.tasks.questions import QUESTIONS
from vitals.training.tasks.spans import Word

NOT_GIVEN = "not in the data given"
"""Reason of a refusal whose data were taken out; others have clinical's own words."""

_WITHHELD = phrases(
    "cannot be stated: {reason}",
    "is not stated here: {reason}",
    "is not assessable: {reason}",
)
_NOT_GIVEN = phrases(
    "cannot be stated, for the data given do not include it",
    "is not in the data given, so it cannot be stated",
    "cannot be stated from the data given: they do not hold it",
)
_REFUSAL = phrases(
    "{subject} for {date} {refusal}",
    "For {date} {subject} {refusal}",
    "In the record of {date}, {subject} {refusal}",
)


def abstention_drafts(day: Day, *, prompt: PromptWithoutSeries, count: int, identity: str) -> list[Draft]:
    """Lines of the questions that this day has to refuse, at most `count`."""
    made: list[Draft] = []
    if count == 0:
        return made
    for question in ranked(QUESTIONS[day.row.record_type.kind], ABSTENTION, identity):
        if question.metric is None or not (may_refuse(question, day) or day.claim(question.metric) is not None):
            continue
        narrative = Narrative(identity_of(day, ABSTENTION, question.name))
        refuse(question, day, narrative)
        made.append(
            Draft(
                task=ABSTENTION,
                instruction=instruction_of(question, day, narrative),
                prompt=prompt_without(question, day, prompt),
                output=narrative.text(),
                claims=list(narrative.claims.values()),
                metadata={"abstention": abstention_of(question, day), "question": question.name},
            )
        )
        if len(made) == count:
            break
    return made


def may_refuse(question: Question, day: Day) -> bool:
    """Whether clinical withheld the metric of the question for a reason that the prompt names."""
    if question.metric is None or not day.row.is_withheld(question.metric):
        return False
    return day.kind.labels.of(day.row.id_of(question.metric)) is not None


def refuse(question: Question, day: Day, narrative: Narrative) -> None:
    """Write the refusal, with clinical's reason where there is one."""
    metric = day.row.id_of(question.metric or "")
    reason = day.row.withheld.reasons.get(metric)
    if reason is None:
        refusal = narrative.phrase(_NOT_GIVEN)
    else:
        words, numbers = reason_in_words(metric, reason)
        for claim in numbers:
            narrative.claims.setdefault(claim.id, claim)
        refusal = narrative.phrase(_WITHHELD, reason=words)
    # One part, so that a rejected answer can put a value in its place.
    part = Word(refusal, label="withheld_stated", column=question.metric or "", rivals=())
    narrative.say(_REFUSAL, subject=question.subject, date=day.date, refusal=part)


def abstention_of(question: Question, day: Day) -> dict[str, Any]:
    """What is refused and why, as in the metadata of the line."""
    metric = day.row.id_of(question.metric or "")
    reason = day.row.withheld.reasons.get(metric)
    return {"metric": metric, "reason": NOT_GIVEN if reason is None else reason_in_words(metric, reason)[0]}


def prompt_without(question: Question, day: Day, prompt: PromptWithoutSeries) -> str:
    """The data block of the day without the metric of the question, and without what it could be had from."""
    sources = None
    if question.hides_source_values:
        sources = [{**source, "value": None} for source in day.row.values["sources"] or ()]
    without = day.row.without(question.hides, sources=sources)
    summary = Narrative(identity_of(day, ABSTENTION, "prompt"))
    day.kind.narrate(without, summary)
    return prompt(without, summary.claims)
