"""The schema of a training line: which keys every line has, and of which type each is.

Belongs here: the one schema object, completing a line to it, and what keeps a line from it.
Does not belong here: what a member means (`line_metadata`, `claims`), or what a task has to fill in (`line_check`).

Every line of every file has all keys, and a key has one type everywhere: a whole number is never a fraction (118.0 is
written with its point where fractions may stand), nested objects are always there, and what a line has not is null, or
an empty list. So tables of any files go together. A reader that guesses types from the first file needs the schema
where a file has nothing but nulls or empty lists in a place: ``datasets.Features.from_arrow_schema(LINE_SCHEMA)``.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

_TEXT, _NUMBER, _WHOLE, _FLAG = pa.string(), pa.float64(), pa.int64(), pa.bool_()
_TEXTS = pa.list_(pa.field("item", _TEXT, nullable=False))


def _always(name: str, dtype: pa.DataType) -> pa.Field:
    return pa.field(name, dtype, nullable=False)


def _objects(*fields: pa.Field) -> pa.DataType:
    return pa.list_(pa.field("item", pa.struct(fields), nullable=False))


CLAIM = pa.struct(
    [
        _always("decimals", _WHOLE),
        pa.field("formula", _TEXT),
        _always("id", _TEXT),
        _always("metric", _TEXT),
        pa.field("n", _WHOLE),
        _always("operands", _TEXTS),
        _always("rule", _TEXT),
        _always("sources", _TEXTS),
        # A number in `value`, or a time, date or offset in `text`.
        pa.field("text", _TEXT),
        _always("unit", _TEXT),
        pa.field("value", _NUMBER),
        _always("window", _TEXT),
    ]
)
METADATA = pa.struct(
    [
        # What an abstention refuses, and why; its members are null in all other lines.
        _always("abstention", pa.struct([pa.field("metric", _TEXT), pa.field("reason", _TEXT)])),
        _always("claims", pa.list_(pa.field("item", CLAIM, nullable=False))),
        # Metrics that the line states, and the value of each.
        _always(
            "clinical_insights",
            pa.struct(
                [_always("metrics", _TEXTS), _always("values", pa.list_(pa.field("item", _NUMBER, nullable=False)))]
            ),
        ),
        _always("clinical_relevance", _TEXT),
        _always("completions", pa.list_(pa.field("item", _WHOLE, nullable=False))),
        _always("complexity_level", _TEXT),
        pa.field("data_quality_score", _NUMBER),
        _always("health_domain", _TEXT),
        _always("local_date", _TEXT),
        _always("processor_version", _TEXT),
        _always("provisional", _FLAG),
        pa.field("quality_score", _NUMBER),
        # Name of the question, for lines that answer or refuse one.
        pa.field("question", _TEXT),
        _always("record_type", _TEXT),
        _always("record_types", _TEXTS),
        _always("records_processed", _WHOLE),
        # What a rejected answer gets wrong; its members are null where there is none.
        _always(
            "rejected_fact",
            pa.struct([pa.field(name, _TEXT) for name in ("chosen", "claim", "label", "rejected")]),
        ),
        _always("source_s3_keys_sha256", _TEXTS),
        _always("subject_id", _TEXT),
        _always("task", _TEXT),
        _always("tenant", _TEXT),
        _always("trace_id", _TEXT),
        _always("training_category", _TEXT),
        _always("validation_warnings", _TEXTS),
        # The local days that a question over several days is about; its members are null in all other lines.
        _always("window", pa.struct([pa.field("days", _WHOLE), pa.field("first", _TEXT), pa.field("last", _TEXT)])),
        _always("withheld", _objects(_always("metric", _TEXT), _always("reason", _TEXT))),
    ]
)
LINE_SCHEMA = pa.schema(
    [
        _always("id", _TEXT),
        _always("input", _TEXT),
        _always("instruction", _TEXT),
        _always("messages", _objects(_always("content", _TEXT), _always("role", _TEXT))),
        _always("metadata", METADATA),
        _always("output", _TEXT),
        # The answer with one wrong fact, of a preference.
        pa.field("rejected", _TEXT),
    ]
)
"""All keys in the order in which a line has them (sorted), with their types; nullable where a line may have none."""

NO_ABSTENTION: Mapping[str, None] = MappingProxyType({"metric": None, "reason": None})
NO_WINDOW: Mapping[str, None] = MappingProxyType(dict.fromkeys(("days", "first", "last")))
NO_REJECTED_FACT: Mapping[str, None] = MappingProxyType(dict.fromkeys(("chosen", "claim", "label", "rejected")))


def insights(stated: Mapping[str, float]) -> dict[str, list[Any]]:
    """Return `clinical_insights` of metric ids and their values, by metric."""
    metrics = sorted(stated)
    return {"metrics": metrics, "values": [float(stated[metric]) for metric in metrics]}


def completed(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a line with every key, sorted.

    Args:
        metadata: what the line has. `abstention`, `completions`, `question`, `record_types`, `rejected_fact` and
            `window` may be missing.
    """
    every = {
        "abstention": dict(NO_ABSTENTION),
        "completions": [],
        "question": None,
        "record_types": [metadata["record_type"]],
        "rejected_fact": dict(NO_REJECTED_FACT),
        "window": dict(NO_WINDOW),
    }
    return dict(sorted((every | dict(metadata)).items()))


class _Spec(NamedTuple):
    """A type as it is checked: the Python type of a value, and what is inside it."""

    expected: type
    nullable: bool
    members: Mapping[str, "_Spec"]
    item: "_Spec | None"


def _spec(field: pa.Field) -> _Spec:
    dtype = field.type
    if pa.types.is_struct(dtype):
        return _Spec(dict, field.nullable, {member.name: _spec(member) for member in dtype}, None)
    if pa.types.is_list(dtype):
        return _Spec(list, field.nullable, {}, _spec(dtype.value_field))
    return _Spec(_PYTHON[dtype], field.nullable, {}, None)


_PYTHON: Mapping[pa.DataType, type] = MappingProxyType({_TEXT: str, _NUMBER: float, _WHOLE: int, _FLAG: bool})
_LINE = _spec(_always("line", pa.struct(list(LINE_SCHEMA))))


def schema_problems(line: Any) -> list[str]:
    """Name what keeps a parsed line from LINE_SCHEMA, by path; empty for a line of the schema. No name holds a value."""
    return sorted(set(_faults(line, _LINE, "")))


def _faults(value: Any, spec: _Spec, path: str) -> Iterator[str]:
    if value is None and spec.nullable:
        return
    # Exact types: True is no number, and 118 no fraction.
    if type(value) is not spec.expected:
        yield f"{path or 'the line'} has another type"
    elif isinstance(value, list) and spec.item is not None:
        for item in value:
            yield from _faults(item, spec.item, f"{path}[]")
    elif isinstance(value, dict):
        dot = f"{path}." if path else ""
        yield from (f"missing {dot}{name}" for name in spec.members.keys() - value.keys())
        if value.keys() - spec.members.keys():
            yield f"{path or 'the line'} has other keys"
        for name, member in spec.members.items():
            if name in value:
                yield from _faults(value[name], member, dot + name)
