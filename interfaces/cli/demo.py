"""`vitalgraph demo`: a faulty cohort lands, the sensor sees it, and facts and training lines come out.

Belongs here: the staging of the demo. The data are the twin's uploads and nothing else; every run is asked for by
the sensors of a real Dagster daemon.
Does not belong here: anything a user needs besides the demo.
"""

import shutil
import time
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from dagster_project.daemons import running_daemon
from dagster_project.settings import Settings
from interfaces.cli.ledger import FATES, kind_totals, tenant_status
from interfaces.cli.output import FAILED, console, exit_codes, print_table, problems
from resources.catalog.rows.uploads import Upload
from vitals.errors import PermanentError
from vitals.raw.keys import BadKey, parse_key
from vitals.record_types import RECORD_TYPES

TENANT = "default"
MARKER = ".vitalgraph-demo"
COHORT_SEED, COHORT_PEOPLE, COHORT_DAYS = 7, 4, 3
POLL_SECONDS = 1.5


def demo(
    home: Annotated[Path, typer.Option("--home", help="Folder of the demo; emptied first.")] = Path(".vitalgraph/demo"),
    timeout: Annotated[int, typer.Option("--timeout", help="Give up after so many seconds.")] = 600,
) -> None:
    """Generate a small faulty cohort, land it, and let the sensors of a real daemon do the rest.

    Example: vitalgraph demo
    """
    with exit_codes():
        from dagster_project.installation import build_workspace  # noqa: PLC0415 - heavy, and not needed for --help

        _empty(home)
        settings = Settings(home=home, sensor_interval_seconds=5)
        workspace = build_workspace(settings)
        count = _land_cohort(workspace.lake(TENANT))
        console.print(f"[bold]{count} uploads[/] of {COHORT_PEOPLE} made-up people landed in {settings.lake_url}")
        with running_daemon(settings) as log:
            console.print(f"A Dagster daemon is running (log: {log}); its sensors see the files now …")
            _wait_until_idle(settings, workspace, timeout=timeout)
        good = _show(settings, workspace)
        raise typer.Exit(0 if good else FAILED)


def _empty(home: Path) -> None:
    """Start from nothing, but never delete a folder that is not a demo's."""
    if home.exists() and not (home / MARKER).exists():
        raise PermanentError(
            "empty the demo's folder", str(home), "it was not made by the demo", "Choose another --home."
        )
    from dagster_project.installation import make_home  # noqa: PLC0415 - heavy, and not needed for --help

    shutil.rmtree(home, ignore_errors=True)
    make_home(home)
    (home / MARKER).touch()


def _land_cohort(lake: Any) -> int:
    """Land the twin's uploads today, whatever day they were fetched on."""
    from vitals.synthetic.cohort import generate  # noqa: PLC0415 - heavy, and not needed for --help
    from vitals.synthetic.faults import ALL_FAULTS, Fault  # noqa: PLC0415
    from vitals.synthetic.settings import TwinSettings  # noqa: PLC0415

    today = datetime.now(UTC).date()
    settings = TwinSettings(
        seed=COHORT_SEED,
        people=COHORT_PEOPLE,
        days=COHORT_DAYS,
        first_day=_first_day(),
        # A change of the clocks would move each person's days to another season, and the demo's runs with them.
        faults=ALL_FAULTS - {Fault.DST},
    )
    count = 0
    for upload in generate(settings):
        lake.write_object(upload.key.replace(f"{upload.landing_day:%Y/%m/%d}", f"{today:%Y/%m/%d}"), upload.data)
        count += 1
    return count


