"""What every line of a release, or of any JSONL file, must pass.

Belongs here: the four looks at one line, and their count over many lines.
Does not belong here: gates on a release as a whole (`gates`), or the looks themselves.

A problem is named without any content of the line; who wants to see it has the line's number.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from vitals.release.gates import GateResult
from vitals.training.line_check import problems
from vitals.verification.answerability.evaluator import Sufficiency
from vitals.verification.grounding.check import ungrounded

LineGate = Literal["shape", "language", "grounding", "sufficiency"]
LINE_GATES: tuple[LineGate, ...] = ("shape", "language", "grounding", "sufficiency")

LANGUAGE = "forbidden language: "

EXAMPLES_KEPT = 20
"""Line numbers kept per gate; the counts go on."""


@dataclass
class LineReport:
    """What was found in many lines.

    Attributes:
        lines: lines read.
        failed: lines that did not pass, by gate.
        problems: problems by gate and name.
        numbers: the first line numbers (from 1) that did not pass, by gate.
    """

    lines: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    problems: dict[str, Counter[str]] = field(default_factory=lambda: {gate: Counter() for gate in LINE_GATES})
    numbers: dict[str, list[int]] = field(default_factory=lambda: {gate: [] for gate in LINE_GATES})

    @property
    def passed(self) -> bool:
        """Whether every line passed every gate."""
        return not self.failed

    def add(self, line: bytes, sufficiency: Sufficiency | None = None) -> None:
        """Look at the next line; `sufficiency` remembers the prompts of the lines before it."""
        self.lines += 1
        for gate, found in line_problems(line, sufficiency).items():
            self.failed[gate] += 1
            self.problems[gate].update(found)
            if len(self.numbers[gate]) < EXAMPLES_KEPT:
                self.numbers[gate].append(self.lines)

    def as_json(self) -> dict[str, Any]:
        """Counts, names of problems and line numbers, by gate."""
        return {
            "lines": self.lines,
            "passed": self.passed,
            "gates": {
                gate: {
                    "failed": self.failed[gate],
                    "problems": dict(sorted(self.problems[gate].items())),
                    "first_lines": self.numbers[gate],
                }
                for gate in LINE_GATES
            },
        }


def report(lines: Iterable[bytes]) -> LineReport:
    """Look at lines one after the other."""
    found, sufficiency = LineReport(), Sufficiency()
    for line in lines:
        found.add(line, sufficiency)
    return found


def line_problems(line: bytes, sufficiency: Sufficiency | None = None) -> dict[LineGate, list[str]]:
    """Names of what is wrong with a line, by gate; empty for a good one.

    Grounding and sufficiency are not judged in a line of the wrong shape.
    """
    found: dict[LineGate, list[str]] = {}
    of_shape = problems(line)
    language = [name for name in of_shape if name.startswith(LANGUAGE)]
    shape = [name for name in of_shape if not name.startswith(LANGUAGE)]
    if shape:
        found["shape"] = shape
    if language:
        found["language"] = [name.removeprefix(LANGUAGE) for name in language]
    if shape:
        return found
    example = orjson.loads(line)
    try:
        loose = sorted({f"{each.kind}: {each.reason}" for each in ungrounded(example)})
        missing = [f"claim {id_}" for id_ in (sufficiency or Sufficiency()).insufficient(example)]
    except (KeyError, TypeError, ValueError, IndexError) as error:
        # A line of somebody else's may hold anything; one that cannot be judged has not passed.
        return {**found, "shape": [f"cannot be judged: {type(error).__name__}"]}
    if loose:
        found["grounding"] = loose
    if missing:
        found["sufficiency"] = missing
    return found


def line_results(found: LineReport) -> list[GateResult]:
    """The gates on single lines as results; names of problems and line numbers, never content."""
    results = []
    for gate in LINE_GATES:
        failed = found.failed[gate]
        worst = ", ".join(name for name, _ in found.problems[gate].most_common(3))
        numbers = ", ".join(map(str, found.numbers[gate][:5]))
        failures = [f"{failed:,} lines ({worst}; lines {numbers} of the journals)"] if failed else []
        results.append(GateResult(gate, {"lines": found.lines, "lines_not_passed": failed}, failures))
    return results
