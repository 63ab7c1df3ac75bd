"""The case format: one record per person and local day, with its facts and claims instead of prose.

Belongs here: joining the claims of a day's lines. Does not belong here: files, other formats.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

import pyarrow as pa

_TEXT, _NUMBER, _TEXTS = pa.string(), pa.float64(), pa.list_(pa.string())

_FACT = pa.struct([("metric", _TEXT), ("value", _NUMBER), ("text", _TEXT), ("unit", _TEXT)])
_CLAIM = pa.struct(
    [
        ("record_type", _TEXT),
        *(("id", _TEXT), ("metric", _TEXT), ("value", _NUMBER), ("text", _TEXT), ("unit", _TEXT), ("window", _TEXT)),
        *(("n", pa.int64()), ("sources", _TEXTS), ("rule", _TEXT), ("decimals", pa.int64())),
        *(("formula", _TEXT), ("operands", _TEXTS)),
    ]
)
CASE_SCHEMA = pa.schema(
    [
        ("id", _TEXT),
        ("subject_id", _TEXT),
        ("local_date", _TEXT),
        ("record_types", _TEXTS),
        ("facts", pa.list_(_FACT)),
        ("claims", pa.list_(_CLAIM)),
        ("withheld", pa.list_(pa.struct([("metric", _TEXT), ("reason", _TEXT)]))),
        ("example_ids", _TEXTS),
    ]
)
"""A value is a number in `value` or a time in `text`, never both: one column has one type."""

CASE_SAYS = "one record per person and day: facts, claims, what is withheld"


def case_id(person: str, local_date: str) -> str:
    """Id of a person's day among the records of the case format."""
    return sha256(f"case\x1f{person}\x1f{local_date}".encode()).hexdigest()


def case_of(person: str, local_date: str, lines: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The record of one person's day, CASE_SCHEMA.

    Args:
        lines: every line of the person and day, in any order. A claim that several lines of a kind state stands
            once; one about another day (a comparison looks back) keeps its own window.
    """
    ordered = sorted(lines, key=lambda line: str(line["id"]))
    claims: dict[tuple[str, str, str], dict[str, Any]] = {}
    withheld: dict[tuple[str, str], dict[str, Any]] = {}
    for line in ordered:
        for claim in line["metadata"]["claims"]:
            # Two kinds may each have a claim on the day itself, such as up to when their data are known.
            kind = line["metadata"]["record_type"]
            claims.setdefault((kind, claim["id"], claim["window"]), {"record_type": kind, **_claim(claim)})
        for entry in line["metadata"].get("withheld", ()):
            withheld.setdefault((entry["metric"], entry["reason"]), _withheld(entry))
    # What belongs to the day itself: a fact is a claim that bears its metric's own name, once.
    facts: dict[str, dict[str, Any]] = {}
    ordered_claims = sorted(claims.items(), key=lambda found: (found[0][1], found[0][2] != local_date, found[0]))
    for (_, id_, window), claim in ordered_claims:
        if id_ == claim["metric"] and window:
            facts.setdefault(id_, {name: claim[name] for name in ("metric", "value", "text", "unit")})
    return {
        "id": case_id(person, local_date),
        "subject_id": person,
        "local_date": local_date,
        "record_types": sorted({line["metadata"]["record_type"] for line in ordered}),
        "facts": list(facts.values()),
        "claims": [claims[key] for key in sorted(claims)],
        "withheld": [withheld[key] for key in sorted(withheld)],
        "example_ids": [line["id"] for line in ordered],
    }


def _claim(claim: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": claim["id"],
        "metric": claim["metric"],
        "value": claim["value"],
        "text": claim["text"],
        "unit": claim["unit"],
        "window": claim["window"],
        "n": claim["n"],
        "sources": list(claim["sources"]),
        "rule": claim["rule"],
        "decimals": claim["decimals"],
        "formula": claim["formula"],
        "operands": list(claim["operands"]),
    }


def _withheld(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"metric": entry["metric"], "reason": entry["reason"]}
