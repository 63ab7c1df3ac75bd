"""Serving the guarded Dagster UI.

Belongs here: from a home to Dagster's own application in this process, with the guard around it.
Does not belong here: what is refused (`guard`).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from dagster_project.execution import local_instance
from dagster_project.settings import Settings
from interfaces.ui.guard import Guard
from interfaces.web.hosts import AllowedHosts

LOCATION = "vitalgraph"
DEFINITIONS = "dagster_project.definitions"
POLL_MS = 2000


@contextmanager
def guarded_ui(settings: Settings, *, read_only: bool = False) -> Iterator[ASGIApp]:
    """Dagster's web server on the instance of a home, as an application of this process, with the guard around it.

    Args:
        settings: name the home and further hosts.
        read_only: whether everything that changes something is refused by Dagster itself.
    """
    from dagster._core.workspace.context import WorkspaceProcessContext  # noqa: PLC0415 - takes seconds
    from dagster._core.workspace.load_target import ModuleTarget  # noqa: PLC0415
    from dagster_webserver.app import create_app_from_workspace_process_context  # noqa: PLC0415
    from dagster_webserver.version import __version__  # noqa: PLC0415

    target = ModuleTarget(module_name=DEFINITIONS, attribute=None, working_directory=None, location_name=LOCATION)
    with local_instance(settings) as instance:
        instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3600, max_overflow=20)
        with WorkspaceProcessContext(
            instance, target, version=__version__, read_only=read_only, code_server_log_level="WARNING"
        ) as context:
            app = create_app_from_workspace_process_context(context, "", POLL_MS)
            yield Guard(app, AllowedHosts(settings.hosts))
