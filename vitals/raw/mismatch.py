"""Why a writer schema does not lead to ours, in words for the person who sees the upload refused.

Belongs here: the first field of ours that the writer lacks, or has in a type that cannot become ours.
Does not belong here: the decision. The decoder resolves schemas (`isolated_worker`); this explains its refusal
and names fields of ours only, never what a foreign schema says.
"""

from typing import Any, Final

from vitals.raw.schemas import PRIMITIVES, Schema

_BECOMES: Final = {
    "int": {"int", "long", "float", "double"},
    "long": {"long", "float", "double"},
    "float": {"float", "double"},
    "string": {"string", "bytes"},
    "bytes": {"string", "bytes"},
}
"""Avro specification, "Schema Resolution": a primitive type to those it can be read as."""


def mismatch(writer: Schema, reader: Schema) -> str | None:
    """The first field that keeps a writer schema from being read as ours; None if none is found.

    Args:
        writer: writer schema in canonical form, parsed.
        reader: our schema of the kind.
    """
    return _of_type(writer, reader, "")


def _of_type(writer: Schema, reader: Schema, path: str) -> str | None:
    """Why no branch of the writer's type becomes a branch of ours; None if one does, or may."""
    why = None
    ours = [branch for branch in _branches(reader) if branch != "null"]
    for theirs in _branches(writer):
        if theirs == "null":
            continue
        found = [_of_branch(theirs, branch, path) for branch in ours]
        if None in found:
            return None
        why = why or found[0]
    return why


def _branches(schema: Schema) -> list[Any]:
    return schema if isinstance(schema, list) else [schema]


def _of_branch(writer: Any, reader: Any, path: str) -> str | None:
    if isinstance(writer, list) or (isinstance(writer, str) and writer not in PRIMITIVES):
        # A union in a union, which is no Avro, or the name of a type that is defined elsewhere: not followed.
        return None
    theirs, ours = (branch if isinstance(branch, str) else branch["type"] for branch in (writer, reader))
    if ours not in _BECOMES.get(theirs, {theirs}):
        return f"the field {path} has a type that cannot be read as {ours}"
    if ours == "array":
        return _of_type(writer["items"], reader["items"], path)
    if ours not in ("record", "enum"):
        return None
    names = {reader["name"].rpartition(".")[2], *reader.get("aliases", ())}
    if writer["name"].rpartition(".")[2] not in names:
        return f"the {ours} of the field {path} has another name than {' or '.join(sorted(names))}"
    return _of_fields(writer["fields"], reader["fields"], path) if ours == "record" else None


def _of_fields(writer: list[Any], reader: list[Any], path: str) -> str | None:
    theirs = {field["name"]: field["type"] for field in writer}
    for field in reader:
        name = f"{path}.{field['name']}".lstrip(".")
        if field["name"] in theirs:
            why = _of_type(theirs[field["name"]], field["type"], name)
        else:
            why = None if "default" in field else f"the field {name} is missing"
        if why is not None:
            return why
    return None
