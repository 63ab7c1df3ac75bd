"""The manifest: everything a release was made of and is, so that it can be made again and compared.

Belongs here: the document, and what two of them differ in.
Does not belong here: checksums of files (`writing`), settings of an installation, building.

It holds no time, no place and nobody's id: the same inputs, settings and code give the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson

from vitals.errors import UsageError
from vitals.release.spec import ReleaseSpec
from vitals.release.traces import ManifestFacts, facts_json
from vitals.release.writing import FileFacts, dump

MANIFEST = "manifest.json"
VERSION = 1

_FOR_COMPARISON = ("kind_policies", "policy_digest", "processor_version", "rule_versions", "selection_digest")

SPLIT_RULE = "HMAC-SHA-256 of the split key and the person (or the first person of the household), as a share of 1"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a release was read from.

    Attributes:
        files: training files.
        sha256: digest of their keys and contents, in the order of the keys.
        tables: Delta table to version, of the records and facts behind the lines.
    """

    files: int
    sha256: str
    tables: Mapping[str, int]


def manifest(
    spec: ReleaseSpec,
    *,
    inputs: Inputs,
    code: Mapping[str, str],
    fates: Mapping[str, int],
    statistics: Mapping[str, Any],
    files: Mapping[str, FileFacts],
    facts: ManifestFacts,
) -> dict[str, Any]:
    """The document.

    Args:
        code: version of this software and of the libraries whose writing is in the bytes.
        fates: lines read, by fate.
        files: every file of the release but this one.
        facts: what a later comparison needs; the part that names nobody is kept here.
    """
    return {
        "manifest": VERSION,
        "release": {"name": spec.name, "version": spec.version, "license": spec.licence.shown},
        "spec": spec.public(),
        "spec_sha256": sha256(orjson.dumps(spec.as_json(), option=orjson.OPT_SORT_KEYS)).hexdigest(),
        "inputs": {"files": inputs.files, "sha256": inputs.sha256},
        "tables": dict(inputs.tables),
        "code": dict(code),
        "splits": {"rule": SPLIT_RULE, "split_key": spec.split_key},
        "fates": dict(fates),
        "counts": counts_of(statistics),
        "files": {path: found.as_json() for path, found in files.items()},
        "comparison": {name: value for name, value in facts_json(facts).items() if name in _FOR_COMPARISON},
    }


def counts_of(statistics: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of `Statistics.as_json` that a manifest repeats."""
    counts = {name: value for name, value in statistics.items() if name.startswith(("examples", "people"))}
    del counts["examples_per_person"]
    return counts


def spec_of(document: Mapping[str, Any], *, households: list[list[str]]) -> dict[str, Any]:
    """The values of the specification in a manifest, with the households that it does not name.

    Raises:
        UsageError: it is no manifest, or another specification is behind it.
    """
    try:
        version, digest = document["manifest"], document["spec_sha256"]
        values = {**document["spec"], "households": households}
    except (KeyError, TypeError):
        raise _not_readable("it lacks what every manifest has") from None
    if version != VERSION:
        raise _not_readable(f"it has version {version}, this software writes {VERSION}")
    if sha256(orjson.dumps(values, option=orjson.OPT_SORT_KEYS)).hexdigest() != digest:
        raise _not_readable("its specification was changed, or its households are not known here")
    return values


def _not_readable(why: str) -> UsageError:
    return UsageError("read the manifest", MANIFEST, why, "Use the manifest.json of a release of this installation.")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What two manifests differ in, as paths such as `tables/clinical/steps` with both values; files last."""
    if dump(before) == dump(after):
        return []
    return sorted(_changes("", before, after), key=lambda found: (found.startswith("files/"), found))


def _changes(path: str, before: Any, after: Any) -> list[str]:
    if before == after:
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        names = sorted({*before, *after})
        return [found for name in names for found in _changes(_join(path, name), before.get(name), after.get(name))]
    return [f"{path}: {_short(before)} became {_short(after)}"]


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:12]}…"
