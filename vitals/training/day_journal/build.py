"""The facts of some local days to the lines of the day journal.

Belongs here: people and their rows, the JSON of a line with its metadata, and the last look at its words.
Does not belong here: wording (`paragraphs`, `journal`, `questions`), which files are read, or whether a prompt gives
what its text states: the blocking check of the journal and the gates of a release evaluate every line.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from itertools import chain
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson
import polars as pl

from vitals.clinical.metrics import BY_ID
from vitals.errors import PermanentError
from vitals.record_types import RECORD_TYPES
from vitals.training.day_journal.day_metrics import DAY_METRICS, WINDOW_DAYS
from vitals.training.day_journal.journal import journal_draft
from vitals.training.day_journal.multi_day import Resting, Rows, multi_day_drafts
from vitals.training.day_journal.paragraphs import PARAGRAPHS
from vitals.training.fact_row import FactRow, fact_rows
from vitals.training.language import suspects, violations
from vitals.training.line_metadata import (
    COMPLEXITY,
    FULL,
    LIMITED,
    LOWER_BOUND,
    MOST_COMPLEX,
    NOT_ASSESSABLE,
    PROVISIONAL,
    ZONE_CHANGED,
)
from vitals.training.line_schema import completed, insights
from vitals.training.prompts import TOKEN_BUDGET, CountTokens, estimate_tokens
from vitals.training.rounding import round_half_up
from vitals.training.tasks.draft import Draft

CATEGORY = "day_journal"
RECORD_TYPE = "DayJournal"

_OF_EVERY_KIND = frozenset(
    {
        *("subject_id", "local_date", "zone", "day_minutes", "as_of_utc", "provisional", "lower_bound"),
        *("records", "n", "sources", "source_keys_sha256", "completions", "data_quality_score", "withheld"),
    }
)
COLUMNS_OF_EARLIER_DAYS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        each.kind: _OF_EVERY_KIND
        | {metric.column for metric in DAY_METRICS.values() if metric.kind == each.kind}
        | ({"wear_percent", "mean_is_bound", "min_is_bound"} if each.kind == "blood_glucose" else set())
        for each in RECORD_TYPES
    }
)
"""Kind -> columns that are read of the days before the journal's own: by the tables, and by the metadata of a line."""


def build_journal(
    facts: Mapping[str, pl.DataFrame],
    *,
    local_day: date,
    tenant: str,
    processor_version: str,
    token_budget: int = TOKEN_BUDGET,
    count_tokens: CountTokens = estimate_tokens,
) -> list[bytes]:
    """Training lines of everybody who has facts on a local day.

    Args:
        facts: kind -> its clinical table of the WINDOW_DAYS local days up to the day (`fact_schema`; the long lists
            may be missing). Kinds may be missing, other days do no harm.
        local_day: the day.
        tenant: tenant the facts belong to.
        processor_version: version of the software, for the metadata.
        token_budget: tokens a data block may take.
        count_tokens: tokens of a text.

    Returns:
        JSON objects as bytes without a line break, by subject and id: a journal per person, and their questions.

    Raises:
        PermanentError: a text broke a rule of `language`.
    """
    made: list[_Made] = []
    budget: dict[str, Any] = {"token_budget": token_budget, "count_tokens": count_tokens}
    for subject_id, rows in sorted(_people(facts, local_day).items()):
        today = {kind: days[local_day] for kind, days in rows.items() if local_day in days}
        drafts = [Resting(journal_draft(today, **budget), tuple(today.values()))]
        drafts += multi_day_drafts(rows, subject_id=subject_id, local_day=local_day, **budget)
        for draft, used in drafts:
            example = _example(draft, used, local_day, tenant=tenant, processor_version=processor_version)
            line = orjson.dumps(example, option=orjson.OPT_SORT_KEYS)
            made.append(_Made(subject_id, example["id"], draft.task, draft.output, line))
    _refuse_forbidden(made, local_day)
    return [each.line for each in sorted(made)]


class _Made(NamedTuple):
    """A finished line, with what orders it and what is checked before it leaves."""

    subject_id: str
    id: str
    task: str
    output: str
    line: bytes


def _people(facts: Mapping[str, pl.DataFrame], local_day: date) -> dict[str, Rows]:
    """Person -> kind -> local date -> row, of everybody with a row on the day.

    Of an earlier day only what a question over several days reads is handed over: most columns and people's earlier
    days are no part of any line.
    """
    first_day = local_day - timedelta(days=WINDOW_DAYS - 1)
    today = {kind: rows.filter(pl.col("local_date") == local_day) for kind, rows in facts.items()}
    here = {subject_id for rows in today.values() for subject_id in rows["subject_id"].unique()}
    is_read = pl.col("local_date").is_between(first_day, local_day, closed="left") & pl.col("subject_id").is_in(here)
    people: dict[str, dict[str, dict[date, FactRow]]] = {}
    for record_type in RECORD_TYPES:
        kind = record_type.kind
        if kind not in facts:
            continue
        read = [name for name in facts[kind].columns if name in COLUMNS_OF_EARLIER_DAYS[kind]]
        earlier = facts[kind].lazy().filter(is_read).select(read).collect()
        for row in chain(fact_rows(record_type, today[kind]), fact_rows(record_type, earlier)):
            kinds = people.setdefault(row.values["subject_id"], {})
            kinds.setdefault(kind, {})[row.values["local_date"]] = row
    return dict(people)


