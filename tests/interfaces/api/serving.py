"""A real server of the API on an installation, for tests.

Belongs here: starting and stopping it, and clients with keys.
Does not belong here: any expectation.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import httpx
import uvicorn

from dagster_project.settings import Settings
from interfaces.api.app import build_app
from interfaces.api.doorway import Doorway
from interfaces.web.connections import TimedConnection
from interfaces.web.server import server_of
from resources.workspace import Workspace


@contextmanager
def serving(
    settings: Settings,
    workspace: Workspace,
    *,
    connection: type[TimedConnection] = TimedConnection,
    prepare: Callable[[Doorway], None] = lambda _: None,
) -> Iterator[str]:
    """Serve the API on a free port of loopback; gives its address."""
    app = build_app(settings, workspace)
    prepare(app)
    with running(server_of(app, settings, connection=connection)) as address:
        yield address


@contextmanager
def running(server: uvicorn.Server) -> Iterator[str]:
    """Run a server in a thread; gives its address."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def client(address: str, workspace: Workspace, *, role: str = "admin", tenant: str = "default") -> httpx.Client:
    """A client with a key of its own."""
    name = f"{role}-{len(workspace.catalog.tokens.list(tenant))}"
    key = workspace.catalog.tokens.create(tenant, name=name, role=role, now=datetime.now(UTC))
    return httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60)
