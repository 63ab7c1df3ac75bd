"""Withdrawing a release: its files go, and a stub says when and why.

Belongs here: the order of the steps. Does not belong here: building or reading a release (`releases`, `release_reading`).
"""

from typing import Any

import orjson

from pipeline.registration import utc_now
from pipeline.release.releases import risk_key
from resources.catalog.rows.tenants import NewAuditEvent
from resources.workspace import Workspace
from vitals.errors import ConflictError, UsageError
from vitals.release.manifest import MANIFEST
from vitals.release.writing import dump

LONGEST_REASON = 500


def withdraw(workspace: Workspace, *, tenant: str, name: str, version: str, reason: str, actor: str) -> dict[str, Any]:
    """Take a published version back for good; the stub that stays in place of its manifest.

    The catalog says so first: from then on nobody may use it, and what is killed here can be done again.

    Args:
        reason: why, for everybody who had the version: no name and no value of anybody.
        actor: who decided it.

    Raises:
        UsageError: no reason is given, or one of more than LONGEST_REASON characters.
        NotFoundError: no such version.
        ConflictError: it is not published.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON or not reason.isprintable():
        why = f"the reason has to be 1 to {LONGEST_REASON} printable characters in one line"
        raise UsageError("withdraw the release", "--reason", why, "Say in a sentence why nobody may use it.")
    row = workspace.catalog.datasets.get(tenant, name, version)
    if row.state not in {"published", "withdrawn"}:
        raise ConflictError(
            "withdraw the release", f"{name} {version}", f"it is {row.state}", "Only a published one can be withdrawn."
        )
    lake, folder = workspace.lake(tenant), f"releases/{name}/{version}"
    there = [found.key for found in lake.objects(folder)]
    if row.state == "withdrawn" and there == [f"{folder}/{MANIFEST}"]:
        stub = orjson.loads(lake.read_object(f"{folder}/{MANIFEST}"))
        if "withdrawn" in stub:
            raise ConflictError(
                "withdraw the release", f"{name} {version}", "it is withdrawn", "Nothing is left to do."
            )
    if row.state == "published":
        now = utc_now()
        workspace.catalog.datasets.withdraw(tenant, row.id, reason=reason, now=now)
        event = NewAuditEvent(
            tenant=tenant,
            actor=actor,
            action="dataset.withdraw",
            target=f"{name}/{version}",
            at=now,
            details={"reason": reason},
        )
        workspace.catalog.audit.record([event])
        row = workspace.catalog.datasets.get(tenant, name, version)
    assert row.tombstoned_at is not None
    stub = {
        "release": {"name": name, "version": version},
        "withdrawn": {
            "at": row.tombstoned_at.isoformat(),
            "why": row.reasons[0],
            "manifest_sha256": row.manifest_sha256,
        },
    }
    lake.delete_objects([key for key in there if key != f"{folder}/{MANIFEST}"] + [risk_key(name, version)])
    lake.write_object(f"{folder}/{MANIFEST}", dump(stub))
    return stub
