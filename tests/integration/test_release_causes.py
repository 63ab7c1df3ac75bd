"""What really happened between two versions of a release is what `dataset diff` says, person by person.

Nothing is planted in a line here: uploads land late, people complete, decide and are erased, and the newer version is
written by newer software, which is a copy of this one with a rule and a sentence changed.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path

import orjson
import pytest

from operations.completions import complete, require_context
from operations.consent import decide
from operations.erasure.erasure import forget
from operations.quarantine import release_rows, release_rule
from pipeline.release.reading import compare
from pipeline.release.releases import release
from tests.flow import TENANT, installation, land, run_stages
from tests.waiting import DAY, file_of, finger_pricks, reading, sensor_day
from vitals.record_types import RECORD_TYPES
from vitals.release.differences import CAUSES
from vitals.release.spec import read_spec
from vitals.release.traces import PROVENANCE
from vitals.synthetic.cohort import generate
from vitals.synthetic.settings import TwinSettings
from vitals.validated.rule_policy import read_change

PROJECT = Path(__file__).parents[2]
WHO = {"tenant": TENANT, "actor": "test", "reason": "to see what follows"}
NIGHTS = ("SleepSessionRecord", "HeartRateRecord")
CAST = {
    # Twins of one zone and the kinds that they hand in.
    "twin0000": NIGHTS,
    "twin0001": NIGHTS,
    "twin0002": NIGHTS,
    "twin0003": NIGHTS,
    "twin0005": ("StepsRecord", "ActiveCaloriesBurnedRecord"),
    "twin0006": ("HeartRateVariabilityRmssdRecord", "SleepSessionRecord"),
}
LATE_NIGHT, ERASED, UNSHARED, UNTRAINED, REWORDED, NEW_RULE = CAST
COMPLETED, WIDER, LET_THROUGH, LOW_FILE, STEADY, NEWCOMER = "cora", "dan", "eve", "finn", "gus", "hal"

TOO_HIGH = "far too high"

CAUSE = {
    ERASED: "consent_or_erasure",
    UNSHARED: "consent_or_erasure",
    UNTRAINED: "consent_or_erasure",
    COMPLETED: "completion",
    LATE_NIGHT: "late_data",
    NEWCOMER: "late_data",
    NEW_RULE: "rule",
    WIDER: "policy",
    LET_THROUGH: "policy",
    LOW_FILE: "policy",
    REWORDED: "code",
}
"""Why lines of a person differ; STEADY is not among them."""

OTHER_SOFTWARE = """
import sys
from pathlib import Path
from pipeline.day_journal import render_journal
from pipeline.release.releases import release
from pipeline.training import PROCESSOR_VERSION, render_partition
from tests.flow import TENANT
from tests.integration.test_release_causes import opened, rendered_days, spec
from vitals.training import claims

assert claims.__file__.startswith(sys.argv[2]), claims.__file__
assert PROCESSOR_VERSION == "9.9"
workspace = opened(Path(sys.argv[1]))
for record_type, day in rendered_days(workspace):
    if record_type is None:
        render_journal(workspace, tenant=TENANT, local_day=day)
    else:
        render_partition(workspace, tenant=TENANT, record_type=record_type, local_day=day)
