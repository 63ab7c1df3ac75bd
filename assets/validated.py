"""Validated assets: one trusted row per record, and a fate for every uploaded row.

Belongs here: one asset per kind, partitioned by landing day and tenant, and its checks. The checks report on
the books; what keeps bad data out is the quarantine inside the stage.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.failures import CHECKING, RETRY_TRANSIENT, retold, typed_failures
from assets.presentation import asset_key, asset_metadata, asset_tags, partition_of
from pipeline.row_accounting import KeptRows, PartitionBooks, kept_rows, partition_books
from pipeline.validated.counts import Validated
from pipeline.validated.landing_day import validate_day
from pipeline.validated.records_table import records_table
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES, RecordType
from vitals.validated import rules

QUALITY_WARN, QUALITY_ERROR = 0.95, 0.7
QUARANTINE_WARN, QUARANTINE_ERROR = 0.02, 0.2
"""Shares of a day's rows. A study tunes its exporter on the first and calls somebody on the second."""


def build_validated_asset(record_type: RecordType, *, partitions_def: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The validated asset of one kind."""

    @dg.asset(
        key=asset_key("validated", record_type),
        deps=[asset_key("raw", record_type)],
        partitions_def=partitions_def,
        group_name="validated",
        description=(
            f"Trusted records of {record_type.title.lower()}: checked, de-duplicated, pseudonymous. "
            f"{record_type.description}"
        ),
        owners=[record_type.owner],
        kinds={"polars", "deltalake"},
        tags=asset_tags(record_type, "validated"),
        metadata=asset_metadata(schema=pl.Schema(record_type.columns), table=records_table(record_type), code=rules),
        retry_policy=RETRY_TRANSIENT,
    )
    def validated_asset(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult[None]:
        day, tenant = partition_of(context)
        with typed_failures(context):
            result = validate_day(
                workspace,
                tenant=tenant,
                record_type=record_type,
                landing_day=date.fromisoformat(day),
                run_id=context.run_id,
            )
            books = partition_books(
                workspace, tenant=tenant, record_type=record_type, landing_day=date.fromisoformat(day)
            )
        return dg.MaterializeResult(metadata=_figures(result, books))

    return validated_asset


def _figures(result: Validated, books: PartitionBooks) -> dict[str, Any]:
    """What a person wants to see of a run: the partition's books as they stand, and what this run did."""
    fates = "\n".join(f"| {fate} | {count} |" for fate, count in books.rows.items())
    reasons = "\n".join(f"| `{reason}` | {count} |" for reason, count in sorted(result.reasons.items()))
    return {
        "dagster/partition_row_count": books.rows["accepted"],
        "uploads": sum(books.uploads.values()),
        "rows": dg.MetadataValue.md(f"| rows | count |\n|---|---|\n{fates}"),
        "quarantined_in_this_run": dg.MetadataValue.md(
            f"| reason | count |\n|---|---|\n{reasons}" if reasons else "nothing"
        ),
        "stale_local_days": result.stale_days,
        "bytes_read": result.bytes,
        "mean_quality_score": books.mean_score if books.mean_score is not None else dg.MetadataValue.null(),
    }


def build_validated_checks(
    record_type: RecordType, *, partitions_def: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    """The checks of one kind's validated asset; conservation blocks."""
    key = asset_key("validated", record_type)

    def spec(name: str, description: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
        return dg.AssetCheckSpec(
            name, asset=key, description=description, blocking=blocking, partitions_def=partitions_def
        )

    @dg.multi_asset_check(
        name=f"validated_{record_type.kind}_checks",
        specs=[
            spec(
                "conservation", "Every uploaded row has exactly one fate, and the books equal the table.", blocking=True
            ),
            spec(
                "quality_score",
                f"Mean score of the day's files: warns under {QUALITY_WARN}, fails under {QUALITY_ERROR}.",
            ),
            spec(
                "quarantine_rate",
                f"Share of rows quarantined: warns over {QUARANTINE_WARN}, fails over {QUARANTINE_ERROR}.",
            ),
            spec("schema_drift", "Files whose writer schema we had not met, or could not resolve."),
        ],
        can_subset=True,
    )
    def validated_checks(
        context: dg.AssetCheckExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.AssetCheckResult]:
        day, tenant = partition_of(context)
        with retold(f"validated/{record_type.kind} {day}|{tenant}", attempted=CHECKING):
            landing_day = date.fromisoformat(day)
            books = partition_books(workspace, tenant=tenant, record_type=record_type, landing_day=landing_day)
            kept = kept_rows(workspace, tenant=tenant, record_type=record_type)
        for result in (_conservation(books, kept), _quality(books), _quarantine(books), _drift(books)):
            check_key = dg.AssetCheckKey(key, result.check_name or "")
            if check_key in context.selected_asset_check_keys:
                yield result._replace(asset_key=key)

    return validated_checks


def _conservation(books: PartitionBooks, kept: KeptRows) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name="conservation",
        passed=not books.unbalanced and kept.in_table == kept.in_books,
        metadata={
            "rows_total": books.rows["total"],
            "unbalanced_uploads": dg.MetadataValue.json(books.unbalanced[:10]),
            "accepted_in_books": kept.in_books,
            "rows_in_table": kept.in_table,
        },
    )


def _graded(name: str, *, passed: bool, severe: bool, metadata: dict[str, float | int | None]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR if severe else dg.AssetCheckSeverity.WARN,
        metadata={k: v for k, v in metadata.items() if v is not None},
    )


def _quality(books: PartitionBooks) -> dg.AssetCheckResult:
    score = books.mean_score
    return _graded(
        "quality_score",
        passed=score is None or score >= QUALITY_WARN,
        severe=score is not None and score < QUALITY_ERROR,
        metadata={"mean_score": score, "files": sum(books.uploads.values())},
    )


def _quarantine(books: PartitionBooks) -> dg.AssetCheckResult:
    total = books.rows["total"]
    share = books.rows["quarantined"] / total if total else 0.0
    return _graded(
        "quarantine_rate",
        passed=share <= QUARANTINE_WARN,
        severe=share > QUARANTINE_ERROR,
        metadata={
            "share_of_rows": round(share, 6),
            "rows_quarantined": books.rows["quarantined"],
            "files_quarantined": books.uploads.get("quarantined", 0),
        },
    )


def _drift(books: PartitionBooks) -> dg.AssetCheckResult:
    return _graded(
        "schema_drift",
        passed=books.unknown_schemas == 0,
        severe=False,
        metadata={"files_with_unknown_schema": books.unknown_schemas},
    )


def validated_assets(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The validated assets, one per kind."""
    return [build_validated_asset(each, partitions_def=partitions_def) for each in RECORD_TYPES]


def validated_checks(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of the validated assets, one per kind."""
    return [build_validated_checks(each, partitions_def=partitions_def) for each in RECORD_TYPES]
