"""How an asset shows itself in the UI: description, tags, owners, kinds, columns, link to the code.

Belongs here: what every builder passes from the domain to Dagster, so that six alike assets do not look alike.
Does not belong here: materialization figures (each stage knows its own) or pictures (`assets.pictures`).
"""

from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg
import polars as pl

from vitals.clinical.metrics import BY_ID
from vitals.record_types import RecordType, Stage


def asset_key(stage: Stage, record_type: RecordType) -> dg.AssetKey:
    """Key of a kind's asset in a stage; training assets are named by category."""
    return dg.AssetKey([stage, record_type.category if stage == "training" else record_type.kind])


def asset_metadata(*, schema: pl.Schema | None, table: str | None, code: ModuleType) -> dict[str, Any]:
    """Definition metadata: columns, place in the lake, and the domain module that says what happens."""
    path = Path(code.__file__ or "").resolve()
    metadata: dict[str, Any] = {
        "dagster/code_references": dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=code.__name__.replace(".", "/"))
            ]
        )
    }
    if schema is not None:
        metadata["dagster/column_schema"] = dg.TableSchema(
            columns=[dg.TableColumn(name, _type_name(dtype)) for name, dtype in schema.items()]
        )
    if table is not None:
        metadata["dagster/table_name"] = table
    return metadata


def clinical_columns(record_type: RecordType, schema: pl.Schema) -> dg.TableSchema:
    """Column schema of a clinical table, with unit and definition of each metric."""
    columns = []
    for name, dtype in schema.items():
        metric = BY_ID.get(f"{record_type.metric_prefix}.{name}")
        text = f"{metric.id} [{metric.unit}]: {metric.definition}" if metric else None
        columns.append(dg.TableColumn(name, _type_name(dtype), description=text))
    return dg.TableSchema(columns=columns)


def asset_tags(record_type: RecordType, stage: Stage) -> dict[str, str]:
    """Tags by which assets are searched in the UI."""
    return {"record_type": record_type.kind, "category": record_type.category, "stage": stage}


def _type_name(dtype: pl.DataType) -> str:
    text = str(dtype)
    return text if len(text) <= 60 else text[:57] + "..."


def partition_of(context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext) -> tuple[str, str]:
    """Day (ISO) and tenant of the partition being run."""
    keys = dg.MultiPartitionKey(_keys(context.partition_key)).keys_by_dimension
    return keys["day"], keys["tenant"]


def _keys(partition_key: str) -> dict[str, str]:
    if isinstance(partition_key, dg.MultiPartitionKey):
        return dict(partition_key.keys_by_dimension)
    # Dimensions are joined in the order of their names: day, then tenant. Neither may hold a bar.
    day, tenant = partition_key.split("|")
    return {"day": day, "tenant": tenant}
