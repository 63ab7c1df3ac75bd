"""Writer schemas of the twin's files.

Belongs here: reading the schemas where the readers keep them, so that there is one copy; and the schemas of
files that are foreign on purpose.
Does not belong here: encoding.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from vitals.record_types import BY_KIND

_READERS_ONLY = frozenset({"doc", "aliases"})
"""What the reader schemas say beyond what the app writes."""


@cache
def writer_schema(kind: str) -> str:
    """Writer schema of a kind, as compact JSON for the header of a file."""
    text = files("vitals.raw").joinpath("schemas", f"{BY_KIND[kind].avro_name}.avsc").read_text("utf-8")
    return json.dumps(_without_readers_part(json.loads(text)), separators=(",", ":"))


def _without_readers_part(schema: Any) -> Any:
    if isinstance(schema, dict):
        # The default of a field is the writer's; that of an enumeration, for symbols yet unknown, the readers'.
        dropped = _READERS_ONLY | {"default"} if schema.get("type") == "enum" else _READERS_ONLY
        return {k: _without_readers_part(v) for k, v in schema.items() if k not in dropped}
    if isinstance(schema, list):
        return [_without_readers_part(part) for part in schema]
    return schema


@cache
def unsupported_schema(avro_name: str, value_field: str) -> str:
    """Schema of a kind that is not processed: one double beside the fields that all instants have."""
    schema: dict[str, Any] = json.loads(writer_schema("hrv_rmssd"))
    schema["name"] = schema["name"].replace(BY_KIND["hrv_rmssd"].prefixed_avro_name, f"Avro{avro_name}")
    for field in schema["fields"]:
        if field["name"] == "heartRateVariabilityRmssd":
            field["name"] = value_field
    return json.dumps(schema, separators=(",", ":"))


@cache
def nested_schema(kind: str) -> str:
    """A schema with the right record name and the fields of another exporter: it cannot be resolved to ours."""
    name = BY_KIND[kind].prefixed_avro_name
    instant = {"type": "record", "name": "Instant", "fields": [{"name": "epochMillis", "type": "long"}]}
    fields = [{"name": "id", "type": "string"}, {"name": "time", "type": instant}, {"name": "level", "type": "double"}]
    namespace = "io.github.hitoshura25.healthsyncapp.data.avro"
    return json.dumps({"type": "record", "name": f"{namespace}.{name}", "fields": fields}, separators=(",", ":"))
