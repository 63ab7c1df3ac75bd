"""The code location: everything Dagster sees, in one readable list.

Belongs here: the assembly. A new asset enters through the list of its stage in `assets`.
Does not belong here: anything that does work.
"""

import warnings

import dagster as dg

from assets.clinical import clinical_assets, clinical_checks
from assets.day_journal import build_journal_asset, build_journal_checks
from assets.forensics import build_forensics_asset
from assets.raw import raw_assets
from assets.release import build_release_asset
from assets.training import training_assets, training_checks
from assets.validated import validated_assets, validated_checks
from dagster_project.installation import build_workspace
from dagster_project.jobs import build_jobs
from dagster_project.partitions import build_axes
from dagster_project.settings import Settings, load_settings
from dagster_project.upkeep import build_upkeep
from sensors.landed_objects import SensorPolicy, build_landed_objects_sensor
from sensors.stale_days import build_stale_days_sensor


def build_definitions(settings: Settings) -> dg.Definitions:
    """Definitions for these settings; tests build their own."""
    with warnings.catch_warnings():
        # Partitioned checks, multi-partition mappings and code references are still marked so; the lock file pins them.
        warnings.simplefilter("ignore", category=dg.BetaWarning)
        warnings.simplefilter("ignore", category=dg.PreviewWarning)
        return _assemble(settings)


def _assemble(settings: Settings) -> dg.Definitions:
    axes = build_axes(settings.first_date)
    training = [*training_assets(axes.local), build_journal_asset(axes.local)]
    return dg.Definitions(
        assets=[
            *raw_assets(axes.landing),
            *validated_assets(axes.landing),
            *clinical_assets(axes.local),
            build_forensics_asset(axes.local),
            *training,
            build_release_asset([asset.key for asset in training]),
        ],
        asset_checks=[
            *validated_checks(axes.landing),
            *clinical_checks(axes.local),
            *training_checks(axes.local),
            build_journal_checks(axes.local),
        ],
        jobs=build_jobs(axes, timeout_seconds=settings.processing_timeout_seconds),
        sensors=[
            build_landed_objects_sensor(
                policy=SensorPolicy(
                    interval_seconds=settings.sensor_interval_seconds,
                    look_back_days=settings.sensor_look_back_days,
                    sweep_minutes=settings.sensor_sweep_minutes,
                    time_budget_seconds=settings.sensor_time_budget_seconds,
                    max_requests=settings.sensor_max_requests,
                ),
                tenant_partitions=axes.tenants,
                possible_day=axes.is_possible,
            ),
            build_stale_days_sensor(
                interval_seconds=settings.sensor_interval_seconds,
                max_requests=settings.sensor_max_requests,
                tenant_partitions=axes.tenants,
                possible_day=axes.is_possible,
            ),
        ],
        schedules=[build_upkeep(keep_days=settings.table_history_days)],
        resources={"workspace": build_workspace(settings)},
        # Steps cost about 50 ms in one process and 3 s as processes of their own; concurrency comes from partitions.
        executor=dg.in_process_executor,
    )


defs = build_definitions(load_settings())
