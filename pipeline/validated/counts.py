"""What processing a batch of uploads came to, in numbers.

Belongs here: the fates of rows by name, and their sums over a run.
Does not belong here: deciding a fate (`upload_batch`), or the catalog's books (`books`).
"""

from dataclasses import dataclass, field

from resources.catalog.rows.uploads import UploadOutcome

LISTED_SCHEMA, RESOLVED_SCHEMA = "listed", "resolved"
"""Whether a file's writer schema was on the allow-list, or its rows were read by schema resolution."""

SHIFTING = ("accepted", "duplicate", "superseded", "presumed_deleted")
FATES = (*SHIFTING, "partial", "quarantined")


@dataclass
class Validated:
    """What a run of one kind and landing day came to. Counts of rows unless said otherwise.

    Attributes:
        uploads: uploads settled, by end state.
        rows: rows by fate, and `total`.
        reasons: quarantined rows and files by reason.
        unresolved: uploads that stay to be taken again (the store did not answer).
        stale_days: local days marked, over all kinds.
    """

    uploads: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("total", *FATES), 0))
    reasons: dict[str, int] = field(default_factory=dict)
    unresolved: int = 0
    stale_days: int = 0
    bytes: int = 0

    def count(self, outcome: UploadOutcome, size_bytes: int) -> None:
        """Add one settled upload."""
        self.uploads[outcome.state] = self.uploads.get(outcome.state, 0) + 1
        self.bytes += size_bytes
        self.rows["total"] += outcome.rows_total
        for fate in FATES:
            self.rows[fate] += getattr(outcome, f"rows_{fate}")
