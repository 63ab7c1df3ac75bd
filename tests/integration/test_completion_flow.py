"""From a partial record to a training line, over the running API: requirements A1 to A10, one after the other.

Somebody's meter does not write what it measured in, and the study demands it (`specimen_source`). The steps build on
each other: read them from the top.
"""

import time

import pytest

from dagster_project.settling import definitions_of
from operations.completions import require_context
from tests.flow import installation, run_stages
from tests.interfaces.api.serving import client, serving
from tests.waiting import DAY, METER, file_of, finger_pricks, sensor_day

WAIT = {"Prefer": "wait=30"}
CATEGORIES = {"full_account", "limited_account", "not_assessable"}
CAPILLARY = {"said": {"specimen_source": "CAPILLARY_BLOOD"}, "reason": "it pricks fingers"}


@pytest.fixture(scope="module")
def flow(tmp_path_factory):
    """A client of a running API, its workspace, and what the steps remember for each other."""
    settings, workspace = installation(tmp_path_factory.mktemp("flow"))
    demanded = {"kind": "blood_glucose", "fields": ["specimen_source"]}
    require_context(workspace, tenant="default", **demanded, actor="study", reason="the protocol")
    definitions_of(settings)  # as `vitalgraph api` does when it starts
    with serving(settings, workspace) as address, client(address, workspace, role="reviewer") as http:
        yield http, workspace, {}


def hand_in(http, records, *, user):
    _, data = file_of(records, user=user)
    return http.post("/v1/uploads", params={"user": user, "record_type": "BloodGlucoseRecord"}, content=data)


def lines_of(http, subject):
    return http.get(f"/v1/people/{subject}/days/{DAY}/examples").json()


def readings_counted(http, subject):
    days = http.get(f"/v1/people/{subject}/days", params={"from": str(DAY), "to": str(DAY)}).json()["days"]
    return days[str(DAY)]["values"]["glucose.n"]


def test_a1_an_upload_is_accepted_with_a_batch_id_before_anything_is_processed(flow):
    http, workspace, memory = flow
    answer = hand_in(http, [*sensor_day("anna"), *finger_pricks("prick", 1)], user="anna")
    assert answer.status_code == 202
    memory["batch"] = answer.json()["batch_id"]
    assert http.get(f"/v1/batches/{memory['batch']}").json()["status"] == "processing"


def test_a2_the_batch_says_that_it_is_through_and_that_a_record_waits(flow):
    http, workspace, memory = flow
    run_stages(workspace)  # what the sensor of landed objects would start
    found = http.get(f"/v1/batches/{memory['batch']}").json()
    assert (found["total"], found["completed"], found["partial"], found["status"]) == (1, 1, 1, "partial")


def test_a3_each_record_that_needs_a_person_has_its_own_id_and_its_quality(flow):
    http, workspace, memory = flow
    [item] = http.get(f"/v1/batches/{memory['batch']}/items").json()["items"]
    [record] = item["records"]
    assert (item["quality"], record["record_id"], record["quality"]) == ("partial", "prick-0", "partial")
    memory["partial"] = record["partial_id"]


def test_a4_a_partial_record_is_listed_with_what_is_known_and_counts_nowhere(flow):
    http, workspace, memory = flow
    found = http.get(f"/v1/partials/{memory['partial']}").json()
    assert (found["quality"], found["missing_fields"]) == ("partial", ["specimen_source"])
    assert found["known"]["source_app"] == METER
    assert found["metrics"] is None
    assert found["clinical_relevance"] is None
    memory["subject"] = found["subject_id"]
    assert readings_counted(http, memory["subject"]) == 288
    memory["lines"] = lines_of(http, memory["subject"])


def test_a8_what_does_not_need_the_missing_field_is_there_at_once(flow):
    http, workspace, memory = flow
    found = http.get(f"/v1/partials/{memory['partial']}").json()
    assert found["known"]["device_model"] == "G1"
    day = http.get(f"/v1/people/{memory['subject']}/days", params={"from": str(DAY), "to": str(DAY)}).json()["days"]
    assert day[str(DAY)]["values"]["glucose.mean"] > 0
    assert memory["lines"]


def test_a9_what_cannot_be_completed_is_refused_each_in_its_own_way(flow):
    http, workspace, memory = flow
    unknown = http.patch("/v1/partials/99999/complete", json=CAPILLARY)
    implausible = CAPILLARY | {"said": {"specimen_source": "COFFEE"}}
    absurd = http.patch(f"/v1/partials/{memory['partial']}/complete", json=implausible)
    stale = http.patch(f"/v1/partials/{memory['partial']}/complete", json=CAPILLARY, headers={"If-Match": '"99"'})
    assert (unknown.status_code, absurd.status_code, stale.status_code) == (404, 422, 412)
    assert http.get(f"/v1/partials/{memory['partial']}").json()["quality"] == "partial"


