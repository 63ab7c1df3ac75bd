"""The gates of a release: everything that must hold before anybody sees it.

Belongs here: reading what the gates need and running each on the files as they are written.
Does not belong here: a judgement (`vitals.release.gates`, `line_gates`), or what follows from it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from pipeline.release.build import Built
from pipeline.release.inputs import apps_of_sleep, known_apps, record_ids_among, unbalanced
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.release.gates import (
    AppsOfTenant,
    GateResult,
    Placed,
    balance_gate,
    closed_days_gate,
    erased_gate,
    formats_gate,
    identifiers_gate,
    licensed_gate,
    records_gate,
    splits_gate,
    words_of,
)
from vitals.release.line_gates import line_results, report
from vitals.release.received import journal_lines
from vitals.release.spec import ReleaseSpec

GATES: Mapping[str, str] = {
    "shape": "Every line parses and has the documented shape.",
    "language": "No line has a forbidden phrase.",
    "grounding": "Every number, unit, date, time, comparison and metric word of every answer is a claim of its line.",
    "sufficiency": "Every claim can be recomputed from its prompt.",
    "splits": "No person, near-duplicate text or source record is on two sides.",
    "identifiers": "No external user id, no pseudonym that should be hidden, nothing that looks like an id or an address.",
    "record_ids": "No id of a source record is in any text.",
    "erased_people": "Nobody in it was erased.",
    "formats_load": "Every format has exactly its columns; JSONL, Parquet and ids agree.",
    "sources": "Where the release names the apps that allow it, no other app's name or data are in any file.",
    "closed_days": "No de-identified line is of a day that was still open.",
    "books": "Every line that was read has one fate; the uploads' books balance.",
}
"""Every gate, in the order of running, and what it holds."""


@dataclass(frozen=True)
class Judged:
    """What all gates found."""

    gates: Sequence[GateResult]

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return all(gate.passed for gate in self.gates)

    @property
    def reasons(self) -> list[str]:
        """What keeps the release back: gate and finding."""
        return [f"{gate.name}: {failure}" for gate in self.gates for failure in gate.failures]


def judge(workspace: Workspace, spec: ReleaseSpec, built: Built) -> Judged:
    """Run every gate on the files of a folder. They are read as they are, whoever wrote them."""
    catalog, tenant = workspace.catalog, spec.tenant
    subjects = catalog.subjects.subject_ids(tenant)
    people = {entry.id: entry for entry in built.entries}
    uploads, kinds = unbalanced(workspace, tenant)
    gates = [
        *line_results(report(journal_lines(built.folder))),
        splits_gate(
            (
                (Placed(line["id"], entry.person, entry.side, entry.category, entry.source_date), line)
                for line in map(orjson.loads, journal_lines(built.folder))
                if (entry := people.get(line["id"])) is not None
            ),
            shared=built.shared,
            sides=built.sides,
        ),
        identifiers_gate(text_lines(built.folder), canaries_of(spec, subjects)),
        records_gate(*record_ids_among(workspace.lake(tenant), words_of(journal_lines(built.folder)))),
        erased_gate([entry.person for entry in built.entries], subjects.values()),
        formats_gate(built.folder, built.rows),
        licensed_gate(
            text_lines(built.folder),
            (
                (entry.person, line)
                for line in map(orjson.loads, journal_lines(built.folder))
                if (entry := people.get(line["id"])) is not None
            ),
            spec=spec,
            apps=apps_of_tenant(workspace.lake(tenant), spec),
        ),
        closed_days_gate(map(orjson.loads, journal_lines(built.folder)), spec=spec),
        balance_gate(built.fates, built.written_lines, unbalanced_uploads=uploads, unbalanced_kinds=kinds),
    ]
    return Judged(gates)


def apps_of_tenant(lake: Lake, spec: ReleaseSpec) -> AppsOfTenant:
    """What the records say of apps; nothing is read where all apps allow the release."""
    return AppsOfTenant(known_apps(lake), apps_of_sleep(lake)) if spec.source_apps else AppsOfTenant()


def canaries_of(spec: ReleaseSpec, subjects: Mapping[str, str]) -> set[str]:
    """Ids that must not be in any text: external user ids, and pseudonyms where the profile replaces them."""
    return {*subjects, *(subjects.values() if spec.profile != "none" else ())}


def text_lines(folder: Path) -> Iterator[bytes]:
    """Every line of every text a reader of the release sees, but for ids and addresses that belong there."""
    for path in sorted(folder.rglob("*.jsonl")):
        with path.open("rb") as file:
            yield from file
    for name in ("README.md", "statistics.json"):
        yield from (folder / name).read_bytes().splitlines()
