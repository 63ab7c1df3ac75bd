"""A reviewer's afternoon: an installation where things wait, for tests of the desk.

Belongs here: what waits and why. Does not belong here: any expectation.
"""

from datetime import datetime
from pathlib import Path

from dagster_project.settings import Settings
from operations.completions import require_context
from resources.workspace import Workspace
from tests.flow import installation, land, run_stages
from tests.small_cohort import uploads
from tests.waiting import file_of, finger_pricks, reading, sensor_day

PRICKS = 20


def afternoon(home: Path) -> tuple[Settings, Workspace]:
    """Twenty finger pricks lack what they were measured in, one reading lacks its zone, some are out of range."""
    settings, workspace = installation(home, api_requests_per_minute=10**6)
    require_context(
        workspace,
        tenant="default",
        kind="blood_glucose",
        fields=["specimen_source"],
        actor="study",
        reason="the protocol",
    )
    lake = workspace.lake("default")
    impossible = [reading(f"high-{i}", datetime(2025, 9, 15, 9, 3 + i), level=605.0 + 30 * i) for i in range(3)]
    land(lake, [file_of([*sensor_day("anna"), *finger_pricks("prick", PRICKS), *impossible], user="anna")])
    lost = reading("lost", datetime(2025, 9, 15, 8, 2), zone=None)
    land(lake, [file_of([lost], user="ben", number=1)])
    land(lake, list(uploads())[:24])
    run_stages(workspace)
    return settings, workspace
