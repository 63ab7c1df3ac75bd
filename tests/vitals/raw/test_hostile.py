import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.vitals.raw.hostile import MUTATIONS, corpus

REPO = Path(__file__).resolve().parents[3]
COUNT = 5_000


@pytest.fixture(scope="module")
def outcome():
    """What became of the corpus, decoded in a process of its own together with good files."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.vitals.raw.hostile_run", str(COUNT), "20251121"],
        cwd=REPO, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_no_file_changes_a_neighbour_or_decodes_to_other_rows_than_fastavro_reads(outcome):
    assert outcome["problems"] == []


def test_every_file_is_either_decoded_or_rejected(outcome):
    decoded = sum(n for name, n in outcome["decoded"].items() if name != "without second opinion")
    assert decoded + sum(outcome["rejected"].values()) == COUNT // 6 * 6


def test_the_corpus_reaches_every_outcome(outcome):
    assert set(outcome["rejected"]) >= {
        "not_avro", "unreadable_avro", "truncated", "schema_mismatch", "record_type_mismatch", "too_many_records", "empty",
        "decompression_limit",
    }  # fmt: skip
    assert outcome["decoded"]["honest_other_schema"] > 100
    assert outcome["decoded"]["long_way_round"] > 20


def test_memory_is_bounded(outcome):
    assert outcome["growth_mb"] < 1000
    assert outcome["isolated_mb"] < 1000


def test_the_corpus_is_the_same_every_time_and_uses_every_mutation():
    assert corpus("steps", 30, 7) == corpus("steps", 30, 7)
    assert {name for name, _ in corpus("steps", 900, 7)} == {mutation.__name__ for mutation, _ in MUTATIONS}
