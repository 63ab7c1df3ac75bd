"""From frames to rows of the books.

Belongs here: the conversion of judged rows and refused files into catalog rows. They carry ids, rule and
reason, never a value.
Does not belong here: writing them.
"""

from datetime import datetime

import polars as pl

from resources.catalog.rows.days import ZoneObservation
from resources.catalog.rows.uploads import PartialRow, QuarantineRow, Upload, UploadOutcome
from vitals.display_text import is_name
from vitals.record_types import RecordType
from vitals.validated.completions import given_fields
from vitals.validated.decoded_values import value_columns
from vitals.validated.rule_policy import LOW_QUALITY, SCORE, RulePolicy, payload_hashes

FILE_RULE_VERSION = 1


def refused(upload: Upload, reason: str, detail: str | None) -> UploadOutcome:
    """Outcome of a file that could not be read as a whole: no row of it was seen."""
    return UploadOutcome(upload_id=upload.upload_id, state="quarantined", reason=reason, detail=detail)


def file_quarantine(upload: Upload, reason: str, policy: RulePolicy) -> QuarantineRow:
    """Quarantine entry of a whole file."""
    return QuarantineRow(
        upload_id=upload.upload_id,
        tenant=upload.tenant,
        kind=upload.kind,
        subject_id=upload.subject_id,
        row_index=None,
        record_id=None,
        rule_id=reason,
        rule_version=FILE_RULE_VERSION,
        reason=reason,
        policy_version=policy.versions.get(SCORE, 0) if reason == LOW_QUALITY else 0,
    )


def judged_by(quarantined: pl.DataFrame, record_type: RecordType, policy: RulePolicy) -> pl.DataFrame:
    """Add `policy_version` and `payload_hash` to rows that broke a rule."""
    version = pl.col("reason").replace_strict(dict(policy.versions), default=0, return_dtype=pl.Int32)
    low = pl.lit(policy.versions.get(SCORE, 0), dtype=pl.Int32)
    return quarantined.with_columns(
        payload_hashes(quarantined, value_columns(record_type)),
        policy_version=pl.when(pl.col("reason") == LOW_QUALITY).then(low).otherwise(version),
    )


def row_quarantine(tenant: str, record_type: RecordType, judged: pl.DataFrame) -> list[QuarantineRow]:
    """Quarantine entries of rows that broke a rule; all rows of a file refused for low quality have that reason."""
    wanted = ("upload_id", "subject_id", "row_index", "record_id", "reason", "rule_version")
    rows = judged.select(*wanted, "policy_version", "payload_hash").rows(named=True)
    return [
        QuarantineRow(
            upload_id=row["upload_id"],
            tenant=tenant,
            kind=record_type.kind,
            subject_id=row["subject_id"],
            row_index=row["row_index"],
            # What is no name is no id either, and is kept nowhere but in the upload.
            record_id=row["record_id"] if row["record_id"] is not None and is_name(row["record_id"]) else None,
            rule_id=row["reason"].split(":", 1)[0],
            rule_version=row["rule_version"] or FILE_RULE_VERSION,
            reason=row["reason"],
            policy_version=row["policy_version"],
            payload_hash=row["payload_hash"],
        )
        for row in rows
    ]


def partial_rows(tenant: str, record_type: RecordType, held: pl.DataFrame) -> list[PartialRow]:
    """Entries of rows that wait for context. The values stay in the upload; the entry says what is missing."""
    return [
        PartialRow(
            upload_id=row["upload_id"],
            tenant=tenant,
            kind=record_type.kind,
            subject_id=row["subject_id"],
            record_id=row["record_id"],
            row_index=row["row_index"],
            missing=row["missing"],
            payload={
                "source_app": row["source_app"],
                "device_model": row["device_model"],
                "start_utc": row["start_utc"].isoformat(),
                "end_utc": row["end_utc"].isoformat(),
                "start_offset_seconds": row["start_offset_seconds"],
                "given_fields": given_fields(row, record_type),
            },
        )
        for row in held.rows(named=True)
    ]


def epoch_ms(instant: datetime) -> int:
    """Epoch milliseconds of an instant."""
    return round(instant.timestamp() * 1000)


def zone_rows(tenant: str, seen: pl.DataFrame) -> list[ZoneObservation]:
    """Zone observations for the catalog."""
    return [
        ZoneObservation(
            tenant=tenant,
            subject_id=row["subject_id"],
            source_app=row["source_app"],
            utc_date=row["utc_date"],
            offset_seconds=row["offset_seconds"],
            first_utc_ms=epoch_ms(row["first_utc"]),
            last_utc_ms=epoch_ms(row["last_utc"]),
        )
        for row in seen.rows(named=True)
    ]
