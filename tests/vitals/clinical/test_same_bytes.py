"""Clinical tables are the same bytes whatever the order, the batches, the company and the threads."""

import json
import os
import subprocess
import sys

import pytest

from tests.vitals.clinical.fact_digests import COHORTS


@pytest.fixture(scope="module")
def found():
    """Number of threads -> seed -> layout and table -> digest."""
    runs = {}
    for threads in (1, 4):
        runs[threads] = subprocess.Popen(
            [sys.executable, "-m", "tests.vitals.clinical.fact_digests", *map(str, COHORTS)],
            env=os.environ | {"POLARS_MAX_THREADS": str(threads)},
            stdout=subprocess.PIPE,
            text=True,
        )
    outputs = {threads: run.communicate()[0] for threads, run in runs.items()}
    assert all(run.returncode == 0 for run in runs.values())
    return {threads: json.loads(output) for threads, output in outputs.items()}


@pytest.mark.parametrize("seed", map(str, COHORTS))
def test_tables_do_not_depend_on_the_number_of_threads(found, seed):
    assert found[1][seed] == found[4][seed]


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("seed", map(str, COHORTS))
def test_tables_do_not_depend_on_the_order_the_batches_or_other_people(found, seed, threads):
    of_layout = {}
    for name, digest in found[threads][seed].items():
        layout, table = name.split("/")
        of_layout.setdefault(layout, {})[table] = digest
    assert len(of_layout) == 5
    for layout, tables in of_layout.items():
        assert tables == of_layout["as read"], layout
