"""Clinical assets: facts per person and local day, and what may be stated of them.

Belongs here: one asset per kind, partitioned by local day and tenant, and its checks.

A clinical partition reads the records around its local day, whichever landing days brought them: the
dependency on `validated` is on the tenant's whole table, and the catalog's stale days say what to recompute.
"""

from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from assets.failures import CHECKING, RETRY_TRANSIENT, retold, typed_failures
from assets.pictures import clinical_picture
from assets.presentation import asset_key, asset_metadata, asset_tags, clinical_columns, partition_of
from pipeline.clinical import (
    clinical_schema,
    clinical_table,
    read_facts,
    summarise_partition,
)
from resources.workspace import Workspace
from vitals.clinical.invariants import violations
from vitals.clinical.modules import MODULES
from vitals.record_types import BY_KIND, RECORD_TYPES, RecordType


def latest_landing_day() -> dg.PartitionMapping:
    """Landing day and local day are two axes: a local day reads its own tenant's table as the latest landing left it.

    The truth is "whatever landed", but Dagster then asks for the data version of every landing day there ever was,
    in each step: a tenth of a second for every two thousand days, and nothing here reads those versions. Which local
    days are out of date the catalog knows.
    """
    return dg.MultiPartitionMapping(
        {
            "day": dg.DimensionPartitionMapping("day", dg.LastPartitionMapping()),
            "tenant": dg.DimensionPartitionMapping("tenant", dg.IdentityPartitionMapping()),
        }
    )


def build_clinical_asset(record_type: RecordType, *, partitions_def: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The clinical asset of one kind."""
    schema = clinical_schema(record_type)
    sources = [record_type, *(BY_KIND[kind] for kind in record_type.needs)]
    metadata = asset_metadata(schema=None, table=clinical_table(record_type), code=MODULES[record_type.kind])

    @dg.asset(
        key=asset_key("clinical", record_type),
        deps=[
            dg.AssetDep(asset_key("validated", source), partition_mapping=latest_landing_day()) for source in sources
        ],
        partitions_def=partitions_def,
        group_name="clinical",
        description=(
            f"{record_type.title} facts per person and local day: a column per metric, what is withheld and why, "
            "sources, coverage, zone."
        ),
        owners=[record_type.owner],
        kinds={"polars", "deltalake"},
        tags=asset_tags(record_type, "clinical"),
        metadata={**metadata, "dagster/column_schema": clinical_columns(record_type, schema)},
        retry_policy=RETRY_TRANSIENT,
    )
    def clinical_asset(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult[None]:
        day, tenant = partition_of(context)
        with typed_failures(context):
            facts = summarise_partition(
                workspace, tenant=tenant, record_type=record_type, local_day=date.fromisoformat(day)
            )
        return dg.MaterializeResult(metadata=_figures(record_type, facts))

    return clinical_asset


def _figures(record_type: RecordType, facts: pl.DataFrame) -> dict[str, Any]:
    reasons = (
        facts.select(pl.col("withheld"))
        .explode("withheld")
        .drop_nulls()
        .select(metric=pl.col("withheld").struct.field("metric"), reason=pl.col("withheld").struct.field("reason"))
        .group_by("metric", "reason")
        .len("people")
        .sort("people", "metric", "reason", descending=[True, False, False])
        .head(25)
    )
    table = "\n".join(f"| `{metric}` | {reason} | {people} |" for metric, reason, people in reasons.iter_rows())
    figures: dict[str, Any] = {
        "dagster/partition_row_count": facts.height,
        "records_used": int(facts["records"].sum() or 0),
        "provisional_people": int(facts["provisional"].sum() or 0),
        "size_bytes": facts.estimated_size(),
        "withheld": dg.MetadataValue.md(
            f"| metric | reason | people |\n|---|---|---|\n{table}" if table else "nothing"
        ),
    }
    picture = clinical_picture(record_type, facts)
    if picture is not None:
        figures["picture"] = picture
    return figures


def build_clinical_checks(
    record_type: RecordType, *, partitions_def: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    """The check of one kind's clinical asset; it blocks the day's training lines."""
    key = asset_key("clinical", record_type)

    @dg.multi_asset_check(
        name=f"clinical_{record_type.kind}_checks",
        specs=[
            dg.AssetCheckSpec(
                "invariants",
                asset=key,
                blocking=True,
                partitions_def=partitions_def,
                description="Shares sum to 100, TST fits into TIB, every metric is stated or withheld, one row per person.",
            )
        ],
    )
    def clinical_checks(
        context: dg.AssetCheckExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.AssetCheckResult]:
        day, tenant = partition_of(context)
        with retold(f"clinical/{record_type.kind} {day}|{tenant}", attempted=CHECKING):
            facts = read_facts(workspace, tenant=tenant, record_type=record_type, local_day=date.fromisoformat(day))
            broken = violations(facts, record_type.kind)
        yield dg.AssetCheckResult(
            asset_key=key,
            check_name="invariants",
            passed=not broken,
            metadata={"people": facts.height, "violations": dg.MetadataValue.json(broken)},
        )

    return clinical_checks


def clinical_assets(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The clinical assets, one per kind."""
    return [build_clinical_asset(each, partitions_def=partitions_def) for each in RECORD_TYPES]


def clinical_checks(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of the clinical assets, one per kind."""
    return [build_clinical_checks(each, partitions_def=partitions_def) for each in RECORD_TYPES]
