"""Upkeep of a tenant's tables.

Belongs here: which tables are tidied, and that nobody writes records meanwhile.
Does not belong here: how (`resources.lake.upkeep`), or when (`dagster_project.upkeep`).
"""

from datetime import timedelta

from pipeline.clinical import clinical_table
from pipeline.gaps import FORENSICS_TABLE
from pipeline.validated.identity_index import identities_table
from pipeline.validated.records_table import deliveries_table, records_table
from resources.lake.lake import Tidied
from resources.workspace import Workspace
from vitals.record_types import RECORD_TYPES

HALF_WRITTEN_KEPT = timedelta(days=1)
"""A file that was being written is given up when nothing has been written to it for so long."""


def clear_half_written(workspace: Workspace, *, tenant: str, older_than: timedelta = HALF_WRITTEN_KEPT) -> int:
    """Delete what writers that died have left half written in a tenant's local lake; number of files.

    It is no upload yet: whoever sent it got no answer, and sends it again.
    """
    # Below the default lake lie those of other tenants, each of which is cleared by itself.
    return workspace.lake(tenant).clear_staged(wanted=lambda key: not key.startswith("tenants/"), older_than=older_than)


def tidy_tenant(workspace: Workspace, *, tenant: str, keep: timedelta) -> dict[str, Tidied]:
    """Tidy every table of a tenant; table to what was done. Tables that do not exist yet are left out."""
    lake = workspace.lake(tenant)
    tables = (deliveries_table, identities_table, records_table, clinical_table)
    names = [name(kind) for kind in RECORD_TYPES for name in tables]
    names.append(FORENSICS_TABLE)
    with workspace.catalog.exclusive(f"validated-{tenant}", wait=True):
        found = {name: lake.tidy(name, keep=keep) for name in names}
    return {name: tidied for name, tidied in found.items() if tidied is not None}
