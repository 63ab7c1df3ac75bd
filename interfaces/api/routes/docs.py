"""The description of the API as a page.

Belongs here: `/v1/docs`, written from the same document as `/v1/openapi.json`. It has no script and nothing of another
server: it lies in the origin of the desk, where a foreign script would read and decide as whoever is signed in.
Does not belong here: what is described (the other routes).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from interfaces.desk.session import show

router = APIRouter(include_in_schema=False)

ALWAYS = frozenset({"401", "403", "422", "429"})


@dataclass(frozen=True)
class Field:
    """A parameter, or a member of a body, as the page lists it."""

    name: str
    place: str
    kind: str
    required: bool
    text: str


@dataclass(frozen=True)
class Operation:
    """A route with a method."""

    method: str
    path: str
    summary: str
    text: str
    fields: list[Field]
    media_type: str
    answers: list[tuple[str, str]]


@router.get("/v1/docs")
def docs(request: Request) -> HTMLResponse:
    """Every route, what it takes and what it answers."""
    document = request.app.openapi()
    groups: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, found in methods.items():
            groups.setdefault(found["tags"][0], []).append(operation_of(document, method, path, found))
    return show("docs", None, title=document["info"]["title"], text=document["info"]["description"], groups=groups)


def operation_of(document: Mapping[str, Any], method: str, path: str, found: Mapping[str, Any]) -> Operation:
    """Return what the page shows of a route."""
    fields = [
        Field(
            name=one["name"],
            place=one["in"],
            kind=kind_of(document, one["schema"]),
            required=one.get("required", False),
            text=one.get("description", ""),
        )
        for one in found.get("parameters", ())
    ]
    content: Mapping[str, Any] = found.get("requestBody", {}).get("content", {})
    media_type = next(iter(content), "")
    body: Mapping[str, Any] = content.get(media_type, {})
    fields += fields_of(document, body.get("schema", {}))
    return Operation(
        method=method.upper(),
        path=path,
        summary=found.get("summary", ""),
        text=found.get("description", ""),
        fields=fields,
        media_type=media_type,
        answers=[(code, one["description"]) for code, one in found["responses"].items() if code not in ALWAYS],
    )


def fields_of(document: Mapping[str, Any], schema: Mapping[str, Any], within: str = "") -> list[Field]:
    """Return the members of a body, those of its parts with the name of the part before them."""
    schema = _resolved(document, schema)
    found = []
    for name, one in schema.get("properties", {}).items():
        text = one.get("description", "")
        required = name in schema.get("required", ())
        found.append(Field(f"{within}{name}", "body", kind_of(document, one), required=required, text=text))
        found += fields_of(document, one, f"{within}{name}.")
    return found


def kind_of(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Return what a value is, in a word or with the words that it may be."""
    schema = _resolved(document, schema)
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        kinds = [kind_of(document, one) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if schema.get("type") == "array":
        return f"list of {kind_of(document, schema['items'])}"
    return str(schema.get("format") or schema.get("type") or "any")


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema
