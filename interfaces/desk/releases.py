"""Data sets: versions, and what differs between two of them.

Belongs here: these pages.
Does not belong here: building or comparing (`pipeline.release`).
"""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import HTMLResponse

from interfaces.desk.session import Looking, show
from pipeline.release.reading import compare
from pipeline.release.releases import end_abandoned
from vitals.release.differences import by_cause

router = APIRouter()

Name = Annotated[str, Path(max_length=100)]


@router.get("/datasets")
def datasets(visitor: Looking) -> HTMLResponse:
    """Every version, with what it can be compared with."""
    end_abandoned(visitor.caller.workspace, visitor.caller.tenant)
    rows = list(visitor.caller.catalog.datasets.list())
    published = [row for row in rows if row.state == "published"]
    before = {
        (row.name, row.version): next(
            (one.version for one in reversed(published[:index]) if one.name == row.name), None
        )
        for index, row in enumerate(published)
    }
    return show("datasets", visitor, rows=rows, before=before)


@router.get("/datasets/{name}/{before}/{after}")
def difference(visitor: Looking, name: Name, before: Name, after: Name) -> HTMLResponse:
    """Every example that differs, counted by what happened to it and why."""
    caller = visitor.caller
    found = compare(caller.workspace, tenant=caller.tenant, before=(name, before), after=(name, after))
    counts: dict[tuple[str, str, str, str], int] = {}
    for one in found:
        key = one.category, one.task, one.kind, one.cause
        counts[key] = counts.get(key, 0) + 1
    return show(
        "difference",
        visitor,
        name=name,
        before=before,
        after=after,
        causes={cause: number for cause, number in by_cause(found).items() if number},
        counts=sorted(counts.items()),
    )
