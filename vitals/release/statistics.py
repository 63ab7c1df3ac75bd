"""Counts that describe a release, gathered line by line.

Belongs here: what is counted, as numbers that name nobody.
Does not belong here: drawing (`plots`), prose (`card`). No health value is counted.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from vitals.release.rare_sources import STAND_IN
from vitals.training.rounding import round_half_up
from vitals.training.source_names import UNLISTED
from vitals.training.token_counts import ESTIMATED, TokenCounter

LENGTH_STEP_TOKENS = 128
"""Width of a class of the histogram of lengths."""


LONG_TOKENS = (1_024, 2_048)
"""Lengths that trainers are often set to; what is longer they cut off."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_DIGEST_BYTES = 12


def timeless_digest(line: Mapping[str, Any]) -> bytes:
    """Digest of the data and the answer of a line, dates and names of rare apps left aside."""
    text = f"{line['input']}\x00{line['output']}"
    return blake2b(_STAND_INS.sub("", _DATE.sub("", text)).encode(), digest_size=_DIGEST_BYTES).digest()


_STAND_INS = re.compile(rf"{re.escape(STAND_IN)}[a-z]+|{re.escape(UNLISTED)}(?: [a-z]\b)?")


class Statistics:
    """Counts of the examples of a release, in any order of lines.

    Args:
        counter: how tokens are counted.
    """

    def __init__(self, counter: TokenCounter = ESTIMATED) -> None:
        self._counter = counter
        self._longer: dict[str, Counter[str]] = {f"{bound}": Counter() for bound in LONG_TOKENS}
        # Who has a text: its digest, and the person, or "" if several have it.
        self._texts: dict[bytes, str] = {}
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
        count = self._counter.count
        tokens = count(line["messages"][0]["content"]) + count(line["output"])
        for bound in LONG_TOKENS:
            self._longer[f"{bound}"][metadata["task"]] += tokens > bound
        text = timeless_digest(line)
        self._texts[text] = person if self._texts.get(text, person) == person else ""
        self._lengths[tokens // LENGTH_STEP_TOKENS] += 1
        self._stated.update({claim["metric"] for claim in metadata["claims"] if claim["id"] == claim["metric"]})
        self._withheld.update({entry["metric"] for entry in metadata.get("withheld", ())})

    def as_json(self) -> dict[str, Any]:
        """All counts, sorted.

        `people_with_a_text_of_their_own`: people with a line of which nobody else has the words and numbers, dates left
        aside: whoever holds two versions can tell that they are one person. `longer_than_tokens`: bound to task to the
        examples whose prompt and answer take more tokens.

        `examples_per_person`: numbers only, ascending, without saying whose. `tokens`: lower bound of each class to
        examples. `metrics`: examples that state the metric and that withhold it.
        """
        per_person = sorted(self._per_person.values())
        return {
            "examples": self.examples,
            "people": len(per_person),
            "people_by_side": {side: len(found) for side, found in sorted(self._sides.items())},
            **{f"examples_by_{name}": dict(sorted(counts.items())) for name, counts in sorted(self._by.items())},
            "examples_per_person": per_person,
            "largest_share_of_a_person": round_half_up(per_person[-1] / self.examples, 6) if per_person else 0.0,
            "people_with_a_text_of_their_own": len({person for person in self._texts.values() if person}),
            "tokens_counted_by": self._counter.name,
            "longer_than_tokens": {bound: dict(sorted(tasks.items())) for bound, tasks in self._longer.items()},
            "tokens": {str(step * LENGTH_STEP_TOKENS): n for step, n in sorted(self._lengths.items())},
            "metrics": {
                metric: {"stated": self._stated[metric], "withheld": self._withheld[metric]}
                for metric in sorted({*self._stated, *self._withheld})
            },
        }
