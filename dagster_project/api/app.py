"""The application: its routes, in one list.

Belongs here: the assembly.
Does not belong here: a route, or starting a server (`cli.api`).
"""

from fastapi import FastAPI

from dagster_project.api import access, problems
from dagster_project.api.limits import BodyLimit
from dagster_project.api.routes import (
    audit,
    batches,
    datasets,
    health,
    partials,
    people,
    quarantine,
    records,
    runs,
    uploads,
)
from dagster_project.desk.app import build_desk
from dagster_project.settings import Settings
from dagster_project.settling import Settler, settle
from resources.workspace import Workspace

DESCRIPTION = """
Uploads, people, quarantine, waiting records and data sets of one tenant: the one your key belongs to.

Send `Authorization: Bearer vg_…` (see `vitalgraph token create`). Errors are problem documents (RFC 9457). Lists come in
pages: give `next` back as `after`. Single things carry an `ETag`.
"""


def build_app(settings: Settings, workspace: Workspace) -> FastAPI:
    """The application on an installation."""
    app = FastAPI(
        title="Vitalgraph",
        version="1",
        description=DESCRIPTION,
        docs_url="/v1/docs",
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.settings = settings
    app.state.workspace = workspace
    app.state.rate_limit = access.RateLimit(settings.api_requests_per_minute)
    app.state.settler = Settler(
        lambda tenant, asked: settle(workspace, settings, tenant=tenant, kinds=asked.kinds, since=asked.since)
    )
    problems.install(app)
    app.add_middleware(BodyLimit, most_bytes=int(settings.max_file_size_mb * 2**20))
    for module in (health, uploads, batches, partials, quarantine, records, people, datasets, runs, audit):
        app.include_router(module.router)
    app.mount("/desk", build_desk(app.state))
    return app
