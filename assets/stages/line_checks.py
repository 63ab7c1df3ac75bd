"""The checks of a file of training lines, from one reading of it.

Belongs here: which checks there are and what each finds in a line. Assets turn the findings into check results.
Does not belong here: Dagster, or how a line is judged (`vitals.training`).

To add a check: one entry in LINE_CHECKS.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from vitals.training.grounding.check import ungrounded
from vitals.training.sufficiency.evaluator import insufficient


class LineCheck(NamedTuple):
    """One blocking check.

    Attributes:
        description: what holds if it passes.
        find: names of what is wrong with a parsed line, without content of the line; empty for a good one.
    """

    description: str
    find: Callable[[Mapping[str, Any]], Iterable[str]]


LINE_CHECKS: Mapping[str, LineCheck] = MappingProxyType(
    {
        "grounding": LineCheck(
            "Every number, unit, date, time, comparison and metric name of a text is one of its claims; a problem is"
            " the kind of what is not, and why.",
            lambda line: (f"{each.kind}: {each.reason}" for each in ungrounded(line)),
        ),
        "sufficiency": LineCheck(
            "Every claim of a line can be recomputed from its prompt; a problem is the id of one that cannot.",
            insufficient,
        ),
    }
)
"""Name of the check -> what it looks for."""

_UNREADABLE = "not a line that can be checked"


def findings(lines: Iterable[bytes]) -> dict[str, Counter[str]]:
    """What each check finds in the lines of a file; a check that passes has an empty count."""
    found: dict[str, Counter[str]] = {name: Counter() for name in LINE_CHECKS}
    for line in lines:
        try:
            example = orjson.loads(line)
            for name, check in LINE_CHECKS.items():
                found[name].update(check.find(example))
        except (ValueError, KeyError, TypeError, AttributeError):
            for problems in found.values():
                problems[_UNREADABLE] += 1
    return found
