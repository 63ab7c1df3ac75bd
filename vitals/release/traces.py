"""The compact row that a release keeps of each of its examples, so that versions can be compared later.

Belongs here: what a trace holds, how it follows from a training line, what a release must note beside its traces,
and how a person vanishes from both.
Does not belong here: the comparison (`differences`), or where the rows are stored.

Traces are made of lines as they stand in the training lake, before de-identification, and stay in the lake beside
the catalog (``release_traces/{name}/{version}.parquet``), never among the files of the release. Every digest in
them is keyed, so that nobody without the key of the installation can tell a person, a day or an upload from it.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b, sha256
from typing import Any

import orjson
import polars as pl

ERASED = ""
"""What stands in every digest of a trace whose person has been erased."""

DIGEST_BYTES = 16

WHOLE_DAY_TASKS = frozenset({"daily_summary", "data_quality", "day_journal"})
"""Tasks of which a person's day has one line per category, so that no question tells two apart."""

UNMEASURED = frozenset({"day", "sufficiency"})
"""Metrics of claims that every line may hold, whatever was asked."""

PROVENANCE = frozenset({"completions", "processor_version", "source_s3_keys_sha256", "trace_id"})
"""Metadata that say where a line comes from; a line that differs in nothing else has not changed."""


@dataclass(frozen=True, slots=True)
class ExampleTrace:
    """One example of a release.

    Attributes:
        example_id: id of the line in the training lake.
        category, task: of the line.
        slot: which example it is, whatever it says: person, local date, category, task and question.
        day: person, local date and category; examples of one day rest on the same uploads.
        person: the person.
        content: everything the line says, claims included; not PROVENANCE.
        facts: its claims without rule and wording, what is withheld, records, provisional or not.
        rules: rule and version of every claim, sorted, as ``glucose.mean@1``.
        sources: the uploads the facts rest on, sorted.
        policy: the settings it was made under, profile of the person included.
        completions: ids of what people said of the records behind it, sorted.
        processor_version: software that wrote the line.
    """

    example_id: str
    category: str
    task: str
    slot: str
    day: str
    person: str
    content: str
    facts: str
    rules: tuple[str, ...]
    sources: tuple[str, ...]
    policy: str
    completions: tuple[str, ...]
    processor_version: str

    @property
    def is_erased(self) -> bool:
        """Whether its person has been erased since."""
        return self.slot == ERASED


_LISTS = ("rules", "sources", "completions")

TRACE_SCHEMA = pl.Schema(
    {name: pl.List(pl.String()) if name in _LISTS else pl.String() for name in ExampleTrace.__dataclass_fields__}
)
"""Columns of the stored traces."""


@dataclass(frozen=True, kw_only=True)
class ManifestFacts:
    """What a release notes about its build, for the comparison with another version.

    The first five belong in the manifest; the others name uploads and persons by keyed digests and belong beside
    the traces, never among the files of the release.

    Attributes:
        processor_version: software that built the release.
        rule_versions: version of every metric's rule that the software knows.
        policy_digest: settings that decide what an example says: source priorities, thresholds, token budget.
            Without the persons' profiles, which stand in ``ExampleTrace.policy`` only.
        selection_digest: settings that decide which examples there are: task mix, filters, caps, splits.
        kind_policies: kind to the digest of what the tenant decided about its records: bounds of its own, context
            it demands, what it let through. It moves examples that read the kind and no others.
        sources: ``source_digest`` of every upload that had been judged at the build, refused ones included: one
            that is let through later is no late data.
        completions: ids of the manual completions in force at the build.
        withdrawn: ``person_digest`` of everybody known whose data might not be used.
    """

    processor_version: str
    rule_versions: Mapping[str, int]
    policy_digest: str
    selection_digest: str
    kind_policies: Mapping[str, str] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    completions: frozenset[str] = frozenset()
    withdrawn: frozenset[str] = frozenset()


_SETS = ("sources", "completions", "withdrawn")


def trace_of(line: Mapping[str, Any], *, key: bytes, policy: str) -> ExampleTrace:
    """Trace of a training line.

    Args:
        line: the parsed line as it stands in the training lake.
        key: secret of the installation; the same for every release, or no two can be compared.
        policy: digest of the settings the line was made under and of its person's profile.
    """
    metadata = line["metadata"]
    subject, date, category, task = (
        metadata[name] for name in ("subject_id", "local_date", "training_category", "task")
    )
    claims = metadata["claims"]
    keys = metadata["source_s3_keys_sha256"]
    said = {name: value for name, value in line.items() if name not in {"id", "metadata"}}
    labels = {name: value for name, value in metadata.items() if name not in PROVENANCE}
    return ExampleTrace(
        example_id=line["id"],
        category=category,
        task=task,
        slot=_digest(key, "slot", subject, date, category, task, question_of(metadata)),
        day=_shared(_digest(key, "day", subject, date, category)),
        person=_shared(person_digest(subject, key=key)),
        content=_digest(key, "content", said, labels),
        facts=_digest(key, "facts", *_facts(metadata)),
        rules=tuple(sorted({_shared(claim["rule"]) for claim in claims})),
        sources=tuple(sorted(_shared(source_digest(hashed, key=key)) for hashed in keys)),
        policy=policy,
        completions=tuple(sorted(str(one) for one in metadata.get("completions", ()))),
        processor_version=metadata.get("processor_version", ""),
    )


