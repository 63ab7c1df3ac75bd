"""Validated: uploads of one kind and landing day become records, and every row gets a fate.

Belongs here: which pending uploads are taken together, and that one process at a time does so for a tenant.
Does not belong here: what happens to a batch (`upload_batch`), or what a good row is (`vitals.validated`).
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from pipeline.validated.counts import Validated
from pipeline.validated.identity_index import complete_index
from pipeline.validated.upload_batch import UploadBatch
from resources.catalog.rows.uploads import Upload
from resources.workspace import Workspace
from vitals.errors import TransientError
from vitals.record_types import RecordType

LONE_AFTER_ATTEMPTS = 2
"""An upload that was taken this often without being settled is read alone, lest it take siblings down."""


def validate_day(
    workspace: Workspace,
    *,
    tenant: str,
    record_type: RecordType,
    landing_day: date,
    run_id: str,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Validated:
    """Settle every pending upload of one kind and landing day.

    One holder at a time per tenant: two would race on the same records and the same people's zone evidence. Since the
    lane dies with its holder, an upload found in `processing` belongs to nobody and is taken again.

    Args:
        on_progress: called with the number of uploads settled after each batch.

    Raises:
        TransientError: the store did not answer for some uploads; all others are settled.
    """
    result = Validated()
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        complete_index(workspace.lake(tenant), record_type)
        pending = workspace.catalog.uploads.pending(tenant, landing_day=landing_day, kind=record_type.kind)
        for batch in batches(pending, workspace.policy.batch_bytes):
            UploadBatch(workspace, tenant, record_type, run_id, result).settle(batch)
            on_progress(len(batch))
    if result.unresolved:
        raise TransientError(
            "fetch uploads",
            f"validated/{record_type.kind} {landing_day}|{tenant}",
            f"the object store did not answer for {result.unresolved} of them",
            "They stay pending and are asked for again; check the store if this repeats.",
        )
    return result


def batches(pending: Sequence[Upload], batch_bytes: int) -> Iterator[list[Upload]]:
    """Group uploads so that a batch is bounded in bytes; suspicious ones go alone, after their siblings."""
    suspicious = [u for u in pending if u.unsettled_attempts >= LONE_AFTER_ATTEMPTS]
    batch: list[Upload] = []
    size = 0
    for upload in sorted((u for u in pending if u.unsettled_attempts < LONE_AFTER_ATTEMPTS), key=lambda u: u.key):
        if batch and size + upload.size_bytes > batch_bytes:
            yield batch
            batch, size = [], 0
        batch.append(upload)
        size += upload.size_bytes
    if batch:
        yield batch
    for upload in sorted(suspicious, key=lambda u: u.key):
        yield [upload]
