"""Role by tenant by endpoint: who may do what, for every endpoint that the description names."""

from datetime import UTC, datetime

import pytest

from resources.catalog.tokens import ROLES
from tests.interfaces.api.serving import client, serving
from tests.interfaces.desk.afternoon import afternoon
from tests.waiting import DAY

NOBODY = None
RULE = {"scope": {}, "said": {"specimen_source": "SERUM"}}
WHY = {"reason": "a test"}

ENDPOINTS = {
    # (method, path): (least role, request)
    ("GET", "/live"): (NOBODY, {}),
    ("GET", "/ready"): (NOBODY, {}),
    ("POST", "/v1/uploads"): ("reviewer", {"params": {"user": "u", "record_type": "StepsRecord"}, "content": b"x"}),
    ("POST", "/v1/uploads/references"): ("reviewer", {"json": {"keys": ["{key}"]}}),
    ("GET", "/v1/uploads"): ("reader", {}),
    ("GET", "/v1/uploads/{upload_id}"): ("reader", {}),
    ("GET", "/v1/batches/{batch_id}"): ("reader", {}),
    ("GET", "/v1/batches/{batch_id}/items"): ("reader", {}),
    ("GET", "/v1/partials"): ("reader", {}),
    ("GET", "/v1/partials/inbox"): ("reader", {}),
    ("GET", "/v1/partials/{partial_id}"): ("reader", {}),
    ("PATCH", "/v1/partials/{partial_id}/complete"): ("reviewer", {"json": {"said": RULE["said"], **WHY}}),
    ("POST", "/v1/partials/rules/preview"): ("reviewer", {"json": RULE}),
    ("POST", "/v1/partials/rules"): ("reviewer", {"json": RULE | WHY | {"preview": "another"}}),
    ("POST", "/v1/partials/discard"): ("reviewer", {"json": {"ids": [10_000_000], **WHY}}),
    ("POST", "/v1/partials/restore"): ("reviewer", {"json": {"ids": [10_000_000], **WHY}}),
    ("POST", "/v1/partials/source-choices"): (
        "reviewer",
        {"json": {"subject_id": "{subject_id}", "kind": "blood_glucose", "source_app": "none", **WHY}},
    ),
    ("POST", "/v1/partials/undo"): ("reviewer", {"json": {"completions": [1], **WHY}}),
    ("GET", "/v1/quarantine"): ("reader", {}),
    ("GET", "/v1/quarantine/{quarantine_id}"): ("reader", {}),
    ("POST", "/v1/quarantine/what-if"): ("reviewer", {"json": {"ids": [1]}}),
    ("POST", "/v1/quarantine/release"): ("reviewer", {"json": {"ids": [1], **WHY}}),
    ("POST", "/v1/quarantine/discard"): ("reviewer", {"json": {"ids": [2], **WHY}}),
    ("GET", "/v1/records"): (
        "reader",
        {"params": {"subject": "{subject_id}", "kind": "blood_glucose", "day": str(DAY)}},
    ),
    ("GET", "/v1/people"): ("reader", {}),
    ("GET", "/v1/people/{subject_id}"): ("reader", {}),
    ("GET", "/v1/people/{subject_id}/days"): ("reader", {"params": {"from": str(DAY), "to": str(DAY)}}),
    ("GET", "/v1/people/{subject_id}/days/{day}/examples"): ("reader", {}),
    ("GET", "/v1/datasets"): ("reader", {}),
    ("GET", "/v1/datasets/{name}/latest"): ("reader", {}),
    ("GET", "/v1/datasets/{name}/{version}"): ("reader", {}),
    ("GET", "/v1/runs"): ("reader", {}),
    ("GET", "/v1/audit"): ("admin", {}),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """An address with clients of both tenants in each role, and what belongs to the first tenant."""
    settings, workspace = afternoon(tmp_path_factory.mktemp("who"))
    workspace.catalog.tenants.add("other", now=datetime.now(UTC))
    waiting = workspace.catalog.partials.list("default", limit=1)[0]
    upload = workspace.catalog.uploads.by_id("default", waiting.upload_id)
    known = {
        "key": upload.key,
        "upload_id": upload.upload_id,
        "batch_id": upload.upload_id,
        "partial_id": str(waiting.id),
        "quarantine_id": "1",
        "subject_id": waiting.subject_id,
        "day": str(DAY),
        "name": "health",
        "version": "1.0.0",
    }
    with serving(settings, workspace) as address:
        clients = {
            (tenant, role): client(address, workspace, role=role, tenant=tenant)
            for tenant in ("default", "other")
            for role in ROLES
        }
        import httpx

        with httpx.Client(base_url=address) as nobody:
            yield clients | {NOBODY: nobody}, known, workspace
        for one in clients.values():
            one.close()


def filled(value, known):
    if isinstance(value, str):
        return value.format(**known)
    if isinstance(value, dict):
        return {name: filled(one, known) for name, one in value.items()}
    return [filled(one, known) for one in value] if isinstance(value, list) else value


def ask(http, endpoint, known):
    method, path = endpoint
    return http.request(method, path.format(**known), **filled(ENDPOINTS[endpoint][1], known))


def test_every_endpoint_of_the_description_is_in_this_matrix(house):
    clients, _, _ = house
    description = clients[NOBODY].get("/v1/openapi.json").json()
    described = {(method.upper(), path) for path, methods in description["paths"].items() for method in methods}
    assert described == set(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
def test_without_a_key_only_health_is_told(house, endpoint):
    clients, known, _ = house
    open_to_all = ENDPOINTS[endpoint][0] is NOBODY
    assert (ask(clients[NOBODY], endpoint, known).status_code == 401) != open_to_all


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
def test_a_role_may_what_it_may_and_no_more(house, endpoint):
    clients, known, _ = house
    least = ENDPOINTS[endpoint][0]
    for role in ROLES:
        allowed = least is NOBODY or ROLES.index(role) >= ROLES.index(least)
        status = ask(clients["default", role], endpoint, known).status_code
        assert (status == 403) != allowed, (role, status)
        assert status < 500


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=" ".join)
def test_a_key_of_another_tenant_learns_nothing_and_changes_nothing(house, endpoint):
    clients, known, workspace = house
    before = standing(workspace)
    answer = ask(clients["other", "admin"], endpoint, known)
    assert answer.status_code < 500
    for name in ("upload_id", "subject_id"):
        if not answer.is_success or endpoint[0] == "GET":
            assert known[name] not in answer.text
    assert "prick" not in answer.text
    assert "high-" not in answer.text
    if "{" in endpoint[1]:
        assert answer.status_code == 404
    assert standing(workspace) == before


def standing(workspace):
    """What was decided in the first tenant, and how much it holds; the flow may still be at work."""
    catalog = workspace.catalog
    return (
        sum(catalog.uploads.counts("default").values()),
        [one.id for one in catalog.completions.in_force("default")],
        [one.id for one in catalog.rule_policies.exemptions("default")],
        [one.id for one in catalog.audit.recent("default", limit=500) if one.action != "read"],
    )
