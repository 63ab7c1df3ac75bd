"""Why a writer schema does not lead to ours, in words that its writer can act on.

Belongs here: the first field of ours that the writer lacks, or has in a type or unit that cannot become ours, and what
its writer probably calls it.
Does not belong here: reading the records (`isolated_worker`), or which kind a schema declares (`schemas`).

What is said of a foreign schema is names of fields, and only those that Avro allows (letters, digits, underscores), of
bounded length: they are the sender's words for our fields, and the sender has to find them again.
"""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Any, Final

Schema = Any
"""A parsed Avro schema as it was written, logical types and all."""

_BECOMES: Final[Mapping[str, frozenset[str]]] = {
    "string": frozenset({"string", "bytes"}),
    "enum": frozenset({"enum", "string"}),
    "long": frozenset({"int", "long"}),
    "double": frozenset({"int", "long", "float", "double"}),
    "record": frozenset({"record", "error"}),
    "array": frozenset({"array"}),
}
"""Type of ours to the types that can be read as it."""

_LOGICAL: Final = frozenset(
    {
        *("timestamp-millis", "timestamp-micros", "timestamp-nanos", "date", "time-millis", "time-micros", "uuid"),
        *("local-timestamp-millis", "local-timestamp-micros", "local-timestamp-nanos", "decimal", "duration"),
    }
)
"""Logical types of the Avro specification, which may be named."""

_TYPES: Final = frozenset(
    {
        *("null", "boolean", "int", "long", "float", "double", "bytes", "string"),
        *("record", "error", "enum", "array", "map", "fixed"),
    }
)
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST_NAME: Final = 64
_DEEPEST: Final = 4
"""Levels of a foreign schema that are searched for a field that is missing where it should be."""
_MOST_SEARCHED: Final = 500
_SIMILAR: Final = 0.72


def mismatch(writer: Schema, reader: Schema) -> str | None:
    """The first field that keeps records of a writer schema from being read as ours; None if none does.

    Args:
        writer: writer schema as it was written, parsed; sound by `schemas.canonical_form`.
        reader: our schema of the kind.
    """
    return _Explanation(writer).of_fields(writer, reader, "")


class _Explanation:
    """One writer schema, with its named types."""

    def __init__(self, writer: Schema) -> None:
        self._defined = dict(_definitions(writer, ""))
        self._namespace = _namespace_of(writer, "")
        self._entered: set[int] = set()
        self._leaves = list(islice(self._paths(writer, "", 0), _MOST_SEARCHED))

    def of_fields(self, writer: Schema, reader: Schema, path: str) -> str | None:
        """Why a record of theirs is none of ours."""
        theirs = {field["name"]: field["type"] for field in writer["fields"]}
        strange = sorted(theirs.keys() - {field["name"] for field in reader["fields"]})
        for field in reader["fields"]:
            name = f"{path}.{field['name']}".lstrip(".")
            if field["name"] in theirs:
                why = self._of_type(theirs[field["name"]], field["type"], name)
            else:
                why = self._missing(name, has_default="default" in field, beside=strange)
            if why is not None:
                return why
        return None

    def _of_type(self, writer: Schema, reader: Schema, path: str) -> str | None:
        """Why no branch of the writer's type becomes a branch of ours; None if one does."""
        (ours,) = (branch for branch in _branches(reader) if branch != "null")
        needed = ours if isinstance(ours, str) else ours["type"]
        why = None
        for branch in _branches(writer):
            theirs, logical = self._plain(branch)
            if theirs == "null":
                continue
            found = self._of_branch(theirs, logical, ours, needed, path)
            if found is None:
                return None
            why = why or found
        return why or f"{path} is null in every record; {_needed(needed, path)}"

    def _of_branch(self, theirs: Schema, logical: str | None, ours: Schema, needed: str, path: str) -> str | None:
        kind = theirs["type"] if isinstance(theirs, dict) else theirs
        if kind not in _BECOMES[needed]:
            shown = _article(kind) if kind in _TYPES else "of an unknown type"
            named = f"{shown} ({logical})" if logical in _LOGICAL else shown
            nested = "; fields are flat, not wrapped in records" if kind == "record" else ""
            return f"{path} is {named}; {_needed(needed, path)}{nested}"
        if needed in ("long", "double") and logical not in (None, "timestamp-millis"):
            shown = str(logical) if logical in _LOGICAL else "of a logical type that is not Avro's"
            if shown.startswith("local-"):
                return f"{path} is {shown}, a wall clock's time; milliseconds since 1970 in UTC are needed"
            return f"{path} is {shown}; {_needed(needed, path)}"
        if needed == "record":
            return self.of_fields(theirs, ours, path)
        if needed == "array":
            return self._of_type(theirs["items"], ours["items"], path)
        return None

    def _plain(self, schema: Schema) -> tuple[Schema, str | None]:
        """A branch without the wrappings of logical types and names, and its logical type."""
        logical: str | None = None
        for _ in range(_DEEPEST * 2):
            if isinstance(schema, str) and schema not in _PLAIN:
                found = self._defined.get(schema) or self._defined.get(f"{self._namespace}.{schema}")
                if found is None:
                    return _UNKNOWN, logical
                schema = found
            if not isinstance(schema, dict):
                return schema, logical
            logical = _text(schema.get("logicalType")) or logical
            if isinstance(schema["type"], str) and schema["type"] in _TYPES:
                is_plain = schema["type"] in _PLAIN
                return (schema["type"] if is_plain else schema), logical
            schema = schema["type"]
        return schema, logical

    def _missing(self, path: str, *, has_default: bool, beside: list[str]) -> str | None:
        """Why a field that is not in its place fails; one with a default only if it is there by a similar name."""
        leaf = path.rpartition(".")[2]
        wanted = {_folded(leaf), _folded(path)}
        renamed = next((name for name in beside if _folded(name) in wanted), None)
        elsewhere = next((found for found in self._leaves if _folded(found) in wanted), None)
        if has_default:
            return None if renamed is None else f"the field {path} is called {_shown(renamed)}; rename it"
        why = f"the field {path} is missing"
        if renamed is not None:
            return f"{why}; {_shown(renamed)} is probably it: rename it"
        if elsewhere is not None:
            return f"{why}; {_shown(elsewhere)} is probably it: it belongs in the place and under the name of {path}"
        inside = next((found for found in self._leaves if _folded(found).startswith(_folded(leaf))), None)
        if inside is not None and leaf == "metadata":
            return f"{why}; {_shown(inside)} is probably of it: its fields belong in a record of that name"
        near = _nearest(leaf, beside)
        return why if near is None else f"{why}; {near} may be it"

    def _paths(self, schema: Schema, path: str, depth: int) -> Iterator[str]:
        """Paths of all fields that are no records, outermost first."""
        if depth > _DEEPEST:
            return
        for branch in _branches(schema):
            plain, _ = self._plain(branch)
            if isinstance(plain, dict) and plain["type"] in ("record", "error"):
                # Once each: a record that is named again and again could be entered more often than there is time.
                if id(plain) in self._entered:
                    return
                self._entered.add(id(plain))
                for field in plain["fields"]:
                    yield from self._paths(field["type"], f"{path}.{field['name']}".lstrip("."), depth + 1)
                return
        if path:
            yield path


