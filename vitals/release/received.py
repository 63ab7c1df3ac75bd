"""Checking a copy of a release by whoever received it: from its files alone, without a home, a catalog or a lake.

Belongs here: checksums of a folder, and every gate that files allow.
Does not belong here: the gates (`gates`, `line_gates`), or versions in a lake (`pipeline.release.reading`).
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from vitals.release.gates import GateResult, Placed, formats_gate, splits_gate
from vitals.release.line_gates import line_results, report
from vitals.release.manifest import MANIFEST
from vitals.release.spec import FORMAT_NAMES, SIDES, Side
from vitals.release.writing import (
    DATA_FOLDER,
    JOURNAL_FOLDER,
    data_path,
    facts_of_file,
    ids_path,
)

SUMS = "SHA256SUMS"
"""Checksums of every file, the manifest included, as `sha256sum -c` reads them."""

FINDINGS_KEPT = 20


def sums(manifest: bytes, files: Mapping[str, str]) -> bytes:
    """Content of SHA256SUMS.

    Args:
        manifest: the manifest as it is written.
        files: path of every other file to its checksum.
    """
    every = {**files, MANIFEST: sha256(manifest).hexdigest()}
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(every.items())).encode()


def verify_folder(folder: Path) -> list[GateResult]:
    """Check a folder that holds a copy of a release, whole or in part; checksums first, and the rest if they hold."""
    checked, document = _checksums(folder)
    if not checked.passed or document is None:
        return [checked]
    rows = _rows(document)
    results = [checked, formats_gate(folder, rows), _ids_gate(folder, rows)]
    if any(folder.glob(f"{JOURNAL_FOLDER}/**/*.jsonl")):
        sides = sides_of(folder)
        results += [
            *line_results(report(journal_lines(folder))),
            splits_gate(
                (placed(line, side), line)
                for line in map(orjson.loads, journal_lines(folder))
                for side in sides.get(line["id"], ())
            ),
        ]
    return results


def verify_listed(path: Path) -> list[GateResult] | None:
    """Check one file against the manifest of the copy that it lies in; None if no manifest lists it.

    A file of whole training lines is also looked at line by line.
    """
    for folder in path.resolve().parents:
        if (folder / MANIFEST).is_file():
            document = _read(folder)
            name = path.resolve().relative_to(folder).as_posix()
            expected = (document or {}).get("files", {}).get(name)
            if isinstance(expected, dict):
                wrong = _differences(folder, name, expected)
                found = [GateResult("checksums", {"files": 1}, wrong)]
                if not wrong and name.startswith(f"{JOURNAL_FOLDER}/"):
                    with path.open("rb") as file:
                        found += line_results(report(line.rstrip(b"\n") for line in file))
                return found
            break
    return None


def _read(folder: Path) -> dict[str, Any] | None:
    try:
        document = orjson.loads((folder / MANIFEST).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    return document if isinstance(document, dict) else None


def _checksums(folder: Path) -> tuple[GateResult, dict[str, Any] | None]:
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    document = _read(folder)
    if document is None:
        return GateResult("checksums", {"files": len(there)}, [f"{MANIFEST} is missing or is no JSON"]), None
    if isinstance(document.get("withdrawn"), dict):
        why = f"this version was withdrawn: {document['withdrawn'].get('why', 'no reason is given')}"
        return GateResult("checksums", {"files": len(there)}, [why]), None
    listed = document.get("files")
    if not isinstance(listed, dict) or not all(isinstance(facts, dict) for facts in listed.values()):
        return GateResult("checksums", {"files": len(there)}, [f"{MANIFEST} lists no files"]), None
    wrong = [f"{path} is not in the manifest" for path in sorted(there - {*listed, MANIFEST, SUMS})]
    for path, expected in sorted(listed.items()):
        wrong += _differences(folder, path, expected)
    digests = {path: str(facts.get("sha256")) for path, facts in listed.items()}
    if SUMS not in there:
        wrong.append(f"{SUMS} is missing")
    elif (folder / SUMS).read_bytes() != sums((folder / MANIFEST).read_bytes(), digests):
        wrong.append(f"{SUMS} does not fit: it or {MANIFEST} was changed")
    return GateResult("checksums", {"files": len(there)}, wrong[:FINDINGS_KEPT]), document


def _differences(folder: Path, path: str, expected: Mapping[str, Any]) -> list[str]:
    """What of a file is not as the manifest says."""
    file = folder / path
    if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
        return [f"{path} is missing"]
    facts = facts_of_file(file)
    if (facts.sha256, facts.bytes) != (expected.get("sha256"), expected.get("bytes")):
        return [f"{path} was changed"]
    rows = expected.get("rows")
    if path.endswith(".jsonl") and rows is not None:
        with file.open("rb") as lines:
            if (count := sum(1 for _ in lines)) != rows:
                return [f"{path} has {count:,} records, the manifest says {rows:,}"]
    return []


def _rows(document: Mapping[str, Any]) -> dict[Any, dict[str, int]]:
    """Format to side to number of records, of the files that a manifest lists."""
    found: dict[Any, dict[str, int]] = {}
    for name in FORMAT_NAMES:
        for side in SIDES:
            facts = document["files"].get(data_path(name, side, "parquet"))
            if facts is not None:
                found.setdefault(name, {})[side] = facts["rows"]
    return found


def _ids_gate(folder: Path, rows: Mapping[Any, Mapping[str, int]]) -> GateResult:
    """No id on two sides of a format."""
    seen = twice = 0
    for name, by_side in rows.items():
        known: set[str] = set()
        for side in by_side:
            with (folder / ids_path(name, side, "jsonl")).open("rb") as file:
                ids = {orjson.loads(line)["id"] for line in file}
            seen, twice = seen + len(ids), twice + len(ids & known)
            known |= ids
    failures = [f"{twice:,} ids on two sides"] if twice else []
    return GateResult("ids", {"ids": seen, "ids_on_two_sides": twice}, failures)


def journal_lines(folder: Path) -> Iterator[bytes]:
    """Every whole training line of the monthly files, in order."""
    for path in sorted((folder / JOURNAL_FOLDER).rglob("*.jsonl")):
        with path.open("rb") as file:
            for line in file:
                yield line.rstrip(b"\n")


def sides_of(folder: Path) -> dict[str, set[Side]]:
    """Id to the sides it stands on, in any format made of single lines."""
    found: dict[str, set[Side]] = {}
    for parent in sorted((folder / DATA_FOLDER).glob("*")):
        for side in SIDES:
            path = folder / ids_path(parent.name, side, "jsonl")
            if parent.name == "case" or not path.exists():
                continue
            with path.open("rb") as file:
                for line in file:
                    found.setdefault(orjson.loads(line)["id"], set()).add(side)
    return found


def placed(line: Mapping[str, Any], side: Side) -> Placed:
    """A line of a release with its place, by the pseudonym and the date that it shows."""
    metadata = line["metadata"]
    return Placed(line["id"], metadata["subject_id"], side, metadata["training_category"], metadata["local_date"])
