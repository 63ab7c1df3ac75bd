"""A person who allows no summaries: nothing measured of them is shown anywhere, and their rows can still be decided on."""

import json
import re
from datetime import datetime

import pytest
from typer.testing import CliRunner

from interfaces.cli.main import app
from operations.completions import require_context
from operations.consent import decide
from tests.flow import TENANT, installation, land, run_stages
from tests.interfaces.api.serving import client, serving
from tests.waiting import DAY, METER, file_of, reading, sensor_day

VALUE = 187.625
MEASURED = ("187.6", str(DAY))
"""What was measured, and when: shown of whoever allows it, of nobody else."""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    home = tmp_path_factory.mktemp("consent")
    settings, workspace = installation(home, api_requests_per_minute=10**6)
    demanded = {"kind": "blood_glucose", "fields": ["specimen_source"]}
    require_context(workspace, tenant=TENANT, **demanded, actor="study", reason="the protocol")
    noon = datetime(DAY.year, DAY.month, DAY.day, 12, 2)
    known = [reading(f"own-{i}", noon, level=VALUE) for i in range(1)]
    waits = [
        reading(f"wait-{i}", noon.replace(minute=4 + i), app=METER, level=VALUE, specimen="UNKNOWN") for i in range(2)
    ]
    land(workspace.lake(TENANT), [file_of([*sensor_day("anna"), *known, *waits], user="anna")])
    run_stages(workspace)
    workspace.catalog.subjects.set_profile(TENANT, "anna", {"age_years": 43.5})
    with serving(settings, workspace) as address:
        yield address, workspace, home


def whole(house):
    subject = house[1].catalog.subjects.subject_ids(TENANT)["anna"]
    return subject, [row.id for row in house[1].catalog.partials.list(TENANT, status=None)]


def api_answers(house):
    subject, partials = whole(house)
    day = f"/v1/people/{subject}/days"
    paths = [
        "/v1/people", f"/v1/people/{subject}", f"{day}?from={DAY}&to={DAY}", f"{day}/{DAY}/examples",
        f"/v1/records?subject={subject}&kind=blood_glucose&day={DAY}", "/v1/partials", "/v1/partials?status=completed",
        f"/v1/partials?subject={subject}", "/v1/partials/inbox", "/v1/uploads", "/v1/quarantine",
        *(f"/v1/partials/{one}" for one in partials),
    ]  # fmt: skip
    with client(house[0], house[1]) as http:
        return {path: http.get(path) for path in paths}


def desk_answers(house):
    subject, partials = whole(house)
    person = f"/desk/people/{subject}"
    paths = [
        "/desk/", "/desk/people", person, f"{person}?to={DAY}", f"{person}/days/{DAY}", "/desk/quarantine",
        f"{person}/days/{DAY}/records/blood_glucose", f"{person}/days/{DAY}/lines/x",
        f"/desk/rule?kind=blood_glucose&source_app={METER}&field=specimen_source",
        *(f"/desk/records/{one}" for one in partials),
    ]  # fmt: skip
    with client(house[0], house[1]) as http:
        key = http.headers.pop("authorization").removeprefix("Bearer ")
        http.post("/desk/sign-in", data={"key": key})
        return {path: http.get(path) for path in paths}


def command_answers(house, monkeypatch):
    monkeypatch.setenv("VITALGRAPH_HOME", str(house[2]))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", "a key for tests only, of no worth")
    days = ["--from", str(DAY), "--to", str(DAY)]
    commands = [
        ["summary", "anna", *days], ["examples", "anna", "--day", str(DAY)], ["forensics", "anna", *days],
        ["forensics", "--all", *days, "--json"], ["partial", "list", "--json"],
    ]  # fmt: skip
    return {" ".join(one): CliRunner().invoke(app, one) for one in commands}


def shows(text):
    return any(word in text for word in MEASURED)


@pytest.fixture(scope="module", params=["the tenant", "the person"])
def hidden(house, request):
    """The same decided of the person, or as a rule of the tenant for whoever has decided nothing."""
    subject = whole(house)[0] if request.param == "the person" else None
    for_both = {"tenant": TENANT, "subject_id": subject, "actor": "study"}
    decide(house[1], granted={"summary": False}, **for_both)
    yield
    decide(house[1], granted={"summary": True}, **for_both)


def test_of_whoever_allows_it_everything_is_shown(house, monkeypatch):
    seen = {**api_answers(house), **desk_answers(house)}
    assert sum(shows(answer.text) for answer in seen.values()) >= 10
    assert all(answer.status_code in (200, 404) for answer in seen.values())
    assert sum(shows(one.output) for one in command_answers(house, monkeypatch).values()) >= 4


def test_of_whoever_does_not_nothing_measured_is_shown_anywhere(house, hidden, monkeypatch):
    subject, _ = whole(house)
    for path, answer in {**api_answers(house), **desk_answers(house)}.items():
        # The address itself names the day that was asked for, and a page may lead back to it.
        text = answer.text.replace(f"to={DAY}", "")
        assert not shows(text), path
        assert "43.5" not in text
        assert answer.status_code in (200, 409), path
        about = f"/people/{subject}" in path or ("subject=" in path and "records" in path)
        assert (answer.status_code == 409) == about, path
    for command, done in command_answers(house, monkeypatch).items():
        if "--all" in command:
            assert json.loads(done.output) == {}
        elif command.startswith("partial"):
            assert not shows(done.output)
        else:
            assert (done.exit_code, shows(done.output.replace(str(DAY), ""))) == (5, False), command


def test_their_rows_still_wait_by_what_they_lack_and_can_be_decided_on(house, hidden):
    subject, partials = whole(house)
    answers = api_answers(house)
    items = answers["/v1/partials"].json()["items"]
    assert {(one["hidden"], json.dumps(one["known"]), one["missing_fields"][0]) for one in items} == {
        (True, "{}", "specimen_source")
    }
    inbox = [one for one in answers["/v1/partials/inbox"].json() if one["what"] == "record"]
    assert {(one["subject_id"], len(one["days"])) for one in inbox} == {(subject, 0)}
    waiting = [one["id"] for one in items]
    with client(house[0], house[1]) as http:
        body = {"said": {"specimen_source": "CAPILLARY_BLOOD"}, "reason": "a test"}
        done = http.patch(f"/v1/partials/{waiting[0]}/complete", json=body)
        assert (done.status_code, done.json()["hidden"], done.json()["metrics"]) == (200, True, None)
        # What was said may be a measured value: that something was, by whom and why stays.
        assert (done.json()["said"], done.json()["fields"]["specimen_source"]["reason"]) == ({}, "a test")
        assert "value" not in done.json()["fields"]["specimen_source"]
        completions = [one.id for one in house[1].catalog.completions.in_force(TENANT)]
        assert http.post("/v1/partials/undo", json={"completions": completions, "reason": "a test"}).status_code == 200
    run_stages(house[1])


def test_no_page_or_route_reads_records_past_the_one_decision():
    from pathlib import Path

    import interfaces

    root = Path(interfaces.__file__).parent
    for path in [*root.glob("api/**/*.py"), *root.glob("desk/*.py")]:
        text = path.read_text()
        if re.search(r"read_records\(|clinical_table\(|day_facts\(|examples_of\(|records_of\(|forensics_of\(", text):
            assert re.search(r"demand_summary|hidden_people|day_facts|records_of", text), path
