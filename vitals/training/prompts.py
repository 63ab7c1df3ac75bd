"""The question of an example: instruction and data block.

Belongs here: the phrasings of the instruction, the layout of the data, and what is left out when it is long.
Does not belong here: the answer, a value that is not in the fact row, or the names of facts (`prompt_words`).

    Record, day, state, sources -> facts (each value the answer states, with all its decimals) -> not assessable
    -> series

One statement a line, so that a line can be read, quoted and missed. `sufficiency` reads it back.

A prompt longer than its budget shows its series as means of 15 minutes, then of an hour, then not at all, and
says so. Stage runs have no coarser form. What the answer states is never left out; where that alone is too long,
the answer states less (`fewer_details`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import ceil, isfinite
from typing import Any

from vitals.clinical.metrics import BY_ID
from vitals.training.claims import VALUE_DECIMALS, Claim, precise_number
from vitals.training.day_totals import is_bound, lacks_share
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative
from vitals.training.narrative import Narrative, phrases
from vitals.training.not_assessable import prompt_lines
from vitals.training.prompt_words import TOPICS, name_of, place_of, unit_words
from vitals.training.rounding import round_half_up
from vitals.training.series_tables import Table
from vitals.training.source_names import title_of

TOKEN_BUDGET = 2048
"""Tokens a prompt's data block may take unless told."""

LEAST_CHARACTERS = 1050
"""Fewest characters a budget must allow: the main figures and the reasons of what is not assessable take up to 950."""

CHARACTERS_PER_TOKEN = 1.6
"""Estimator unless told. Prompts are mostly numbers: tokenizers that join up to three digits (Llama 3, o200k) take 2.0
to 2.9 characters a token of them, those that give each digit a token (Mistral, Llama 2) 1.4 on a full day of glucose to
2.4 on a day's steps."""

LEAST_TOKEN_BUDGET = ceil(LEAST_CHARACTERS / CHARACTERS_PER_TOKEN)
"""Smallest budget a setting may name while tokens are estimated as by default."""

CountTokens = Callable[[str], int]
"""How many tokens a text takes."""

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

COARSER_MINUTES = (15, 60)
"""Bin widths to fall back to, in order."""

_OMITTED = "Series left out: longer than this prompt allows"
_LOWER_BOUND = "State: the total is a lower bound, the source was still counting"
_WITHOUT_SHARE = "State: the total is a lower bound, without the share of records that reach over midnight"
_NO_STAGES = "State: no stages delivered for the session"
_STAGES_NOT_TOLD = "State: stages of sleep not told apart in the session"
_NEWLINE = "\n"

Coarser = Callable[[int], Table]
"""A day's table as means per so many minutes."""


def estimate_tokens(text: str, characters_per_token: float = CHARACTERS_PER_TOKEN) -> int:
    """Tokens of a text by the mean number of characters in one, rounded up."""
    return ceil(len(text) / characters_per_token)


def instruction(kind: str, narrative: Narrative) -> str:
    """The instruction that this example uses."""
    return narrative.choose(INSTRUCTIONS).format(topic=TOPICS[kind])


def data_block(
    row: FactRow,
    kind: KindNarrative,
    claims: Iterable[Claim],
    *,
    table: Table,
    coarser: Coarser,
    budget: int,
    count_tokens: CountTokens = estimate_tokens,
    left_out: Sequence[str] = (),
) -> str:
    """Everything the answer needs, as text, one statement a line.

    Args:
        row: the facts.
        kind: its kind.
        claims: what the answer states.
        table: the series in full; without rows if there is none.
        coarser: the series as means per so many minutes; without rows if the kind has no such form.
        budget: tokens it may take. Only the series gives way to it here; a caller whose facts alone are too
            many states fewer of them (`fewer_details`).
        count_tokens: tokens of a text.
        left_out: what the answer does without for want of room, named in the prompt.
    """
    head = _NEWLINE.join(
        [
            f"Record: {TOPICS[kind.record_type.kind]}",
            *_day_lines(row),
            *_source_lines(row, kind),
            *_fact_lines(claims),
            *_withheld_lines(row, kind),
            *([f"Left out, longer than this prompt allows: {', '.join(left_out)}"] if left_out else ()),
        ]
    )
    if not table.rows or kind.table is None:
        return head
    full = f"{head}\n{_title(kind.table.title, table)}:\n{table.rows}"
    if count_tokens(full) <= budget:
        return full
    for minutes in COARSER_MINUTES:
        short = coarser(minutes)
        title = f"{_title(kind.table.title, short)}; shortened to means per {minutes} min"
        shorter = f"{head}\n{title}:\n{short.rows}"
        if short.rows and count_tokens(shorter) <= budget:
            return shorter
    return f"{head}\n{_OMITTED}"


