"""Decisions of people, as the ordinary flow reads them.

Belongs here: from the catalog's rows to the policy, the settings, the fillings and the zone evidence that stages
apply.
Does not belong here: making a decision (`completions`, `what_if`), or what it means (`vitals.validated`).
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from resources.catalog.catalog import Catalog
from resources.catalog.rows.decisions import Completion
from vitals.clinical.context import COMPLETIONS_TYPE, SleepGaps
from vitals.clinical.local_day import dates_touched
from vitals.record_types import RecordType
from vitals.tenant_settings import SLEEP_GAP_DAY, SLEEP_GAP_NIGHT
from vitals.validated.completions import ABOUT_PERSON, ANY_DEVICE, SOURCE_CHOICE, ZONE, Filling, stored_id
from vitals.validated.rule_policy import RulePolicy
from vitals.validated.zone_offsets import MANUAL_SOURCE, OBSERVATION_SCHEMA, offset_seconds


def rule_policy(catalog: Catalog, tenant: str) -> RulePolicy:
    """The tenant's own bounds, and what was let through."""
    changes = catalog.rule_policies.changes(tenant)
    waived: dict[str, set[tuple[str, int]]] = {}
    files = set()
    for one in catalog.rule_policies.exemptions(tenant):
        if one.record_id is None or one.payload_hash is None:
            files.add(one.upload_id)
        else:
            waived.setdefault(one.rule, set()).add((one.record_id, one.payload_hash))
    return RulePolicy(
        bounds={(change.rule, change.bound): change.value for change in changes},
        versions={change.rule: change.version for change in changes},
        waived={rule: frozenset(rows) for rule, rows in waived.items()},
        waived_uploads=frozenset(files),
    )


def sleep_gaps(catalog: Catalog, tenant: str) -> SleepGaps:
    """How far apart pieces of one sleep may lie for the tenant."""
    said = catalog.tenant_settings.values(tenant)
    return SleepGaps(
        night_minutes=float(said.get(SLEEP_GAP_NIGHT.name, SLEEP_GAP_NIGHT.default)),
        day_minutes=float(said.get(SLEEP_GAP_DAY.name, SLEEP_GAP_DAY.default)),
    )


def fillings(catalog: Catalog, tenant: str, record_type: RecordType, subject_ids: list[str]) -> list[Filling]:
    """What was said of records of a kind of these people."""
    return [
        Filling(one.subject_id, one.record_id, one.field, one.value)
        for one in catalog.completions.in_force(tenant, subject_ids, kind=record_type.kind)
        if one.field != SOURCE_CHOICE
    ]


def source_choices(
    catalog: Catalog, tenant: str, record_type: RecordType, subject_ids: Sequence[str] | None = None
) -> list[Completion]:
    """Which sources of these people, or of all, were chosen to count first for a kind; at most one each."""
    given = catalog.completions.in_force(tenant, subject_ids, kind=record_type.kind)
    return [one for one in given if one.field == SOURCE_CHOICE]


def device_of_choice(choice: Completion) -> str | None:
    """Type of the device that a source choice is about; None: all of the app's."""
    return None if choice.value == ANY_DEVICE else choice.value


def with_completions(
    facts: pl.DataFrame, records: pl.DataFrame, catalog: Catalog, tenant: str, record_type: RecordType
) -> pl.DataFrame:
    """Facts with `completions`, the sorted ids of what was said of the records of the person's day.

    Args:
        facts: one row per person and local day.
        records: the records they were computed from, with local time.
    """
    people = records["subject_id"].unique().to_list()
    given = catalog.completions.in_force(tenant, people, kind=record_type.kind)
    if not given:
        return facts.with_columns(completions=pl.lit([], dtype=COMPLETIONS_TYPE))
    schema = {"subject_id": pl.String, "record_id": pl.String, "completion": pl.Int64}
    said = pl.DataFrame([(one.subject_id, one.record_id, one.id) for one in given], schema=schema, orient="row")
    of_records = (
        records.select("subject_id", "local_date", "end_local_date", record_id=stored_id(pl.col("record_id")))
        .join(said, on=["subject_id", "record_id"])
        .select("subject_id", "completion", local_date=dates_touched())
        .explode("local_date")
    )
    # A choice says something of the days on which there was one.
    of_people = (
        facts.filter(pl.col("sources").list.len() > 1)
        .select("subject_id", "local_date")
        .join(said.filter(pl.col("record_id") == ABOUT_PERSON), on="subject_id")
        .select("subject_id", "completion", "local_date")
    )
    of_days = (
        pl.concat([of_records, of_people])
        .group_by("subject_id", "local_date")
        .agg(completions=pl.col("completion").unique().sort())
    )
    return facts.join(of_days, on=["subject_id", "local_date"], how="left", maintain_order="left").with_columns(
        pl.col("completions").fill_null([]).cast(COMPLETIONS_TYPE)
    )


def told_offsets(catalog: Catalog, tenant: str, subject_ids: list[str]) -> pl.DataFrame:
    """Offsets that people told of records, as observations at the instants of the records (OBSERVATION_SCHEMA)."""
    told = [one for one in catalog.completions.in_force(tenant, subject_ids) if one.field == ZONE]
    instants = [datetime.fromtimestamp(one.start_utc_ms / 1000, UTC) for one in told]
    return (
        pl.DataFrame(
            {
                "subject_id": [one.subject_id for one in told],
                "zone": [one.value for one in told],
                "first_utc": instants,
            },
            schema={"subject_id": pl.String, "zone": pl.String, "first_utc": OBSERVATION_SCHEMA["first_utc"]},
        )
        .with_columns(
            source_app=pl.lit(MANUAL_SOURCE),
            utc_date=pl.col("first_utc").dt.date(),
            offset_seconds=offset_seconds(pl.col("zone")),
            last_utc=pl.col("first_utc"),
        )
        .select(OBSERVATION_SCHEMA.names())
        .cast(OBSERVATION_SCHEMA)
    )
