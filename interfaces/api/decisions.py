"""What every decision of a person over HTTP has in common: its reason, and waiting for what follows.

Belongs here: `Reason`, `Prefer: wait`, and handing what was put back to the settling in the background.
Does not belong here: any decision.
"""

import re
from collections.abc import Collection
from datetime import datetime
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import Field

from dagster_project.settling import Settler
from interfaces.api.access import Caller

MOST_SECONDS = 30

Reason = Annotated[
    str,
    Field(
        min_length=1,
        max_length=300,
        pattern=r"^[^\x00-\x1f]+$",
        description="Why. It is kept in the audit trail: no person's name, no measured value.",
        examples=["the meter's app never writes it"],
    ),
]
Prefer = Annotated[
    str | None,
    Header(
        pattern=r"^wait=\d{1,2}$",
        description=f"`wait=SECONDS` answers only when the training lines follow, after {MOST_SECONDS} s at most.",
    ),
]


def follow_up(
    request: Request,
    response: Response,
    caller: Caller,
    kinds: Collection[str],
    *,
    since: datetime,
    prefer: str | None,
) -> None:
    """Settle what a decision put back, in the background; wait for it if the caller prefers to."""
    settler: Settler = request.app.state.settler
    ticket = settler.wake(caller.tenant, kinds, since=since)
    found = re.fullmatch(r"wait=(\d{1,2})", prefer or "")
    if found:
        response.headers["Preference-Applied"] = "wait"
        settler.wait(caller.tenant, ticket, seconds=min(int(found[1]), MOST_SECONDS))
