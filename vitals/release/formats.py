"""The formats of a release: which columns each has, and how a training line becomes a record of it.

Belongs here: one entry per format; columns are exactly those of TRL's documented dataset types.
Does not belong here: files (`writing`), which lines are taken (`selection`).

| format | TRL type | columns |
| --- | --- | --- |
| text | language modelling, standard | text |
| messages | language modelling, conversational | messages |
| prompt_completion | prompt-completion, standard | prompt, completion |
| prompt_completion_chat | prompt-completion, conversational | prompt, completion |
| preference | preference, standard | prompt, chosen, rejected |
| preference_chat | preference, conversational | prompt, chosen, rejected |
| alpaca | (Alpaca) | instruction, input, output |
| case | (ours) | one record per person and day, see `cases` |

A trainer that knows its type by its columns must not meet others, so ids stand in a file of their own beside the
data, in the same order. Preference formats hold the lines that have a rejected answer; all others hold every line,
with the chosen answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from vitals.release.spec import FormatName

Record = dict[str, Any]

_TEXT = pa.string()
_CHAT = pa.list_(pa.struct([("role", _TEXT), ("content", _TEXT)]))

BETWEEN = "\n\n"
"""Stands between question, data and answer, so that prompt and completion joined are the text."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        schema: columns and types.
        record: a line's record; None for a line that has no place in the format.
        says: what it is, for the card.
    """

    schema: pa.Schema
    record: Callable[[Mapping[str, Any]], Record | None]
    says: str


def _prompt(line: Mapping[str, Any]) -> str:
    return f"{line['instruction']}{BETWEEN}{line['input']}{BETWEEN}"


def _question(line: Mapping[str, Any]) -> list[dict[str, str]]:
    return [_message("user", line["messages"][0]["content"])]


def _answer(text: str) -> list[dict[str, str]]:
    return [_message("assistant", text)]


def _message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _text(line: Mapping[str, Any]) -> Record:
    return {"text": _prompt(line) + line["output"]}


def _messages(line: Mapping[str, Any]) -> Record:
    return {"messages": [*_question(line), *_answer(line["output"])]}


def _prompt_completion(line: Mapping[str, Any]) -> Record:
    return {"prompt": _prompt(line), "completion": line["output"]}


def _prompt_completion_chat(line: Mapping[str, Any]) -> Record:
    return {"prompt": _question(line), "completion": _answer(line["output"])}


def _alpaca(line: Mapping[str, Any]) -> Record:
    return {name: line[name] for name in ("instruction", "input", "output")}


def _preference(line: Mapping[str, Any]) -> Record | None:
    if line["rejected"] is None:
        return None
    return {"prompt": _prompt(line), "chosen": line["output"], "rejected": line["rejected"]}


def _preference_chat(line: Mapping[str, Any]) -> Record | None:
    if line["rejected"] is None:
        return None
    return {"prompt": _question(line), "chosen": _answer(line["output"]), "rejected": _answer(line["rejected"])}


def _schema(type_: pa.DataType, *names: str) -> pa.Schema:
    return pa.schema([(name, type_) for name in names])


FORMATS: Mapping[FormatName, Format] = MappingProxyType(
    {
        "messages": Format(_schema(_CHAT, "messages"), _messages, "language modelling, conversational"),
        "prompt_completion": Format(
            _schema(_TEXT, "prompt", "completion"), _prompt_completion, "prompt-completion, standard"
        ),
        "prompt_completion_chat": Format(
            _schema(_CHAT, "prompt", "completion"), _prompt_completion_chat, "prompt-completion, conversational"
        ),
        "alpaca": Format(_schema(_TEXT, "instruction", "input", "output"), _alpaca, "Alpaca"),
        "text": Format(_schema(_TEXT, "text"), _text, "language modelling, standard"),
        "preference": Format(_schema(_TEXT, "prompt", "chosen", "rejected"), _preference, "preference, standard"),
        "preference_chat": Format(
            _schema(_CHAT, "prompt", "chosen", "rejected"), _preference_chat, "preference, conversational"
        ),
    }
)
"""All formats whose records are made of one line. `case` is made of many (`cases`)."""
