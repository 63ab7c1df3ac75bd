"""What a kind needs to be complete; this says what was forgotten when one is added, and holds the house's rules."""

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from interfaces.api.routes.uploads import Kind
from tests.kind_pieces import missing_pieces
from vitals.clinical.metrics import METRICS
from vitals.clinical.modules import clinical_module
from vitals.record_types import (
    BY_AVRO_NAME,
    BY_CATEGORY,
    BY_KIND,
    BY_METRIC_PREFIX,
    HRV_RMSSD,
    RECORD_TYPES,
    RecordType,
)

ROOT = Path(__file__).parents[1]
PACKAGES = ["vitals", "resources", "pipeline", "operations", "assets", "sensors", "dagster_project", "interfaces"]
MODULE_FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_a_kind_lacks_nothing(record_type):
    missing = missing_pieces(record_type)
    assert not missing, f"{record_type.kind} lacks:\n" + "\n".join(missing)


def test_a_kind_that_has_its_entry_only_is_told_everything_it_lacks_and_known_to_all_that_lists_kinds():
    told = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.made_up_kind"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines() == [
        "vitals/raw/schemas/MadeUpRecord.avsc: the writer schema, named AvroMadeUpRecord",
        "vitals/clinical/metrics.py: metrics of a local day, made.…",
        "vitals/clinical/made_up.py: KIND, SUPPORT, summarise, summarise_window; entered in vitals/clinical/modules.py",
        "vitals/clinical/invariants.py: what must hold of a row of made_up",
        "vitals/training/made_up.py: NARRATIVE; entered in vitals/training/examples.py",
        "vitals/training/tasks/made_up_questions.py: QUESTIONS; entered in vitals/training/tasks/questions.py",
        "vitals/training/tasks/ask.py: WRONG_UNITS, what furlongs is mistaken for",
        "vitals/training/day_journal/paragraphs.py: the paragraph of made_up, in PARAGRAPHS",
        "vitals/verification/grounding/lexicon.py: KIND_WORDS, the words by which a text names made",
        "vitals/verification/grounding/lexicon.py: RECORD_TYPES, MadeUpRecord -> made",
        "vitals/verification/grounding/lexicon.py: ALL, made",
        "vitals/verification/grounding/lexicon.py: KIND_NAMES, made-up reading -> made",
        "vitals/verification/grounding/tokens.py: UNITS, furlongs",
        "vitals/verification/grounding/constructions.py: how summaries and journals speak of made",
        "vitals/verification/grounding/question_constructions.py: how answers speak of made",
        "vitals/synthetic/made_up.py: its records; entered in vitals/synthetic/simulate.py",
        "vitals/synthetic/bad_rows.py: WRONG_VALUES, values out of the range of made_up",
        "tests/vitals/raw/making.py: values of made_up",
        "tests/vitals/validated/decoded.py: values of made_up",
        "tests/vitals/synthetic/reading.py: values of made_up",
        "tests/vitals/training/golden_rows.py: GOLDEN and REASONS, a made-up day of made_up",
        "tests/vitals/training/tasks/oracle.py: ORACLE, the answers to questions of made_up",
        "tests/vitals/training/day_journal/journal_cohort.py: VALUES, ranges of made_up",
        "tests/vitals/training/golden: golden lines of made_up, which `python -m tests.vitals.training.test_golden` writes",
        "tests/vitals/training/tasks/golden: golden lines of made_up, which `python -m tests.vitals.training.tasks.test_task_golden` writes",
    ]


def test_a_kind_without_a_clinical_module_is_told_where_to_look():
    with pytest.raises(LookupError, match=r"made_up has no clinical module; tests/test_completeness\.py"):
        clinical_module(replace(HRV_RMSSD, kind="made_up"))


def test_names_belong_to_one_kind_each_and_the_api_knows_them_all():
    for index in (BY_KIND, BY_CATEGORY, BY_METRIC_PREFIX, {each.short_name.lower() for each in RECORD_TYPES}):
        assert len(index) == len(RECORD_TYPES)
    assert len(BY_AVRO_NAME) == 2 * len(RECORD_TYPES)
    assert get_args(Kind) == tuple(BY_KIND)


@pytest.mark.parametrize("left_out", ["hard_limits", "units", "longest_between_minutes"])
def test_an_entry_that_says_only_half_of_a_value_is_refused(left_out):
    values = {name: getattr(HRV_RMSSD, name) for name in HRV_RMSSD.__dataclass_fields__}
    empty = None if left_out == "longest_between_minutes" else {}
    with pytest.raises(ValueError, match=left_out):
        RecordType(**(values | {"rhythm": "readings", left_out: empty}))


def test_every_metric_belongs_to_a_kind():
    assert {m.id.split(".")[0] for m in METRICS} == set(BY_METRIC_PREFIX)


@pytest.mark.parametrize("file", MODULE_FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_every_module_says_what_belongs_in_it_and_a_package_file_is_a_docstring(file):
    tree = ast.parse(file.read_text())
    docstring = ast.get_docstring(tree)
    assert docstring
    if file.name == "__init__.py":
        assert len(tree.body) == 1
    else:
        assert "elong" in docstring, "say what belongs here and what does not"


@pytest.mark.parametrize("package", ["pipeline", "operations", "assets", "sensors", "dagster_project", "interfaces"])
def test_modules_that_dagster_reads_keep_their_annotations(package):
    # Dagster reads annotations at run time; postponed ones break its resources.
    for file in (ROOT / package).rglob("*.py"):
        assert "from __future__ import annotations" not in file.read_text()


def test_pyproject_has_no_block_that_would_beat_the_workspace_file():
    text = (ROOT / "pyproject.toml").read_text()
    assert "\n[tool.dagster" not in text
    assert "\n[tool.dg" not in text
