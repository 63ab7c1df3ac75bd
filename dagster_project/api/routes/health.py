"""Whether the process lives and can work.

Belongs here: what a load balancer asks, without a key and without telling anything of anybody.
Does not belong here: how the data stand (`vitalgraph status`).
"""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from dagster_project.api.problems import problem
from vitals.errors import VitalgraphError

router = APIRouter(tags=["health"])


@router.get("/live", summary="The process runs")
def live() -> dict[str, str]:
    """Always `ok`, as long as the process answers."""
    return {"status": "ok"}


@router.get("/ready", summary="The catalog and the lake answer", responses={503: {"description": "Not ready"}})
def ready(request: Request) -> JSONResponse:
    """`ok` if requests can be served now; 503 names what does not answer."""
    workspace = request.app.state.workspace
    failed = []
    for name, look in (
        ("catalog", workspace.catalog.tenants.list),
        ("lake", lambda: workspace.lake("default").folders("")),
    ):
        try:
            look()
        except VitalgraphError:
            failed.append(name)
    if failed:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"no answer from: {', '.join(failed)}")
    return JSONResponse({"status": "ok"})