def _title(title: str, table: Table) -> str:
    """The line above a table, which explains values that stand without their minute."""
    if table.step_minutes is None:
        return title
    return f"{title.removesuffix(')')}; a value alone is {table.step_minutes} min after the one before)"


def _day_lines(row: FactRow) -> list[str]:
    offsets = " then ".join(f"UTC{offset}" for offset in row.offsets)
    hours = row.day_hours()
    length = "" if hours is None else f", {hours.precise_text()} h long"
    values = row.values
    lines = [f"Local day: {row.date} ({offsets}{length})"]
    if values["provisional"]:
        as_of = row.as_of()
        lines.append("State: provisional" if as_of is None else f"State: provisional, as of {as_of.text()}")
    if values.get("recommended_total") is not None and is_bound(row):
        lines.append(_WITHOUT_SHARE if lacks_share(row) else _LOWER_BOUND)
    if values.get("min_is_bound") or values.get("max_is_bound"):
        lines += _limit_lines(values)
    app = values.get("session_app")
    if app is not None:
        lines.append(f"Session recorded by {title_of(app)}")
    if values.get("staged") is False:
        lines.append(_NO_STAGES if values["onset_local"] is None else _STAGES_NOT_TOLD)
    return lines


def _limit_lines(values: Mapping[str, Any]) -> list[str]:
    """What the table's signs mean; a limit that no reading met has none."""
    sides = (("min", "<", "below", "limit_low_mg_dl"), ("max", ">", "above", "limit_high_mg_dl"))
    return [
        f"Limit of the device: {sign}{values[limit]} is at or {word} {values[limit]} mg/dL"
        for column, sign, word, limit in sides
        if values.get(f"{column}_is_bound") and values.get(limit) is not None
    ]


def _source_lines(row: FactRow, kind: KindNarrative) -> list[str]:
    headline = kind.headline[0]
    stated = not row.is_withheld(headline)
    column = kind.source_value or headline
    name, unit = name_of(row.id_of(column)), " " + unit_words(BY_ID[row.id_of(headline)].unit)
    lines = []
    for source in (*row.used, *row.others):
        line = f"Source {title_of(source['name'])}: {'used' if source['used'] else 'not used'}"
        if source["n"] is not None:
            counted = kind.counted.removesuffix("s") if source["n"] == 1 else kind.counted
            line += f"; {source['n']} {counted}"
        if stated and source["value"] is not None and isfinite(source["value"]):
            line += f"; {name} {_plain(source['value'])}{unit}"
        if source["as_of_utc"] is not None:
            line += f"; as of {row.local(source['as_of_utc']).replace('T', ' ')}"
        lines.append(line)
    return lines


def _fact_lines(claims: Iterable[Claim]) -> list[str]:
    """One line per fact, its value first, then its times; constants and derived values follow from the others."""
    facts: dict[str, str] = {}
    for claim in claims:
        if not claim.window or claim.formula is not None:
            continue
        place = place_of(claim.id, claim.unit)
        if place is None:
            continue
        fact, part, unit = place
        shown = claim.shown
        if unit:
            shown = f"{shown} {unit}"
        said = facts.get(fact)
        if part:
            facts[fact] = f"{part} {shown}" if said is None else f"{said}, {part} {shown}"
        else:
            facts[fact] = shown if said is None else f"{shown}, {said}"
    return ["Facts:", *(f"{fact}: {parts}" for fact, parts in facts.items())] if facts else []


def _withheld_lines(row: FactRow, kind: KindNarrative) -> tuple[str, ...]:
    lines = prompt_lines(kind.labels, row.withheld)
    return (lines,) if lines else ()


def _plain(value: float) -> str:
    return precise_number(round_half_up(value, VALUE_DECIMALS))