def test_a5_and_a10_completing_leads_to_the_training_line_by_itself(flow):
    http, workspace, memory = flow
    address = f"/v1/partials/{memory['partial']}"
    tag = http.get(address).headers["etag"]
    began = time.monotonic()
    answer = http.patch(f"{address}/complete", json=CAPILLARY, headers={"If-Match": tag} | WAIT)
    print(f"\ncompletion to training line: {time.monotonic() - began:.2f} s")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["quality"], found["said"]) == ("full", {"specimen_source": "CAPILLARY_BLOOD"})
    assert found["metrics"]["glucose.mean"] > 0
    assert found["clinical_relevance"] in CATEGORIES
    assert found["example_ids"]
    before = {line["id"] for line in memory["lines"]}
    assert {line["id"] for line in lines_of(http, memory["subject"])} != before
    memory["completion"] = found["fields"]["specimen_source"]["completion_id"]


def test_a6_the_field_says_that_a_person_gave_it_and_so_does_the_training_line(flow):
    http, workspace, memory = flow
    query = {"subject": memory["subject"], "kind": "blood_glucose", "day": str(DAY), "after": "prick", "limit": 1}
    [record] = http.get("/v1/records", params=query).json()["items"]
    assert (record["record_id"], record["specimen_source"]) == ("prick-0", "CAPILLARY_BLOOD")
    said = record["fields"]["specimen_source"]
    assert (said["provenance"], said["reason"]) == ("manual", "it pricks fingers")
    assert said["by"].startswith("reviewer")
    assert said["at"]
    lines = [line for line in lines_of(http, memory["subject"]) if line["metadata"]["completions"]]
    assert lines
    assert all(line["metadata"]["completions"] == [memory["completion"]] for line in lines)


def test_a9_a_second_completion_is_refused(flow):
    http, workspace, memory = flow
    answer = http.patch(f"/v1/partials/{memory['partial']}/complete", json=CAPILLARY)
    assert answer.status_code == 400


def test_the_batch_closes_when_nothing_waits_any_more(flow):
    http, workspace, memory = flow
    found = http.get(f"/v1/batches/{memory['batch']}").json()
    assert (found["partial"], found["status"]) == (0, "completed")


def test_undoing_gives_back_the_lines_that_were(flow):
    http, workspace, memory = flow
    body = {"completions": [memory["completion"]], "reason": "another meter"}
    assert http.post("/v1/partials/undo", json=body, headers=WAIT).status_code == 200
    assert lines_of(http, memory["subject"]) == memory["lines"]
    assert http.post("/v1/partials/undo", json=body).status_code == 400


def test_a7_several_files_at_once_are_completed_one_by_one_and_by_rule(flow):
    http, workspace, memory = flow
    keys = []
    for number, user in enumerate(("ben", "cleo", "dora")):
        key, data = file_of([*sensor_day(user), *finger_pricks(f"{user}-prick", number + 1)], user=user)
        workspace.lake("default").write_object(key, data)
        keys.append(key)
    answer = http.post("/v1/uploads/references", json={"keys": keys})
    assert answer.status_code == 202
    batch = answer.json()["batch_id"]
    run_stages(workspace)
    found = http.get(f"/v1/batches/{batch}").json()
    assert (found["total"], found["completed"], found["partial"], found["status"]) == (3, 3, 6, "partial")
    items = http.get(f"/v1/batches/{batch}/items").json()["items"]
    one = next(record["partial_id"] for item in items for record in item["records"])
    assert http.patch(f"/v1/partials/{one}/complete", json=CAPILLARY, headers=WAIT).status_code == 200
    rule = {"scope": {"source_app": METER}, "said": CAPILLARY["said"]}
    preview = http.post("/v1/partials/rules/preview", json=rule).json()
    assert (preview["records"], preview["kinds"]) == (6, {"blood_glucose": 6})  # and anna's, which waits again
    stale = http.post("/v1/partials/rules", json=rule | {"reason": "as above", "preview": "0" * 64})
    assert stale.status_code == 409
    done = http.post(
        "/v1/partials/rules", json=rule | {"reason": "as above", "preview": preview["preview"]}, headers=WAIT
    )
    assert (done.status_code, done.json()["records"]) == (200, 6)
    found = http.get(f"/v1/batches/{batch}").json()
    assert (found["partial"], found["status"]) == (0, "completed")
    items = http.get(f"/v1/batches/{batch}/items").json()["items"]
    records = [record for item in items for record in item["records"]]
    assert len(records) == 6
    assert {record["quality"] for record in records} == {"full"}
    assert {item["quality"] for item in items} == {"full"}


def test_every_decision_is_in_the_audit_trail(flow):
    http, workspace, memory = flow
    events = workspace.catalog.audit.recent("default")
    actions = [event.action for event in events]
    assert [actions.count(one) for one in ("partial.complete", "partial.undo")] == [3, 1]
    assert all(event.actor for event in events)
