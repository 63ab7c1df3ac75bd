"""Decisions on the quarantine: moving a bound, letting rows through, giving rows up.

Belongs here: foreseeing each of them, and making it. A release stores the decision and lands again exactly the uploads
that it moves; the ordinary flow does the rest. Every decision writes an audit event.
Does not belong here: how it is foreseen (`what_if`), or what a bound means (`vitals.validated.rule_policy`).
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from operations.completions import record
from operations.preview import WhatIf, foretell, moved_uploads, one_at_a_time, uploads_that_may_move
from pipeline.decisions import rule_policy
from pipeline.registration import utc_now
from resources.catalog.catalog import Catalog
from resources.catalog.rows.decisions import Decision, NewExemption
from resources.catalog.rows.uploads import QuarantinedRow, Upload
from resources.workspace import Workspace
from vitals.errors import ConflictError, UsageError
from vitals.record_types import BY_KIND
from vitals.validated.rule_policy import LOW_QUALITY, SCORE, BoundChange, RulePolicy, kinds_of, may_be_waived


@dataclass(frozen=True, kw_only=True)
class Released:
    """What was decided: `version` of the rule's policy (None for single rows) and the uploads that are read again."""

    version: int | None
    uploads: list[str]


def what_if_rule(workspace: Workspace, *, tenant: str, change: BoundChange) -> WhatIf:
    """What moving a bound would do.

    Raises:
        BusyError: another what-if of the tenant is under way.
    """
    decision = Decision(actor="what-if", at=utc_now(), reason="")

    def decide(catalog: Catalog) -> None:
        catalog.rule_policies.change(
            tenant, rule=change.rule, bound=change.bound, value=change.value, decision=decision
        )

    with one_at_a_time(workspace, tenant):
        candidates = _movable(workspace, tenant, change, rule_policy(workspace.catalog, tenant))
        return foretell(workspace, tenant=tenant, decide=decide, candidates=candidates)


def release_rule(workspace: Workspace, *, tenant: str, change: BoundChange, actor: str, reason: str) -> Released:
    """Move a bound: its value counts from now on, and the uploads that it moves are read again."""
    started = time.monotonic()
    catalog = workspace.catalog
    # Whoever validates meanwhile would judge by the former bound and not be asked again.
    with catalog.exclusive(f"validated-{tenant}", wait=True):
        rules = rule_policy(catalog, tenant)
        candidates = _movable(workspace, tenant, change, rules)
        moved = moved_uploads(workspace, tenant=tenant, rules=rules.with_change(change), candidates=candidates)
        decision = Decision(actor=actor, at=utc_now(), reason=reason)
        version = catalog.rule_policies.change(
            tenant, rule=change.rule, bound=change.bound, value=change.value, decision=decision
        )
        uploads = sorted(catalog.uploads.reland(moved))
    details = {"rule": change.name, "bound": change.value, "version": version, "uploads": len(uploads)}
    record(workspace, tenant, actor, "quarantine.release_rule", [], reason, started, details)
    return Released(version=version, uploads=uploads)


def what_if_rows(workspace: Workspace, *, tenant: str, ids: Iterable[int]) -> WhatIf:
    """What letting rows or files through would do.

    Raises:
        NotFoundError, ConflictError: as `release_rows`, except for values beyond the hard limits.
        BusyError: another what-if of the tenant is under way.
    """
    decision = Decision(actor="what-if", at=utc_now(), reason="")
    with one_at_a_time(workspace, tenant):
        exemptions, candidates = _exemptions(workspace, tenant, ids)

        def decide(catalog: Catalog) -> None:
            catalog.rule_policies.exempt(tenant, exemptions, decision=decision)

        return foretell(workspace, tenant=tenant, decide=decide, candidates=candidates)


def release_rows(workspace: Workspace, *, tenant: str, ids: Iterable[int], actor: str, reason: str) -> Released:
    """Let rows or whole files through although they break a rule: these payloads, this rule, in whichever upload.

    Raises:
        NotFoundError: an id is not in the tenant.
        ConflictError: a row is not in quarantine, nobody may waive its rule, or it would still fail.
    """
    started = time.monotonic()
    wanted = sorted(set(ids))
    catalog = workspace.catalog
    with catalog.exclusive(f"validated-{tenant}", wait=True):
        exemptions, candidates = _exemptions(workspace, tenant, wanted)
        rules = _with(rule_policy(catalog, tenant), exemptions)
        moved = moved_uploads(workspace, tenant=tenant, rules=rules, candidates=candidates)
        if not {one.upload_id for one in exemptions} <= set(moved):
            why = "at least one of them would still fail: its value is beyond what anybody may let through"
            raise ConflictError("release quarantined rows", tenant, why, "Discard it, or correct it at its source.")
        catalog.rule_policies.exempt(tenant, exemptions, decision=Decision(actor=actor, at=utc_now(), reason=reason))
        uploads = sorted(catalog.uploads.reland(moved))
    record(workspace, tenant, actor, "quarantine.release", wanted, reason, started, {"uploads": len(uploads)})
    return Released(version=None, uploads=uploads)


