"""Pages of lists, and entity tags.

Belongs here: what every list and every single thing of the API has in common.
Does not belong here: any route.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from fastapi import Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

MOST = 500

Limit = Annotated[int, Query(ge=1, le=MOST, description="Items of a page at most.")]
T = TypeVar("T")


class Page(BaseModel):
    """One page of a list."""

    items: list[dict[str, Any]]
    next: str | None = Field(None, description="Give it as `after` to get the next page; null on the last one.")


def page(rows: Sequence[T], *, limit: int, cursor: Callable[[T], str], shown: Callable[[T], dict[str, Any]]) -> Page:
    """A page of rows, of which one more than `limit` were read: the last only tells that there are more."""
    more = len(rows) > limit
    kept = rows[:limit]
    return Page(items=[shown(row) for row in kept], next=cursor(kept[-1]) if more else None)


def tagged(request: Request, body: dict[str, Any]) -> Response:
    """A single thing with its entity tag; 304 if the caller has it already."""
    data = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    tag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"ETag": tag})
    return JSONResponse(orjson.loads(data), headers={"ETag": tag})
