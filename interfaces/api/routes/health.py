"""Whether the process lives and can work.

Belongs here: what a load balancer asks, without a key and without telling anything of anybody.
Does not belong here: how the data stand (`vitalgraph status`).
"""

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from interfaces.api.problems import problem
from interfaces.api.readiness import Readiness

router = APIRouter(tags=["health"])


@router.get("/live", summary="The process runs")
async def live() -> dict[str, str]:
    """Always `ok`, as long as the process answers."""
    return {"status": "ok"}


@router.get("/ready", summary="The catalog and the lake answer", responses={503: {"description": "Not ready"}})
async def ready(request: Request) -> JSONResponse:
    """`ok` if requests can be served now; 503 names what does not answer. Found out once a second at most."""
    readiness: Readiness = request.app.state.readiness
    silent = await readiness.silent()
    if silent:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, f"no answer from: {', '.join(silent)}")
    return JSONResponse({"status": "ok"})
