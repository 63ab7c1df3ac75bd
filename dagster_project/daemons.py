"""A Dagster daemon of a home, for the length of a block.

Belongs here: starting one and ending it with everything it started. `make dev` starts its own.
Does not belong here: what the daemon finds to do (`definitions`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dagster_project.installation import PRIVATE
from dagster_project.settings import Settings, daemon_environment

STOP_SECONDS = 20


def daemon_command() -> list[str]:
    """Return the command of a daemon."""
    return [sys.executable, "-m", "dagster._daemon", "run", "-m", "dagster_project.definitions"]


def end(*processes: subprocess.Popen[bytes]) -> None:
    """End processes that lead sessions, all at once, and with each everything that it started."""
    for process in processes:
        _signal(process, signal.SIGINT)
    until = time.monotonic() + STOP_SECONDS
    for process in processes:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=max(0.1, until - time.monotonic()))
        # Whatever is left of its group has outlived its leader: nobody else would end it.
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


@contextmanager
def running_daemon(settings: Settings) -> Iterator[Path]:
    """Run a daemon of this home; gives the file it logs to."""
    log = settings.home_path / "daemon.log"
    with log.open("a") as output:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            daemon_command(),
            env=daemon_environment(settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            umask=PRIVATE,
        )
        try:
            yield log
        finally:
            end(process)
