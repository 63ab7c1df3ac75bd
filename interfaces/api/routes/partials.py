"""Partial records: what waits for a person, and completing it, one by one or by rule.

Belongs here: `/v1/partials`.
Does not belong here: what a completion does (`operations.completions`): uploads land again, and the flow runs.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from interfaces.api.access import Reader, Reviewer
from interfaces.api.decisions import Prefer, Reason, follow_up
from interfaces.api.outcomes import entity_tag, listed, refuse_other_version, shown
from interfaces.api.pages import Limit, Page, page
from interfaces.api.problems import ProblemError, described
from interfaces.api.routes.uploads import Kind
from operations.completions import complete, discard, in_scope, restore, undo
from operations.review_queue import inbox
from operations.source_choices import choose_source
from pipeline.consent import hidden_people
from resources.catalog.rows.uploads import PartialStatus, WaitingRow
from vitals.errors import UsageError

router = APIRouter(prefix="/v1/partials", tags=["partials"])

PartialId = Annotated[int, Path(ge=1, le=2**53, description="Id of the partial record.")]
SHOWN_IDS = 500

Value = Annotated[str, Field(max_length=40)]


class Said(BaseModel):
    """What a person says of records; at least one field."""

    model_config = ConfigDict(extra="forbid")

    zone: Value | None = Field(None, description="UTC offset.", examples=["-05:00"])
    specimen_source: Value | None = Field(None, examples=["CAPILLARY_BLOOD"])
    relation_to_meal: Value | None = Field(None, examples=["FASTING"])
    level_mg_dl: float | None = Field(None, description="Glucose, mg/dL.")
    rmssd_ms: float | None = Field(None, description="RMSSD, ms.")
    count: float | None = Field(None, description="Steps.")
    energy_kcal: float | None = Field(None, description="Active energy, kcal.")

    def values(self) -> dict[str, str]:
        """Field to value, of those that are given.

        Raises:
            UsageError: none is.
        """
        said = {name: str(value) for name, value in self.model_dump(exclude_none=True).items()}
        if not said:
            raise UsageError("complete records", "said", "it says nothing", "Give at least one field.")
        return said


class Completing(BaseModel):
    """Completing one record."""

    model_config = ConfigDict(extra="forbid")

    said: Said = Field(examples=[{"zone": "-05:00"}])
    reason: Reason


class Scope(BaseModel):
    """What a rule restricts itself to, beside the tenant."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = None
    subject_id: str | None = Field(None, max_length=64)
    source_app: str | None = Field(None, max_length=255, examples=["com.acme.meter"])


class Rule(BaseModel):
    """The same said of every record that waits within a scope and lacks these fields."""

    model_config = ConfigDict(extra="forbid")

    scope: Scope = Field(default_factory=Scope)
    said: Said = Field(examples=[{"specimen_source": "CAPILLARY_BLOOD"}])


class RuleToApply(Rule):
    """A rule, with the preview that the person saw."""

    reason: Reason
    preview: str | None = Field(
        None, max_length=64, description="`preview` of the answer to the preview; 409 if other records wait now."
    )


class Undoing(BaseModel):
    """Taking completions back."""

    model_config = ConfigDict(extra="forbid")

    completions: list[Annotated[int, Field(ge=1, le=2**53)]] = Field(min_length=1, max_length=1000, examples=[[1]])
    reason: Reason


