"""The checks of a file of training lines, from one reading of it.

Belongs here: which checks there are and what each finds in a line. Assets turn the findings into check results.
Does not belong here: Dagster, or how a line is judged (`vitals.training`).

To add a check: one entry in LINE_CHECKS.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from vitals.training.line_check import Parsed, parsed, problems_of_parsed
from vitals.verification.answerability.evaluator import Sufficiency
from vitals.verification.grounding.check import ungrounded


class LineCheck(NamedTuple):
    """One blocking check.

    Attributes:
        description: what holds if it passes.
        begin: for the lines of one file, gives what names all that is wrong with a parsed line, without content of
            the line; no name for a good one.
    """

    description: str
    begin: Callable[[], Callable[[Mapping[str, Any]], Iterable[str]]]


LINE_CHECKS: Mapping[str, LineCheck] = MappingProxyType(
    {
        "grounding": LineCheck(
            "Every number, unit, date, time, comparison and metric name of a text is one of its claims; a problem is"
            " the kind of what is not, and why.",
            lambda: lambda line: [f"{each.kind}: {each.reason}" for each in ungrounded(line)],
        ),
        "sufficiency": LineCheck(
            "Every claim of a line can be recomputed from its prompt; a problem is the id of one that cannot.",
            lambda: Sufficiency().insufficient,
        ),
    }
)
"""Name of the check -> what it looks for."""

SHAPE = "lines_load"
"""Name of the check of the lines' shape (`vitals.training.line_check`)."""

_UNREADABLE = "not a line that can be checked"


def findings(lines: Iterable[bytes]) -> dict[str, Counter[str]]:
    """What each of LINE_CHECKS finds in the lines of a file; a check that passes has an empty count."""
    return _findings([parsed(line) for line in lines])


def findings_with_shape(lines: Iterable[bytes]) -> dict[str, Counter[str]]:
    """What SHAPE and each of LINE_CHECKS find in the lines of a file, each line parsed once."""
    examples = [parsed(line) for line in lines]
    shape = Counter(problem for found in problems_of_parsed(examples) for problem in found)
    return {SHAPE: shape, **_findings(examples)}


def _findings(examples: Iterable[Parsed]) -> dict[str, Counter[str]]:
    finders = {name: check.begin() for name, check in LINE_CHECKS.items()}
    found: dict[str, Counter[str]] = {name: Counter() for name in finders}
    for example in examples:
        is_read = False
        if not isinstance(example, list):
            with suppress(ValueError, KeyError, TypeError, AttributeError):
                for name, find in finders.items():
                    if names := find(example):
                        found[name].update(names)
                is_read = True
        if not is_read:
            for problems in found.values():
                problems[_UNREADABLE] += 1
    return found
