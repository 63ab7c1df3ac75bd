"""Consent: what vanishes when a purpose is withheld, what comes back, and that nobody else is touched."""

import shutil
from datetime import date
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from interfaces.cli.main import app
from operations.consent import decide
from operations.subject_data import day_facts, examples_of, window_facts
from pipeline.release.releases import release
from tests.flow import TENANT, installation, land, run_stages
from vitals.errors import ConflictError
from vitals.release.spec import read_spec
from vitals.synthetic.cohort import generate
from vitals.synthetic.settings import TwinSettings

DAYS = (date(2025, 9, 14), date(2025, 9, 16))


@pytest.fixture(scope="module")
def study_home(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("consent") / "home"
    _, workspace = installation(home)
    cohort = TwinSettings(
        seed=5, people=3, days=1, first_day=date(2025, 9, 15), faults=frozenset(), kinds=("heart_rate", "steps")
    )
    land(workspace.lake(TENANT), [(upload.key, upload.data) for upload in generate(cohort)])
    run_stages(workspace)
    workspace.catalog.close()
    return home


@pytest.fixture
def workspace(study_home, tmp_path):
    shutil.copytree(study_home, tmp_path / "home")
    return installation(tmp_path / "home")[1]


def lines(workspace) -> dict[str, list[bytes]]:
    """Pseudonym to training lines."""
    found: dict[str, list[bytes]] = {}
    lake = workspace.lake(TENANT)
    for one in lake.objects("training/"):
        for line in lake.read_object(one.key).splitlines():
            found.setdefault(orjson.loads(line)["metadata"]["subject_id"], []).append(line)
    return found


def say(workspace, person, **granted):
    return decide(workspace, tenant=TENANT, subject_id=person, granted=granted, actor="desk")


def spec(version):
    return read_spec(
        {"name": "days", "version": version, "license": "cc-by-4.0", "profile": "none", "provisional": True,
         "formats": ["text"]}
    )  # fmt: skip


def contributors(workspace, version):
    row = workspace.catalog.datasets.get(TENANT, "days", version)
    return set(workspace.catalog.datasets.contributors(row.id))


def test_lines_vanish_when_training_is_withheld_and_come_back_as_they_were(workspace):
    before = lines(workspace)
    person = min(before)
    assert say(workspace, person, training=False)["stale_days"] > 0
    marks = workspace.catalog.stale_days.list(TENANT, "training")
    assert {mark.reason for mark in marks} == {"consent"}
    assert {mark.kind for mark in marks} == {"heart_rate", "steps", "day_journal"}
    run_stages(workspace)
    assert lines(workspace) == {one: kept for one, kept in before.items() if one != person}
    say(workspace, person, training=True)
    run_stages(workspace)
    assert lines(workspace) == before


def test_saying_the_same_again_moves_nothing(workspace):
    person = min(lines(workspace))
    say(workspace, person, training=False)
    run_stages(workspace)
    assert say(workspace, person, training=False) == {"stale_days": 0, "dataset_versions": []}
    assert workspace.catalog.stale_days.list(TENANT, "training") == []


@pytest.mark.parametrize("purpose", ["training", "sharing"])
def test_who_withholds_training_or_sharing_is_in_no_release_even_before_lines_are_rendered_anew(workspace, purpose):
    person, *others = sorted(lines(workspace))
    say(workspace, person, **{purpose: False})
    made = release(workspace, spec("1"), run_id=None)
    assert made.published
    assert contributors(workspace, "1") == set(others)
    assert made.fates["no_consent"] == len(lines(workspace)[person]) > 0


def test_withholding_sharing_takes_back_the_versions_one_is_in_and_no_other(workspace):
    person, *others = sorted(lines(workspace))
    assert release(workspace, spec("1"), run_id=None).published
    moved = say(workspace, person, sharing=False)
    assert [(v["version"], v["successor"]) for v in moved["dataset_versions"]] == [("1", "1-e1")]
    old = workspace.catalog.datasets.get(TENANT, "days", "1")
    assert (old.state, old.successor) == ("tombstoned", "1-e1")
    assert list(workspace.lake(TENANT).objects("releases/days/1")) == []
    assert contributors(workspace, "1-e1") == set(others)
    assert say(workspace, person, sharing=False)["dataset_versions"] == []
    assert workspace.catalog.datasets.get(TENANT, "days", "1-e1").state == "published"


def test_facts_and_lines_are_not_shown_of_whom_withholds_summaries(workspace):
    person, other = sorted(lines(workspace))[:2]
    say(workspace, person, summary=False)
    for look in (
        lambda who: day_facts(workspace, TENANT, who, *DAYS),
        lambda who: window_facts(workspace, TENANT, who, *DAYS),
        lambda who: list(examples_of(workspace, TENANT, who, date(2025, 9, 15))),
    ):
        with pytest.raises(ConflictError):
            look(person)
        assert look(other)
    say(workspace, person, summary=True)
    assert day_facts(workspace, TENANT, person, *DAYS)


def test_a_tenant_that_demands_consent_renders_only_who_gave_it(workspace):
    before = lines(workspace)
    person = min(before)
    say(workspace, None, training=False)
    run_stages(workspace)
    assert lines(workspace) == {}
    say(workspace, person, training=True)
    run_stages(workspace)
    assert lines(workspace) == {person: before[person]}


def test_every_decision_is_in_the_audit_trail_with_its_actor(workspace):
    person = min(lines(workspace))
    say(workspace, person, training=False, sharing=True)
    (event,) = workspace.catalog.audit.list(TENANT, action="consent")
    assert (event.actor, event.target) == ("desk", person)
    assert event.details == {"training": "withheld", "sharing": "granted"}


def test_the_command_line_stores_shows_and_refuses_nonsense(workspace, study_home, tmp_path):
    environment = {
        "VITALGRAPH_HOME": str(tmp_path / "home"),
        "VITALGRAPH_SUBJECT_KEY": "a key for tests only, of no worth",
    }
    user = min(workspace.catalog.subjects.subject_ids(TENANT))

    def run(*arguments):
        return CliRunner().invoke(app, list(arguments), env=environment)

    done = run("subject", "consent", user, "--training", "no", "--json")
    assert done.exit_code == 0, done.output
    shown = orjson.loads(run("subject", "consent", user, "--json").stdout)
    assert shown["consent"] == {"summary": True, "training": False, "sharing": True}
    assert run("subject", "consent", user, "--training", "perhaps").exit_code == 2
    assert run("subject", "consent", "nobody-known", "--training", "no").exit_code == 4
    assert (
        orjson.loads(run("tenant", "consent", TENANT, "--sharing", "no", "--json").stdout)["consent"]["sharing"]
        is False
    )
    run("subject", "consent", user, "--summary", "no")
    assert run("summary", user, "--from", "2025-09-15", "--to", "2025-09-15").exit_code == 5
