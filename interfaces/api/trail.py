"""Who read what, and which keys were refused, on their way into the audit trail.

Belongs here: gathering such events and writing them together, so that no read waits for a write.
Does not belong here: decisions, which are written with what they change (`Caller.decided`).

What was gathered is written once a second and at the end of the process; a process that is killed loses one second.
"""

import logging
import threading
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from resources.catalog.catalog import Catalog
from resources.catalog.rows.tenants import NewAuditEvent
from vitals.errors import VitalgraphError

log = logging.getLogger(__name__)

FLUSH_SECONDS: Final = 1.0
MAX_GATHERED: Final = 5000
"""Different events between two writes; more are counted together, so that nobody fills the catalog with guesses."""

Event = tuple[str, str, str, str, str]


class Trail:
    """Events that wait to be written. Equal ones between two writes are one event with a number."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._waiting: Counter[Event] = Counter()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def note(self, *, tenant: str, actor: str, action: str, target: str, what: str) -> None:
        """Gather an event."""
        event = (tenant, actor, action, target, what)
        with self._changed:
            if event not in self._waiting and len(self._waiting) >= MAX_GATHERED:
                event = (tenant, "many", action, "many", "many")
            self._waiting[event] += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="audit trail", daemon=True)
                self._thread.start()

    def flush(self) -> None:
        """Write what was gathered; what cannot be written now is kept for the next time."""
        with self._changed:
            taken, self._waiting = self._waiting, Counter()
        now = datetime.now(UTC)
        events = [
            NewAuditEvent(
                tenant=tenant,
                at=now,
                actor=actor,
                action=action,
                target=target,
                details={"what": what, "times": times},
            )
            for (tenant, actor, action, target, what), times in taken.items()
        ]
        try:
            self._catalog.audit.record(events)
        except VitalgraphError as error:
            log.warning("the audit trail cannot be written (%s); it is tried again", type(error).__name__)
            with self._changed:
                self._waiting += taken

    def close(self) -> None:
        """Write what is left and end."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self.flush()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, timeout=FLUSH_SECONDS):
                    return
            self.flush()
