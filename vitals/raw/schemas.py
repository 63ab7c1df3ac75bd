"""Writer schemas: which kind they declare, and whether they are exactly one of ours.

Belongs here: our reader schemas (``schemas/*.avsc``), the canonical form of a schema, the allow-list of the
fast path, and the variant into which the slow path writes.
Does not belong here: containers (`container`), or resolving records of a schema that differs (`isolated`).

The canonical form keeps what decides the bytes and the names: types, full names, field order, symbols, sizes.
Docs, aliases, defaults, sort orders and writers' private attributes go. A logical type goes too, but one that
changes the unit of an integer changes the field's name: a time in microseconds is not our field.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from vitals.raw.container import Rejected
from vitals.record_types import BY_AVRO_NAME, BY_KIND, RECORD_TYPES

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
MAX_DEPTH: Final = 32
"""Deepest nesting of a writer schema; ours have 5."""

Schema = str | list[Any] | dict[str, Any]
"""A parsed Avro schema."""


@dataclass(frozen=True, kw_only=True)
class WriterSchema:
    """A writer schema of a known kind.

    Attributes:
        kind: kind that its record name declares.
        canonical: its canonical form as JSON.
        allowed: whether that form is on the allow-list, so that the fast path may decode it.
    """

    kind: str
    canonical: str
    allowed: bool


class _NotASchemaError(Exception):
    """The JSON is not an Avro schema, or nested too deeply."""


@lru_cache(maxsize=128)
def identify(schema_json: bytes) -> WriterSchema | Rejected:
    """Say which kind a writer schema declares.

    Args:
        schema_json: schema as it stands in the file's header, of bounded length (`container`).

    Returns:
        The schema, or `unreadable_avro` (no JSON), `record_type_mismatch` (a record of none of our kinds)
        or `schema_mismatch` (one of ours by name, but no Avro schema). Never raises on any bytes.
    """
    try:
        schema = json.loads(schema_json)
    except (ValueError, RecursionError):
        return Rejected("unreadable_avro", "the schema is not JSON")
    name = schema.get("name") if isinstance(schema, dict) and schema.get("type") == "record" else None
    record_type = BY_AVRO_NAME.get(name.rpartition(".")[2]) if isinstance(name, str) else None
    if record_type is None:
        return Rejected("record_type_mismatch", "the schema declares a record of none of our kinds")
    try:
        canonical = canonical_form(schema)
    except _NotASchemaError:
        return Rejected("schema_mismatch", "the schema is not a valid Avro schema")
    return WriterSchema(
        kind=record_type.kind, canonical=canonical, allowed=_allowed().get(_digest(canonical)) == record_type.kind
    )


def canonical_form(schema: Schema) -> str:
    """Canonical form of a parsed schema, as JSON without spaces."""
    return json.dumps(_canonical(schema, "", 0), separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class OwnSchema:
    """A schema that we encode or decode with.

    Attributes:
        tree: parsed.
        text: the same as JSON.
    """

    tree: dict[str, Any]
    text: str


@cache
def reader_schema(kind: str) -> OwnSchema:
    """Our schema of a kind as it is published, with the defaults and aliases that schema resolution uses."""
    path = files("vitals.raw") / "schemas" / f"{BY_KIND[kind].avro_name}.avsc"
    text = path.read_text(encoding="utf-8")
    return OwnSchema(json.loads(text), text)


@cache
def strict_schema(kind: str) -> OwnSchema:
    """Canonical form of our schema: what a file of the fast path holds."""
    text = canonical_form(reader_schema(kind).tree)
    return OwnSchema(json.loads(text), text)


@cache
def lenient_schema(kind: str) -> OwnSchema:
    """Our schema with every required value nullable: what the slow path writes.

    A foreign writer may allow null where we require a value. Such a row is one bad row among good ones, which
    validation tells apart; a strict schema would lose the whole file.
    """
    tree = _nullable(reader_schema(kind).tree)
    return OwnSchema(tree, json.dumps(tree))


def _nullable(schema: Any) -> Any:
    if isinstance(schema, list):
        return [branch if isinstance(branch, str) else _nullable_inside(branch) for branch in schema]
    if isinstance(schema, str) or schema["type"] == "enum":
        return ["null", schema]
    return ["null", _nullable_inside(schema)] if schema["type"] == "array" else _nullable_inside(schema)


def _nullable_inside(schema: dict[str, Any]) -> dict[str, Any]:
    """The same with the values in it nullable; a record itself stays required."""
    if schema["type"] == "array":
        return schema | {"items": _nullable(schema["items"])}
    return schema | {"fields": [field | {"type": _nullable(field["type"])} for field in schema["fields"]]}


def _canonical(schema: Any, namespace: str, depth: int) -> Schema:
    if depth > MAX_DEPTH:
        raise _NotASchemaError
    if isinstance(schema, str):
        return schema if schema in PRIMITIVES else _full_name(schema, namespace)
    if isinstance(schema, list):
        return [_canonical(branch, namespace, depth + 1) for branch in schema]
    if not isinstance(schema, dict):
        raise _NotASchemaError
    kind = schema.get("type")
    if kind in ("array", "map"):
        content = "items" if kind == "array" else "values"
        return {"type": kind, content: _canonical(schema.get(content), namespace, depth + 1)}
    if kind in ("record", "enum", "fixed"):
        return _canonical_named(schema, namespace, depth)
    return _canonical(kind, namespace, depth + 1)


def _canonical_named(schema: dict[str, Any], namespace: str, depth: int) -> Schema:
    kind, name, own = schema["type"], schema.get("name"), schema.get("namespace")
    if not isinstance(name, str):
        raise _NotASchemaError
    name = _full_name(name, own if isinstance(own, str) else namespace)
    if kind == "enum":
        symbols = schema.get("symbols")
        if not isinstance(symbols, list) or not all(isinstance(symbol, str) for symbol in symbols):
            raise _NotASchemaError
        return {"type": kind, "name": name, "symbols": symbols}
    if kind == "fixed":
        size = schema.get("size")
        if not isinstance(size, int) or size < 0:
            raise _NotASchemaError
        return {"type": kind, "name": name, "size": size}
    fields = schema.get("fields")
    if not isinstance(fields, list):
        raise _NotASchemaError
    inner = name.rpartition(".")[0]
    return {"type": kind, "name": name, "fields": [_canonical_field(field, inner, depth) for field in fields]}


def _canonical_field(field: Any, namespace: str, depth: int) -> dict[str, Any]:
    if not isinstance(field, dict) or not isinstance(field.get("name"), str):
        raise _NotASchemaError
    unit = _unit(field.get("type"))
    name = f"{field['name']}__{unit}" if unit else field["name"]
    return {"name": name, "type": _canonical(field.get("type"), namespace, depth + 1)}


def _unit(schema: Any) -> str | None:
    """Logical type of an integer, in the field's type or a branch of it, that is not our epoch milliseconds."""
    for branch in schema if isinstance(schema, list) else [schema]:
        if isinstance(branch, dict) and branch.get("type") in ("int", "long"):
            logical = branch.get("logicalType")
            if isinstance(logical, str) and logical != "timestamp-millis":
                return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in logical)
    return None


def _full_name(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _digest(canonical: str) -> str:
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()


@cache
def _allowed() -> Mapping[str, str]:
    """Allow-list of the fast path: hash of a canonical form to its kind."""
    return {_digest(strict_schema(t.kind).text): t.kind for t in RECORD_TYPES}
