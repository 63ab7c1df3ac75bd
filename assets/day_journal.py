"""The training asset of the day journal: a person's local day over all kinds, and questions over several days.

Belongs here: the one asset that reads all six clinical tables, and its checks.
Does not belong here: the training assets of one category (`assets.training`).
"""

from datetime import date

import dagster as dg

import vitals.training.day_journal.build as build_module
from assets.failures import RETRY_TRANSIENT, typed_failures
from assets.presentation import asset_key, asset_metadata, partition_of
from assets.training import build_line_checks
from pipeline.day_journal import read_day_journal, render_journal
from pipeline.training_paths import JOURNAL, category_path
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES
from vitals.training.day_journal.day_metrics import WINDOW_DAYS

JOURNAL_KEY = dg.AssetKey(["training", JOURNAL])


def days_looked_back_on() -> dg.PartitionMapping:
    """A journal reads its own local day and those before it, of its own tenant."""
    days = dg.TimeWindowPartitionMapping(
        start_offset=1 - WINDOW_DAYS, end_offset=0, allow_nonexistent_upstream_partitions=True
    )
    return dg.MultiPartitionMapping(
        {
            "day": dg.DimensionPartitionMapping("day", days),
            "tenant": dg.DimensionPartitionMapping("tenant", dg.IdentityPartitionMapping()),
        }
    )


def build_journal_asset(partitions_def: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The asset of the day journal."""

    @dg.asset(
        key=JOURNAL_KEY,
        deps=[
            dg.AssetDep(asset_key("clinical", record_type), partition_mapping=days_looked_back_on())
            for record_type in RECORD_TYPES
        ],
        partitions_def=partitions_def,
        group_name="training",
        description=(
            "Day journal over all kinds: one text per person and local day, and questions over the last "
            f"{WINDOW_DAYS} local days with exact answers; each number a claim with its source."
        ),
        owners=["team:health-data"],
        kinds={"jsonl"},
        tags={"record_type": JOURNAL, "category": JOURNAL, "stage": "training"},
        metadata=asset_metadata(schema=None, table=f"training/{JOURNAL}", code=build_module),
        retry_policy=RETRY_TRANSIENT,
    )
    def journal_asset(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult[None]:
        day, tenant = partition_of(context)
        local_day = date.fromisoformat(day)
        with typed_failures(context):
            lines = render_journal(workspace, tenant=tenant, local_day=local_day)
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": len(lines),
                "size_bytes": sum(map(len, lines)),
                "file": category_path(JOURNAL, local_day),
            }
        )

    return journal_asset


def build_journal_checks(partitions_def: dg.PartitionsDefinition) -> dg.AssetChecksDefinition:
    """The checks of the day journal: those of every training file."""

    def read(workspace: Workspace, tenant: str, local_day: date) -> list[bytes]:
        return read_day_journal(workspace, tenant=tenant, local_day=local_day)

    return build_line_checks(JOURNAL, read=read, partitions_def=partitions_def)