class Discarding(BaseModel):
    """Giving records up."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[int, Field(ge=1, le=2**53)]] = Field(min_length=1, max_length=1000, examples=[[1]])
    reason: Reason


class SourceChoice(BaseModel):
    """Which source of a person counts first for a kind."""

    model_config = ConfigDict(extra="forbid")

    subject_id: str = Field(max_length=64, description="Pseudonym, see `/v1/people`.")
    kind: Kind
    source_app: str = Field(max_length=255, examples=["com.ouraring.oura"])
    device: str | None = Field(
        None, max_length=40, description="Only its devices of this type, where several disagree.", examples=["WATCH"]
    )
    reason: Reason


class Decided(BaseModel):
    """What a decision came to."""

    completions: list[int] = Field(description="Ids to undo it by.")
    records: int = Field(description="Distinct records decided on.")
    uploads: list[str] = Field(description="Uploads that are read again.")


class Preview(BaseModel):
    """What a rule would do now."""

    records: int
    ids: list[int] = Field(description=f"The first {SHOWN_IDS} of them.")
    kinds: dict[str, int]
    people: int
    uploads: int
    preview: str = Field(description="Give it back when applying the rule.")


@router.get("", summary="What waits", responses=described())
def list_partials(
    caller: Reader,
    status: PartialStatus | None = "waiting",
    kind: Kind | None = None,
    upload: Annotated[str | None, Query(max_length=64)] = None,
    subject: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
) -> Page:
    """Partial records in the order in which they came; what is known of each, and what it lacks.

    A record stands there once, with the number of uploads that deliver it; with `upload`, as that upload delivers it.
    """
    rows = caller.catalog.partials.list(
        status=status,
        kind=kind,
        upload_id=upload,
        subject_id=subject,
        once=upload is None,
        limit=limit + 1,
        after=after,
    )
    deliveries = caller.catalog.partials.deliveries(rows)
    hidden = hidden_people(caller.workspace, caller.tenant, sorted({row.subject_id for row in rows}))
    return page(
        rows,
        limit=limit,
        cursor=lambda row: str(row.id),
        shown=lambda row: {
            **listed(row, hidden=row.subject_id in hidden),
            "deliveries": deliveries[row.id],
        },
    )


@router.get("/inbox", summary="Everything a person can decide", responses=described())
def show_inbox(caller: Reader) -> list[dict[str, Any]]:
    """Records, profiles and choices of a source that are open, and which metrics of which days each of them blocks."""
    return [
        {
            **asdict(item),
            "days": [day.isoformat() for day in item.days],
            "first_seen": item.first_seen and item.first_seen.isoformat(),
        }
        for item in inbox(caller.workspace, tenant=caller.tenant)
    ]


@router.get("/{partial_id}", summary="One partial record", responses=described(404))
def show_partial(caller: Reader, partial_id: PartialId) -> Response:
    """What is known, what is missing, and what follows from it: null until it is complete."""
    row = caller.catalog.partials.get(partial_id)
    return JSONResponse(shown(caller, row), headers={"ETag": entity_tag(row), "Cache-Control": "no-store"})


@router.patch("/{partial_id}/complete", summary="Complete a record", responses=described(400, 404, 409, 412))
def complete_partial(
    caller: Reviewer,
    request: Request,
    partial_id: PartialId,
    completing: Completing,
    if_match: Annotated[
        str | None, Header(max_length=80, description="Entity tag of the record as it was read.")
    ] = None,
    prefer: Prefer = None,
) -> Response:
    """Say what the record lacks. 400 if it lacks nothing any more, 412 or 409 if somebody else was first."""
    since = datetime.now(UTC)
    row = caller.catalog.partials.get(partial_id)
    refuse_other_version(row, if_match)
    complete(
        caller.workspace,
        tenant=caller.tenant,
        ids=[row.id],
        said=completing.said.values(),
        actor=caller.name,
        reason=completing.reason,
        versions={row.id: row.version},
    )
    followed = Response()
    follow_up(request, followed, caller, [row.kind], since=since, prefer=prefer)
    row = caller.catalog.partials.get(partial_id)
    headers = {"ETag": entity_tag(row)}
    if "Preference-Applied" in followed.headers:
        headers["Preference-Applied"] = followed.headers["Preference-Applied"]
    return JSONResponse(shown(caller, row), headers=headers)


@router.post("/rules/preview", summary="What a rule would complete", responses=described())
def preview_rule(caller: Reviewer, rule: Rule) -> Preview:
    """Changes nothing."""
    return previewed(matching(caller, rule))


@router.post("/rules", summary="Complete by rule", responses=described(400, 404, 409))
def apply_rule(
    caller: Reviewer, request: Request, response: Response, rule: RuleToApply, prefer: Prefer = None
) -> Decided:
    """Say the same of every record within the scope that waits for it."""
    since = datetime.now(UTC)
    rows = matching(caller, rule)
    if rule.preview is not None and rule.preview != previewed(rows).preview:
        raise ProblemError(HTTPStatus.CONFLICT, "other records wait than at the preview; look at the preview again")
    if not rows:
        return Decided(completions=[], records=0, uploads=[])
    done = complete(
        caller.workspace,
        tenant=caller.tenant,
        ids=[row.id for row in rows],
        said=rule.said.values(),
        actor=caller.name,
        reason=rule.reason,
        versions={row.id: row.version for row in rows},
        scope=rule.scope.model_dump(exclude_none=True),
    )
    follow_up(request, response, caller, {row.kind for row in rows}, since=since, prefer=prefer)
    return Decided(completions=done.completions, records=done.records, uploads=done.uploads)


@router.post("/discard", summary="Give records up", responses=described(400, 404, 409))
def discard_partials(caller: Reviewer, discarding: Discarding) -> dict[str, int]:
    """They count nowhere and wait for nobody, in every delivery, so that their batch closes. Nothing is deleted."""
    records = discard(
        caller.workspace, tenant=caller.tenant, ids=discarding.ids, actor=caller.name, reason=discarding.reason
    )
    return {"discarded": records}


@router.post("/restore", summary="Take records up again", responses=described(400, 404, 409))
def restore_partials(
    caller: Reviewer, request: Request, response: Response, restoring: Discarding, prefer: Prefer = None
) -> dict[str, int]:
    """What was given up waits again, in every delivery."""
    since = datetime.now(UTC)
    kinds = {caller.catalog.partials.get(one).kind for one in restoring.ids}
    records = restore(
        caller.workspace, tenant=caller.tenant, ids=restoring.ids, actor=caller.name, reason=restoring.reason
    )
    follow_up(request, response, caller, kinds, since=since, prefer=prefer)
    return {"restored": records}


@router.post("/source-choices", summary="Choose a source", responses=described(400, 404, 409))
def choose(
    caller: Reviewer, request: Request, response: Response, choice: SourceChoice, prefer: Prefer = None
) -> Decided:
    """Say which app, or which device of it, counts first where two disagree. `undo` takes it back by its completion."""
    since = datetime.now(UTC)
    completion = choose_source(
        caller.workspace,
        tenant=caller.tenant,
        subject_id=choice.subject_id,
        kind=choice.kind,
        source_app=choice.source_app,
        device=choice.device,
        actor=caller.name,
        reason=choice.reason,
    )
    follow_up(request, response, caller, [choice.kind], since=since, prefer=prefer)
    return Decided(completions=[completion], records=0, uploads=[])


@router.post("/undo", summary="Take completions back", responses=described(400, 404, 409))
def undo_completions(
    caller: Reviewer, request: Request, response: Response, undoing: Undoing, prefer: Prefer = None
) -> Decided:
    """The records wait again, and everything downstream becomes what it was before."""
    since = datetime.now(UTC)
    kinds = {one.kind for one in caller.catalog.completions.get(undoing.completions)}
    done = undo(
        caller.workspace,
        tenant=caller.tenant,
        ids=undoing.completions,
        actor=caller.name,
        reason=undoing.reason,
    )
    follow_up(request, response, caller, kinds, since=since, prefer=prefer)
    return Decided(completions=done.completions, records=done.records, uploads=done.uploads)


def matching(caller: Reader, rule: Rule) -> Sequence[WaitingRow]:
    """Records that a rule would complete now."""
    return in_scope(
        caller.workspace,
        tenant=caller.tenant,
        scope=rule.scope.model_dump(exclude_none=True),
        fields=rule.said.values(),
    )


def previewed(rows: Sequence[WaitingRow]) -> Preview:
    """What a rule over these records would do."""
    kinds: dict[str, int] = {}
    for row in rows:
        kinds[row.kind] = kinds.get(row.kind, 0) + 1
    seen = hashlib.sha256(repr([(row.id, row.version) for row in rows]).encode()).hexdigest()
    return Preview(
        records=len(rows),
        ids=[row.id for row in rows[:SHOWN_IDS]],
        kinds=dict(sorted(kinds.items())),
        people=len({row.subject_id for row in rows}),
        uploads=len({row.upload_id for row in rows}),
        preview=seen,
    )
