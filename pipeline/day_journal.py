"""Training: the JSONL lines of the day journal, over all kinds.

Belongs here: reading the clinical facts of a local day and the days before it, writing the day's file, clearing its
mark.
Does not belong here: a sentence (`vitals.training.day_journal`), or which journals are stale (`journal_marks`).
"""

from datetime import date, timedelta

import polars as pl

from pipeline.clinical import clinical_schema, clinical_table
from pipeline.consent import consenting
from pipeline.day_journal_staleness import journal_marks
from pipeline.erasure_locks import never_during_erasure
from pipeline.registration import utc_now
from pipeline.training import PROCESSOR_VERSION
from pipeline.training_paths import JOURNAL, category_path
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES
from vitals.training.day_journal.build import build_journal
from vitals.training.day_journal.day_metrics import WINDOW_DAYS
from vitals.training.fact_row import LONG_LISTS


@never_during_erasure
def render_journal(workspace: Workspace, *, tenant: str, local_day: date) -> list[bytes]:
    """Rewrite the day's journal file from the facts of people who allow it; a day without people has no file."""
    stale_days = workspace.catalog.stale_days
    if stale_days.version(tenant, "training", JOURNAL, local_day) is None:
        # Facts of an earlier day may be written while these are being read: they mark only journals they can see.
        stale_days.mark(journal_marks(tenant, [local_day]), now=utc_now())
    mark = stale_days.version(tenant, "training", JOURNAL, local_day)
    window = read_window(workspace, tenant=tenant, last_day=local_day)
    lines = build_journal(
        {kind: consenting(workspace, tenant, rows, "training") for kind, rows in window.items()},
        local_day=local_day,
        tenant=tenant,
        processor_version=PROCESSOR_VERSION,
        token_budget=workspace.policy.prompt_token_budget,
        count_tokens=workspace.policy.token_counter.count,
    )
    lake, path = workspace.lake(tenant), category_path(JOURNAL, local_day)
    if lines:
        lake.write_object(path, b"".join(line + b"\n" for line in lines))
    else:
        lake.delete_objects([path])
    if mark is not None:
        stale_days.clear(tenant, "training", JOURNAL, local_day, mark)
    return lines


def read_window(workspace: Workspace, *, tenant: str, last_day: date) -> dict[str, pl.DataFrame]:
    """Kind -> clinical rows of the WINDOW_DAYS local days up to a day, without series and stages."""
    lake = workspace.lake(tenant)
    days = [last_day - timedelta(days=back) for back in range(WINDOW_DAYS)]
    return {
        record_type.kind: lake.scan(
            clinical_table(record_type), schema=clinical_schema(record_type), partitions=("local_date", days)
        )
        .drop(LONG_LISTS, strict=False)
        .collect()
        .sort("subject_id", "local_date")
        for record_type in RECORD_TYPES
    }


def read_day_journal(workspace: Workspace, *, tenant: str, local_day: date) -> list[bytes]:
    """Lines of the day's journal file; none if there is no file."""
    lake, path = workspace.lake(tenant), category_path(JOURNAL, local_day)
    return lake.read_object(path).splitlines() if lake.head(path) is not None else []