def _wait_until_idle(settings: Settings, workspace: Any, *, timeout: int) -> None:
    """Wait until nothing is pending, stale or running, twice in a row."""
    from dagster_project.execution import local_instance  # noqa: PLC0415 - heavy, and not needed for --help
    from sensors.requests import LANDING_JOB, LOCAL_DAY_JOB, unfinished_partitions  # noqa: PLC0415

    deadline = time.monotonic() + timeout
    quiet = 0
    with local_instance(settings) as instance, console.status("waiting for the sensors") as status:
        while quiet < 2:
            if time.monotonic() > deadline:
                raise PermanentError(
                    "finish the demo",
                    str(settings.home_path / "daemon.log"),
                    f"something was still pending after {timeout} seconds",
                    "Read the daemon's log; `vitalgraph status` with VITALGRAPH_HOME set to the demo's folder shows where it stands.",
                )
            found = tenant_status(workspace, TENANT, paused=False)
            running = sum(len(unfinished_partitions(instance, job)) for job in (LANDING_JOB, LOCAL_DAY_JOB))
            stale = sum(map(len, found["stale_days"].values()))
            pending = found["uploads"].get("landed", 0) + found["uploads"].get("processing", 0)
            status.update(f"{pending} uploads pending, {stale} local days stale, {running} runs under way")
            idle = bool(found["uploads"]) and not (pending or stale or running)
            quiet = quiet + 1 if idle else 0
            time.sleep(POLL_SECONDS)


def _first_day() -> date:
    return datetime.now(UTC).date() - timedelta(days=COHORT_DAYS + 1)


def _somebody(uploads: Iterable[Upload]) -> str:
    """The made-up person with most uploads that went through, to be looked at."""
    keys = [parse_key(upload.key) for upload in uploads if upload.state == "processed"]
    users = Counter(key.user for key in keys if not isinstance(key, BadKey))
    return max(sorted(users), key=lambda user: users[user]) if users else "USER"


def _show(settings: Settings, workspace: Any) -> bool:
    """Print what came out; whether every category has examples and the books balance."""
    from pipeline.row_accounting import every_upload  # noqa: PLC0415 - heavy, and not needed for --help
    from pipeline.training_paths import JOURNAL  # noqa: PLC0415

    uploads = every_upload(workspace, tenant=TENANT)
    totals = kind_totals(workspace, TENANT, uploads)
    print_table(
        "Every uploaded row has one outcome",
        ["kind", "uploads", "rows", *FATES, "records"],
        [(kind, t["uploads"], t["total"], *(t[fate] for fate in FATES), t["records"]) for kind, t in totals.items()],
    )
    states: dict[str, int] = {}
    for upload in uploads:
        name = f"{upload.state}: {upload.reason}" if upload.reason else upload.state
        states[name] = states.get(name, 0) + 1
    print_table("Uploads by end state", ["state", "uploads"], sorted(states.items()))
    lake = workspace.lake(TENANT)
    empty = []
    for category in (*(record_type.category for record_type in RECORD_TYPES), JOURNAL):
        files = list(lake.objects(f"training/{category}/"))
        lines = [orjson.loads(line) for file in files for line in lake.read_object(file.key).splitlines()]
        if not lines:
            empty.append(category)
            continue
        example = max(lines, key=lambda line: (len(line["metadata"]["claims"]), line["id"]))
        console.rule(f"{category}: {len(lines)} examples, {len(example['metadata']['claims'])} claims in this one")
        console.print(example["output"], highlight=False, markup=False)
    unbalanced = [
        kind
        for kind, t in totals.items()
        if t["total"] != sum(t[fate] for fate in FATES) or t["accepted"] != t["records"]
    ]
    console.rule("What next")
    vitalgraph = f"VITALGRAPH_HOME={settings.home} .venv/bin/vitalgraph"
    console.print(
        f"facts      {settings.lake_url}/clinical\n"
        f"training   {settings.lake_url}/training\n"
        f"the graph  VITALGRAPH_HOME={settings.home} make dev\n"
        f"every row  {vitalgraph} uploads list\n"
        f"one person {vitalgraph} examples {_somebody(uploads)} --day {_first_day() + timedelta(days=1)}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    for name, found in (("categories without examples", empty), ("kinds whose rows do not reconcile", unbalanced)):
        if found:
            problems.print(f"[bold red]{name}: {', '.join(found)}[/]")
    return not empty and not unbalanced