def _example(
    draft: Draft, rows: Sequence[FactRow], local_day: date, *, tenant: str, processor_version: str
) -> dict[str, Any]:
    subject_id = rows[0].values["subject_id"]
    content = (draft.instruction, draft.prompt, draft.output, draft.task, subject_id, f"{local_day}")
    return {
        "id": _hash(*content),
        "input": draft.prompt,
        "instruction": draft.instruction,
        "messages": [
            {"content": f"{draft.instruction}\n\n{draft.prompt}", "role": "user"},
            {"content": draft.output, "role": "assistant"},
        ],
        "metadata": completed(
            _metadata(draft, rows, local_day)
            | {"processor_version": processor_version, "subject_id": subject_id, "tenant": tenant}
            | dict(draft.metadata)
        ),
        "output": draft.output,
        "rejected": draft.rejected,
    }


def _metadata(draft: Draft, rows: Sequence[FactRow], local_day: date) -> dict[str, Any]:
    source_keys = sorted({key for row in rows for key in row.values["source_keys_sha256"] or ()})
    quality = _quality(rows)
    kinds = {row.record_type.kind for row in rows}
    is_one_day = draft.task == CATEGORY
    completions = sorted({one for row in rows for one in row.values.get("completions") or ()})
    return {
        "completions": completions,
        "claims": [claim.as_json() for claim in draft.claims],
        "clinical_insights": insights(
            {c.id: c.value for c in draft.claims if c.id in BY_ID and not isinstance(c.value, str)}
        ),
        "clinical_relevance": _relevance(draft, rows),
        "complexity_level": next((level for most, level in COMPLEXITY if len(draft.claims) <= most), MOST_COMPLEX),
        "data_quality_score": quality,
        "health_domain": CATEGORY,
        "local_date": f"{local_day}",
        "provisional": any(bool(row.values["provisional"]) for row in rows),
        "quality_score": quality,
        "record_type": RECORD_TYPE,
        "record_types": [each.avro_name for each in RECORD_TYPES if each.kind in kinds],
        "records_processed": sum(row.values["records"] or 0 for row in rows),
        "source_s3_keys_sha256": source_keys,
        "task": draft.task,
        "trace_id": _hash(*source_keys)[:32],
        "training_category": CATEGORY,
        "validation_warnings": _warnings(rows),
        # Over several days a metric may be stated of one and withheld of another: the table names which.
        "withheld": [entry for row in rows for entry in row.withheld.as_json] if is_one_day else [],
    }


def _quality(rows: Sequence[FactRow]) -> float | None:
    """Mean quality of the records, each counted once; None if none is known."""
    known = [
        (row.values["data_quality_score"], row.values["records"] or 0)
        for row in rows
        if row.values["data_quality_score"] is not None
    ]
    records = sum(count for _, count in known)
    return round_half_up(sum(score * count for score, count in known) / records, 6) if records else None


def _warnings(rows: Sequence[FactRow]) -> list[str]:
    found = []
    if any(row.values["provisional"] for row in rows):
        found.append(PROVISIONAL)
    if any(row.values.get("lower_bound") for row in rows):
        found.append(LOWER_BOUND)
    if any(len(row.offsets) > 1 for row in rows):
        found.append(ZONE_CHANGED)
    return found


def _relevance(draft: Draft, rows: Sequence[FactRow]) -> str:
    if draft.task != CATEGORY:
        return NOT_ASSESSABLE if "abstention" in draft.metadata else FULL
    stated = {claim.id for claim in draft.claims}
    present = [row.id_of(PARAGRAPHS[row.record_type.kind].kind.headline[0]) in stated for row in rows]
    if not any(present):
        return NOT_ASSESSABLE
    return FULL if all(present) and not any(row.values["provisional"] for row in rows) else LIMITED


def _refuse_forbidden(made: Sequence[_Made], local_day: date) -> None:
    for position in suspects(pl.Series([each.output for each in made], dtype=pl.String)).arg_true():
        broken = violations(made[position].output)
        if broken:
            raise PermanentError(
                "write a line of the day journal",
                f"{made[position].task}, {local_day}",
                f"its text breaks the language rule {', '.join(broken)}",
                "Change the wording in vitals/training/day_journal; the rules are in vitals/training/forbidden_language.py",
            )


def _hash(*parts: str) -> str:
    """SHA-256 in hex of parts, each with its length, so that no two lists of parts look alike."""
    return sha256(orjson.dumps(parts)).hexdigest()
