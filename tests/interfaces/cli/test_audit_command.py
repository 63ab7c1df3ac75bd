"""`vitalgraph audit`: what was decided, changed and read, filtered and page by page; what the command line itself enters."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from interfaces.cli.main import app
from resources.catalog.audit import NO_TENANT, AuditFilter
from resources.catalog.rows.tenants import NewAuditEvent
from tests.flow import TENANT, installation

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
DAYS = ("--from", "2025-09-19", "--to", "2025-09-20")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An installation that knows anna, and says what its command line prints."""
    home = tmp_path / "home"
    monkeypatch.setenv("VITALGRAPH_HOME", str(home))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", "a key for tests only, of no worth")
    _, workspace = installation(home)
    workspace.catalog.subjects.ensure(TENANT, {"anna": "5a5a5a"}, now=NOON)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(arguments), terminal_width=240)
        assert result.exit_code == code, result.output
        return result.output

    return workspace, run


def event(number: int, **changed) -> NewAuditEvent:
    given = {"tenant": TENANT, "at": NOON + timedelta(minutes=number), "actor": "rev", "action": "partial.complete"}
    return NewAuditEvent(**given | {"target": str(number), "details": {"reason": "asked"}} | changed)


def listed(run, *arguments: str) -> list[str]:
    return [one["target"] for one in json.loads(run("audit", *arguments, "--json"))["events"]]


def test_filters_choose_and_every_event_is_on_one_page_whatever_took_long(house):
    workspace, run = house
    events = [event(number) for number in range(7)]
    # Decided before the others, entered after them.
    events += [event(7, at=NOON - timedelta(hours=1)), event(8, actor="anna's key", action="read", target="5a5a5a")]
    workspace.catalog.audit.record(events)
    workspace.catalog.audit.record([event(9, tenant=NO_TENANT, action="key.refused", target="api")])
    assert listed(run) == ["5a5a5a", "7", "6", "5", "4", "3", "2", "1", "0"]
    assert listed(run, "--action", "read") == listed(run, "--actor", "anna's key") == ["5a5a5a"]
    assert listed(run, "--target", "3") == ["3"]
    assert listed(run, "--since", "2026-11-30T12:02", "--until", "2026-11-30T12:04:00") == ["3", "2"]
    assert listed(run, "--until", "2026-11-30T12:00") == ["7"]
    assert listed(run, "--until", "2026-11-30") == []
    assert listed(run, "--tenant", "-") == ["api"]
    for size in (1, 2, 4, 9, 100):
        found, before = [], ()
        while True:
            page = json.loads(run("audit", "--limit", str(size), *before, "--json"))
            found += [one["target"] for one in page["events"]]
            if page["next"] is None:
                break
            before = ("--before", str(page["next"]))
        assert found == listed(run)
    assert "rev" in run("audit")
    assert "--before" in run("audit", "--limit", "2")
    run("audit", "--tenant", "nobody", code=4)
    run("audit", "--since", "yesterday", code=2)


def test_details_and_names_are_shown_as_data(house):
    workspace, run = house
    workspace.catalog.audit.record([event(1, actor="x\x1b[31m", details={"reason": "y\u202e" + "z" * 5000})])
    table = run("audit")
    assert "\x1b[31m" not in table
    assert "\u202e" not in table
    assert 0 < table.count("z") <= 200


@pytest.mark.parametrize(
    ("command", "target", "what"),
    [
        (("subject", "show", "anna"), "5a5a5a", "subject show"),
        (("subject", "consent", "anna"), "5a5a5a", "subject consent"),
        (("summary", "anna", *DAYS), "5a5a5a", "summary"),
        (("examples", "anna", "--day", "2025-09-20"), "5a5a5a", "examples"),
        (("forensics", "anna", *DAYS), "5a5a5a", "forensics"),
        (("forensics", "--all", *DAYS), "list", "forensics --all"),
        (("partial", "list"), "list", "partial list"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else None,
)
def test_who_reads_of_a_person_at_the_command_line_is_in_the_trail_by_pseudonym(house, command, target, what):
    workspace, run = house
    run(*command)
    (read,) = workspace.catalog.audit.recent(TENANT, AuditFilter(action="read"))
    assert (read.target, read.details["what"]) == (target, what)
    assert "anna" not in repr(read)


def test_changed_settings_and_consents_are_no_reads_and_are_in_the_trail(house):
    workspace, run = house
    run("tenant", "set", "default", "sleep_gap_night_minutes=90", "--reason", "protocol 4.1")
    run("subject", "consent", "anna", "--sharing", "no")
    actions = [one.action for one in workspace.catalog.audit.recent(TENANT)]
    assert "setting.change" in actions
    assert "read" not in actions
    (changed,) = workspace.catalog.audit.recent(TENANT, AuditFilter(action="setting.change"))
    assert changed.details["setting"] == "sleep_gap_night_minutes"
    assert (changed.details["value"], changed.details["reason"]) == ("90", "protocol 4.1")