def _nearest(name: str, candidates: list[str]) -> str | None:
    """Of names that may be repeated the one most like a name of ours, or that holds it; None if none is."""
    folded = {_folded(candidate): candidate for candidate in candidates if _shown(candidate)}
    close = get_close_matches(_folded(name), list(folded), n=1, cutoff=_SIMILAR)
    close += [other for other in folded if _folded(name) in other]
    return folded[close[0]] if close else None


_UNKNOWN: Final = "?"
_PLAIN: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


def _branches(schema: Schema) -> list[Any]:
    """Branches of a union, and of unions in it, which Avro does not allow; a type that is none is its own only one."""
    if isinstance(schema, dict) and isinstance(schema.get("type"), list):
        schema = schema["type"]
    return [one for branch in schema for one in _branches(branch)] if isinstance(schema, list) else [schema]


def _definitions(schema: Any, namespace: str) -> Iterator[tuple[str, Any]]:
    """Named types by full name, and by short name where it is all that is written."""
    if isinstance(schema, list):
        for branch in schema:
            yield from _definitions(branch, namespace)
    elif isinstance(schema, dict):
        inner = namespace
        if schema.get("type") in ("record", "error", "enum", "fixed") and isinstance(schema.get("name"), str):
            inner = _namespace_of(schema, namespace)
            name = schema["name"].rpartition(".")[2]
            yield name, schema
            yield f"{inner}.{name}".lstrip("."), schema
        for field in schema.get("fields", ()):
            yield from _definitions(field["type"], inner)
        for content in ("items", "values", "type"):
            if isinstance(schema.get(content), list | dict):
                yield from _definitions(schema[content], inner)


def _namespace_of(schema: Any, inherited: str) -> str:
    if "." in schema["name"]:
        return str(schema["name"].rpartition(".")[0])
    return _text(schema.get("namespace")) or inherited


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _folded(name: str) -> str:
    """A name without case and separators: `zone_offset_id` is `zoneOffsetId`."""
    return name.replace("_", "").replace(".", "").replace("-", "").casefold()


def _shown(path: str) -> str:
    """A foreign path as it may be repeated: names of fields by Avro's rule, not too long; "" for any other."""
    is_plain = len(path) <= _LONGEST_NAME and all(_NAME.fullmatch(part) for part in path.split("."))
    return path if is_plain else ""


def _article(kind: str) -> str:
    return kind if kind in _PLAIN else f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _needed(kind: str, path: str) -> str:
    """What a field of ours has to be, with its verb."""
    if kind == "long" and path.endswith("Millis"):
        return "milliseconds are needed"
    return f"{kind if kind in _PLAIN else _article(kind)} is needed"
