"""A line of a task before it is put into JSON.

Belongs here: what every task hands over, and completing its claims.
Does not belong here: metadata that all lines of a day share (`vitals.training.examples`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vitals.training.claims import Claim
from vitals.training.fact_row import FactRow
from vitals.training.narrative import Narrative, phrases
from vitals.training.tasks.ask import Day, Question

REQUESTS = phrases(
    "{question}",
    "{question} Use only the data below.",
    "{question} Answer in one or two sentences from this record.",
    "{question} If the data do not say, say so.",
    "Look at the record below. {question}",
)
"""How a question is put; the same with and without its data, so that the instruction does not give the answer away."""

PromptWithoutSeries = Callable[[FactRow, Mapping[str, Claim]], str]
"""The data block of a row and the claims of its summary, without a series."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """One line of a task.

    Attributes:
        task: its task.
        instruction, prompt, output: what is asked, the data, the answer.
        claims: what the answer states, operands of derived values included.
        metadata: members that only lines of this task have, or that tell which question it is.
        rejected: the answer with one wrong fact, of a preference.
    """

    task: str
    instruction: str
    prompt: str
    output: str
    claims: list[Claim]
    metadata: Mapping[str, Any] = field(default_factory=dict)
    rejected: str | None = None


def identity_of(day: Day, task: str, name: str) -> str:
    """What the wording of a line follows from."""
    return f"{day.row.record_type.kind}|{task}:{name}|{day.row.values['subject_id']}|{day.row.date}"


def instruction_of(question: Question, day: Day, narrative: Narrative) -> str:
    """The question as this line puts it."""
    asked = narrative.choose(question.ask).format(date=day.row.date)
    return narrative.choose(REQUESTS).format(question=asked)


def with_operands(claims: Mapping[str, Claim], stated: Mapping[str, Claim]) -> list[Claim]:
    """Claims of an answer, and after them the operands that a reader needs to follow the derived ones.

    Raises:
        KeyError: an operand is not among the claims of the day.
    """
    found = dict(claims)
    for claim in claims.values():
        for operand in claim.operands:
            if operand not in found:
                found[operand] = stated[operand]
    return list(found.values())
