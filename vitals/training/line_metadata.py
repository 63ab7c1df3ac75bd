"""The metadata of a training line.

Belongs here: what a line says about itself: where it is from, what it rests on, what is left open.
Does not belong here: the text, or the choice of lines (`examples`).

All lines of a row share most members, so these are worked out once, with places for what a line fills in itself.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import orjson

from vitals.clinical.metrics import BY_ID
from vitals.training.claims import Claim, as_json
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative
from vitals.training.line_schema import completed, insights
from vitals.training.rounding import round_half_up
from vitals.training.tasks.draft import Draft

COMPLEXITY: tuple[tuple[int, str], ...] = ((8, "simple"), (20, "moderate"))
"""`complexity_level` by the number of claims up to which it holds; beyond the last it is "complex"."""

MOST_COMPLEX = "complex"

FULL, LIMITED, NOT_ASSESSABLE = "full_account", "limited_account", "not_assessable"
"""`clinical_relevance`: how far the data carry a statement on the day. Says nothing about the person.

full_account: every headline metric is stated and the day is closed. limited_account: one of them is withheld,
or the day is provisional. not_assessable: no headline metric is stated. All lines of a day have the same.
"""

DIFFERENT_VALUE = "another source reported a different value"
PROVISIONAL = "the day is provisional: more data may arrive"
LOWER_BOUND = "the total is a lower bound"
ZONE_CHANGED = "the UTC offset changed within the day"
"""`validation_warnings`: a closed set."""


def metadata(draft: Draft, shared: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a line, keys sorted: those of its row with what is its own put in their places."""
    claims = draft.claims
    stated = {claim.id: claim.value for claim in claims if claim.id in BY_ID and not isinstance(claim.value, str)}
    own = {
        "claims": as_json(claims),
        "clinical_insights": insights(stated),
        "complexity_level": _complexity(claims),
        "task": draft.task,
    }
    return {**shared, **own, **draft.metadata}


def shared_metadata(
    kind: KindNarrative, row: FactRow, stated: Mapping[str, Claim], *, tenant: str, processor_version: str
) -> dict[str, Any]:
    """What all lines of a row have in common, keys sorted, with places for what a line fills in itself."""
    values = row.values
    quality = values["data_quality_score"]
    source_keys = sorted(values["source_keys_sha256"] or ())
    own = {
        "claims": None,
        "clinical_insights": None,
        "clinical_relevance": _relevance(kind, row, stated),
        # What people said of the day's records, by id; most days need nobody's word.
        "completions": values.get("completions") or [],
        "complexity_level": None,
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
        "task": None,
        "tenant": tenant,
        # As many hex digits as a W3C trace id. The same uploads give the same trace.
        "trace_id": hash_of(*source_keys)[:32],
        "training_category": kind.record_type.category,
        "validation_warnings": _warnings(row),
        "withheld": row.withheld.as_json,
    }
    return completed(own)


def _warnings(row: FactRow) -> list[str]:
    own = {round_half_up(source["value"]) for source in row.used if source["value"] is not None}
    found = []
    if own and any(source["value"] is not None and round_half_up(source["value"]) not in own for source in row.others):
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


def _relevance(kind: KindNarrative, row: FactRow, stated: Mapping[str, Claim]) -> str:
    present = [row.id_of(column) in stated for column in kind.headline]
    if not any(present):
        return NOT_ASSESSABLE
    return FULL if all(present) and not row.values["provisional"] else LIMITED


def hash_of(*parts: str) -> str:
    """SHA-256 in hex of parts, each with its length, so that no two lists of parts look alike."""
    return sha256(orjson.dumps(parts)).hexdigest()
