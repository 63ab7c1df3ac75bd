"""Quarantine in the lake: a copy of each refused file and a sidecar that says why.

Belongs here: `quarantine/{Type}/{YYYY}/{MM}/{DD}/{upload}.avro` (whole files only; the rows of a good file
stay in `raw/`, which is never touched) and `{upload}.metadata.json`. The name is the upload's id, because the
uploader's own name holds the person's.
Does not belong here: the decision.
"""

from collections.abc import Mapping, Sequence

import orjson

from resources.catalog.rows.uploads import QuarantineRow, Upload, UploadOutcome
from resources.lake.lake import Lake


def quarantine_path(upload: Upload) -> str:
    """Key of the quarantine entry of an upload, without its ending."""
    return f"quarantine/{upload.type_name}/{upload.landing_day:%Y/%m/%d}/{upload.upload_id[:32]}"


def write_quarantine(
    lake: Lake,
    uploads: Mapping[str, Upload],
    contents: Mapping[str, bytes],
    outcomes: Mapping[str, UploadOutcome],
    bad_rows: Sequence[QuarantineRow],
) -> None:
    """Write the sidecars of a batch. Writing them again gives the same bytes.

    Args:
        contents: bytes of the fetched uploads, by upload id.
        outcomes: how each upload ended, by upload id.
        bad_rows: quarantined rows of all uploads.
    """
    rows: dict[str, list[dict[str, object]]] = {}
    for row in bad_rows:
        entry: dict[str, object] = {
            "row": row.row_index,
            "rule": row.rule_id,
            "rule_version": row.rule_version,
            "reason": row.reason,
        }
        rows.setdefault(row.upload_id, []).append(entry)
    refused = {i for i, outcome in outcomes.items() if outcome.state == "quarantined"}
    for upload_id in sorted(refused | set(rows)):
        upload = uploads[upload_id]
        outcome = outcomes[upload_id]
        path = quarantine_path(upload)
        sidecar = {
            "upload_id": upload_id,
            "source_key_sha256": upload.key_sha256,
            "record_type": upload.type_name,
            "landing_day": upload.landing_day.isoformat(),
            "whole_file": upload_id in refused,
            "reason": outcome.reason,
            "detail": outcome.detail,
            "score": outcome.score,
            "rows_total": outcome.rows_total,
            "rows_quarantined": outcome.rows_quarantined,
            "dropped_items": dict(outcome.dropped_items),
            "rows": sorted(rows.get(upload_id, []), key=lambda r: str(r["row"]).zfill(9)),
        }
        if upload_id in refused and upload_id in contents:
            lake.write_object(f"{path}.avro", contents[upload_id])
        lake.write_object(
            f"{path}.metadata.json", orjson.dumps(sidecar, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2)
        )