assert release(workspace, spec("1.1.0"), run_id=None).published
"""


def opened(home):
    return installation(home, quality_threshold=0.9)[1]


def spec(version):
    # One side only: a near-duplicate on another side would take a line out for what somebody else did.
    return read_spec(
        {"name": "days", "version": version, "license": "cc-by-4.0", "profile": "none", "provisional": True,
         "validation_share": 0, "test_share": 0, "formats": ["text"]}
    )  # fmt: skip


def rendered_days(workspace):
    """Record type (None: the journal) and day of every training file, as a backfill of the training assets takes them."""
    kinds = {each.category: each for each in RECORD_TYPES}
    for found in workspace.lake(TENANT).objects("training/"):
        day = datetime.strptime(found.key[-len("2025_09_15.jsonl") :], "%Y_%m_%d.jsonl")
        yield kinds.get(found.key.split("/")[1]), day.date()


def twins():
    """Uploads of the twins of CAST, by whether it is the night that comes late."""
    settings = TwinSettings(
        seed=5, people=7, days=2, first_day=DAY, faults=frozenset(), zones=("America/New_York",), fetches_per_day=1
    )
    found = {False: [], True: []}
    for upload in generate(settings):
        if upload.type_name in CAST.get(upload.user, ()):
            late = upload.user == LATE_NIGHT and upload.type_name == "SleepSessionRecord"
            found[late].append((upload.key.replace(f"{upload.landing_day:%Y/%m/%d}", "2025/09/18"), upload.data))
    return found


def spoilt_day(name, every):
    """A day of readings of which some are beyond the shared bound."""
    readings = sensor_day(name)
    for one in readings[::every]:
        one["levelInMilligramsPerDeciliter"] = 640.0
    return readings


def lines(workspace):
    """Every training line."""
    lake = workspace.lake(TENANT)
    files = [lake.read_object(found.key) for found in lake.objects("training/")]
    return [orjson.loads(line) for data in files for line in data.splitlines()]


def contents(found):
    """Person, id and everything that a line says, with how many such lines there are."""
    said = Counter()
    for line in found:
        labels = {name: value for name, value in line["metadata"].items() if name not in PROVENANCE}
        text = orjson.dumps({**line, "metadata": labels}, option=orjson.OPT_SORT_KEYS)
        said[line["metadata"]["subject_id"], line["id"], text] += 1
    return said


def newer_software(folder):
    """A copy of the project as a later version of it might be: one rule and one sentence are others."""
    for name in (
        "vitals",
        "resources",
        "pipeline",
        "operations",
        "assets",
        "sensors",
        "dagster_project",
        "interfaces",
        "migrations",
        "tests",
    ):
        shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    (folder / "vitalgraph-9.9.dist-info").mkdir()
    (folder / "vitalgraph-9.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: vitalgraph\nVersion: 9.9\n"
    )
    edit(folder / "vitals/training/claims.py", '"hrv.n": 2,', '"hrv.n": 2, "hrv.rmssd_mean": 2,')
    edit(folder / "vitals/training/steps.py", '"Steps on {day}: {total}', '"Number of steps on {day}: {total}')
    edit(folder / "vitals/training/steps.py", " counted {total} steps", " had counted {total} steps")
    edit(folder / "vitals/training/steps.py", '"{total} steps on {day}, source', '"{total} steps on {day}, from')


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two versions with all of it between them: workspace, and the lines of either."""
    home = tmp_path_factory.mktemp("study")
    workspace = opened(home)
    require_context(workspace, kind="blood_glucose", fields=["specimen_source"], **WHO)
    uploads = twins()
    readings = {
        COMPLETED: [*sensor_day(COMPLETED), *finger_pricks(COMPLETED, 2)],
        WIDER: spoilt_day(WIDER, every=40),
        LET_THROUGH: [*sensor_day(LET_THROUGH), reading(TOO_HIGH, datetime(2025, 9, 15, 12, 1), level=900.0)],
        LOW_FILE: spoilt_day(LOW_FILE, every=2),
        STEADY: sensor_day(STEADY),
        NEWCOMER: sensor_day(NEWCOMER),
    }
    files = {user: file_of(records, user=user) for user, records in readings.items()}
    land(workspace.lake(TENANT), [*uploads[False], *(files[user] for user in readings if user != NEWCOMER)])
    run_stages(workspace)
    assert release(workspace, spec("1.0.0"), run_id=None).published
    before = lines(workspace)
    people = dict(workspace.catalog.subjects.subject_ids(TENANT))

    forget(workspace, tenant=TENANT, user=ERASED, actor="test", private_key=bytes(32))
    for user, purpose in ((UNSHARED, "sharing"), (UNTRAINED, "training")):
        decide(workspace, tenant=TENANT, subject_id=people[user], granted={purpose: False}, actor="test")
    land(workspace.lake(TENANT), [*uploads[True], files[NEWCOMER]])
    waiting = [row.id for row in workspace.catalog.partials.list(TENANT)]
    complete(workspace, ids=waiting, said={"specimen_source": "CAPILLARY_BLOOD"}, **WHO)
    release_rule(workspace, change=read_change("out_of_range:level_mg_dl.max=700"), **WHO)
    refused = [row for row in workspace.catalog.quarantine.list(TENANT) if row.status == "waiting"]
    whole_files = [row.id for row in refused if row.reason == "low_quality" and row.row_index is None]
    release_rows(workspace, ids=[*whole_files, *(row.id for row in refused if row.record_id == TOO_HIGH)], **WHO)
    run_stages(workspace)
    other = tmp_path_factory.mktemp("newer")
    newer_software(other)
    ran = subprocess.run(
        [sys.executable, "-c", OTHER_SOFTWARE, str(home), str(other)],
        cwd=other, env=os.environ | {"PYTHONPATH": str(other)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    people |= workspace.catalog.subjects.subject_ids(TENANT)
    return workspace, people, before, lines(workspace)


@pytest.fixture(scope="module")
def found(study):
    return compare(study[0], tenant=TENANT, before=("days", "1.0.0"), after=("days", "1.1.0"))


def test_every_difference_has_the_cause_of_what_happened_to_that_person(study, found):
    _, people, before, after = study
    users = {subject_id: user for user, subject_id in people.items()}
    user_of = {line["id"]: users[line["metadata"]["subject_id"]] for line in [*before, *after]}
    causes = {(user_of.get(one.before or one.after, ERASED), one.cause) for one in found}
    assert causes == set(CAUSE.items())
    assert {cause for _, cause in causes} == set(CAUSES)


def test_exactly_the_lines_that_differ_are_named(study, found):
    _, people, before, after = study
    kept = [line for line in after if line["metadata"]["subject_id"] != people[UNSHARED]]
    gone, come = contents(before) - contents(kept), contents(kept) - contents(before)
    of_erased = sum(count for (person, _, _), count in gone.items() if person == people[ERASED])
    assert of_erased == sum(not one.before and not one.after for one in found) > 10
    ids = Counter(id_ for (person, id_, _), n in gone.items() if person != people[ERASED] for _ in range(n))
    assert Counter(one.before for one in found if one.before) == ids
    assert Counter(one.after for one in found if one.after) == Counter(id_ for _, id_, _ in come.elements())
    assert people[STEADY] in {person for person, _, _ in contents(before) & contents(kept)}


def test_a_night_that_came_late_is_the_cause_of_another_heart_rate_asleep(study, found):
    _, people, before, _ = study
    mine = {
        line["id"]
        for line in before
        if line["metadata"]["subject_id"] == people[LATE_NIGHT]
        and line["metadata"]["training_category"] == "cardiovascular_fitness"
    }
    assert {one.cause for one in found if one.before in mine and one.kind == "changed"} == {"late_data"}
