"""What a kind needs to be complete; this says what was forgotten when one is added, and holds the house's rules."""

import ast
import importlib
from pathlib import Path

import pytest

from assets.stages.summaries import MODULES
from vitals.clinical.invariants import INVARIANTS
from vitals.clinical.metrics import METRICS, metrics_of
from vitals.raw.schemas import reader_schema
from vitals.record_types import BY_METRIC_PREFIX, RECORD_TYPES
from vitals.training.tasks.questions import QUESTIONS

ROOT = Path(__file__).parents[1]
PACKAGES = ["vitals", "resources", "assets", "sensors", "dagster_project"]
MODULE_FILES = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]


@pytest.mark.parametrize("record_type", RECORD_TYPES, ids=lambda t: t.kind)
def test_a_kind_has_its_schema_its_modules_its_metrics_and_its_invariants(record_type):
    assert reader_schema(record_type.kind).tree["name"].endswith(record_type.prefixed_avro_name)
    assert MODULES[record_type.kind].KIND is record_type
    assert importlib.import_module(f"vitals.training.{record_type.kind}")
    assert QUESTIONS[record_type.kind]
    assert metrics_of(record_type.kind, "day")
    assert record_type.kind in INVARIANTS


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


@pytest.mark.parametrize("package", ["assets", "sensors", "dagster_project"])
def test_modules_that_dagster_reads_keep_their_annotations(package):
    # Dagster reads annotations at run time; postponed ones break its resources.
    for file in (ROOT / package).rglob("*.py"):
        assert "from __future__ import annotations" not in file.read_text()


def test_pyproject_has_no_block_that_would_beat_the_workspace_file():
    text = (ROOT / "pyproject.toml").read_text()
    assert "\n[tool.dagster" not in text
    assert "\n[tool.dg" not in text
