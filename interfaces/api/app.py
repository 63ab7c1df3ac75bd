"""The application: its routes, in one list.

Belongs here: the assembly.
Does not belong here: a route, or starting a server (`cli.api`).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from anyio import to_thread
from fastapi import FastAPI

from dagster_project.settings import Settings
from dagster_project.settling import Settler, settle
from interfaces.api import problems
from interfaces.api.doorway import Doorway
from interfaces.api.readiness import Readiness
from interfaces.api.routes import (
    audit,
    batches,
    datasets,
    docs,
    health,
    partials,
    people,
    quarantine,
    records,
    runs,
    uploads,
)
from interfaces.desk.app import build_desk
from interfaces.desk.session import PATH
from resources.workspace import DEFAULT_TENANT, Workspace

DESCRIPTION = """
Uploads, people, quarantine, waiting records and data sets of one tenant: the one your key belongs to.

Send `Authorization: Bearer vg_…` (see `vitalgraph token create`). Errors are problem documents (RFC 9457). Lists come in
pages: give `next` back as `after`. Single things carry an `ETag`.
"""

SECONDS_TO_SETTLE = 30
"""How long a server that ends waits for partitions that a decision began; the sensors take up what is left."""


@asynccontextmanager
async def _until_settled(app: FastAPI) -> AsyncIterator[None]:
    yield
    settler: Settler = app.state.settler
    await to_thread.run_sync(partial(settler.end, seconds=SECONDS_TO_SETTLE))


def build_app(settings: Settings, workspace: Workspace, *, hosts: tuple[str, ...] = ()) -> Doorway:
    """Build the application on an installation.

    Args:
        settings: limits, sessions, what settles in the background.
        workspace: the installation.
        hosts: names of this server besides those of loopback and those of the settings.
    """
    app = FastAPI(
        title="Vitalgraph",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        lifespan=_until_settled,
    )
    app.state.settings = settings
    app.state.workspace = workspace
    app.state.readiness = Readiness(
        {"catalog": workspace.catalog.tenants.list, "lake": lambda: workspace.lake(DEFAULT_TENANT).folders("")}
    )
    app.state.settler = Settler(
        lambda tenant, asked: settle(workspace, settings, tenant=tenant, kinds=asked.kinds, since=asked.since)
    )
    problems.install(app)
    for module in (health, uploads, batches, partials, quarantine, records, people, datasets, runs, audit, docs):
        app.include_router(module.router)
    app.mount(PATH, build_desk(app.state))
    return Doorway(app, settings, workspace, hosts=hosts)
