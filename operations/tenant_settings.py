"""What a tenant has set of how its facts are computed: reading it, and what a change makes stale.

Belongs here: from stored values to what stages apply, and making a change.
Does not belong here: which settings there are (`vitals.tenant_settings`), or what one means for a fact.
"""

import time
from collections.abc import Iterable
from datetime import date, timedelta

import polars as pl

from operations.completions import record
from pipeline.clinical import clinical_table
from pipeline.registration import utc_now
from pipeline.validated.records_table import records_table
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.decisions import Decision
from resources.workspace import Workspace
from vitals.record_types import RecordType
from vitals.tenant_settings import TenantSetting

_DATES = {"utc_date": pl.Date(), "local_date": pl.Date()}


def change_setting(
    workspace: Workspace, *, tenant: str, setting: TenantSetting, value: str, actor: str, reason: str
) -> int:
    """Store a value and mark stale what follows from it; number of local days to compute again.

    Args:
        value: as `TenantSetting.checked` returns it.
    """
    started = time.monotonic()
    decision = Decision(actor=actor, at=utc_now(), reason=reason)
    workspace.catalog.tenant_settings.change(tenant, name=setting.name, value=value, decision=decision)
    marks = list(_marks(workspace, tenant, setting.kinds))
    workspace.catalog.stale_days.mark(marks, now=utc_now())
    record(workspace, tenant, actor, "setting.change", [], reason, started, {"setting": setting.name, "value": value})
    return len({mark.local_date for mark in marks})


def _marks(workspace: Workspace, tenant: str, kinds: Iterable[RecordType]) -> Iterable[StaleMark]:
    """Every day on which a kind has facts, or may have them now: those around its records."""
    lake, first_day = workspace.lake(tenant), workspace.policy.first_day
    for kind in kinds:
        days: set[date] = set()
        for table, column, around in ((records_table(kind), "utc_date", 1), (clinical_table(kind), "local_date", 0)):
            found = lake.scan(table, schema=pl.Schema({column: _DATES[column]})).select(pl.col(column).unique())
            days |= {
                day + timedelta(days=shift)
                for day in found.collect()[column].drop_nulls()
                for shift in range(-around, around + 1)
            }
        for day in sorted(day for day in days if day >= first_day):
            yield StaleMark(tenant=tenant, stage="clinical", kind=kind.kind, local_date=day, reason="policy")
