"""Croissant metadata: the files of a release described for machines.

Belongs here: the JSON-LD document. Does not belong here: the card for people, checksums (`writing`).
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from vitals.release.card import says
from vitals.release.cases import CASE_SCHEMA
from vitals.release.formats import FORMATS
from vitals.release.spec import ReleaseSpec
from vitals.release.writing import FileFacts, data_path

CONFORMS_TO = "http://mlcommons.org/croissant/1.0"

CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context of Croissant 1.0."""

ENCODINGS: Mapping[str, str] = {"parquet": "application/x-parquet", "jsonl": "application/jsonlines"}


def croissant(
    spec: ReleaseSpec, files: Mapping[str, FileFacts], rows: Mapping[str, Mapping[str, int]], *, description: str
) -> dict[str, Any]:
    """The document, with paths relative to the release's folder.

    Args:
        files: data files written so far, by path.
        rows: format to side to number of records.
        description: one paragraph.
    """
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": f"{spec.name}-{spec.version}".replace(".", "-"),
        "description": description,
        "license": spec.licence.link or spec.licence.shown,
        # Without a place of publication: whoever publishes the folder adds it.
        "url": f"https://vitalgraph.invalid/{spec.folder}",
        "version": spec.version if _is_semantic(spec.version) else "1.0.0",
        "distribution": [_file(path, facts) for path, facts in sorted(files.items())],
        "recordSet": [_records(name, side) for name, by_side in rows.items() for side in by_side],
    }


def _is_semantic(version: str) -> bool:
    parts = version.split(".")
    return len(parts) == 3 and all(part.isdigit() for part in parts)


def _file(path: str, facts: FileFacts) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{facts.bytes} B",
        "encodingFormat": ENCODINGS[path.rpartition(".")[2]],
        "sha256": facts.sha256,
    }


def _records(format_name: str, side: str) -> dict[str, Any]:
    schema = CASE_SCHEMA if format_name == "case" else FORMATS[format_name].schema  # type: ignore[index]
    name = f"{format_name}-{side}"
    path = data_path(format_name, side, "parquet")
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{says(format_name)}; {side}",
        "field": [_field(f"{name}/{column.name}", column, path) for column in schema],
    }


def _field(id_: str, column: pa.Field, path: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": id_,
        "name": id_,
        "source": {"fileObject": {"@id": path}, "extract": {"column": column.name}},
    }
    type_ = column.type
    if pa.types.is_list(type_):
        field["repeated"] = True
        type_ = type_.value_type
    if pa.types.is_struct(type_):
        field["subField"] = [
            {
                "@type": "cr:Field",
                "@id": f"{id_}/{part.name}",
                "name": f"{id_}/{part.name}",
                "dataType": _data_type(part.type),
                "source": {
                    "fileObject": {"@id": path},
                    "extract": {"column": column.name},
                    "transform": {"jsonPath": part.name},
                },
            }
            for part in type_
        ]
    else:
        field["dataType"] = _data_type(type_)
    return field


def _data_type(type_: pa.DataType) -> str:
    if pa.types.is_floating(type_):
        return "sc:Float"
    return "sc:Integer" if pa.types.is_integer(type_) else "sc:Text"
