"""Lines on disk, waiting to become the files of a release, and the writing of all files from them.

Belongs here: the spool (lines in the order they came, read again at random) and what is written from it.
Does not belong here: which lines are in it (`selection`), the lake, the manifest.

Files are ordered by the ids of lines, which are hashes: their order says nothing of persons or days. Only the
index of the spool is in memory, never its texts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import orjson
import pyarrow as pa

from vitals.release.cases import CASE_SCHEMA, case_id, case_of
from vitals.release.formats import FORMATS
from vitals.release.near_duplicates import Known, Signature, compared_text, signature
from vitals.release.spec import SIDES, FormatName, Side
from vitals.release.statistics import Statistics
from vitals.release.writing import FormatFiles, journal_path, open_formats
from vitals.training.token_counts import ESTIMATED, TokenCounter


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the spool.

    Attributes:
        id, subject_id, local_date, task, category: as the release shows them.
        source_id, person, source_date: id, pseudonym and local date of the line in the training lake.
        side: where it stands.
        offset, size: place in the spool, in bytes.
    """

    id: str
    subject_id: str
    local_date: str
    task: str
    category: str
    source_id: str
    person: str
    source_date: str
    side: Side
    offset: int
    size: int


class Spool:
    """A file of lines: written once in sequence, then read at random. A context manager."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._end = 0

    def __enter__(self) -> Self:
        self._file = self._path.open("w+b")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._file is not None
        self._file.close()

    def add(self, line: Mapping[str, Any], *, source: Mapping[str, Any], side: Side) -> Entry:
        """Append a line as the release shows it, made of a line of the training lake."""
        assert self._file is not None
        data = orjson.dumps(line, option=orjson.OPT_SORT_KEYS)
        metadata = line["metadata"]
        entry = Entry(
            line["id"],
            metadata["subject_id"],
            metadata["local_date"],
            metadata["task"],
            metadata["training_category"],
            source["id"],
            source["metadata"]["subject_id"],
            source["metadata"]["local_date"],
            side,
            self._end,
            len(data),
        )
        self._file.seek(self._end)
        self._file.write(data)
        self._end += len(data)
        return entry

    def read(self, entry: Entry) -> bytes:
        """A line, without a line break."""
        assert self._file is not None
        self._file.seek(entry.offset)
        return self._file.read(entry.size)


def spoiled_by_others(entries: Sequence[Entry], spool: Spool) -> set[str]:
    """Ids of entries that are near-duplicates of another person's text on a side they yield to."""
    known = Known()
    found: set[str] = set()
    for side in reversed(SIDES):
        passed: list[tuple[str, Signature]] = []
        for entry in entries:
            if entry.side != side:
                continue
            values = signature(compared_text(orjson.loads(spool.read(entry))))
            if known.holds_near_duplicate(entry.person, values):
                found.add(entry.id)
            elif side != SIDES[0]:
                passed.append((entry.person, values))
        # Texts of one side do not yield to each other, so they are added when the side is done.
        for person, values in passed:
            known.add(person, values)
    return found


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        rows: format to side to number of records; sides without records are left out.
        journals: monthly file to number of lines.
        statistics: counts of all lines.
    """

    rows: dict[str, dict[str, int]]
    journals: dict[str, int]
    statistics: Statistics


def write_all(
    folder: Path,
    formats: Sequence[FormatName],
    entries: Iterable[Entry],
    spool: Spool,
    *,
    counter: TokenCounter = ESTIMATED,
) -> Written:
    """Write the data files of every format and side, and the monthly journals, into a folder."""
    ordered = sorted(entries, key=lambda entry: entry.id)
    statistics = Statistics(counter)
    rows: dict[str, dict[str, int]] = {name: {} for name in formats}
    for side in SIDES:
        here = [entry for entry in ordered if entry.side == side]
        for name, count in _write_side(folder, formats, side, here, spool, statistics).items():
            if count:
                rows[name][side] = count
    return Written(rows, _write_journals(folder, ordered, spool), statistics)


def _write_side(
    folder: Path, formats: Sequence[FormatName], side: Side, entries: list[Entry], spool: Spool, statistics: Statistics
) -> dict[str, int]:
    schemas: dict[str, pa.Schema] = {name: CASE_SCHEMA if name == "case" else FORMATS[name].schema for name in formats}
    with open_formats(folder, side, schemas) as files:
        for entry in entries:
            line = orjson.loads(spool.read(entry))
            statistics.add(line, side=side)
            for name in formats:
                record = None if name == "case" else FORMATS[name].record(line)
                if record is not None:
                    files[name].add(entry.id, record)
        if "case" in files:
            _write_cases(files["case"], entries, spool)
    return {name: written.rows for name, written in files.items()}


def _write_cases(files: FormatFiles, entries: Iterable[Entry], spool: Spool) -> None:
    days: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        days[case_id(entry.subject_id, entry.local_date)].append(entry)
    for id_ in sorted(days):
        day = days[id_]
        lines = [orjson.loads(spool.read(entry)) for entry in day]
        files.add(id_, case_of(day[0].subject_id, day[0].local_date, lines))


def _write_journals(folder: Path, ordered: Sequence[Entry], spool: Spool) -> dict[str, int]:
    months: dict[str, list[Entry]] = defaultdict(list)
    for entry in ordered:
        months[journal_path(entry.local_date)].append(entry)
    for path, entries in sorted(months.items()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        with (folder / path).open("wb") as file:
            file.writelines(_with_breaks(entries, spool))
    return {path: len(months[path]) for path in sorted(months)}


def _with_breaks(entries: Iterable[Entry], spool: Spool) -> Iterator[bytes]:
    for entry in entries:
        yield spool.read(entry)
        yield b"\n"
