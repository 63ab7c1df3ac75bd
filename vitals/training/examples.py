"""Fact rows to training lines.

Belongs here: putting instruction, data, answer and metadata into one JSON line, its id, and the last look for
forbidden language.
Does not belong here: wording (`<kind>`, `common_sentences`, `prompts`), or a computed number.

Every row gives a line: where nothing but the presence of data may be stated, the answer says just that.
"""

from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import polars as pl

from vitals.clinical.metrics import BY_ID
from vitals.errors import PermanentError
from vitals.training import active_calories, blood_glucose, heart_rate, hrv_rmssd, sleep, steps
from vitals.training.claims import Claim
from vitals.training.fact_row import FactRow, fact_rows
from vitals.training.kind_narrative import KindNarrative, SeriesTable, StagesTable
from vitals.training.language import suspects, violations
from vitals.training.narrative import Narrative
from vitals.training.prompts import TOKEN_BUDGET, Coarser, data_block, instruction
from vitals.training.series_tables import series_tables, stage_tables

TASK = "daily_summary"

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

COMPLEXITY: tuple[tuple[int, str], ...] = ((8, "simple"), (20, "moderate"))
"""`complexity_level` by the number of claims up to which it holds; beyond the last it is "complex"."""

MOST_COMPLEX = "complex"

FULL, LIMITED, NOT_ASSESSABLE = "full_account", "limited_account", "not_assessable"
"""`clinical_relevance`: how far the data carry a statement on the day. Says nothing about the person.

full_account: every headline metric is stated and the day is closed. limited_account: one of them is withheld,
or the day is provisional. not_assessable: no headline metric is stated.
"""

DIFFERENT_VALUE = "another source reported a different value"
PROVISIONAL = "the day is provisional: more data may arrive"
LOWER_BOUND = "the total is a lower bound"
ZONE_CHANGED = "the UTC offset changed within the day"
"""`validation_warnings`: a closed set."""


def build_examples(kind: str, facts: pl.DataFrame, *, tenant: str, processor_version: str) -> list[bytes]:
    """Training lines of a clinical table.

    Args:
        kind: name of the record type.
        facts: its clinical table, `fact_schema(kind, SUPPORT)`; any number of people and days.
        tenant: tenant the facts belong to.
        processor_version: version of the software, for the metadata.

    Returns:
        One JSON object per row, as bytes without a line break, by subject and id.

    Raises:
        KeyError: the kind is not one of the record types.
        PermanentError: a text broke a rule of `language`.
    """
    narrative = NARRATIVES[kind]
    tables = _tables(narrative, facts)
    made: list[_Made] = []
    for position, row in enumerate(fact_rows(narrative.record_type, facts)):
        example = _example(
            narrative,
            row,
            table=tables[position],
            coarser=_coarser(narrative, facts, position),
            tenant=tenant,
            processor_version=processor_version,
        )
        # Every mapping in an example is written with its keys sorted, which spares the sort here.
        line = orjson.dumps(example)
        made.append(_Made(row.values["subject_id"], example["id"], row.date, example["output"], line))
    _refuse_forbidden(narrative, made)
    return [example.line for example in sorted(made)]


class _Made(NamedTuple):
    """A finished line, with what orders it and what is checked before it leaves."""

    subject_id: str
    id: str
    local_date: str
    output: str
    line: bytes


def _tables(narrative: KindNarrative, facts: pl.DataFrame) -> list[str]:
    table = narrative.table
    if isinstance(table, SeriesTable):
        return series_tables(facts["series"], decimals=table.decimals)
    if isinstance(table, StagesTable):
        return stage_tables(facts["stages"])
    return [""] * facts.height


def _coarser(narrative: KindNarrative, facts: pl.DataFrame, position: int) -> Coarser:
    def coarser(minutes: int) -> str:
        if not isinstance(narrative.table, SeriesTable):
            return ""
        one = facts["series"].slice(position, 1)
        return series_tables(one, decimals=narrative.table.decimals, every_minutes=minutes)[0]

    return coarser


