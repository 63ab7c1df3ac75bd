"""People by pseudonym: their facts and their training lines.

Belongs here: `/v1/people`. External ids are neither taken nor given.
Does not belong here: uploads, or erasure.
"""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from dagster_project.days import Day
from interfaces.api.access import Caller, Reader
from interfaces.api.pages import Limit, Page, page, tagged
from interfaces.api.problems import described
from operations.subject_data import day_facts, examples_of
from pipeline.consent import demand_summary, hidden_people
from vitals.errors import NotFoundError, UsageError

router = APIRouter(prefix="/v1/people", tags=["people"])

MOST_DAYS = 92


@router.get("", summary="Everybody", responses=described())
def list_people(caller: Reader, limit: Limit = 100, after: Annotated[str | None, Query(max_length=64)] = None) -> Page:
    """Pseudonyms and profiles, in the order of the pseudonyms; no profile of whoever does not allow summaries."""
    people = sorted(caller.catalog.subjects.profiles(), key=lambda profile: profile.subject_id)
    rows = [p for p in people if after is None or p.subject_id > after][: limit + 1]
    hidden = hidden_people(caller.workspace, caller.tenant, [p.subject_id for p in rows])
    return page(
        rows, limit=limit, cursor=lambda p: p.subject_id, shown=lambda p: _profile(p, hidden=p.subject_id in hidden)
    )


@router.get("/{subject_id}", summary="One person", responses=described(404, 409))
def show_person(caller: Reader, request: Request, subject_id: str) -> Response:
    """A person's profile."""
    profile = known(caller, subject_id)
    demand_summary(caller.workspace, caller.tenant, subject_id)
    return tagged(request, _profile(profile, hidden=False))


@router.get("/{subject_id}/days", summary="Facts per local day", responses=described(404, 409))
def show_days(
    caller: Reader,
    request: Request,
    subject_id: str,
    first: Annotated[Day, Query(alias="from", description="First local day.", examples=["2025-09-19"])],
    last: Annotated[Day, Query(alias="to", description="Last local day.", examples=["2025-09-20"])],
) -> Response:
    """Values, what is withheld and why, zone and sources, for each local day with data."""
    known(caller, subject_id)
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise UsageError("show the days", "from, to", f"they are not 1 to {MOST_DAYS} days", "Ask for fewer days.")
    return tagged(request, {"days": day_facts(caller.workspace, caller.tenant, subject_id, first, last)})


@router.get("/{subject_id}/days/{day}/examples", summary="Training lines of a day", responses=described(404, 409))
def show_examples(caller: Reader, subject_id: str, day: Day) -> list[dict[str, Any]]:
    """The training lines, with the claims behind each number."""
    known(caller, subject_id)
    return [example for example, _ in examples_of(caller.workspace, caller.tenant, subject_id, day)]


def known(caller: Caller, subject_id: str) -> Any:
    """Profile of a person of the tenant.

    Raises:
        NotFoundError: the tenant has nobody of this pseudonym.
    """
    found = caller.catalog.subjects.profiles([subject_id])
    if not found:
        raise NotFoundError("find the person", "people", "nobody has this pseudonym here", "See /v1/people.")
    return found[0]


def _profile(profile: Any, *, hidden: bool) -> dict[str, Any]:
    if hidden:
        nothing = dict.fromkeys(("age_years", "weight_kg", "diabetes", "source_priority"))
        return {"subject_id": profile.subject_id, **nothing, "hidden": True}
    return {
        "hidden": False,
        "subject_id": profile.subject_id,
        "age_years": profile.age_years,
        "weight_kg": profile.weight_kg,
        "diabetes": profile.diabetes,
        "source_priority": {kind: list(apps) for kind, apps in profile.source_priority.items()},
    }
