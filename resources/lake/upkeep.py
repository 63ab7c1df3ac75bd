"""Keeping Delta tables small: many small files into few, and no files that only old versions need.

Belongs here: what changes a table's files and leaves its rows as they are.
Does not belong here: when that is done, or reading and writing rows (`lake_tables`).
"""

from dataclasses import dataclass
from datetime import timedelta

from deltalake.exceptions import CommitFailedError

from resources.lake.errors import attempt
from resources.lake.tables import WRITER_PROPERTIES, Tables


@dataclass(frozen=True)
class Tidied:
    """What tidying a table came to.

    Attributes:
        files_before, files_after: live data files.
        files_removed: files deleted, which only older versions needed.
    """

    files_before: int
    files_after: int
    files_removed: int


def tidy(tables: Tables, table: str, *, keep: timedelta) -> Tidied | None:
    """Compact a table and forget versions older than `keep` (see `Lake.tidy`)."""

    def work() -> Tidied | None:
        opened = tables.open(table)
        if opened is None:
            return None
        before = len(opened.file_uris())
        try:
            opened.optimize.compact(writer_properties=WRITER_PROPERTIES)
        except CommitFailedError:
            # A writer was faster. Its partition stays as it is until the next time; nothing is lost.
            opened.update_incremental()
        removed = opened.vacuum(keep // timedelta(hours=1), dry_run=False, enforce_retention_duration=False, full=True)
        opened.create_checkpoint()
        opened.cleanup_metadata()
        return Tidied(files_before=before, files_after=len(opened.file_uris()), files_removed=len(removed))

    return attempt(work, attempted="tidy the table", where=table)
