"""Choosing a source, taking decisions back, and where fields are from: at the desk, over the API and at the command line."""

import json
import re
from datetime import UTC, datetime

import httpx
import pytest
from typer.testing import CliRunner

from interfaces.cli.main import app
from operations.completions import require_context
from operations.review_queue import waiting_people
from tests.flow import TENANT, installation, land, run_stages
from tests.interfaces.api.serving import client, serving
from tests.meter_uploads import meter_upload, reading
from tests.small_cohort import uploads

WHY = {"reason": "a test"}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """Two people whose sleep sources disagree, and one whose reading lacks its zone and its specimen."""
    home = tmp_path_factory.mktemp("choosing")
    settings, workspace = installation(home)
    require_context(workspace, tenant=TENANT, kind="blood_glucose", fields=["specimen_source"], actor="x", **WHY)
    given = reading(0, specimen="CAPILLARY_BLOOD")
    land(workspace.lake(TENANT), [meter_upload([given, reading(1, zone=None)])])
    land(workspace.lake(TENANT), [(key, data) for key, data in uploads() if "SleepSession" in key])
    run_stages(workspace)
    with serving(settings, workspace) as address:
        yield address, workspace, home


@pytest.fixture
def desk(house):
    address, workspace, _ = house
    name = f"desk-{len(workspace.catalog.tokens.list(TENANT))}"
    key = workspace.catalog.tokens.create(TENANT, name=name, role="reviewer", now=datetime.now(UTC))
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60) as http:
        assert http.post("/desk/sign-in", data={"key": key}).status_code == 200
        yield http


def hidden_field(page: str, name: str) -> str:
    return re.search(rf'name="{name}" value="(\w+)"', page)[1]


def choices(workspace):
    return [item for item in waiting_people(workspace, tenant=TENANT) if item.what == "source_choice"]


def chosen(workspace):
    return [(one.subject_id, one.source_app) for one in workspace.catalog.completions.in_force(TENANT)]


def test_a_source_is_chosen_over_the_api_and_taken_back_by_its_completion(house):
    address, workspace, _ = house
    item = choices(workspace)[0]
    wanted = {"subject_id": item.subject_id, "kind": "sleep", "source_app": item.sources[0], **WHY}
    with client(address, workspace, role="reviewer") as http:
        listed = [one for one in http.get("/v1/partials/inbox").json() if one["what"] == "source_choice"]
        assert [one["devices"] for one in listed if one["subject_id"] == item.subject_id] == [
            [list(one) for one in item.devices]
        ]
        done = http.post("/v1/partials/source-choices", json=wanted)
        assert (done.status_code, chosen(workspace)) == (200, [(item.subject_id, item.sources[0])])
        assert http.post("/v1/partials/source-choices", json=wanted).status_code == 400
        assert http.post("/v1/partials/source-choices", json=wanted | {"source_app": "none"}).status_code == 422
        assert http.post("/v1/partials/source-choices", json=wanted | {"subject_id": "none"}).status_code == 404
        body = {"completions": done.json()["completions"], **WHY}
        assert http.post("/v1/partials/undo", json=body).status_code == 200
    assert chosen(workspace) == []


def test_a_source_is_chosen_at_the_desk_and_taken_back_there(house, desk):
    workspace = house[1]
    item = choices(workspace)[-1]
    path = f"/desk/sources/sleep/{item.subject_id}"
    assert path in desk.get("/desk/").text
    page = desk.get(path).text
    assert all(app in page for app in item.sources)
    form = {"token": hidden_field(page, "token"), "seen": hidden_field(page, "seen"), "candidate": "1"}
    assert desk.post(path, data=form).status_code == 422
    assert desk.post(path, data=form | {"why": "a test", "seen": "other"}).status_code == 409
    assert chosen(workspace) == []
    after = desk.post(path, data=form | {"why": "a test"})
    assert "The source is chosen" in after.text
    assert chosen(workspace) == [(item.subject_id, item.devices[1][0])]
    event = re.search(r'name="event" value="(\d+)"', after.text)[1]
    assert "taken back" in desk.post("/desk/undo", data={"token": form["token"], "event": event}).text
    assert chosen(workspace) == []


