"""Runs whose process was killed are ended with the reason, block nobody and are told from runs of living processes."""

import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import dagster as dg
import orjson
import pytest
from typer.testing import CliRunner

from dagster_project.dead_runs import BOOT_TAG, HOST_TAG, PROCESS_TAG, end_dead_runs, is_dead, process_tags
from dagster_project.execution import local_instance
from interfaces.cli.main import app
from sensors.requests import LANDING_JOB, TENANT_TAG, UNFINISHED, partition_key, unfinished_partitions
from tests.erasure_study import USER, uploads
from tests.flow import TENANT, installation, land

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ended_process() -> dict[str, str]:
    """Tags of a process that ran and was killed."""
    code = (
        "import orjson, os, signal; from dagster_project.dead_runs import process_tags;"
        "print(orjson.dumps(process_tags()).decode(), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    worker = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False)
    assert worker.returncode == -signal.SIGKILL
    return dict(orjson.loads(worker.stdout))


def another(**changed: str) -> dict[str, str]:
    return process_tags() | changed


def parts() -> list[str]:
    return process_tags()[PROCESS_TAG].split("-")


CASES = {
    "this process": (process_tags, False),
    "a run of a daemon, which names no process": (lambda: {TENANT_TAG: TENANT}, False),
    "before the machine restarted": (lambda: another(**{BOOT_TAG: "0f7c1a52-0000-4000-8000-000000000000"}), True),
    "the same number, another process": (lambda: another(**{PROCESS_TAG: f"{os.getpid()}-1-{parts()[2]}"}), True),
    "a number that no process has": (lambda: another(**{PROCESS_TAG: f"4194304999-5-{parts()[2]}"}), True),
    "another machine": (lambda: another(**{HOST_TAG: "another", PROCESS_TAG: "4194304999-5-1"}), False),
    "another machine, started later": (lambda: another(**{HOST_TAG: "another", BOOT_TAG: "later"}), False),
    "another container of this machine": (lambda: another(**{PROCESS_TAG: "4194304999-5-4026539999"}), False),
    "no machine named": (lambda: {PROCESS_TAG: f"4194304999-5-{parts()[2]}"}, False),
    "no start of the machine named": (lambda: another(**{BOOT_TAG: "", PROCESS_TAG: "4194304999-5-1"}), False),
    "no number": (lambda: another(**{PROCESS_TAG: "x"}), False),
    "nothing": (dict, False),
}


@pytest.mark.parametrize("case", CASES)
def test_a_process_counts_as_gone_only_if_it_is_known_to_be(case):
    tags, expected = CASES[case]
    assert is_dead(tags()) is expected


def test_a_process_that_ended_counts_as_gone_and_one_that_nobody_waited_for_too(ended_process):
    assert is_dead(ended_process)
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    status = Path(f"/proc/{child.pid}/stat")
    started = status.read_text().rsplit(")")[-1].split()[19]
    mine = another(**{PROCESS_TAG: f"{child.pid}-{started}-{parts()[2]}"})
    assert not is_dead(mine)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie: ended, and nobody has asked how
    assert is_dead(mine)
    child.wait()


@dg.op
def nothing_to_do() -> None:
    """Stands for any step."""


@dg.job
def some_job():
    nothing_to_do()


# Only a daemon queues.
@pytest.mark.parametrize("status", [one for one in UNFINISHED if one is not dg.DagsterRunStatus.QUEUED])
def test_a_run_of_a_dead_process_is_ended_whatever_state_it_was_in_and_others_stay(tmp_path, ended_process, status):
    settings, _ = installation(tmp_path / "home")
    with local_instance(settings) as instance:
        dead = instance.create_run_for_job(some_job, tags=ended_process, status=status)
        living = instance.create_run_for_job(some_job, tags=process_tags(), status=status)
        of_daemon = instance.create_run_for_job(some_job, tags={TENANT_TAG: TENANT}, status=status)
        done = instance.create_run_for_job(some_job, tags=ended_process, status=dg.DagsterRunStatus.SUCCESS)
        assert end_dead_runs(instance) == [dead.run_id]
        assert end_dead_runs(instance) == []
        states = {run.run_id: run.status for run in instance.get_runs()}
        assert states == {
            dead.run_id: dg.DagsterRunStatus.FAILURE,
            living.run_id: status,
            of_daemon.run_id: status,
            done.run_id: dg.DagsterRunStatus.SUCCESS,
        }
        (event,) = instance.get_records_for_run(dead.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
        assert "is gone: it was killed" in event.event_log_entry.dagster_event.message


def test_a_killed_ingest_blocks_no_erasure_and_no_other_run(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    steps = [one for one in uploads(3) if "Steps" in one[0]]
    land(workspace.lake(TENANT), [one for one in steps if USER in one[0]][:1])
    land(workspace.lake(TENANT), [one for one in steps if USER not in one[0]][:1])
    key = partition_key(date(2025, 9, 15), TENANT)
    # Held, so that the run stands still in the middle.
    with workspace.catalog.exclusive(f"validated-{TENANT}", wait=True), local_instance(settings) as instance:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.crash_worker", str(settings.home_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT,
        )
        while key not in unfinished_partitions(instance, LANDING_JOB) or not has_started(instance):
            assert worker.poll() is None
            time.sleep(0.05)
        assert end_dead_runs(instance) == []  # it lives
        worker.kill()
        worker.wait()
        assert key in unfinished_partitions(instance, LANDING_JOB)
    environment = {"VITALGRAPH_HOME": str(settings.home_path), "VITALGRAPH_SUBJECT_KEY": settings_key(settings)}
    done = CliRunner().invoke(app, ["subject", "forget", USER], env=environment)
    assert done.exit_code == 0, done.output
    with local_instance(settings) as instance:
        assert [run.status for run in instance.get_runs()] == [dg.DagsterRunStatus.FAILURE]
        assert unfinished_partitions(instance, LANDING_JOB) == set()
    again = CliRunner().invoke(app, ["ingest"], env=environment)
    assert again.exit_code == 0, again.output
    assert {upload.state for upload in workspace.catalog.uploads.list(TENANT)} == {"processed"}


def test_ctrl_c_ends_the_command_with_the_partition_it_is_at(tmp_path):
    settings, workspace = installation(tmp_path / "home")
    one, other = [one for one in uploads(3) if "Steps" in one[0]][:2]
    land(workspace.lake(TENANT), [one, (other[0].replace("/2025/09/15/", "/2025/09/16/"), other[1])])
    environment = {"VITALGRAPH_HOME": str(settings.home_path), "VITALGRAPH_SUBJECT_KEY": settings_key(settings)}
    with local_instance(settings) as instance:
        held = workspace.catalog.exclusive(f"validated-{TENANT}", wait=True)
        held.__enter__()  # so that the run stands still in the middle
        command = subprocess.Popen(
            [sys.executable, "-c", "from interfaces.cli.main import app; app()", "ingest"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=PROJECT,
            env={**os.environ, **environment},
            text=True,
        )
        while not has_started(instance):
            assert command.poll() is None
            time.sleep(0.05)
        command.send_signal(signal.SIGINT)
        held.__exit__(None, None, None)
        _, said = command.communicate(timeout=120)
        assert command.returncode == 130, said
        assert "Interrupted. What was finished stays" in " ".join(said.split())
        assert "Traceback (most recent call last):\n  File" not in said.split("Interrupted.")[-1]
        assert len(instance.get_runs()) == 1
    again = CliRunner().invoke(app, ["ingest"], env=environment)
    assert again.exit_code == 0, again.output
    assert {upload.state for upload in workspace.catalog.uploads.list(TENANT)} == {"processed"}


def has_started(instance: dg.DagsterInstance) -> bool:
    return bool(instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])))


def settings_key(settings) -> str:
    return settings.subject_key.get_secret_value()
