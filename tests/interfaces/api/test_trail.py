"""The audit trail holds who read whom, which keys were refused, and what operators did; and no key and no name."""

from datetime import UTC, datetime

import httpx
import pytest
from typer.testing import CliRunner

from interfaces.api.trail import MAX_GATHERED, Trail
from interfaces.cli.main import app
from resources.catalog.audit import NO_TENANT, AuditFilter
from resources.catalog.erasures import Person
from tests.flow import TENANT, installation
from tests.interfaces.api.serving import client, serving

KEY = "a key for tests only, of no worth"


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """What the trail holds after a server was asked all this and ended."""
    home = tmp_path_factory.mktemp("trail")
    settings, workspace = installation(home)
    subject = workspace.subject_id(TENANT, "anna")
    workspace.catalog.subjects.ensure(TENANT, {"anna": subject}, now=datetime.now(UTC))
    made = workspace.catalog.tokens.create(TENANT, name="ended", role="reader", now=datetime.now(UTC))
    workspace.catalog.tokens.revoke(TENANT, "ended", now=datetime.now(UTC))
    with serving(settings, workspace) as address, client(address, workspace, role="reviewer") as http:
        day = "from=2025-09-15&to=2025-09-15"
        for path in (
            f"/v1/people/{subject}", f"/v1/people/{subject}/days?{day}", f"/v1/people/{subject}/days/2025-09-15/examples",
            f"/v1/records?kind=steps&day=2025-09-15&subject={subject}", "/v1/people", "/v1/partials",
        ):  # fmt: skip
            assert http.get(path).status_code == 200
        assert http.get("/v1/people/nobody").status_code == 404
        key = http.headers.pop("authorization").removeprefix("Bearer ")
        http.post("/desk/sign-in", data={"key": key})
        assert http.get(f"/desk/people/{subject}").status_code == 200
        http.post("/desk/sign-out")
        wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
        for one in (made, wrong, "vg_000000000000_" + "a" * 32, "nonsense-password"):
            for _ in range(3):
                httpx.get(f"{address}/v1/people", headers={"Authorization": f"Bearer {one}"})
            httpx.post(f"{address}/desk/sign-in", data={"key": one})
    return workspace, subject, (key, made, wrong)


def events(workspace, action, tenant=TENANT):
    return workspace.catalog.audit.recent(tenant, AuditFilter(action=action), limit=500)


def test_whoever_read_somebody_is_in_the_trail_with_what(house):
    workspace, subject, _ = house
    found = {(one.actor, one.details["what"]) for one in events(workspace, "read") if one.target == subject}
    actor = next(iter(found))[0]
    assert found == {
        (actor, "/v1/people/{subject}"), (actor, "/v1/people/{subject}/days"), (actor, "/v1/records"),
        (actor, "/v1/people/{subject}/days/2025-09-15/examples"), (actor, "/desk/people/{subject}"),
    }  # fmt: skip
    lists = {one.target for one in events(workspace, "read")} - {subject}
    assert {"/v1/people", "/v1/partials"} <= lists
    assert "/v1/people/nobody" not in lists


def test_refused_keys_are_counted_by_name_and_reason(house):
    workspace, _, _ = house
    mine = {(one.actor, one.target, one.details["what"]) for one in events(workspace, "key.refused")}
    reviewer = next(one.actor for one in events(workspace, "desk.sign_in"))
    assert mine == {
        ("ended", "api", "revoked"), ("ended", "desk", "revoked"),
        (reviewer, "api", "wrong secret"), (reviewer, "desk", "wrong secret"),
    }  # fmt: skip
    nobodys = events(workspace, "key.refused", NO_TENANT)
    assert {one.details["what"] for one in nobodys} == {"unknown", "malformed"}
    assert sum(one.details["times"] for one in nobodys) == 8


def test_signing_in_and_out_is_in_the_trail(house):
    workspace, _, _ = house
    assert [len(events(workspace, action)) for action in ("desk.sign_in", "desk.sign_out")] == [1, 1]


def test_no_event_holds_a_key_or_somebodys_own_id(house):
    workspace, _, keys = house
    text = str([*workspace.catalog.audit.recent(TENANT, limit=500), *workspace.catalog.audit.recent(NO_TENANT)])
    for word in (*keys, *(key.split("_", 2)[2] for key in keys), "nonsense-password", "anna"):
        assert word not in text


def test_erasure_takes_the_person_out_of_the_trail(house):
    workspace, subject, _ = house
    workspace.catalog.erasures.forget(TENANT, Person(external_user="anna", subject_id=subject))
    assert subject not in str(workspace.catalog.audit.recent(TENANT, limit=500))
    assert any(one.target == "erased" for one in events(workspace, "read"))


def test_a_flood_of_guesses_is_bounded(house):
    workspace, _, _ = house
    before = len(events(workspace, "flood"))
    trail = Trail(workspace.catalog)
    for number in range(MAX_GATHERED):
        trail._waiting[TENANT, "a", "other", str(number), "x"] = 1
    for number in range(50):
        trail.note(tenant=TENANT, actor=str(number), action="flood", target="api", what="unknown")
    trail.close()
    found = events(workspace, "flood")
    assert (len(found) - before, sum(one.details["times"] for one in found)) == (1, 50)


def test_what_operators_do_is_in_the_trail(tmp_path, monkeypatch):
    monkeypatch.setenv("VITALGRAPH_HOME", str(tmp_path))
    monkeypatch.setenv("VITALGRAPH_SUBJECT_KEY", KEY)
    _, workspace = installation(tmp_path)
    subject = workspace.subject_id(TENANT, "anna")
    workspace.catalog.subjects.ensure(TENANT, {"anna": subject}, now=datetime.now(UTC))
    for command in (
        "token create desk", "token revoke desk", "tenant add study-7", "tenant pause study-7",
        "tenant pause study-7 --resume", "subject set anna --age-years 43 --source-priority steps=com.a,com.b",
    ):  # fmt: skip
        done = CliRunner().invoke(app, command.split())
        assert done.exit_code == 0, done.output
    found = [
        (one.action, one.target) for tenant in (TENANT, "study-7") for one in workspace.catalog.audit.recent(tenant)
    ]
    assert set(found) == {
        ("token.create", "desk"), ("token.revoke", "desk"), ("subject.profile", subject),
        ("tenant.add", "study-7"), ("tenant.pause", "study-7"), ("tenant.resume", "study-7"),
    }  # fmt: skip
    profile = events(workspace, "subject.profile")[0].details
    assert profile == {"fields": ["age_years", "source_priority.steps"]}
