"""Deciding over the API: two people at once, ways out of quarantine, what waits and what it blocks."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.interfaces.api.serving import client, serving
from tests.interfaces.desk.afternoon import PRICKS, afternoon

WAIT = {"Prefer": "wait=30"}
SAYING = {"said": {"specimen_source": "CAPILLARY_BLOOD"}, "reason": "a test"}


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    settings, workspace = afternoon(tmp_path_factory.mktemp("deciding"))
    with serving(settings, workspace) as address, client(address, workspace, role="reviewer") as http:
        yield http, workspace


def test_the_inbox_says_what_each_item_blocks(api):
    http, _ = api
    items = http.get("/v1/partials/inbox").json()
    records = [item for item in items if item["what"] == "record"]
    assert len(records) == PRICKS + 1
    assert all("glucose.mean" in item["blocks"] and item["days"] for item in records)


def test_of_many_who_complete_a_record_at_once_one_does_and_the_others_are_told(api):
    http, workspace = api
    partial = workspace.catalog.partials.list("default", limit=1)[0]
    path = f"/v1/partials/{partial.id}/complete"
    tag = {"If-Match": f'"{partial.version}"'}
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: http.patch(path, json=SAYING, headers=tag).status_code, range(6)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 400, 409, 412}
    assert len(workspace.catalog.completions.of_records("default", partial.kind, [partial.record_id])) == 1


def test_a_rule_and_single_completions_at_once_lose_nothing(api):
    http, workspace = api
    waiting = [row for row in workspace.catalog.partials.list("default") if row.missing == ["specimen_source"]]
    rule = {"scope": {"kind": "blood_glucose"}, **SAYING}
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(http.post, "/v1/partials/rules", json=rule)]
        done += [pool.submit(http.patch, f"/v1/partials/{row.id}/complete", json=SAYING) for row in waiting[:3]]
        statuses = [one.result().status_code for one in done]
    assert set(statuses) <= {200, 400, 409}
    assert http.post("/v1/partials/rules", json=rule, headers=WAIT).status_code == 200
    preview = {name: rule[name] for name in ("scope", "said")}
    assert http.post("/v1/partials/rules/preview", json=preview).json()["records"] == 0
    said = workspace.catalog.completions.in_force("default")
    assert len({(one.record_id, one.field) for one in said}) == len(said) == PRICKS


def test_what_a_release_does_is_what_was_foretold(api):
    http, workspace = api
    change = {"change": "out_of_range:level_mg_dl.max=640"}
    foretold = http.post("/v1/quarantine/what-if", json=change).json()
    assert {row["record_id"] for row in foretold["released"]} == {"high-0", "high-1"}
    done = http.post("/v1/quarantine/release", json=change | {"reason": "a test"}, headers=WAIT)
    assert (done.status_code, done.json()["version"], done.json()["uploads"]) == (200, 1, foretold["uploads"])
    rows = http.get("/v1/quarantine", params={"rule": "out_of_range", "kind": "blood_glucose"}).json()["items"]
    left = {row["record_id"]: row["judged_by"] for row in rows}
    assert not {"high-0", "high-1"} & set(left)
    assert left["high-2"].endswith("+p1")


def test_one_that_is_given_up_stays_accounted_and_is_not_given_up_twice(api):
    http, _ = api
    row = http.get("/v1/quarantine", params={"status": "waiting", "limit": 1}).json()["items"][0]
    body = {"ids": [row["id"]], "reason": "a test"}
    assert http.post("/v1/quarantine/discard", json=body).json() == {"discarded": 1}
    assert http.get(f"/v1/quarantine/{row['id']}").json()["status"] == "discarded"
    assert http.post("/v1/quarantine/discard", json=body).status_code == 409


@pytest.mark.parametrize(
    "way", [{}, {"change": "x=1"}, {"change": "score.threshold=2"}, {"ids": [1], "change": "score.threshold=0.5"}]
)
def test_a_way_that_is_none_is_refused(api, way):
    assert api[0].post("/v1/quarantine/what-if", json=way).status_code == 422
