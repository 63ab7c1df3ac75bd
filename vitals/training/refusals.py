"""Lines that are not to be written, and what is wrong with the code or the settings if one was about to be.

Belongs here: the errors about a prompt. Does not belong here: whether it suffices (`sufficiency`) or fits (`prompts`).
"""

from collections.abc import Mapping
from typing import Any

from vitals.errors import PermanentError
from vitals.training.kind_narrative import KindNarrative
from vitals.training.sufficiency.evaluator import insufficient


def refuse_insufficient(kind: KindNarrative, example: Mapping[str, Any]) -> None:
    """Stop at a line whose prompt does not give what its answer claims.

    Raises:
        PermanentError: names the claims, and neither a value nor a person.
    """
    missing = insufficient(example)
    if missing:
        metadata = example["metadata"]
        raise PermanentError(
            "write a training example",
            f"{kind.record_type.category}, {metadata['task']}, {metadata['local_date']}",
            f"its prompt does not give what its answer claims: {', '.join(missing)}",
            "Show the value in vitals/training/prompts.py, or do not state it where the answer is written",
        )


def too_long(kind: KindNarrative, local_date: str, token_budget: int) -> PermanentError:
    """The error about a row whose shortest form is longer than a prompt may be."""
    return PermanentError(
        "write a training example",
        f"{kind.record_type.category}, {local_date}",
        f"not even its shortest data block keeps to {token_budget} tokens",
        "Raise VITALGRAPH_PROMPT_TOKEN_BUDGET",
    )
