"""Counts that describe a release, gathered line by line.

Belongs here: what is counted, as numbers that name nobody.
Does not belong here: drawing (`plots`), prose (`card`). No health value is counted.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from vitals.training.prompts import estimate_tokens
from vitals.training.rounding import round_half_up

LENGTH_STEP_TOKENS = 128
"""Width of a class of the histogram of lengths."""


class Statistics:
    """Counts of the examples of a release, in any order of lines."""

    def __init__(self) -> None:
        self.examples = 0
        self._by: dict[str, Counter[str]] = defaultdict(Counter)
        self._per_person: Counter[str] = Counter()
        self._sides: dict[str, set[str]] = defaultdict(set)
        self._lengths: Counter[int] = Counter()
        self._stated: Counter[str] = Counter()
        self._withheld: Counter[str] = Counter()

    def add(self, line: Mapping[str, Any], *, side: str) -> None:
        """Count one line."""
        metadata = line["metadata"]
        person = metadata["subject_id"]
        self.examples += 1
        for name, value in (
            ("side", side),
            ("task", metadata["task"]),
            ("category", metadata["training_category"]),
            ("month", metadata["local_date"][:7]),
            ("provisional", "yes" if metadata["provisional"] else "no"),
        ):
            self._by[name][value] += 1
        self._per_person[person] += 1
        self._sides[side].add(person)
        tokens = estimate_tokens(line["messages"][0]["content"]) + estimate_tokens(line["output"])
        self._lengths[tokens // LENGTH_STEP_TOKENS] += 1
        self._stated.update({claim["metric"] for claim in metadata["claims"] if claim["id"] == claim["metric"]})
        self._withheld.update({entry["metric"] for entry in metadata.get("withheld", ())})

    def as_json(self) -> dict[str, Any]:
        """All counts, sorted.

        `examples_per_person`: numbers only, ascending, without saying whose. `tokens`: lower bound of each class to
        examples, by the estimator of `prompts`. `metrics`: examples that state the metric and that withhold it.
        """
        per_person = sorted(self._per_person.values())
        return {
            "examples": self.examples,
            "people": len(per_person),
            "people_by_side": {side: len(found) for side, found in sorted(self._sides.items())},
            **{f"examples_by_{name}": dict(sorted(counts.items())) for name, counts in sorted(self._by.items())},
            "examples_per_person": per_person,
            "largest_share_of_a_person": round_half_up(per_person[-1] / self.examples, 6) if per_person else 0.0,
            "tokens": {str(step * LENGTH_STEP_TOKENS): n for step, n in sorted(self._lengths.items())},
            "metrics": {
                metric: {"stated": self._stated[metric], "withheld": self._withheld[metric]}
                for metric in sorted({*self._stated, *self._withheld})
            },
        }
