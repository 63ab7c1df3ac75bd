"""Raw assets: which uploads landed on a day.

Belongs here: one asset per kind, partitioned by landing day and tenant, that enters the day's objects in the
books. Records are not read: see `assets.validated`.
"""

from datetime import date

import dagster as dg

from assets.failures import RETRY_TRANSIENT, typed_failures
from assets.presentation import asset_key, asset_metadata, asset_tags, partition_of
from pipeline.registration import register_day, utc_now
from resources.workspace import Workspace
from vitals.raw import keys
from vitals.record_types import RECORD_TYPES, RecordType


def build_raw_asset(record_type: RecordType, *, partitions_def: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The raw asset of one kind."""

    @dg.asset(
        key=asset_key("raw", record_type),
        partitions_def=partitions_def,
        group_name="raw",
        description=f"Uploads of {record_type.title.lower()} as they landed. {record_type.description}",
        owners=[record_type.owner],
        kinds={"avro", "s3"},
        tags=asset_tags(record_type, "raw"),
        metadata=asset_metadata(schema=None, table=f"raw/{record_type.avro_name}", code=keys),
        retry_policy=RETRY_TRANSIENT,
    )
    def raw_asset(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult[None]:
        day, tenant = partition_of(context)
        with typed_failures(context):
            found = register_day(
                workspace,
                tenant=tenant,
                record_type=record_type,
                landing_day=date.fromisoformat(day),
                today=utc_now().date(),
            )
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": found.objects,
                "new_uploads": found.new,
                "new_bytes": found.bytes,
                "bad_keys": found.bad_keys,
            }
        )

    return raw_asset


def raw_assets(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The raw assets, one per kind."""
    return [build_raw_asset(each, partitions_def=partitions_def) for each in RECORD_TYPES]
