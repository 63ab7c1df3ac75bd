"""What is shown of a row in quarantine, to people and to programs alike.

Belongs here: its members, for the command line and the HTTP API.
Does not belong here: values of the row: they are in its payload.
"""

from typing import Any

from resources.catalog.rows.uploads import QuarantinedRow


def quarantine_item(row: QuarantinedRow) -> dict[str, Any]:
    """Members of one row, or of a whole file (`row` is None then)."""
    return {
        "id": row.id,
        "kind": row.kind,
        "upload_id": row.upload_id,
        "row": row.row_index,
        "record_id": row.record_id,
        "subject_id": row.subject_id,
        "reason": row.reason,
        "judged_by": row.judged_by,
        "status": row.status,
        "first_seen": row.first_seen.isoformat(),
    }
