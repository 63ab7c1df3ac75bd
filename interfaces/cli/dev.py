"""`vitalgraph ui` and `vitalgraph dev`: the guarded Dagster UI, alone or with everything beside it.

Belongs here: starting them, and ending all of them together.
Does not belong here: what the guard refuses (`interfaces.ui`).
"""

import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Annotated

import typer

from dagster_project.daemons import daemon_command, end
from dagster_project.installation import build_workspace
from dagster_project.settings import daemon_environment, load_settings
from interfaces.cli.output import FAILED, console, exit_codes, print_error

POLL_SECONDS = 0.3


def ui(
    port: Annotated[int, typer.Option("--port", help="Port on loopback.")] = 3000,
    read_only: Annotated[bool, typer.Option("--read-only", help="Only look: nothing can be changed.")] = False,
) -> None:
    """Serve the Dagster UI on loopback, guarded against web pages. It shows all tenants and asks for no key.

    Example: vitalgraph ui --port 3000 --read-only
    """
    with exit_codes():
        from interfaces.ui.server import guarded_ui  # noqa: PLC0415 - heavy, and not needed for --help
        from interfaces.web.server import server_of  # noqa: PLC0415

        settings = load_settings()
        build_workspace(settings)
        with guarded_ui(settings, read_only=read_only) as app:
            console.print(f"Dagster UI: http://127.0.0.1:{port}", highlight=False)
            server_of(app, settings, port=port, web_sockets=True).run()


def dev(
    ui_port: Annotated[int, typer.Option("--ui-port", help="Port of the Dagster UI.")] = 3000,
    api_port: Annotated[int, typer.Option("--api-port", help="Port of the API and the desk.")] = 8000,
) -> None:
    """Run Dagster UI, daemon, API and review desk on loopback; Ctrl-C or a signal ends all of them.

    Example: vitalgraph dev
    """
    with exit_codes():
        settings = load_settings()
        build_workspace(settings)
        vitalgraph = [sys.executable, "-m", "interfaces.cli.main"]
        commands = {
            "API": [*vitalgraph, "api", "--port", str(api_port)],
            "Dagster UI": [*vitalgraph, "ui", "--port", str(ui_port)],
            "daemon": daemon_command(),
        }
        asked_to_end = False

        def note(_number: int, _frame: FrameType | None) -> None:
            nonlocal asked_to_end
            asked_to_end = True

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, note)
        environment = daemon_environment(settings)
        console.print(
            f"Dagster UI: http://127.0.0.1:{ui_port}   API: http://127.0.0.1:{api_port}/v1/docs   "
            f"desk: http://127.0.0.1:{api_port}/desk   home: {settings.home_path}",
            highlight=False,
        )
        console.print("A key to the API and the desk: vitalgraph token create NAME --role reviewer", highlight=False)
        running: dict[str, subprocess.Popen[bytes]] = {}
        try:
            for name, command in commands.items():
                running[name] = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603 - our own
            while not asked_to_end:
                over = [name for name, process in running.items() if process.poll() is not None]
                if over:
                    print_error(f"{', '.join(over)} ended by itself, so everything ends; see what it said above")
                    raise typer.Exit(FAILED)
                time.sleep(POLL_SECONDS)
        finally:
            end(*running.values())