def discard_rows(workspace: Workspace, *, tenant: str, ids: Iterable[int], actor: str, reason: str) -> None:
    """Give rows up: they stay accounted as quarantined, and wait for nobody.

    Raises:
        NotFoundError: an id is not in the tenant.
        ConflictError: a row does not wait.
    """
    started = time.monotonic()
    wanted = sorted(set(ids))
    if not wanted:
        raise UsageError("discard quarantined rows", tenant, "no row is named", "Name ids of `quarantine list`.")
    workspace.catalog.quarantine.discard(tenant, wanted, now=utc_now())
    record(workspace, tenant, actor, "quarantine.discard", wanted, reason, started, {})


def _movable(workspace: Workspace, tenant: str, change: BoundChange, rules: RulePolicy) -> list[Upload]:
    """Uploads that a change of a bound may move."""
    kinds = [record_type.kind for record_type in kinds_of(change.rule)]
    everything = uploads_that_may_move(workspace, tenant=tenant, kinds=kinds)
    default = workspace.policy.score.threshold
    if change.rule == SCORE:
        threshold = rules.with_change(change).threshold(default)
        return [u for u in everything if ((u.score or 0) < threshold) != (u.reason == LOW_QUALITY)]
    if not _widens(change, rules):
        return everything
    # Wider: only what this rule, or the score that it lowers, has refused or taken out of a list.
    reasons = {change.rule, LOW_QUALITY, f"unit_suspect:{change.rule.partition(':')[2]}"}
    failing = {row.upload_id for row in _all_quarantined(workspace, tenant) if row.reason in reasons}
    return [u for u in everything if u.upload_id in failing or change.rule in u.dropped_items]


def _widens(change: BoundChange, rules: RulePolicy) -> bool:
    """Whether a bound lets more through than before, for every kind that it judges."""
    column = change.rule.partition(":")[2]
    for record_type in kinds_of(change.rule):
        if change.bound == "max_hours":
            now = rules.bound(change.rule, change.bound, record_type.max_duration_hours or 0)
        else:
            low, high = record_type.plausible[column]
            now = rules.bound(change.rule, change.bound, low if change.bound == "min" else high)
        if (change.value > now) if change.bound == "min" else (change.value < now):
            return False
    return True


def _exemptions(workspace: Workspace, tenant: str, ids: Iterable[int]) -> tuple[list[NewExemption], list[Upload]]:
    """Exemptions for quarantined rows, and the uploads that they may move."""
    rows = workspace.catalog.quarantine.get(tenant, ids)
    if not rows:
        raise UsageError("release quarantined rows", tenant, "no row is named", "Name ids of `quarantine list`.")
    for row in rows:
        whole_file = row.row_index is None
        if row.status == "released":
            why = "it is not in quarantine any more"
        elif not may_be_waived(row.reason) or (not whole_file and row.payload_hash is None):
            why = f"nobody may waive {row.reason}: what breaks it is no usable record"
        elif (row.reason == LOW_QUALITY) != whole_file:
            why = "it is part of a file that scores low: release the file"
        else:
            continue
        raise ConflictError("release quarantined rows", f"id {row.id}", why, "See `quarantine show`.")
    exemptions = [
        NewExemption(
            kind=row.kind or "",
            upload_id=row.upload_id,
            subject_id=row.subject_id,
            record_id=row.record_id if row.row_index is not None else None,
            payload_hash=row.payload_hash if row.row_index is not None else None,
            rule=row.reason,
        )
        for row in rows
    ]
    payloads = {(one.rule, one.payload_hash) for one in exemptions if one.payload_hash is not None}
    same = {r.upload_id for r in _all_quarantined(workspace, tenant) if (r.reason, r.payload_hash) in payloads}
    uploads = workspace.catalog.uploads.get(same | {one.upload_id for one in exemptions})
    return exemptions, [u for _, u in sorted(uploads.items()) if u.kind in BY_KIND]


def _with(rules: RulePolicy, exemptions: Sequence[NewExemption]) -> RulePolicy:
    waived = {rule: set(rows) for rule, rows in rules.waived.items()}
    for one in exemptions:
        if one.record_id is not None and one.payload_hash is not None:
            waived.setdefault(one.rule, set()).add((one.record_id, one.payload_hash))
    files = {one.upload_id for one in exemptions if one.payload_hash is None}
    return RulePolicy(
        bounds=rules.bounds,
        versions=rules.versions,
        waived={rule: frozenset(rows) for rule, rows in waived.items()},
        waived_uploads=rules.waived_uploads | files,
    )


def _all_quarantined(workspace: Workspace, tenant: str) -> list[QuarantinedRow]:
    found: list[QuarantinedRow] = []
    while page := workspace.catalog.quarantine.list(tenant, after=found[-1].id if found else 0, limit=5000):
        found += page
    return found
