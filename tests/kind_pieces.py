"""What a kind has to have beside its entry in `vitals/record_types.py`, as one line per missing piece.

Belongs here: each piece with the file it belongs in, in the order of docs/architecture.md, "Adding a kind".
Does not belong here: whether a piece is right; the tests of its folder say that.

Nothing here may fail for want of another piece, so that all that is missing is named at once.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

import vitals.raw
from tests.vitals.raw.making import make_records
from tests.vitals.synthetic import reading
from tests.vitals.training.day_journal import journal_cohort
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from tests.vitals.training.tasks.oracle import ORACLE
from tests.vitals.validated.decoded import row as decoded_row
from vitals.clinical.invariants import INVARIANTS
from vitals.clinical.metrics import metrics_of
from vitals.clinical.modules import MODULES
from vitals.raw.flatten import decoded_schema
from vitals.raw.schemas import reader_schema
from vitals.record_types import RecordType
from vitals.synthetic.bad_files import UNSUPPORTED
from vitals.synthetic.bad_rows import WRONG_VALUES
from vitals.synthetic.simulate import TABLES
from vitals.training.day_journal.paragraphs import PARAGRAPHS
from vitals.training.examples import NARRATIVES
from vitals.training.tasks.ask import WRONG_UNITS
from vitals.training.tasks.questions import QUESTIONS
from vitals.validated.items import ITEMS
from vitals.verification.grounding import lexicon
from vitals.verification.grounding.constructions import CONSTRUCTIONS
from vitals.verification.grounding.tokens import UNITS

ROOT = Path(__file__).parents[1]
SCHEMAS = Path(vitals.raw.__file__).parent / "schemas"


def missing_pieces(record_type: RecordType) -> list[str]:
    """The pieces that a kind lacks, each as ``file: what``, in the order in which they are best written."""
    steps = (_schema, _clinical, _training, _questions, _journal, _second_reader, _twin, _tests)
    return [piece for step in steps for piece in step(record_type)]


def _schema(record_type: RecordType) -> Iterator[str]:
    name = record_type.avro_name
    file = f"vitals/raw/schemas/{name}.avsc"
    if (SCHEMAS / f"{name}.avsc").exists():
        tree = reader_schema(record_type.kind).tree
        if tree["name"].rpartition(".")[2] != record_type.prefixed_avro_name or tree.get("aliases") != [name]:
            yield f"{file}: its name is {record_type.prefixed_avro_name}, its one alias {name}"
        unknown = set(record_type.writer_fields.values()) - {field["name"] for field in tree["fields"]}
        if unknown:
            yield f"{file}: the fields {sorted(unknown)} that `writer_fields` names"
    else:
        yield f"{file}: the writer schema, named {record_type.prefixed_avro_name}"
    try:
        decoded_schema(record_type.kind)
    except KeyError as column:
        yield f"vitals/raw/flatten.py: where {column} comes from, or `writer_fields` of the entry"
    lists = {column for column, dtype in record_type.value_columns.items() if isinstance(dtype, pl.List)}
    if lists - {ITEMS[kind].column for kind in {record_type.kind} & ITEMS.keys()}:
        yield f"vitals/validated/items.py: ITEMS, the list {sorted(lists)} and what each item must have"


def _clinical(record_type: RecordType) -> Iterator[str]:
    kind = record_type.kind
    if not metrics_of(kind, "day"):
        yield f"vitals/clinical/metrics.py: metrics of a local day, {record_type.metric_prefix}.…"
    module = MODULES.get(kind)
    if module is None:
        yield f"vitals/clinical/{kind}.py: KIND, SUPPORT, summarise, summarise_window; entered in vitals/clinical/modules.py"
    else:
        for name in ("SUPPORT", "summarise", "summarise_window"):
            if not hasattr(module, name):
                yield f"vitals/clinical/{kind}.py: {name}"
    if kind not in INVARIANTS:
        yield f"vitals/clinical/invariants.py: what must hold of a row of {kind}"


def _training(record_type: RecordType) -> Iterator[str]:
    kind = record_type.kind
    narrative = NARRATIVES.get(kind)
    if narrative is None or narrative.record_type is not record_type:
        yield f"vitals/training/{kind}.py: NARRATIVE; entered in vitals/training/examples.py"


def _questions(record_type: RecordType) -> Iterator[str]:
    if not QUESTIONS.get(record_type.kind):
        yield f"vitals/training/tasks/{record_type.kind}_questions.py: QUESTIONS; entered in vitals/training/tasks/questions.py"
    for unit in sorted({*record_type.units.values()} - set(WRONG_UNITS)):
        yield f"vitals/training/tasks/ask.py: WRONG_UNITS, what {unit} is mistaken for"


def _journal(record_type: RecordType) -> Iterator[str]:
    if record_type.kind not in PARAGRAPHS:
        yield f"vitals/training/day_journal/paragraphs.py: the paragraph of {record_type.kind}, in PARAGRAPHS"


def _second_reader(record_type: RecordType) -> Iterator[str]:
    """The grounding check imports nothing of what writes, so its words are written down once more."""
    kind, prefix = record_type.kind, record_type.metric_prefix
    file = "vitals/verification/grounding/lexicon.py"
    if prefix not in lexicon.KIND_WORDS:
        yield f"{file}: KIND_WORDS, the words by which a text names {prefix}"
    if lexicon.RECORD_TYPES.get(record_type.avro_name) != prefix:
        yield f"{file}: RECORD_TYPES, {record_type.avro_name} -> {prefix}"
    if prefix not in lexicon.ALL:
        yield f"{file}: ALL, {prefix}"
    if lexicon.KIND_NAMES.get(record_type.short_name.lower()) != prefix:
        yield f"{file}: KIND_NAMES, {record_type.short_name.lower()} -> {prefix}"
    labels = NARRATIVES[kind].labels.names if kind in NARRATIVES else {}
    for column, label in labels.items():
        if column not in lexicon.LABELS.get(label.lower(), ()):
            yield f"{file}: LABELS, {label.lower()!r} -> {column}"
    for question in QUESTIONS.get(kind, ()):
        if question.metric is not None and lexicon.SUBJECTS.get(question.subject.lower()) != question.metric:
            yield f"{file}: SUBJECTS, {question.subject.lower()!r} -> {question.metric}"
    for unit in sorted({*record_type.units.values()} - set(UNITS)):
        yield f"vitals/verification/grounding/tokens.py: UNITS, {unit}"
    if not any(prefix in each.kinds and len(each.kinds) < len(lexicon.ALL) for each in CONSTRUCTIONS):
        yield f"vitals/verification/grounding/constructions.py: how summaries and journals speak of {prefix}"
        yield f"vitals/verification/grounding/question_constructions.py: how answers speak of {prefix}"


def _twin(record_type: RecordType) -> Iterator[str]:
    kind = record_type.kind
    if kind not in TABLES:
        yield f"vitals/synthetic/{kind}.py: its records; entered in vitals/synthetic/simulate.py"
    if record_type.plausible and kind not in WRONG_VALUES:
        yield f"vitals/synthetic/bad_rows.py: WRONG_VALUES, values out of the range of {kind}"
    if record_type.avro_name in {name for name, _, _ in UNSUPPORTED}:
        yield f"vitals/synthetic/bad_files.py: {record_type.avro_name} stands for a kind that is not processed; take another"


def _tests(record_type: RecordType) -> Iterator[str]:
    """What tests know of a kind by themselves, written by hand."""
    kind = record_type.kind
    for file, made in (
        ("tests/vitals/raw/making.py", lambda: make_records(kind, 1)),
        ("tests/vitals/validated/decoded.py", lambda: decoded_row(record_type)),
        ("tests/vitals/synthetic/reading.py", lambda: reading.VALUES[kind]),
    ):
        try:
            made()
        except KeyError:
            yield f"{file}: values of {kind}"
    for file, known in (
        ("tests/vitals/training/golden_rows.py: GOLDEN and REASONS, a made-up day", {*GOLDEN} & {*REASONS}),
        ("tests/vitals/training/tasks/oracle.py: ORACLE, the answers to questions", ORACLE),
        ("tests/vitals/training/day_journal/journal_cohort.py: VALUES, ranges", journal_cohort.VALUES),
    ):
        if kind not in known:
            yield f"{file} of {kind}"
    for module in ("tests.vitals.training.test_golden", "tests.vitals.training.tasks.test_task_golden"):
        folder = Path(*module.split(".")[:-1], "golden")
        if not list((ROOT / folder).glob(f"{kind}.*json")):
            yield f"{folder}: golden lines of {kind}, which `python -m {module}` writes"