def _example(
    kind: KindNarrative,
    row: FactRow,
    *,
    table: str,
    coarser: Coarser,
    tenant: str,
    processor_version: str,
) -> dict[str, Any]:
    subject_id: str = row.values["subject_id"]
    narrative = Narrative(f"{kind.record_type.kind}|{TASK}|{subject_id}|{row.date}")
    kind.narrate(row, narrative)
    output = narrative.text()
    claims = list(narrative.claims.values())
    question = instruction(kind.record_type.kind, narrative)
    block = data_block(row, kind, claims, table=table, coarser=coarser, budget=TOKEN_BUDGET)
    return {
        "id": _hash(question, block, output, TASK, subject_id, row.date),
        "input": block,
        "instruction": question,
        "messages": [
            {"content": f"{question}\n\n{block}", "role": "user"},
            {"content": output, "role": "assistant"},
        ],
        "metadata": _metadata(kind, row, claims, tenant=tenant, processor_version=processor_version),
        "output": output,
    }


def _refuse_forbidden(kind: KindNarrative, made: list[_Made]) -> None:
    for position in suspects(pl.Series([example.output for example in made], dtype=pl.String)).arg_true():
        broken = violations(made[position].output)
        if broken:
            raise PermanentError(
                "write a training example",
                f"{kind.record_type.category}, {made[position].local_date}",
                f"its text breaks the language rule {', '.join(broken)}",
                "Change the wording in the narrative module of the kind; the rules are in vitals/training/language.py",
            )


def _metadata(
    kind: KindNarrative, row: FactRow, claims: list[Claim], *, tenant: str, processor_version: str
) -> dict[str, Any]:
    values = row.values
    stated = {claim.id: claim.value for claim in claims if claim.id in BY_ID}
    quality = values["data_quality_score"]
    source_keys = sorted(values["source_keys_sha256"] or ())
    return {
        "claims": [claim.as_json() for claim in claims],
        "clinical_insights": dict(sorted(stated.items())),
        "clinical_relevance": _relevance(kind, row, stated),
        "complexity_level": _complexity(claims),
        "data_quality_score": quality,
        "health_domain": kind.record_type.category,
        "local_date": row.date,
        "processor_version": processor_version,
        "provisional": bool(values["provisional"]),
        "quality_score": quality,
        "record_type": kind.record_type.avro_name,
        "records_processed": values["records"],
        "source_s3_keys_sha256": source_keys,
        "subject_id": values["subject_id"],
        "task": TASK,
        "tenant": tenant,
        # As many hex digits as a W3C trace id. The same uploads give the same trace.
        "trace_id": _hash(*source_keys)[:32],
        "training_category": kind.record_type.category,
        "validation_warnings": _warnings(row),
        "withheld": row.withheld.as_json,
    }


def _warnings(row: FactRow) -> list[str]:
    own = {round(source["value"]) for source in row.used if source["value"] is not None}
    found = []
    if own and any(source["value"] is not None and round(source["value"]) not in own for source in row.others):
        found.append(DIFFERENT_VALUE)
    if row.values["provisional"]:
        found.append(PROVISIONAL)
    if row.values.get("lower_bound"):
        found.append(LOWER_BOUND)
    if len(row.offsets) > 1:
        found.append(ZONE_CHANGED)
    return found


def _complexity(claims: list[Claim]) -> str:
    for most, level in COMPLEXITY:
        if len(claims) <= most:
            return level
    return MOST_COMPLEX


def _relevance(kind: KindNarrative, row: FactRow, stated: Mapping[str, float | str]) -> str:
    present = [row.id_of(column) in stated for column in kind.headline]
    if not any(present):
        return NOT_ASSESSABLE
    return FULL if all(present) and not row.values["provisional"] else LIMITED


def _hash(*parts: str) -> str:
    """SHA-256 in hex of parts, each with its length, so that no two lists of parts look alike."""
    return sha256(orjson.dumps(parts)).hexdigest()
