"""Fact rows to training lines.

Belongs here: putting instruction, data, answer and metadata into one JSON line, its id, and the last look for
forbidden language.
Does not belong here: wording (`<kind>`, `common_sentences`, `prompts`), a computed number, what metadata hold
(`line_metadata`), or whether a prompt gives what its answer claims (`sufficiency`; a blocking check of every
partition and a gate of every release, so that no line is evaluated twice).

Every row gives a daily summary, unless the mix asks for fewer: where nothing but the presence of data may be
stated, it says just that. The other tasks (`tasks`) answer from the claims of that summary, so that a row is read
and its data block laid out once.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import polars as pl

from vitals.errors import PermanentError
from vitals.training import active_calories, blood_glucose, heart_rate, hrv_rmssd, sleep, steps
from vitals.training.claims import Claim
from vitals.training.fact_row import FactRow, fact_rows
from vitals.training.fewer_details import forms
from vitals.training.kind_narrative import KindNarrative, SeriesTable, StagesTable
from vitals.training.language import suspects, violations
from vitals.training.line_metadata import hash_of, metadata, shared_metadata
from vitals.training.narrative import Narrative
from vitals.training.parts import with_sums
from vitals.training.prompts import TOKEN_BUDGET, Coarser, CountTokens, data_block, estimate_tokens, instruction
from vitals.training.series_tables import NO_TABLE, Table, series_tables, stage_tables
from vitals.training.tasks.ask import Day
from vitals.training.tasks.draft import Draft, with_operands
from vitals.training.tasks.mix import DAILY_SUMMARIES_ONLY, DAILY_SUMMARY, TaskMix
from vitals.training.tasks.of_day import task_drafts

NARRATIVES: Mapping[str, KindNarrative] = MappingProxyType(
    {
        "blood_glucose": blood_glucose.NARRATIVE,
        "heart_rate": heart_rate.NARRATIVE,
        "sleep": sleep.NARRATIVE,
        "steps": steps.NARRATIVE,
        "active_calories": active_calories.NARRATIVE,
        "hrv_rmssd": hrv_rmssd.NARRATIVE,
    }
)


def build_examples(
    kind: str,
    facts: pl.DataFrame,
    *,
    tenant: str,
    processor_version: str,
    mix: TaskMix = DAILY_SUMMARIES_ONLY,
    token_budget: int = TOKEN_BUDGET,
    count_tokens: CountTokens = estimate_tokens,
) -> list[bytes]:
    """Training lines of a clinical table.

    Args:
        kind: name of the record type.
        facts: its clinical table, `fact_schema(kind, SUPPORT)`; any number of people and days.
        tenant: tenant the facts belong to.
        processor_version: version of the software, for the metadata.
        mix: how many lines of each task a row gives.
        token_budget: tokens a data block may take.
        count_tokens: tokens of a text.

    Returns:
        JSON objects as bytes without a line break, by subject and id.

    Raises:
        KeyError: the kind is not one of the record types.
        PermanentError: a text broke a rule of `language`, or not even the shortest form of a row keeps to the budget.
    """
    narrative = NARRATIVES[kind]
    tables = _tables(narrative, facts)
    made: list[_Made] = []
    for position, row in enumerate(fact_rows(narrative.record_type, facts)):
        coarser = _coarser(narrative, facts, position)
        fits = _Budget(token_budget, count_tokens)
        drafts = _drafts(narrative, row, table=tables[position], coarser=coarser, mix=mix, budget=fits)
        shared = shared_metadata(narrative, row, drafts.stated, tenant=tenant, processor_version=processor_version)
        for draft in drafts.lines:
            example = _example(draft, row, shared)
            # Every mapping in an example is written with its keys sorted, which spares the sort here.
            line = orjson.dumps(example)
            answers = draft.output if draft.rejected is None else f"{draft.output}\n{draft.rejected}"
            made.append(_Made(row.values["subject_id"], example["id"], row.date, answers, line))
    _refuse_forbidden(narrative, made)
    return [example.line for example in sorted(made)]


class _Made(NamedTuple):
    """A finished line, with what orders it and what is checked before it leaves."""

    subject_id: str
    id: str
    local_date: str
    answers: str
    line: bytes


class _Budget(NamedTuple):
    """Tokens a data block may take, and how they are counted."""

    tokens: int
    count: CountTokens


class _Drafts(NamedTuple):
    """The lines of a row, and the claims of its summary, by id."""

    lines: list[Draft]
    stated: Mapping[str, Claim]


def _tables(narrative: KindNarrative, facts: pl.DataFrame) -> list[Table]:
    table = narrative.table
    if isinstance(table, SeriesTable):
        return series_tables(facts["series"], decimals=table.decimals, limits=_limits(table, facts))
    if isinstance(table, StagesTable):
        return stage_tables(with_sums(narrative.record_type.kind, facts))
    return [NO_TABLE] * facts.height


def _limits(table: SeriesTable, facts: pl.DataFrame) -> pl.DataFrame | None:
    return None if table.limits is None else facts.select(low=table.limits[0], high=table.limits[1])


def _coarser(narrative: KindNarrative, facts: pl.DataFrame, position: int) -> Coarser:
    def coarser(minutes: int) -> Table:
        if not isinstance(narrative.table, SeriesTable):
            return NO_TABLE
        one, table = facts.slice(position, 1), narrative.table
        found = series_tables(one["series"], decimals=table.decimals, limits=_limits(table, one), every_minutes=minutes)
        return found[0]

    return coarser


def _drafts(
    kind: KindNarrative, row: FactRow, *, table: Table, coarser: Coarser, mix: TaskMix, budget: _Budget
) -> _Drafts:
    """The row's lines of every task. All of them rest on the claims of its summary, whether or not that is one."""
    name, subject_id = kind.record_type.kind, row.values["subject_id"]
    for form, left_out in forms(row, kind):
        narrative = Narrative(f"{name}|{DAILY_SUMMARY}|{subject_id}|{row.date}")
        kind.narrate(form, narrative)
        stated = narrative.claims
        block = partial(data_block, kind=kind, budget=budget.tokens, count_tokens=budget.count, left_out=left_out)
        prompt = block(form, claims=stated.values(), table=table, coarser=coarser)
        if budget.count(prompt) <= budget.tokens:
            break
    else:
        raise _too_long(kind, row.date, budget.tokens)
    identity = f"{name}|{subject_id}|{row.date}"
    lines = task_drafts(
        Day(form, kind, stated),
        mix=mix,
        prompt=prompt,
        without_series=lambda shown, claims: block(shown, claims=claims.values(), table=NO_TABLE, coarser=_no_table),
        identity=identity,
    )
    if mix.lines(DAILY_SUMMARY, identity):
        lines.append(
            Draft(
                task=DAILY_SUMMARY,
                instruction=instruction(name, narrative),
                prompt=prompt,
                output=narrative.text(),
                claims=with_operands(stated, stated),
            )
        )
    return _Drafts(lines, stated)


