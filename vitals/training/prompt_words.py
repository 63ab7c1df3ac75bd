"""Where a prompt shows a claim, and in which words: the data dictionary of the data block.

Belongs here: claim id and unit -> name of the fact, word of its part, unit as written; what a record is called.
Does not belong here: the layout (`prompts`), or reading it back (`sufficiency`).

    glucose.min -> "min" ... "81 mg/dL"        glucose.episodes_lv1_hyper#2:start -> "<name>, no. 2" ... "start 12:50"
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from vitals.record_types import RECORD_TYPES
from vitals.training.metric_names import NAMES

TOPICS: Mapping[str, str] = MappingProxyType({each.kind: each.topic for each in RECORD_TYPES})
"""What a kind is called in an instruction and at the head of its data."""

_PARTS = {"most": "at most", "minutes": "for", "clock": "at", "tst": "asleep"}
_NO_UNIT = frozenset({"count", "1", "", "local time", "local date", "local date and time", "UTC offset", "clock"})


_DATE = re.compile(r"\d{4}-\d\d-\d\d")
"""Qualifier of one of several days."""


class Place(NamedTuple):
    """Where a value stands among the facts of a record.

    Attributes:
        fact: name that opens the line.
        part: word before the value; "" for the fact's own value.
        unit: unit after the value; "" without one.
    """

    fact: str
    part: str
    unit: str


def name_of(metric: str) -> str:
    """What a prompt calls a metric or support fact."""
    return NAMES.get(metric) or metric.partition(".")[2].replace("_", " ")


def unit_words(unit: str) -> str:
    """A claim's unit as a prompt writes it; "" for counts, times and dates."""
    return "" if unit in _NO_UNIT else "%" if unit == "%TST" else unit


@lru_cache(maxsize=4096)
def place_of(claim_id: str, unit: str) -> Place | None:
    """Where the facts show a claim; None for what the lines of the day and of the sources show."""
    metric, _, qualifier = claim_id.partition("#")
    if metric == "day" or qualifier.startswith("other:") or qualifier == "records":
        return None
    name = name_of(metric)
    if _DATE.fullmatch(qualifier):
        return Place(f"{name} on {qualifier}", "", unit_words(unit))
    index, _, part = qualifier.rpartition(":")
    return Place(
        f"{name}, no. {index}" if index else name, _PARTS.get(part) or part.replace("_", " "), unit_words(unit)
    )