def person_digest(subject_id: str, *, key: bytes) -> str:
    """What a trace calls a person."""
    return _digest(key, "person", subject_id)


def source_digest(key_sha256: str, *, key: bytes) -> str:
    """What a trace calls an upload, from an entry of ``source_s3_keys_sha256``."""
    return _digest(key, "source", key_sha256)


def question_of(metadata: Mapping[str, Any]) -> str:
    """What tells apart the lines of one task of a person's day and category.

    The question's own id where the line names one; else what a refusal refuses, what a preference pair got wrong,
    or the metrics of the answer. "" for a task that has one line a day.
    """
    if metadata["task"] in WHOLE_DAY_TASKS:
        return ""
    named = metadata.get("question")
    if named:
        return str(named)
    parts: list[str] = []
    if metadata["abstention"]["metric"]:
        parts.append(metadata["abstention"]["metric"])
    if metadata["rejected_fact"]["label"]:
        parts += [metadata["rejected_fact"]["label"], metadata["rejected_fact"]["claim"]]
    if not parts:
        parts = sorted({claim["metric"] for claim in metadata["claims"]} - UNMEASURED)
    return "|".join(parts)


def forget(traces: Iterable[ExampleTrace], persons: frozenset[str]) -> Iterator[ExampleTrace]:
    """Traces of a release after the erasure of persons, named by `person_digest`.

    An erased example keeps its place, category and task, so that a later comparison can count it and name the
    cause; nothing else of it is left.
    """
    for trace in traces:
        if trace.person not in persons:
            yield trace
        else:
            yield ExampleTrace(
                ERASED, trace.category, trace.task, ERASED, ERASED, ERASED, ERASED, ERASED, (), (), ERASED, (), ERASED
            )


def forget_sources(facts: ManifestFacts, sources: frozenset[str], persons: frozenset[str]) -> ManifestFacts:
    """What a release notes about its build, without the uploads and the persons named."""
    return replace(facts, sources=facts.sources - sources, withdrawn=facts.withdrawn - persons)


def traces_table(traces: Iterable[ExampleTrace]) -> pl.DataFrame:
    """Traces as the table that is stored, TRACE_SCHEMA, in an order that follows from the traces alone."""
    rows = sorted(traces, key=lambda trace: (trace.slot, trace.content, trace.category, trace.task))
    return pl.DataFrame([asdict(trace) for trace in rows], schema=TRACE_SCHEMA)


def traces_from(table: pl.DataFrame) -> Iterator[ExampleTrace]:
    """The traces of a stored table."""
    for row in table.select(TRACE_SCHEMA.names()).iter_rows(named=True):
        values: dict[str, Any] = row | {name: tuple(map(_shared, row[name])) for name in _LISTS}
        yield ExampleTrace(**values)


def facts_json(facts: ManifestFacts) -> dict[str, Any]:
    """What a release notes about its build, as sorted JSON values."""
    stored = dict(sorted(vars(facts).items()))
    for name in ("kind_policies", "rule_versions"):
        stored[name] = dict(sorted(stored[name].items()))
    return stored | {name: sorted(stored[name]) for name in _SETS}


def facts_from(stored: Mapping[str, Any]) -> ManifestFacts:
    """The opposite of `facts_json`."""
    return ManifestFacts(**(dict(stored) | {name: frozenset(stored[name]) for name in _SETS}))


_shared = sys.intern
"""Texts that many traces of a release have in common are one object: they would be most of its memory."""


def _facts(metadata: Mapping[str, Any]) -> list[Any]:
    claims = sorted(
        (claim["id"], claim["value"], claim["text"], claim["unit"], claim["window"], claim["n"], list(claim["sources"]))
        for claim in metadata["claims"]
        if claim["window"]
    )
    withheld = sorted((entry["metric"], entry["reason"]) for entry in metadata.get("withheld", ()))
    return [claims, withheld, metadata["records_processed"], metadata["provisional"]]


def _digest(key: bytes, *parts: Any) -> str:
    """Keyed digest in hex of JSON values; member order of mappings does not count."""
    message = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return blake2b(message, digest_size=DIGEST_BYTES, key=sha256(key).digest()).hexdigest()
