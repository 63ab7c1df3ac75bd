"""The question of an example: instruction and data block.

Belongs here: the phrasings of the instruction, the layout of the data, and what is left out when it is long.
Does not belong here: the answer, or a value that is not in the fact row.

    Day, sources, state -> facts (each value the answer states, with all its decimals) -> not assessable -> series

A prompt longer than TOKEN_BUDGET shows its series as means of 15 minutes, then of an hour, then not at all, and
says so. Stage runs have no coarser form. What the answer states is never left out.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from math import ceil

from vitals.training.claims import Claim
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative
from vitals.training.metric_names import NAMES
from vitals.training.narrative import Narrative, phrases
from vitals.training.not_assessable import prompt_line
from vitals.training.source_names import title_of

TOKEN_BUDGET = 2048
CHARACTERS_PER_TOKEN = 3.5
"""Estimator: tables of digits take fewer characters per token than English prose (about 4)."""

INSTRUCTIONS = phrases(
    "Summarise this person's {topic} for the local day from the data below.",
    "Write a short clinical summary of the {topic} in this record.",
    "Describe what these data show about the {topic}, and what they cannot show.",
    "Give a compact account of the {topic} of this day, with the coverage behind each statement.",
    "State the facts of this day's {topic}; name the source and what is not assessable.",
    "What can be said about the {topic} on this day, and on what basis?",
    "As for a clinical note, report the {topic} of the day without interpretation.",
    "Turn the following record into a plain summary of the {topic}.",
    "Report the {topic} for this local day. Do not state anything that the data do not support.",
    "Summarise the {topic} below: amounts, times, sources, gaps.",
    "Using only the data given, write up the {topic} of this day.",
    "Please give a factual summary of this day's {topic}, including its limits.",
    "Read the record and write a brief, factual note on the {topic}.",
    "Prepare a neutral summary of the {topic} for the person's care team.",
    "How did the {topic} of this day look in the recorded data?",
    "Extract the main facts on the {topic} from this record and put them into sentences.",
)

TOPICS: Mapping[str, str] = {
    "blood_glucose": "blood glucose",
    "heart_rate": "heart rate",
    "sleep": "sleep",
    "steps": "step count",
    "active_calories": "active energy",
    "hrv_rmssd": "overnight heart-rate variability (RMSSD)",
}

COARSER_MINUTES = (15, 60)
"""Bin widths to fall back to, in order."""

_OMITTED = "Series left out: longer than this prompt allows"
_NEWLINE = "\n"

Coarser = Callable[[int], str]
"""A day's table as means per so many minutes."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, by CHARACTERS_PER_TOKEN, rounded up."""
    return ceil(len(text) / CHARACTERS_PER_TOKEN)


def instruction(kind: str, narrative: Narrative) -> str:
    """The instruction that this example uses."""
    return narrative.choose(INSTRUCTIONS).format(topic=TOPICS[kind])


def data_block(
    row: FactRow, kind: KindNarrative, claims: Sequence[Claim], *, table: str, coarser: Coarser, budget: int
) -> str:
    """Everything the answer needs, as text.

    Args:
        row: the facts.
        kind: its kind.
        claims: what the answer states.
        table: the series in full; "" without one.
        coarser: the series as means per so many minutes; "" if the kind has no such form.
        budget: tokens it may take.
    """
    lines = [*_day_lines(row), *_source_lines(row, kind), *_fact_lines(claims)]
    withheld = prompt_line(kind.labels, row.withheld)
    if withheld:
        lines.append(withheld)
    head = _NEWLINE.join(lines)
    if not table or kind.table is None:
        return head
    full = f"{head}\n{kind.table.title}:\n{table}"
    if estimate_tokens(full) <= budget:
        return full
    for minutes in COARSER_MINUTES:
        short = coarser(minutes)
        shorter = f"{head}\n{kind.table.title}; shortened to means per {minutes} min:\n{short}"
        if short and estimate_tokens(shorter) <= budget:
            return shorter
    return f"{head}\n{_OMITTED}"


def _day_lines(row: FactRow) -> list[str]:
    offsets = " then ".join(f"UTC{offset}" for offset in row.offsets)
    hours = row.day_hours()
    length = "" if hours is None else f", {hours.precise_text()} h long"
    lines = [f"Local day: {row.date} ({offsets}{length})"]
    if row.values["provisional"]:
        as_of = row.as_of()
        lines.append("State: provisional" if as_of is None else f"State: provisional, as of {as_of.text()}")
    return lines


def _source_lines(row: FactRow, kind: KindNarrative) -> list[str]:
    headline = kind.headline[0]
    stated = not row.is_withheld(headline)
    name = _label(row.id_of(kind.source_value or headline))
    lines = []
    for source in (*row.used, *row.others):
        parts = [f"Source {title_of(source['app'])}: {'used' if source['used'] else 'not used'}"]
        if source["n"] is not None:
            parts.append(f"{source['n']} {kind.counted}")
        if stated and source["value"] is not None:
            parts.append(f"{name} {_plain(source['value'])}")
        if source["as_of_utc"] is not None:
            parts.append(f"as of {row.local(source['as_of_utc']).replace('T', ' ')}")
        lines.append(", ".join(parts))
    return lines


def _fact_lines(claims: Sequence[Claim]) -> list[str]:
    """One item per value of the day or session; constants and derived values follow from the others."""
    shown: list[str] = []
    for claim in claims:
        if claim.window and claim.formula is None:
            label = _label_and_unit(claim.id, claim.unit)
            if label is not None:
                shown.append(f"{label[0]} {claim.precise_text()}{label[1]}")
    return ["Facts: " + "; ".join(shown)] if shown else []


@lru_cache(maxsize=4096)
def _label_and_unit(claim_id: str, unit: str) -> tuple[str, str] | None:
    """What stands before and after a value; None for what other lines of the prompt show."""
    if claim_id.startswith("day#") or "#other:" in claim_id:
        return None
    return _label(claim_id), "" if unit in _NO_UNIT else " %" if unit == "%TST" else f" {unit}"


def _label(claim_id: str) -> str:
    """What a prompt calls a claim: the metric's name and the qualifier."""
    metric, _, qualifier = claim_id.partition("#")
    name = NAMES.get(metric) or metric.partition(".")[2].replace("_", " ")
    return f"{name} {qualifier.replace(':', ' ').replace('_', ' ')}" if qualifier else name


_NO_UNIT = frozenset({"count", "1", "steps/min", "", "local time", "local date", "local date and time", "clock"})


def _plain(value: float) -> str:
    return f"{round(value, 2):.12g}"
