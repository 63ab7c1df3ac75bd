"""Exactly answerable questions on one kind and one local day.

Belongs here: which questions each kind has, and turning the chosen ones into lines.
Does not belong here: a question itself (`common_questions` and the modules of the kinds).
"""

from collections.abc import Mapping
from types import MappingProxyType

from vitals.training.narrative import Narrative
from vitals.training.tasks import (
    glucose_questions,
    glucose_range_questions,
    heart_rate_questions,
    hrv_questions,
    sleep_questions,
    total_questions,
)
from vitals.training.tasks.ask import Day, Question
from vitals.training.tasks.common_questions import GAP_OF_DAY, GAP_OF_NIGHT, MISSING, SOURCES, STATE
from vitals.training.tasks.draft import Draft, identity_of, instruction_of, with_operands
from vitals.training.tasks.mix import QUESTION, ranked

_EVERY_KIND = (SOURCES, MISSING, STATE)

QUESTIONS: Mapping[str, tuple[Question, ...]] = MappingProxyType(
    {
        "blood_glucose": (*glucose_questions.QUESTIONS, *glucose_range_questions.QUESTIONS, GAP_OF_DAY, *_EVERY_KIND),
        "heart_rate": (*heart_rate_questions.QUESTIONS, GAP_OF_DAY, *_EVERY_KIND),
        "sleep": (*sleep_questions.QUESTIONS, *_EVERY_KIND),
        "steps": (*total_questions.STEPS, *_EVERY_KIND),
        "active_calories": (*total_questions.ACTIVE_ENERGY, *_EVERY_KIND),
        "hrv_rmssd": (*hrv_questions.QUESTIONS, GAP_OF_NIGHT, *_EVERY_KIND),
    }
)
"""Questions of each kind. Append only: the choice of a day's questions follows the order."""


def question_drafts(day: Day, *, prompt: str, count: int, identity: str) -> list[Draft]:
    """Lines of the questions that this day is asked, at most `count`; only those that it answers."""
    made: list[Draft] = []
    if count == 0:
        return made
    for question in ranked(QUESTIONS[day.row.record_type.kind], QUESTION, identity):
        narrative = Narrative(identity_of(day, QUESTION, question.name))
        if question.write(day, narrative):
            made.append(
                Draft(
                    task=QUESTION,
                    instruction=instruction_of(question, day, narrative),
                    prompt=prompt,
                    output=narrative.text(),
                    claims=with_operands(narrative.claims, day.stated),
                    metadata={"question": question.name},
                )
            )
            if len(made) == count:
                break
    return made
