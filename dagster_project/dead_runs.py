"""Runs whose process is gone: killed, or its machine restarted. Nobody else would ever end them.

Belongs here: which process runs a run, said in its tags, and ending as failed what no process runs any more.
Does not belong here: runs that a daemon launched; its own monitoring ends those.

A process is known by machine, start of the machine, process namespace, number and time of its start, so that another
process with the same number is not taken for it. A run of another machine or container is left alone: from here nobody
can see whether its process lives.
"""

import os
import platform
from pathlib import Path

import dagster as dg

from sensors.requests import UNFINISHED

HOST_TAG = "vitalgraph/host"
BOOT_TAG = "vitalgraph/boot"
PROCESS_TAG = "vitalgraph/process"

_PROC = Path("/proc")


def process_tags() -> dict[str, str]:
    """Tags of a run that say that this process runs it."""
    pid = os.getpid()
    return {
        HOST_TAG: platform.node(),
        BOOT_TAG: _boot(),
        PROCESS_TAG: f"{pid}-{_started(pid) or 'unknown'}-{_namespace()}",
    }


def is_dead(tags: dict[str, str]) -> bool:
    """Whether the process that these tags name is known not to run any more; False where nobody can tell."""
    if tags.get(HOST_TAG) != platform.node() or PROCESS_TAG not in tags:
        return False
    boot = _boot()
    if not boot or not tags.get(BOOT_TAG):
        return False
    if tags[BOOT_TAG] != boot:
        return True
    number, _, rest = tags[PROCESS_TAG].partition("-")
    started, _, namespace = rest.partition("-")
    if namespace != _namespace() or not number.isdecimal():
        return False
    return _started(int(number)) != started


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """End as failed, with the reason, every run whose process is gone; ids of these runs."""
    dead = [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)) if is_dead(dict(run.tags))]
    # Looked at again: a process may have ended its run, and then itself, between the two looks.
    left = instance.get_runs(dg.RunsFilter(run_ids=dead, statuses=UNFINISHED)) if dead else []
    for run in left:
        pid = run.tags[PROCESS_TAG].partition("-")[0]
        instance.report_run_failed(
            run,
            message=f"Process {pid} ran this and is gone: it was killed, or its machine was restarted. What it had "
            "not finished is still pending: `vitalgraph ingest` and the sensors run it again.",
        )
    return [run.run_id for run in left]


def _boot() -> str:
    """What tells one start of this machine from another; empty where the system does not say."""
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _namespace() -> str:
    """Within what a process number means anything: containers of one machine have their own."""
    try:
        return str((_PROC / "self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return "none"


def _started(pid: int) -> str | None:
    """When a process started, in ticks of the machine; None if there is none, or only what is left of one that ended."""
    try:
        # The name of the program, in brackets, may hold anything; what follows the last one has no brackets.
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return None if state in {"Z", "X"} else fields[18]
