"""The jobs: one per partition axis, and the checks of each alone.

Belongs here: what the sensors launch.
Does not belong here: when (`sensors`), or limits of concurrency (`dagster.yaml`).
"""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from assets.day_journal import JOURNAL_KEY
from assets.forensics import FORENSICS_KEY
from assets.presentation import asset_key
from assets.release import RELEASE_KEY
from dagster_project.partitions import Axes
from sensors.requests import (
    FORENSICS_JOB,
    LANDING_CHECKS_JOB,
    LANDING_JOB,
    LOCAL_DAY_CHECKS_JOB,
    LOCAL_DAY_JOB,
    RELEASE_JOB,
)
from vitals.record_types import RECORD_TYPES, Stage

MAX_RUNTIME_TAG = "dagster/max_runtime"


def build_jobs(axes: Axes, *, timeout_seconds: int) -> list[UnresolvedAssetJobDefinition]:
    """Jobs for a landing day (raw, validated) and for a local day (clinical, training).

    Args:
        timeout_seconds: a run that lives longer is ended by run monitoring; its uploads are asked for again.
    """
    tags = {MAX_RUNTIME_TAG: str(timeout_seconds)}
    return [
        dg.define_asset_job(
            LANDING_JOB,
            selection=dg.AssetSelection.groups("raw", "validated"),
            partitions_def=axes.landing,
            tags=tags,
            description="Registers the uploads of a landing day and turns them into validated records.",
        ),
        dg.define_asset_job(
            LOCAL_DAY_JOB,
            selection=dg.AssetSelection.groups("clinical", "training") - dg.AssetSelection.assets(FORENSICS_KEY),
            partitions_def=axes.local,
            tags=tags,
            description="Recomputes a local day's facts and examples.",
        ),
        dg.define_asset_job(
            FORENSICS_JOB,
            selection=dg.AssetSelection.assets(FORENSICS_KEY),
            partitions_def=axes.local,
            tags=tags,
            description="Labels the gaps of a local day by cause. Nothing is computed from it, so no sensor asks for it.",
        ),
        dg.define_asset_job(
            RELEASE_JOB,
            selection=dg.AssetSelection.assets(RELEASE_KEY),
            description="Builds a version of a release from its specification, and publishes it if every gate passes.",
        ),
        dg.define_asset_job(
            LANDING_CHECKS_JOB,
            selection=dg.AssetSelection.checks_for_assets(*_keys("validated")),
            tags=tags,
            description="Evaluates the checks of a landing day again, without processing anything.",
        ),
        dg.define_asset_job(
            LOCAL_DAY_CHECKS_JOB,
            selection=dg.AssetSelection.checks_for_assets(*_keys("clinical"), *_keys("training"), JOURNAL_KEY),
            tags=tags,
            description="Evaluates the checks of a local day again, without computing anything.",
        ),
    ]


def _keys(stage: Stage) -> list[dg.AssetKey]:
    return [asset_key(stage, record_type) for record_type in RECORD_TYPES]
