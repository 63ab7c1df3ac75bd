"""Copying a release out: whole, or some of its formats and sides, with a card, Croissant and manifest that fit the copy.

Belongs here: which files a copy holds, and describing them anew.
Does not belong here: what a description says (`vitals.release`), or checking a copy (`received`).
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import polars as pl

from pipeline.release.build import describe, write_manifest
from pipeline.release.reading import published, read_manifest
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.errors import ConflictError, NotFoundError
from vitals.release.manifest import MANIFEST, counts_of
from vitals.release.received import SUMS
from vitals.release.spec import SIDES, read_spec
from vitals.release.statistics import Statistics
from vitals.release.writing import JOURNAL_FOLDER, data_path, ids_path, paths_of
from vitals.training.token_counts import TokenCounter, counter_named


def export(
    workspace: Workspace,
    *,
    tenant: str,
    name: str,
    version: str,
    folder: Path,
    formats: Sequence[str] = (),
    splits: Sequence[str] = (),
) -> list[str]:
    """Copy a published version, or some of its formats and sides, into a local folder; paths of the files.

    A copy of some formats goes without the monthly files of whole lines; one of some sides has those of its lines.

    Raises:
        ConflictError: the folder has something in it.
        NotFoundError: the version has no such format or side.
    """
    row = published(workspace, tenant, name, version)
    lake = workspace.lake(tenant)
    document = read_manifest(lake, name, version)
    there = document["files"]
    sides_there = [s for s in SIDES if any(data_path(f, s, "parquet") in there for f in row.spec["formats"])]
    _refuse_unknown("format", formats, row.spec["formats"])
    _refuse_unknown("side", splits, sides_there)
    if folder.exists() and any(folder.iterdir()):
        raise ConflictError("export the release", str(folder), "the folder is not empty", "Name an empty one.")
    folder.mkdir(parents=True, exist_ok=True)
    root = f"releases/{name}/{version}"
    if not formats and not splits:
        wanted = [*there, MANIFEST, *([SUMS] if lake.head(f"{root}/{SUMS}") is not None else [])]
        _copy(lake, root, wanted, folder)
        return wanted
    chosen_formats = [f for f in row.spec["formats"] if not formats or f in formats]
    chosen_sides = [s for s in sides_there if not splits or s in splits]
    rows: dict[str, dict[str, int]] = {
        f: {s: there[data_path(f, s, "parquet")]["rows"] for s in chosen_sides if data_path(f, s, "parquet") in there}
        for f in chosen_formats
    }
    _copy(lake, root, [p for f, by_side in rows.items() for s in by_side for p in paths_of(f, s)], folder)
    side_of: dict[str, str] = {id_: side for side in chosen_sides for id_ in _ids(folder, rows, side)}
    statistics = Statistics(_counter(workspace, lake, root))
    journals = _journals(lake, root, there, side_of, statistics, folder if not formats else None)
    counted = statistics.as_json()
    spec = read_spec(row.spec, stored=True)
    files = describe(folder, spec, rows, journals, counted, document["fates"])
    copied = {
        **document,
        "copy": {
            "of_manifest_sha256": sha256(lake.read_object(f"{root}/{MANIFEST}")).hexdigest(),
            "formats": chosen_formats,
            "splits": chosen_sides,
        },
        "counts": counts_of(counted),
        "files": {path: facts.as_json() for path, facts in files.items()},
    }
    write_manifest(folder, copied)
    return [*files, MANIFEST, SUMS]


def _refuse_unknown(what: str, given: Sequence[str], known: Sequence[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise NotFoundError(
            "export the release", ", ".join(unknown), f"the version has no such {what}", f"It has {', '.join(known)}."
        )


def _copy(lake: Lake, root: str, paths: Sequence[str], folder: Path) -> None:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        lake.read_file(f"{root}/{path}", folder / path)


def _ids(folder: Path, rows: Mapping[str, Mapping[str, int]], side: str) -> Iterator[str]:
    """Ids of the training lines that the copied files of a side are made of."""
    for name, by_side in rows.items():
        if side not in by_side:
            continue
        if name == "case":
            cases = pl.read_parquet(folder / data_path(name, side, "parquet"), columns=["example_ids"])
            yield from cases["example_ids"].explode().drop_nulls().to_list()
        else:
            yield from pl.read_parquet(folder / ids_path(name, side, "parquet"))["id"].to_list()


def _counter(workspace: Workspace, lake: Lake, root: str) -> TokenCounter:
    """The way in which the release counted tokens, if it can be had here; else the estimate."""
    name = orjson.loads(lake.read_object(f"{root}/statistics.json")).get("tokens_counted_by", "")
    return counter_named(name, configured=workspace.policy.token_counter)


def _journals(
    lake: Lake,
    root: str,
    there: dict[str, Any],
    side_of: dict[str, str],
    statistics: Statistics,
    folder: Path | None,
) -> dict[str, int]:
    """Count the copied lines, and write them as monthly files if a folder is given; file to lines."""
    found: dict[str, int] = {}
    with TemporaryDirectory() as temporary:
        for path in sorted(p for p in there if p.startswith(f"{JOURNAL_FOLDER}/")):
            whole = Path(temporary, "journal.jsonl")
            lake.read_file(f"{root}/{path}", whole)
            kept = []
            with whole.open("rb") as file:
                for line in file:
                    parsed = orjson.loads(line)
                    if parsed["id"] in side_of:
                        statistics.add(parsed, side=side_of[parsed["id"]])
                        kept.append(line)
            if kept and folder is not None:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_bytes(b"".join(kept))
                found[path] = len(kept)
    return found