def test_a_record_that_was_given_up_is_taken_up_again_where_it_was_decided(house, desk):
    address, workspace, _ = house
    (row,) = workspace.catalog.partials.list(TENANT)
    page = desk.get(f"/desk/records/{row.id}").text
    form = {"token": hidden_field(page, "token"), "version": str(row.version), "why": "a test"}
    after = desk.post(f"/desk/records/{row.id}/discard", data=form).text
    event = re.search(r'name="event" value="(\d+)"', after)[1]
    assert "wait again" in desk.post("/desk/undo", data={"token": form["token"], "event": event}).text
    assert workspace.catalog.partials.get(TENANT, row.id).status == "waiting"
    with client(address, workspace, role="reviewer") as http:
        body = {"ids": [row.id], **WHY}
        assert http.post("/v1/partials/restore", json=body).status_code == 400
        assert http.post("/v1/partials/discard", json=body).status_code == 200
        assert http.post("/v1/partials/restore", json=body).json() == {"restored": 1}
    assert workspace.catalog.partials.get(TENANT, row.id).status == "waiting"


def test_desk_api_and_command_line_say_where_a_field_is_from(house, desk, monkeypatch):
    address, workspace, home = house
    (row,) = workspace.catalog.partials.list(TENANT)
    with client(address, workspace, role="reader") as http:
        fields = http.get(f"/v1/partials/{row.id}").json()["fields"]
    assert {name: one["provenance"] for name, one in fields.items()} == {
        "start_offset_seconds": "inferred",
        "specimen_source": "missing",
        "relation_to_meal": "missing",
        "level_mg_dl": "avro",
    }
    assert (fields["start_offset_seconds"]["confidence"], fields["start_offset_seconds"]["evidence_hours"]) == (
        "high",
        0.5,
    )
    page = desk.get(f"/desk/records/{row.id}").text
    assert "high confidence: another record of the person gives it 0.5 h away" in page
    around = desk.get(f"/desk/people/{row.subject_id}/days/2025-09-20/records/blood_glucose").text
    assert "its file" in around
    monkeypatch.setenv("VITALGRAPH_HOME", str(home))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", "a key for tests only, of no worth")
    shown = CliRunner().invoke(app, ["partial", "show", str(row.id), "--json"])
    assert json.loads(shown.output)["fields"] == fields
    assert "glucose.mean" in json.loads(shown.output)["blocks"]
    table = CliRunner().invoke(app, ["partial", "show", str(row.id)], terminal_width=200)
    assert "inferred" in table.output


def test_sources_are_chosen_and_records_taken_up_again_at_the_command_line(house, monkeypatch):
    _, workspace, home = house
    monkeypatch.setenv("VITALGRAPH_HOME", str(home))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", "a key for tests only, of no worth")
    item, (row,) = choices(workspace)[0], workspace.catalog.partials.list(TENANT)

    def run(*arguments: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, ["partial", *arguments])
        assert result.exit_code == code, result.output
        return result.output

    choosing = ("choose", item.subject_id, "sleep", item.sources[0])
    run(*choosing, code=2)
    completion = re.search(r"completion (\d+)", run(*choosing, "--reason", "a test"))[1]
    assert chosen(workspace) == [(item.subject_id, item.sources[0])]
    run("undo", completion, "--reason", "a test")
    assert chosen(workspace) == []
    run("discard", str(row.id), "--reason", "a test")
    assert "1 wait again" in run("restore", str(row.id), "--reason", "a test")
    run("restore", str(row.id), "--reason", "a test", code=2)


def test_a_build_whose_process_is_gone_is_failed_where_versions_are_looked_at(house, desk):
    address, workspace, _ = house
    with client(address, workspace, role="reader") as http:

        def states() -> list[str]:
            return [one["state"] for one in http.get("/v1/datasets").json()["items"]]

        for number, look in enumerate(
            (
                states,
                lambda: http.get("/v1/datasets/nights/1"),
                lambda: desk.get("/desk/datasets"),
            )
        ):
            spec = {"name": "nights", "license": "cc-by-4.0", "profile": "standard"}
            now = datetime.now(UTC)
            workspace.catalog.datasets.begin(TENANT, "nights", str(number), spec=spec, run_id=None, now=now)
            look()
            assert {row.state for row in workspace.catalog.datasets.list(TENANT)} == {"failed"}
        assert states() == ["failed"] * 3
