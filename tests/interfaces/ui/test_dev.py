"""`vitalgraph dev` runs everything behind the guard, and a signal ends all of it."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

SECONDS = 240


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def of_home(home):
    """Processes that work on a home, by their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            environment = Path(path, "environ").read_bytes()
            state = Path(path, "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if f"VITALGRAPH_HOME={home}".encode() in environment and state != "Z":
            found.append(int(path.name))
    return found


def answers(url):
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            return httpx.get(url, timeout=30)
        except httpx.TransportError:
            time.sleep(0.3)
    raise AssertionError(url)


@pytest.mark.parametrize("number", [signal.SIGTERM])
def test_everything_runs_guarded_and_ends_with_one_signal(tmp_path, number):
    ports = free_port(), free_port()
    home = tmp_path / "home"
    command = [sys.executable, "-m", "interfaces.cli.main", "dev"]
    environment = {**os.environ, "VITALGRAPH_HOME": str(home)}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--ui-port", str(ports[0]), "--api-port", str(ports[1])],
            env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            ui, api = (f"http://127.0.0.1:{port}" for port in ports)
            assert answers(f"{api}/live").json() == {"status": "ok"}
            assert "dagster_version" in answers(f"{ui}/server_info").json()
            asked = {"query": 'mutation{deletePipelineRun(runId:"x"){__typename}}'}
            assert httpx.get(f"{ui}/graphql", params=asked).status_code == 405
            assert httpx.get(f"{ui}/server_info", headers={"Host": "evil.example"}).status_code == 421
            answer = httpx.post(f"{ui}/graphql", json={"query": "{version}"}, headers={"Origin": ui}, timeout=60)
            assert "version" in answer.json()["data"]
            assert len(of_home(home)) >= 4
            process.send_signal(number)
            assert process.wait(timeout=SECONDS) == 0
            assert of_home(home) == []
        finally:
            for pid in of_home(home):
                os.kill(pid, signal.SIGKILL)
