"""Fetch marks that were too late: until when a person's exports know of them, found anew when uploads are read again.

Belongs here: marks that a wrong clock left (of an older version, which believed every fetch).
Does not belong here: how late a fetch may be (`vitals.validated.landing`), or raising marks, which settling a batch does.
"""

from collections.abc import Sequence

import polars as pl

from resources.catalog.catalog import Catalog
from resources.catalog.rows.days import FetchMark
from resources.catalog.rows.uploads import Upload
from vitals.record_types import RecordType
from vitals.validated.landing import believed_fetch, latest_fetch


def lowered_marks(
    catalog: Catalog, *, tenant: str, record_type: RecordType, uploads: Sequence[Upload], fetches: pl.DataFrame
) -> list[tuple[FetchMark, int]]:
    """Return the marks that are later than any upload supports, as they should be, each with what it was (epoch ms).

    A mark of 0 is none: nothing that counts was fetched. Only people of uploads that were settled before are looked
    at: whoever is new has no wrong mark.

    Args:
        uploads: the batch.
        fetches: `subject_id` and `latest` fetch of the batch's rows.
    """
    people = {u.subject_id for u in uploads if u.settled_attempt is not None and u.subject_id is not None}
    stored = catalog.subjects.fetch_marks(tenant, people, record_type.kind)
    if not stored:
        return []
    of_batch = {u.upload_id for u in uploads}
    supported: dict[str, int] = dict(fetches.select("subject_id", pl.col("latest").dt.epoch("ms")).iter_rows())
    for one in catalog.uploads.fetches(tenant, stored, record_type.kind):
        landing = one.landed_at, one.landing_day
        if one.upload_id not in of_batch and one.fetched_utc <= latest_fetch(*landing):
            until = round(believed_fetch(one.fetched_utc, *landing).timestamp() * 1000)
            supported[one.subject_id] = max(until, supported.get(one.subject_id, 0))
    return [
        (FetchMark(tenant=tenant, subject_id=s, kind=record_type.kind, latest_fetch_ms=supported.get(s, 0)), was)
        for s, was in sorted(stored.items())
        if supported.get(s, 0) < was
    ]
