"""How many lines of each task a person's day of a kind gives.

Belongs here: the mix as data, reading it from text, and the choice that follows from it.
Does not belong here: what a line of a task says (the other modules of the package).

A choice is a keyed hash of kind, person, day and task, so other people and other days cannot change it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from hashlib import blake2b
from math import floor, isfinite
from typing import TypeVar

import orjson

from vitals.errors import PermanentError

DAILY_SUMMARY, QUESTION, DATA_QUALITY = "daily_summary", "question", "data_quality"
ABSTENTION, PREFERENCE = "abstention", "preference"
"""`metadata.task` of a line."""

MOST_LINES = 12
"""More lines of one task would ask a person's day the same things again."""

_KEY = b"vitalgraph task mix 1"
_TWO_TO_64 = float(2**64)
_RANKED_AT_MOST = 32

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TaskMix:
    """Expected lines of each task per person, local day and kind.

    A whole number is a count of every day; of a fraction, so many of all days get one line more. A day of which
    less can be asked than wanted gives fewer.

    Attributes:
        daily_summary, data_quality: 0 to 1, for a day has one of each.
        question, abstention, preference: 0 to MOST_LINES.

    Raises:
        PermanentError: a count is out of its bounds.
    """

    daily_summary: float = 1.0
    question: float = 2.0
    data_quality: float = 0.25
    abstention: float = 0.5
    preference: float = 0.5

    def __post_init__(self) -> None:
        """Check the bounds."""
        for task in TASKS:
            count = getattr(self, task)
            most = 1 if task in {DAILY_SUMMARY, DATA_QUALITY} else MOST_LINES
            if not (isfinite(count) and 0 <= count <= most):
                raise _refused(f"{task} is not a number from 0 to {most}")

    def lines(self, task: str, identity: str) -> int:
        """Lines of a task that the person's day gives; identity names kind, person and day."""
        wanted: float = getattr(self, task)
        whole = floor(wanted)
        if whole == wanted:
            return whole
        drawn = int.from_bytes(_digest(identity, f"{task} count", 8)) / _TWO_TO_64
        return whole + (drawn < wanted - whole)


TASKS = tuple(field.name for field in fields(TaskMix))

DAILY_SUMMARIES_ONLY = TaskMix(question=0, data_quality=0, abstention=0, preference=0)


def ranked(choices: Sequence[T], task: str, identity: str) -> list[T]:
    """Choices in the order in which this person's day takes them for a task.

    Raises:
        ValueError: more choices than a digest can order.
    """
    if len(choices) > _RANKED_AT_MOST:
        raise ValueError(f"more than {_RANKED_AT_MOST} choices")
    digest = _digest(identity, f"{task} order", 2 * _RANKED_AT_MOST)
    order = sorted(range(len(choices)), key=lambda index: (digest[2 * index : 2 * index + 2], index))
    return [choices[index] for index in order]


def drawn_from(choices: Sequence[T], purpose: str, identity: str) -> T:
    """One of the choices, by hash."""
    return choices[int.from_bytes(_digest(identity, purpose, 8)) % len(choices)]


def read_mix(text: str) -> TaskMix:
    """A mix from ``question=2,preference=0.5`` or a JSON object; a task that is not named keeps its default.

    Raises:
        PermanentError: an unknown task, or a count that is no number or out of bounds.
    """
    text = text.strip()
    try:
        if text.startswith("{"):
            counts = {task: _number(count) for task, count in orjson.loads(text).items()}
        else:
            pairs = [part.split("=") for part in text.split(",") if part.strip()]
            counts = {task.strip(): float(count) for task, count in pairs}
    except (TypeError, ValueError):
        raise _refused("it is neither task=number,… nor a JSON object of numbers") from None
    unknown = sorted(set(counts) - set(TASKS))
    if unknown:
        raise _refused(f"there is no task {', '.join(unknown)}")
    return TaskMix(**counts)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _digest(identity: str, purpose: str, size: int) -> bytes:
    return blake2b(f"{purpose}|{identity}".encode(), digest_size=size, key=_KEY).digest()


def _refused(why: str) -> PermanentError:
    return PermanentError(
        "read the task mix",
        "the counts of lines per task",
        why,
        f"Give counts for some of: {', '.join(TASKS)}; for example question=2,preference=0.5.",
    )
