"""The forensics asset: gaps of a local day over all kinds, labelled by cause.

Belongs here: the one asset that reads the deliveries of all kinds.
Does not belong here: finding gaps (`vitals.clinical.forensics`), or reading tables (`pipeline.gaps`).

It has a job of its own: its cost grows with the people and the days it looks around, nothing is computed from it, and a
local day must not wait for it. The command line and the desk compute a person's findings when they are asked for.
"""

from datetime import date

import dagster as dg
import polars as pl

import vitals.clinical.forensics.findings as findings_module
from assets.clinical import latest_landing_day
from assets.failures import RETRY_TRANSIENT, typed_failures
from assets.presentation import asset_key, asset_metadata, partition_of
from pipeline.gaps import FORENSICS_TABLE, forensics_partition
from resources.workspace import Workspace
from vitals.clinical.forensics.labels import LABELS
from vitals.clinical.forensics.report import GAP_SCHEMA
from vitals.record_types import RECORD_TYPES
from vitals.training.rounding import round_column
from vitals.training.source_names import known_title

FORENSICS_KEY = dg.AssetKey(FORENSICS_TABLE.split("/"))


def build_forensics_asset(partitions_def: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The forensics asset."""

    @dg.asset(
        key=FORENSICS_KEY,
        deps=[
            dg.AssetDep(asset_key("validated", record_type), partition_mapping=latest_landing_day())
            for record_type in RECORD_TYPES
        ],
        partitions_def=partitions_def,
        group_name="clinical",
        description=(
            "Where data are missing and why, per person, local day, kind and source: exporter hole, late pending, "
            "sensor gap, source silent or not assessable. Holds times, no health values."
        ),
        owners=["team:health-data"],
        kinds={"polars", "deltalake"},
        tags={"record_type": "forensics", "stage": "clinical"},
        metadata=asset_metadata(schema=GAP_SCHEMA, table=FORENSICS_TABLE, code=findings_module),
        retry_policy=RETRY_TRANSIENT,
    )
    def forensics_asset(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult[None]:
        day, tenant = partition_of(context)
        with typed_failures(context):
            gaps = forensics_partition(workspace, tenant=tenant, local_day=date.fromisoformat(day))
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": gaps.height,
                "people_with_gaps": gaps["subject_id"].n_unique(),
                "size_bytes": gaps.estimated_size(),
                **{label: gaps.filter(pl.col("label") == label).height for label in LABELS},
                "gaps": _table(gaps),
            }
        )

    return forensics_asset


def _table(gaps: pl.DataFrame) -> dg.TableMetadataValue:
    """Gaps by cause, kind and app. An app's name is text of uploads, so only known ones are named."""
    counts = (
        gaps.with_columns(source=pl.col("source_app").map_elements(known_title, return_dtype=pl.String))
        .group_by("label", "kind", "source")
        .agg(gaps=pl.len(), people=pl.col("subject_id").n_unique(), hours=round_column(pl.col("minutes").sum() / 60, 1))
        .sort("label", "kind", "source")
    )
    columns = [
        dg.TableColumn(name, "string" if dtype == pl.String else "float") for name, dtype in counts.schema.items()
    ]
    return dg.MetadataValue.table(
        [dg.TableRecord(row) for row in counts.to_dicts()], schema=dg.TableSchema(columns=columns)
    )
