"""Whether a training line is what it promises to be.

Belongs here: the shape of a finished line, read from its bytes alone.
Does not belong here: whether its numbers are true (that is the grounding check's work).

Every line is one of LINE_SCHEMA, and REQUIRED is not empty. By `metadata.task` it fills in further:

    question     metadata.question: name of the question
    abstention   metadata.question, metadata.abstention {metric, reason}; no claim of that metric
    preference   rejected beside output, and metadata.rejected_fact {label, claim, chosen, rejected}: output with
                 the chosen span replaced by the rejected one, at one place, is the rejected text. `messages` hold
                 the chosen answer. Where the chosen answer is a refusal, metadata.abstention too
    others       none of these
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import orjson
import polars as pl

from vitals.training.language import suspects, violations
from vitals.training.line_schema import NO_ABSTENTION, NO_REJECTED_FACT, schema_problems

REQUIRED = ("id", "input", "instruction", "messages", "metadata", "output")
REJECTED_LABELS = frozenset({"digit", "unit", "date", "time", "comparison", "metric", "withheld_stated"})
"""What a rejected answer may get wrong."""


Parsed = dict[str, Any] | list[str]
"""A line as an object; what is wrong with it if it is none."""


def problems(line: bytes) -> list[str]:
    """Names of what is wrong with a line; empty for a good one. No name holds content of the line."""
    return problems_of([line])[0]


def problems_of(lines: Iterable[bytes]) -> list[list[str]]:
    """Names of what is wrong with each of many lines."""
    return problems_of_parsed([parsed(line) for line in lines])


def problems_of_parsed(examples: Sequence[Parsed]) -> list[list[str]]:
    """Names of what is wrong with each of many lines: their texts are screened for language at once."""
    texts = [
        str(text)
        for example in examples
        if isinstance(example, dict)
        for text in (example.get("output"), example.get("rejected"))
        if text
    ]
    screened = pl.Series(texts, dtype=pl.String)
    suspected = set(screened.filter(suspects(screened)))
    return [example if isinstance(example, list) else _problems(example, suspected) for example in examples]


def parsed(line: bytes) -> Parsed:
    """The line as an object, or what is wrong with it as a list."""
    try:
        example = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ["not JSON"]
    return example if isinstance(example, dict) else ["not an object"]


def _language(text: str, suspected: AbstractSet[str]) -> list[str]:
    return [f"forbidden language: {rule}" for rule in violations(text)] if text in suspected else []


def _problems(example: dict[str, Any], suspected: AbstractSet[str]) -> list[str]:
    found = [f"missing {name}" for name in REQUIRED if not example.get(name)]
    found = sorted({*found, *schema_problems(example)})
    if found:
        return found
    metadata = example["metadata"]
    if [m.get("role") for m in example["messages"]] != ["user", "assistant"]:
        found.append("messages are not one question and one answer")
    elif example["messages"][1]["content"] != example["output"]:
        found.append("messages differ from output")
    stated = {claim["metric"] for claim in metadata["claims"]}
    withheld = {entry["metric"] for entry in metadata["withheld"]}
    if stated & withheld:
        found.append("a withheld metric is claimed")
    found += _derivation_problems(metadata["claims"])
    found += _task_problems(example, metadata, stated, suspected)
    found += _language(example["output"], suspected)
    if list(example) != sorted(example) or list(metadata) != sorted(metadata):
        found.append("keys are not sorted")
    return found


def _derivation_problems(claims: list[Mapping[str, Any]]) -> list[str]:
    """A derived claim names its formula and operands, and these are claims of the same line."""
    ids = {claim["id"] for claim in claims}
    derived = [claim for claim in claims if claim["formula"] or claim["operands"]]
    if any(not claim.get("formula") or not claim.get("operands") for claim in derived):
        return ["a derived claim lacks formula or operands"]
    return ["an operand is no claim of the line"] if any(set(c["operands"]) - ids for c in derived) else []


def _task_problems(
    example: Mapping[str, Any], metadata: Mapping[str, Any], stated: set[str], suspected: AbstractSet[str]
) -> list[str]:
    task = metadata["task"]
    found = []
    if task in {"question", "abstention"} and not metadata.get("question"):
        found.append(f"{task} without metadata.question")
    refused = metadata["abstention"]
    if refused != NO_ABSTENTION:
        if not (refused["metric"] and refused["reason"]):
            found.append("metadata.abstention names no metric or reason")
        elif refused["metric"] in stated:
            found.append("a refused metric is claimed")
    elif task == "abstention":
        found.append("abstention without metadata.abstention")
    if task == "preference":
        found += _preference_problems(example, metadata, suspected)
    elif example["rejected"] is not None or metadata["rejected_fact"] != NO_REJECTED_FACT:
        found.append("a rejected answer outside a preference")
    return found


def _preference_problems(
    example: Mapping[str, Any], metadata: Mapping[str, Any], suspected: AbstractSet[str]
) -> list[str]:
    rejected, fact = example["rejected"], metadata["rejected_fact"]
    if rejected is None or fact == NO_REJECTED_FACT:
        return ["preference without rejected answer or metadata.rejected_fact"]
    if fact.get("label") not in REJECTED_LABELS or not all(fact.get(k) for k in ("claim", "chosen", "rejected")):
        return ["metadata.rejected_fact is incomplete"]
    found = _language(rejected, suspected)
    if not _differ_in_one_place(example["output"], rejected, fact["chosen"], fact["rejected"]):
        found.append("the rejected answer does not differ in its labelled fact alone")
    return found


def _differ_in_one_place(chosen: str, rejected: str, chosen_span: str, rejected_span: str) -> bool:
    if chosen == rejected:
        return False
    start = chosen.find(chosen_span)
    while start >= 0:
        if f"{chosen[:start]}{rejected_span}{chosen[start + len(chosen_span) :]}" == rejected:
            return True
        start = chosen.find(chosen_span, start + 1)
    return False
