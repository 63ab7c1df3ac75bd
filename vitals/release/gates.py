"""Gates of a release as a whole: what would make it leak, name somebody, or fail to load.

Belongs here: pure judgements on the release's lines, sides, texts and files.
Does not belong here: gates on single lines (`line_gates`), reading the catalog or the lake, publishing.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.json as paj
import pyarrow.parquet as pq

from vitals.release.cases import CASE_SCHEMA
from vitals.release.formats import FORMATS
from vitals.release.near_duplicates import Known, Signature, compared_text, signature
from vitals.release.selection import SharedRecord, spoiled_days
from vitals.release.spec import SIDES, FormatName, ReleaseSpec, Side
from vitals.release.splits import Sides
from vitals.release.writing import data_path, ids_path
from vitals.training.source_names import TITLES, UNLISTED


@dataclass(frozen=True)
class GateResult:
    """What a gate found.

    Attributes:
        name: of the gate.
        figures: counts, by what was counted. No id, no value.
        failures: what keeps the release back, in words; empty if it passed.
    """

    name: str
    figures: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.failures


def _gate(name: str, figures: Mapping[str, int], *, bad: Mapping[str, int]) -> GateResult:
    return GateResult(
        name,
        {**figures, **bad},
        [f"{count:,} {what.replace('_', ' ')}" for what, count in bad.items() if count],
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """A line of a release and where it stands; person and local date are the true ones where they are known."""

    id: str
    person: str
    side: Side
    category: str
    local_date: str


def splits_gate(
    placed: Iterable[tuple[Placed, Mapping[str, Any]]],
    *,
    shared: Iterable[SharedRecord] = (),
    sides: Sides | None = None,
) -> GateResult:
    """No person, no near-duplicate text and no source record on two sides.

    Args:
        placed: every line with its place.
        shared: source records that several people delivered.
        sides: side of each person of `shared`; without it, shared records are not judged.
    """
    people: dict[str, set[Side]] = defaultdict(set)
    spoiled = spoiled_days(shared, sides) if sides is not None else set()
    seen = records = 0
    texts: dict[Side, list[tuple[str, Signature]]] = {side: [] for side in SIDES}
    for place, line in placed:
        seen += 1
        people[place.person].add(place.side)
        texts[place.side].append((place.person, signature(compared_text(line))))
        records += (place.person, place.category, place.local_date) in spoiled
    return _gate(
        "splits",
        {"lines": seen, "people": len(people)},
        bad={
            "people_on_two_sides": sum(len(found) > 1 for found in people.values()),
            "near_duplicates_on_two_sides": _on_two_sides(texts),
            "examples_that_share_a_record_with_another_side": records,
        },
    )


def _on_two_sides(texts: Mapping[Side, Sequence[tuple[str, Signature]]]) -> int:
    """Texts of which another person has a near-duplicate on a heavier side.

    The texts of the side for training, by far the most, are looked for and never indexed: an index takes twenty times
    the room of a signature.
    """
    heavier = Known()
    found = 0
    for side in reversed(SIDES):
        found += sum(heavier.holds_near_duplicate(person, values) for person, values in texts[side])
        if side != SIDES[0]:
            for person, values in texts[side]:
                heavier.add(person, values)
    return found


PATTERNS: Mapping[str, re.Pattern[str]] = {
    "e-mail addresses": re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+\.[A-Za-z]{2,}"),
    "UUIDs": re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![0-9A-Fa-f])"),
    "URLs of stores": re.compile(r"\b(?:s3|gs|file|https?)://", re.IGNORECASE),
    "keys of uploads": re.compile(r"\braw/\w+Record/|\.avro\b"),
    "MAC addresses": re.compile(r"(?<![0-9A-Fa-f:])[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:])"),
    "IP addresses": re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])"),
}
"""What never belongs in a release, whoever it is about."""

SHORT_ID = 4
"""An id that is shorter is looked for as a whole JSON string only: it would be found in any text."""

SHORT_NUMBER = 6
"""An id that is a number of fewer digits is not looked for: nothing tells it from a value."""

_EDGE = re.compile(r"[A-Za-z0-9]")
_WORDS = re.compile(rb"[A-Za-z0-9_@.+-]{6,}")
BATCH_LINES = 2_000


def identifiers_gate(lines: Iterable[bytes], canaries: Collection[str]) -> GateResult:
    """No identifier in any line: neither one that is known (canaries) nor anything that looks like one.

    Args:
        lines: every line of every text file of the release.
        canaries: ids that must not be there: external user ids, and pseudonyms of the lake where the profile
            replaces them.
    """
    told_apart = [canary for canary in canaries if not (canary.isdecimal() and len(canary) < SHORT_NUMBER)]
    long = sorted(canary for canary in told_apart if len(canary) >= SHORT_ID)
    whole = sorted(f'"{canary}"' for canary in told_apart if 0 < len(canary) < SHORT_ID)
    found: dict[str, int] = dict.fromkeys(["lines_with_a_known_identifier", *_names()], 0)
    seen = 0
    for batch in _batches(lines):
        seen += len(batch)
        texts = pl.Series(batch, dtype=pl.String)
        if long:
            for position in texts.str.contains_any(long).arg_true():
                found["lines_with_a_known_identifier"] += _holds_whole(texts[position], long)
        if whole:
            found["lines_with_a_known_identifier"] += int(texts.str.contains_any(whole).sum())
        for name, pattern in PATTERNS.items():
            found[_name(name)] += sum(pattern.search(text) is not None for text in batch)
    return _gate("identifiers", {"lines": seen, "known_identifiers": len(told_apart)}, bad=found)


def _names() -> list[str]:
    return [_name(name) for name in PATTERNS]


def _name(pattern: str) -> str:
    return f"lines_with_{pattern}"


def _holds_whole(text: str, canaries: list[str]) -> bool:
    """Whether one of the ids stands in a text that is known to hold one, not inside a longer word."""
    hits = pl.Series([text]).str.extract_many(canaries, overlapping=True).explode().unique()
    for hit in hits:
        start = text.find(hit)
        while start >= 0:
            around = text[max(start - 1, 0) : start] + text[start + len(hit) : start + len(hit) + 1]
            if not _EDGE.search(around):
                return True
            start = text.find(hit, start + 1)
    return False


def _batches(lines: Iterable[bytes]) -> Iterator[list[str]]:
    batch: list[str] = []
    for line in lines:
        batch.append(line.decode("utf-8", "replace"))
        if len(batch) == BATCH_LINES:
            yield batch
            batch = []
    if batch:
        yield batch


def words_of(lines: Iterable[bytes]) -> set[bytes]:
    """Everything in the lines that could be an id of a record; compared with the ids that there are."""
    return {word for line in lines for word in _WORDS.findall(line)}


def records_gate(found: int, looked_for: int) -> GateResult:
    """No id of a source record among the words of the release."""
    return _gate("record_ids", {"record_ids": looked_for}, bad={"record_ids_in_the_release": found})


def erased_gate(contributors: Collection[str], known_people: Collection[str]) -> GateResult:
    """Nobody is in it who has been erased, or whom the catalog never knew."""
    gone = len(set(contributors) - set(known_people))
    return _gate("erased_people", {"people": len(set(contributors))}, bad={"erased_or_unknown_people": gone})


def formats_gate(folder: Path, rows: Mapping[FormatName, Mapping[str, int]]) -> GateResult:
    """Every format loads, with exactly its columns, and JSONL, Parquet and ids agree record by record."""
    bad = dict.fromkeys(["files_with_other_columns", "files_that_disagree", "repeated_ids"], 0)
    records = 0
    for name, by_side in rows.items():
        schema = CASE_SCHEMA if name == "case" else FORMATS[name].schema
        ids: set[str] = set()
        total = 0
        for side, expected in by_side.items():
            total += expected
            with (folder / ids_path(name, side, "jsonl")).open("rb") as file:
                ids |= {orjson.loads(line)["id"] for line in file}
            table = pq.ParquetFile(folder / data_path(name, side, "parquet"))
            other, differs = _compare(table, folder / data_path(name, side, "jsonl"), schema, expected)
            bad["files_with_other_columns"] += other
            bad["files_that_disagree"] += differs
            records += expected
        bad["repeated_ids"] += total - len(ids)
    return _gate("formats_load", {"records": records, "formats": len(rows)}, bad=bad)


def _compare(table: pq.ParquetFile, jsonl: Path, schema: pa.Schema, expected: int) -> tuple[bool, bool]:
    """Whether a pair of files has other columns or types, and whether the two differ in a record."""
    seen, differs = 0, False
    if not table.schema_arrow.equals(schema) or not _loads(jsonl, schema):
        return True, False
    with jsonl.open("rb") as file:
        for batch in table.iter_batches(batch_size=1_000):
            for record in batch.to_pylist():
                line = file.readline()
                differs |= not line or orjson.loads(line) != record
                seen += 1
        differs |= bool(file.readline())
    return False, differs or seen != expected


def _loads(jsonl: Path, schema: pa.Schema) -> bool:
    """Whether a JSONL file, read as clients read it, has the schema's columns and types, and no others."""
    if not jsonl.stat().st_size:
        return True
    options = paj.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error")
    try:
        with paj.open_json(jsonl, parse_options=options) as batches:
            for _ in batches:
                pass
            return bool(batches.schema.equals(schema))
    except pa.ArrowInvalid:
        return False


