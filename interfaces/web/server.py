"""The server under the API and under the guarded Dagster UI.

Belongs here: how uvicorn is set up: header sizes, times, which proxies are believed.
Does not belong here: the applications.
"""

from typing import Any

import uvicorn
from starlette.types import ASGIApp

from dagster_project.settings import Settings
from interfaces.web.connections import MAX_HEAD_BYTES, TimedConnection


def server_of(
    app: ASGIApp,
    settings: Settings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    web_sockets: bool = False,
    connection: type[TimedConnection] = TimedConnection,
) -> uvicorn.Server:
    """Build a server for an application.

    Args:
        app: the application.
        settings: name the proxies whose `X-Forwarded-` headers are believed.
        host: address to listen on.
        port: port, 0 for a free one.
        web_sockets: whether connections may become web sockets.
        connection: what a connection is.
    """
    options: dict[str, Any] = {
        # Only this implementation limits the size of headers.
        "http": connection,
        "h11_max_incomplete_event_size": MAX_HEAD_BYTES,
        "ws": "websockets-sansio" if web_sockets else "none",
        "ws_max_size": 2**20,
        "timeout_keep_alive": 5,
        "timeout_graceful_shutdown": 10,
        "proxy_headers": True,
        "forwarded_allow_ips": list(settings.proxies),
        "server_header": False,
        "log_level": "warning",
        # A path may hold a pseudonym.
        "access_log": False,
    }
    return uvicorn.Server(uvicorn.Config(app, host=host, port=port, **options))
