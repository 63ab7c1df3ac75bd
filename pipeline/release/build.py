"""Building a release: training lines become files of a local folder.

Belongs here: the order of the steps, from reading to the manifest. The lake and the catalog are only read.
Does not belong here: the gates (`release_gates`), publishing (`releases`), what a file says (`vitals`).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from pipeline.release.inputs import (
    TrainingLines,
    apps_of_sleep,
    code_versions,
    comparison_facts,
    inputs_of,
    policies_of_people,
    shared_records,
)
from resources.workspace import Workspace
from vitals.errors import PermanentError, TransientError
from vitals.release.assembly import Entry, Spool, spoiled_by_others, write_all
from vitals.release.card import card
from vitals.release.croissant import croissant
from vitals.release.deidentify import deidentify, profile_named
from vitals.release.manifest import MANIFEST, manifest
from vitals.release.plots import draw
from vitals.release.rare_sources import rare_sources
from vitals.release.received import SUMS, sums
from vitals.release.selection import (
    REASONS,
    Candidate,
    Histories,
    SharedRecord,
    candidate_of,
    refusal,
    spoiled_days,
    within_cap,
)
from vitals.release.spec import ReleaseSpec
from vitals.release.splits import Sides
from vitals.release.traces import ExampleTrace, ManifestFacts, trace_of
from vitals.release.writing import FileFacts, dump, facts_of_file, paths_of

OnStep = Callable[[str], None]


@dataclass(frozen=True)
class Built:
    """A release as files of a local folder.

    Attributes:
        folder: the files, at the paths they have in the lake.
        manifest: the document, as it is in the folder.
        entries: its lines with the people behind them.
        fates: lines read, by fate.
        statistics: counts of its lines.
        rows: format to side to number of records.
        written_lines: lines of the monthly files.
        traces, facts: what a later comparison needs.
        shared: records that several people delivered.
        sides: side of each person.
    """

    folder: Path
    manifest: dict[str, Any]
    entries: Sequence[Entry]
    fates: Mapping[str, int]
    statistics: Mapping[str, Any]
    rows: Mapping[Any, Mapping[str, int]]
    written_lines: int
    traces: Sequence[ExampleTrace]
    facts: ManifestFacts
    shared: Sequence[SharedRecord]
    sides: Sides


def build(workspace: Workspace, spec: ReleaseSpec, folder: Path, *, on_step: OnStep = lambda _: None) -> Built:
    """Write every file of a release into a folder; the lake and the catalog are only read.

    Raises:
        PermanentError: no line is left to release.
    """
    lake = workspace.lake(spec.tenant)
    source = TrainingLines(lake, spec.categories)
    sides = Sides(spec, key=workspace.subject_key)
    on_step("selecting")
    inputs = inputs_of(lake, source)
    fates: Counter[str] = Counter(dict.fromkeys(["read", "released", *REASONS], 0))
    shared = shared_records(lake)
    known_people = frozenset(workspace.catalog.subjects.subject_ids(spec.tenant).values())
    consents = workspace.catalog.consents
    without = consents.withheld(spec.tenant, "sharing") | consents.withheld(spec.tenant, "training")
    allowed = _Allowed(known_people, without, apps_of_sleep(lake) if spec.source_apps else {})
    kept, barred = _select(source, spec, sides, shared, allowed, fates, key=workspace.subject_key)
    on_step("de-identifying")
    data = folder / "release"
    data.mkdir()
    with Spool(folder / "spool.jsonl") as spool:
        entries = _spooled(source, spec, sides, kept, spool, key=workspace.subject_key)
        on_step("looking for near-duplicates")
        twins = spoiled_by_others(entries, spool)
        fates["near_duplicate"] = len(twins)
        entries = [entry for entry in entries if entry.id not in twins]
        fates["released"] = len(entries)
        if not entries:
            raise _nothing_left(spec, fates)
        on_step("writing")
        written = write_all(data, spec.formats, entries, spool, counter=workspace.policy.token_counter)
    if source.digest() != inputs.sha256:
        raise TransientError(
            "build the release",
            spec.release_id,
            "training lines were rendered anew meanwhile",
            "Build again when `vitalgraph status` shows nothing stale.",
        )
    on_step("describing")
    statistics = written.statistics.as_json()
    facts = comparison_facts(workspace, spec, withheld_people=barred | without)
    files = describe(data, spec, written.rows, written.journals, statistics, fates)
    document = manifest(
        spec,
        inputs=inputs,
        code=code_versions(),
        fates=fates,
        statistics=statistics,
        files=files,
        facts=facts,
    )
    write_manifest(data, document)
    return Built(
        folder=data,
        # As it reads, so that two can be compared wherever they come from.
        manifest=orjson.loads(dump(document)),
        entries=entries,
        fates=dict(fates),
        statistics=statistics,
        rows=written.rows,
        written_lines=sum(written.journals.values()),
        traces=_traces(workspace, spec, source, {entry.source_id for entry in entries}),
        facts=facts,
        shared=shared,
        sides=sides,
    )


@dataclass(frozen=True)
class _Allowed:
    """Whose lines may be used, and which apps stand behind what a line does not name; see `selection.refusal`."""

    known_people: frozenset[str]
    without_consent: frozenset[str]
    read_along: Mapping[str, frozenset[str]]


def _select(
    source: TrainingLines,
    spec: ReleaseSpec,
    sides: Sides,
    shared: Sequence[SharedRecord],
    allowed: _Allowed,
    fates: Counter[str],
    *,
    key: bytes,
) -> tuple[set[str], set[str]]:
    """Ids of the lines to release but for near-duplicates, and people whose lines may not be used."""
    spoiled = spoiled_days(shared, sides)
    candidates: dict[str, Candidate] = {}
    histories = Histories(spec)
    barred: set[str] = set()
    for line in source.parsed():
        fates["read"] += 1
        histories.add(line)
        reason = refusal(
            line,
            spec,
            known_people=allowed.known_people,
            without_consent=allowed.without_consent,
            read_along=allowed.read_along,
        )
        if reason in {"erased_person", "no_consent"}:
            barred.add(line["metadata"]["subject_id"])
        if reason is None:
            candidate = candidate_of(line)
            if candidate.id in candidates:
                reason = "same_id"
            elif (candidate.person, candidate.category, candidate.local_date) in spoiled:
                reason = "shared_record"
            else:
                candidates[candidate.id] = candidate
        if reason is not None:
            fates[reason] += 1
    if profile_named(spec.profile).changes:
        for id_, reason in histories.left_out(candidates.values(), key=key).items():
            del candidates[id_]
            fates[reason] += 1
    kept = within_cap(candidates.values(), cap=spec.max_examples_per_person, key=key)
    fates["beyond_cap"] = len(candidates) - len(kept)
    return kept, barred


def _spooled(
    source: TrainingLines, spec: ReleaseSpec, sides: Sides, kept: set[str], spool: Spool, *, key: bytes
) -> list[Entry]:
    profile = profile_named(spec.profile)
    rare = rare_sources(_once(source, kept), fewest_persons=profile.fewest_persons) if profile.changes else frozenset()
    origin = _Remembered(_once(source, kept))
    shown = deidentify(origin, profile, key=key, release_id=spec.release_id, rare=rare)
    return [spool.add(line, source=origin.last, side=sides.of(origin.last["metadata"]["subject_id"])) for line in shown]


class _Remembered:
    """Lines handed on one by one, the latest of them kept: what comes out of a step beside what went in."""

    def __init__(self, lines: Iterator[dict[str, Any]]) -> None:
        self._lines = lines
        self.last: dict[str, Any] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for line in self._lines:
            self.last = line
            yield line


def _once(source: TrainingLines, kept: set[str]) -> Iterator[dict[str, Any]]:
    """The kept lines, each id once."""
    seen: set[str] = set()
    for line in source.parsed():
        if line["id"] in kept and line["id"] not in seen:
            seen.add(line["id"])
            yield line


def _traces(workspace: Workspace, spec: ReleaseSpec, source: TrainingLines, kept: set[str]) -> list[ExampleTrace]:
    policies = policies_of_people(workspace, spec.tenant)
    return [
        trace_of(line, key=workspace.subject_key, policy=policies[line["metadata"]["subject_id"]])
        for line in _once(source, kept)
    ]


def write_manifest(data: Path, document: Mapping[str, Any]) -> None:
    """Write a manifest, and beside it the checksums of all files, its own included."""
    written = dump(document)
    (data / MANIFEST).write_bytes(written)
    (data / SUMS).write_bytes(sums(written, {path: facts["sha256"] for path, facts in document["files"].items()}))


def describe(
    data: Path,
    spec: ReleaseSpec,
    written: Mapping[str, Mapping[str, int]],
    journals: Mapping[str, int],
    statistics: Mapping[str, Any],
    fates: Mapping[str, int],
) -> dict[str, FileFacts]:
    """Write what describes the data files of a folder; checksums of all files but the manifest.

    Args:
        written: format to side to number of records.
        journals: monthly file to number of lines.
    """
    rows = {name: by_side for name, by_side in written.items() if by_side}
    counts = {
        path: count
        for name, by_side in rows.items()
        for side, count in by_side.items()
        for path in paths_of(name, side)
    } | dict(journals)
    files = {path: facts_of_file(data / path, rows=counts[path]) for path in sorted(counts)}
    described = f"{statistics['examples']} grounded examples from phone health data, made by Vitalgraph."
    texts = {
        "README.md": card(spec, statistics, fates, rows, has_journals=bool(journals)).encode(),
        "croissant.json": dump(croissant(spec, files, rows, description=described)),
        "statistics.json": dump(statistics),
        **{f"plots/{name}.png": picture for name, picture in draw(statistics).items()},
    }
    (data / "plots").mkdir()
    for path, content in texts.items():
        (data / path).write_bytes(content)
    return files | {path: facts_of_file(data / path) for path in sorted(texts)}


def _nothing_left(spec: ReleaseSpec, fates: Mapping[str, int]) -> PermanentError:
    left_out = ", ".join(f"{count:,} {fate.replace('_', ' ')}" for fate, count in fates.items() if count)
    return PermanentError(
        "build the release",
        spec.release_id,
        f"no line is left to release ({left_out or 'none was read'})",
        "Widen the filters, or bring the training lines up to date with `vitalgraph ingest`.",
    )
