"""A Dagster daemon of a home, for the length of a block.

Belongs here: starting one and ending it with everything it started. `make dev` starts its own.
Does not belong here: what the daemon finds to do (`definitions`).
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.settings import Settings, daemon_environment

STOP_SECONDS = 20


@contextmanager
def running_daemon(settings: Settings) -> Iterator[Path]:
    """Run a daemon of this home; gives the file it logs to."""
    log = settings.home_path / "daemon.log"
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "dagster_project.definitions"]
    with log.open("a") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            env=daemon_environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield log
        finally:
            os.killpg(process.pid, signal.SIGINT)
            try:
                process.wait(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
