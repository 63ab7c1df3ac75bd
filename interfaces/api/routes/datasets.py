"""Data sets: versions of releases.

Belongs here: `/v1/datasets`.
Does not belong here: building one, which is a Dagster run (`vitalgraph dataset build`).
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from interfaces.api.access import Reader
from interfaces.api.pages import Page, tagged
from interfaces.api.problems import described
from pipeline.release.releases import end_abandoned
from resources.catalog.rows.releases import DatasetVersion
from vitals.errors import NotFoundError

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])

Name = Annotated[str, Path(max_length=100)]


@router.get("", summary="All versions", responses=described())
def list_datasets(caller: Reader) -> Page:
    """Versions by name, in the order in which they were first built."""
    end_abandoned(caller.workspace, caller.tenant)
    return Page(items=[_shown(row) for row in caller.catalog.datasets.list()], next=None)


@router.get("/{name}/latest", summary="The newest published version", responses=described(404))
def latest(caller: Reader, request: Request, name: Name) -> Response:
    """The version that a user should take now."""
    published = [r for r in caller.catalog.datasets.list() if r.name == name and r.state == "published"]
    if not published:
        raise NotFoundError("find the data set", "datasets", "it has no published version", "See /v1/datasets.")
    return tagged(request, _shown(published[-1]))


@router.get("/{name}/{version}", summary="One version", responses=described(404))
def show(caller: Reader, request: Request, name: Name, version: Name) -> Response:
    """What was asked for, whether it is published, and why not if not."""
    end_abandoned(caller.workspace, caller.tenant)
    return tagged(request, _shown(caller.catalog.datasets.get(name, version)))


def _shown(row: DatasetVersion) -> dict[str, Any]:
    return {
        "name": row.name,
        "version": row.version,
        "state": row.state,
        "reasons": list(row.reasons),
        "examples": row.examples,
        "people": row.people,
        "manifest_sha256": row.manifest_sha256,
        "created_at": row.created_at.isoformat(),
        "successor": row.successor,
    }
