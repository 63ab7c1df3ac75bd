"""Training assets: instruction examples of a category and local day, as JSONL.

Belongs here: one asset per category, partitioned by local day and tenant, and its checks.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import date

import dagster as dg

import vitals.training.examples as examples_module
from assets.failures import CHECKING, RETRY_TRANSIENT, retold, typed_failures
from assets.presentation import asset_key, asset_metadata, asset_tags, partition_of
from pipeline.line_checks import LINE_CHECKS, SHAPE, findings_with_shape
from pipeline.training import journal_path, read_journal, render_partition
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES, RecordType
from vitals.training.source_names import without_unknown_apps

ReadLines = Callable[[Workspace, str, date], list[bytes]]
"""Workspace, tenant and local day to the lines of a training file."""


def build_training_asset(record_type: RecordType, *, partitions_def: dg.PartitionsDefinition) -> dg.AssetsDefinition:
    """The training asset of one category."""

    @dg.asset(
        key=asset_key("training", record_type),
        deps=[asset_key("clinical", record_type)],
        partitions_def=partitions_def,
        group_name="training",
        description=(
            f"Instruction examples on {record_type.title.lower()}: summaries, questions, refusals and preference pairs "
            "of a person's local day, each number a claim with its source."
        ),
        owners=[record_type.owner],
        kinds={"jsonl"},
        tags=asset_tags(record_type, "training"),
        metadata=asset_metadata(schema=None, table=f"training/{record_type.category}", code=examples_module),
        retry_policy=RETRY_TRANSIENT,
    )
    def training_asset(
        context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> dg.MaterializeResult[None]:
        day, tenant = partition_of(context)
        local_day = date.fromisoformat(day)
        with typed_failures(context):
            lines = render_partition(workspace, tenant=tenant, record_type=record_type, local_day=local_day)
        return dg.MaterializeResult(
            metadata={
                "dagster/partition_row_count": len(lines),
                "size_bytes": sum(map(len, lines)),
                "file": journal_path(record_type, local_day),
            }
        )

    return training_asset


def build_line_checks(
    category: str, *, read: ReadLines, partitions_def: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    """The checks of one training asset, from one reading of its file.

    Args:
        category: last part of its key.
        read: how the lines of a tenant and local day are read.
        partitions_def: the partitions of the asset.
    """
    key = dg.AssetKey(["training", category])

    @dg.multi_asset_check(
        name=f"training_{category}_checks",
        specs=[
            dg.AssetCheckSpec(
                SHAPE,
                asset=key,
                blocking=True,
                partitions_def=partitions_def,
                description="Every line parses, has the documented shape, and states nothing withheld or forbidden.",
            ),
            *(
                dg.AssetCheckSpec(
                    name, asset=key, blocking=True, partitions_def=partitions_def, description=check.description
                )
                for name, check in LINE_CHECKS.items()
            ),
        ],
    )
    def training_checks(
        context: dg.AssetCheckExecutionContext, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.AssetCheckResult]:
        day, tenant = partition_of(context)
        with retold(f"training/{category} {day}|{tenant}", attempted=CHECKING):
            lines = read(workspace, tenant, date.fromisoformat(day))
            results = findings_with_shape(lines)
        for name, found in results.items():
            yield dg.AssetCheckResult(
                asset_key=key,
                check_name=name,
                passed=not found,
                metadata={"lines": len(lines), "problems": dg.MetadataValue.json(_told(found))},
            )

    return training_checks


def _told(found: Mapping[str, int]) -> dict[str, int]:
    """Problems and how often each was found; ids of claims name sources, and unknown ones stay out of the history."""
    told: Counter[str] = Counter()
    for problem, lines in found.items():
        told[without_unknown_apps(problem)] += lines
    return dict(told)


def build_training_checks(
    record_type: RecordType, *, partitions_def: dg.PartitionsDefinition
) -> dg.AssetChecksDefinition:
    """The checks of one category's training asset."""

    def read(workspace: Workspace, tenant: str, local_day: date) -> list[bytes]:
        return read_journal(workspace, tenant=tenant, record_type=record_type, local_day=local_day)

    return build_line_checks(record_type.category, read=read, partitions_def=partitions_def)


def training_assets(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetsDefinition]:
    """The training assets, one line per category."""
    return [build_training_asset(each, partitions_def=partitions_def) for each in RECORD_TYPES]


def training_checks(partitions_def: dg.PartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The checks of the training assets, one line per category."""
    return [build_training_checks(each, partitions_def=partitions_def) for each in RECORD_TYPES]
