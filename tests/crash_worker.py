"""A run worker to be killed: runs everything of a home through Dagster, and says when it starts.

python -m tests.crash_worker HOME
"""

import sys
from pathlib import Path

from dagster_project.definitions import build_definitions
from dagster_project.execution import Runner, local_instance, run_everything
from tests.flow import installation


def main() -> None:
    settings, workspace = installation(Path(sys.argv[1]))
    with local_instance(settings) as instance:
        runner = Runner(build_definitions(settings), instance, log_level="CRITICAL")
        sys.stdout.write("started\n")
        sys.stdout.flush()
        work = run_everything(workspace, runner, tenants=["default"], settings=settings)
        sys.stdout.write(f"finished {work.failed}\n")


if __name__ == "__main__":
    main()
