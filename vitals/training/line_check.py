"""Whether a training line is what it promises to be.

Belongs here: the shape of a finished line, read from its bytes alone.
Does not belong here: whether its numbers are true (that is the grounding check's work).
"""

import orjson

from vitals.training.language import violations

REQUIRED = ("id", "input", "instruction", "messages", "metadata", "output")
REQUIRED_METADATA = (
    "claims",
    "local_date",
    "provisional",
    "record_type",
    "records_processed",
    "source_s3_keys_sha256",
    "subject_id",
    "task",
    "tenant",
    "training_category",
)


def problems(line: bytes) -> list[str]:
    """Names of what is wrong with a line; empty for a good one. No name holds content of the line."""
    try:
        example = orjson.loads(line)
    except orjson.JSONDecodeError:
        return ["not JSON"]
    if not isinstance(example, dict):
        return ["not an object"]
    found = [f"missing {name}" for name in REQUIRED if not example.get(name)]
    metadata = example.get("metadata") or {}
    found += [f"missing metadata.{name}" for name in REQUIRED_METADATA if name not in metadata]
    if found:
        return found
    if [m.get("role") for m in example["messages"]] != ["user", "assistant"]:
        found.append("messages are not one question and one answer")
    elif example["messages"][1]["content"] != example["output"]:
        found.append("messages differ from output")
    stated = {claim["metric"] for claim in metadata["claims"]}
    withheld = {entry["metric"] for entry in metadata.get("withheld", [])}
    if stated & withheld:
        found.append("a withheld metric is claimed")
    found += [f"forbidden language: {rule}" for rule in violations(example["output"])]
    if list(example) != sorted(example):
        found.append("keys are not sorted")
    return found