@dataclass(frozen=True)
class AppsOfTenant:
    """What the records of a tenant say of apps.

    Attributes:
        names: all of them.
        of_sleep: pseudonym to the apps of the person's sleep sessions.
    """

    names: Collection[str] = ()
    of_sleep: Mapping[str, Collection[str]] = field(default_factory=dict)


def licensed_gate(
    lines: Iterable[bytes], journals: Iterable[tuple[str, Mapping[str, Any]]], *, spec: ReleaseSpec, apps: AppsOfTenant
) -> GateResult:
    """Where the release names the apps that allow it, no other app's name is in any file, nor its data read along.

    Looks for the names of all apps of the tenant in the finished files, whatever chose the lines.

    Args:
        lines: every line of every text file.
        journals: whole training lines, each with the true pseudonym of its person ("" where it is not known).
        spec: names the licensed apps; without any, nothing is looked for.
        apps: what the tenant's records say of apps.
    """
    bad = dict.fromkeys(
        ["lines_with_another_app", "lines_with_an_app_not_named", "lines_that_rest_on_sleep_of_another_app"], 0
    )
    licensed = set(spec.source_apps)
    if not licensed:
        return _gate("sources", {"licensed_apps": 0}, bad=bad)
    others = sorted({*apps.names, *TITLES} - licensed)
    names = [*others, *(TITLES[app] for app in others if app in TITLES)]
    pattern = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(names, reverse=True)))})(?!\w|\.\w)")
    seen = 0
    for batch in _batches(lines):
        seen += len(batch)
        bad["lines_with_another_app"] += sum(pattern.search(text) is not None for text in batch) if names else 0
        bad["lines_with_an_app_not_named"] += sum(UNLISTED in text for text in batch)
    for person, line in journals:
        rests_on_sleep = any(
            not claim["metric"].startswith("sleep.") and "sleep" in claim["metric"]
            for claim in line["metadata"]["claims"]
        )
        if rests_on_sleep and not set(apps.of_sleep.get(person, ())) <= licensed:
            bad["lines_that_rest_on_sleep_of_another_app"] += 1
    return _gate("sources", {"lines": seen, "licensed_apps": len(licensed), "other_apps": len(others)}, bad=bad)


def closed_days_gate(journals: Iterable[Mapping[str, Any]], *, spec: ReleaseSpec) -> GateResult:
    """No de-identified line is of a day that was still open: it would say when the release was made."""
    is_asked = spec.profile != "none"
    seen = still_open = 0
    for line in journals:
        seen += 1
        still_open += is_asked and bool(line["metadata"]["provisional"])
    return _gate("closed_days", {"lines": seen}, bad={"lines_of_days_not_closed": still_open})


def balance_gate(
    fates: Mapping[str, int], written: int, *, unbalanced_uploads: int, unbalanced_kinds: int
) -> GateResult:
    """Every line that was read is in the release or was left out for one reason, and the uploads' books balance.

    Args:
        fates: `read`, `released` and every reason, to lines.
        written: lines of the monthly files.
    """
    others = sum(count for fate, count in fates.items() if fate not in {"read", "released"})
    return _gate(
        "books",
        dict(fates),
        bad={
            "lines_without_a_fate": abs(fates["read"] - fates["released"] - others),
            "lines_more_or_less_than_released": abs(fates["released"] - written),
            "uploads_whose_rows_do_not_add_up": unbalanced_uploads,
            "kinds_whose_books_differ_from_their_table": unbalanced_kinds,
        },
    )
