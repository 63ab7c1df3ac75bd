"""What an operator did at the command line, in the audit trail.

Belongs here: entering it, with the login name as the actor.
Does not belong here: decisions on rows and people, whose stages enter them.
"""

import os
import pwd
from datetime import UTC, datetime
from typing import Any

from resources.catalog.catalog import Catalog
from resources.catalog.rows.tenants import NewAuditEvent

READ = "read"
LISTED = "list"
"""Target of a read that is about nobody in particular."""


def enter(catalog: Catalog, tenant: str, action: str, target: str, **details: Any) -> None:
    """Enter what was done. No health value, no external id, no key."""
    actor = pwd.getpwuid(os.getuid()).pw_name
    event = NewAuditEvent(
        tenant=tenant, at=datetime.now(UTC), actor=actor, action=action, target=target, details=details
    )
    catalog.audit.record([event])


def note_read(catalog: Catalog, tenant: str, target: str, what: str) -> None:
    """Enter whose data were shown, by pseudonym, or which list: as the API enters what a key reads."""
    enter(catalog, tenant, READ, target, what=what, times=1)
