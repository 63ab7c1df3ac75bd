"""kill -9 of the run worker at twenty random moments, then continue: the same tables as an undisturbed run."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.flow import came_out, installation, land, run_stages, unbalanced
from tests.small_cohort import uploads

KILLS = 20
MOST_SECONDS = 4.0
"""A whole run takes about this long on two cores; the kills are spread over it."""


def start(home: Path) -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.crash_worker", str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == "started\n"
    return worker


def test_a_worker_killed_at_twenty_random_moments_leaves_nothing_that_the_next_does_not_put_right(tmp_path):
    _, undisturbed = installation(tmp_path / "undisturbed")
    land(undisturbed.lake("default"), uploads())
    run_stages(undisturbed)
    expected = came_out(undisturbed)

    home = tmp_path / "disturbed"
    _, workspace = installation(home)
    land(workspace.lake("default"), uploads())
    moments = random.Random(9)
    for _ in range(KILLS):
        worker = start(home)
        time.sleep(moments.uniform(0, MOST_SECONDS))
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    last = start(home)
    output, _ = last.communicate(timeout=300)
    assert output == "finished []\n"
    found = came_out(workspace)
    assert found.records == expected.records
    assert found.facts == expected.facts
    assert found.examples == expected.examples
    assert found.books == expected.books
    assert unbalanced(workspace) == []