def _too_long(kind: KindNarrative, local_date: str, token_budget: int) -> PermanentError:
    return PermanentError(
        "write a training example",
        f"{kind.record_type.category}, {local_date}",
        f"not even its shortest data block keeps to {token_budget} tokens",
        "Raise VITALGRAPH_PROMPT_TOKEN_BUDGET",
    )


def _no_table(_: int) -> Table:
    return NO_TABLE


def _example(draft: Draft, row: FactRow, shared: Mapping[str, Any]) -> dict[str, Any]:
    """A line as JSON, keys sorted."""
    asked, block, output = draft.instruction, draft.prompt, draft.output
    content = [asked, block, output, draft.task, row.values["subject_id"], row.date]
    if draft.rejected is not None:
        content.append(draft.rejected)
    return {
        "id": hash_of(*content),
        "input": block,
        "instruction": asked,
        "messages": [
            {"content": f"{asked}\n\n{block}", "role": "user"},
            {"content": output, "role": "assistant"},
        ],
        "metadata": metadata(draft, shared),
        "output": output,
        "rejected": draft.rejected,
    }


def _refuse_forbidden(kind: KindNarrative, made: list[_Made]) -> None:
    for position in suspects(pl.Series([example.answers for example in made], dtype=pl.String)).arg_true():
        broken = violations(made[position].answers)
        if broken:
            raise PermanentError(
                "write a training example",
                f"{kind.record_type.category}, {made[position].local_date}",
                f"its text breaks the language rule {', '.join(broken)}",
                "Change the wording in the narrative module of the kind; the rules are in vitals/training/forbidden_language.py",
            )
