import copy
import random
from dataclasses import replace

import orjson
import pytest

from tests.vitals.training.fact_frames import KINDS, random_facts
from vitals.release.differences import CAUSES, by_cause, differences
from vitals.release.traces import (
    TRACE_SCHEMA,
    ManifestFacts,
    facts_from,
    facts_json,
    forget,
    forget_sources,
    person_digest,
    question_of,
    source_digest,
    trace_of,
    traces_from,
    traces_table,
)
from vitals.training.examples import build_examples

KEY = b"a key for tests only"
CHANGED_IN_PLACE = ("completion", "late_data", "rule", "policy", "code")


def training_lines(count=140, seed=3):
    """Lines of all kinds; every person of a kind is a person of their own."""
    found = []
    for index, kind in enumerate(KINDS):
        frame = random_facts(kind, count, seed=10 * seed + index)
        for line in build_examples(kind, frame, tenant="default", processor_version="1.0"):
            parsed = orjson.loads(line)
            parsed["metadata"]["subject_id"] += kind
            if parsed["metadata"]["task"] == "daily_summary" and any(c["window"] for c in parsed["metadata"]["claims"]):
                found.append(parsed)
    random.Random(seed).shuffle(found)
    return found


def facts_of(lines, **members):
    """What a release of these lines notes about its build."""
    rules = {claim["rule"] for line in lines for claim in line["metadata"]["claims"]}
    given = {
        "processor_version": "1.0",
        "rule_versions": {metric: int(version) for metric, version in (rule.split("@") for rule in rules)},
        "policy_digest": "settings",
        "selection_digest": "mix",
        "sources": frozenset(
            source_digest(key, key=KEY) for line in lines for key in line["metadata"]["source_s3_keys_sha256"]
        ),
    }
    return ManifestFacts(**given | members)


def traces(lines, policies=None):
    return [trace_of(line, key=KEY, policy=(policies or {}).get(line["id"], "settings")) for line in lines]


def windowed(line):
    return next(claim for claim in line["metadata"]["claims"] if claim["window"])


def other_value(line):
    """The line as it is after its data changed."""
    claim = windowed(line)
    if claim["text"] is None:
        claim["value"] += 1
    else:
        claim["text"] = "changed"
    line["output"] += " "


class Planted:
    """A version B made of a version A by changing some lines for one cause each."""

    def __init__(self, lines):
        self.lines = copy.deepcopy(lines)
        self.policies = {}

    def completion(self, line):
        line["metadata"]["completions"] = [int(line["id"][:8], 16)]
        other_value(line)

    def late_data(self, line):
        line["metadata"]["source_s3_keys_sha256"] += ["new" + line["id"]]
        other_value(line)

    def rule(self, line):
        claim = windowed(line)
        metric, version = claim["rule"].split("@")
        claim["rule"] = f"{metric}@{int(version) + 1}"
        other_value(line)

    def policy(self, line):
        self.policies[line["id"]] = "other settings"
        other_value(line)

    def code(self, line):
        line["metadata"]["processor_version"] = "1.1"
        line["output"] = "In other words: " + line["output"]

    def traces(self):
        return traces(self.lines, self.policies)

    def facts(self, **members):
        ids = frozenset(str(one) for line in self.lines for one in line["metadata"].get("completions", ()))
        return facts_of(self.lines, completions=ids, **members)


@pytest.fixture(scope="module")
def lines():
    found = training_lines()
    assert len(found) > 800
    return found


@pytest.mark.parametrize("cause", CHANGED_IN_PLACE)
def test_a_hundred_changes_of_one_cause_are_a_hundred_differences_of_that_cause(lines, cause):
    later = Planted(lines)
    for line in later.lines[:100]:
        getattr(later, cause)(line)
    found = differences(traces(lines), later.traces(), facts_of(lines), later.facts())
    assert by_cause(found) == dict.fromkeys(CAUSES, 0) | {cause: 100}
    assert {d.before for d in found} == {line["id"] for line in lines[:100]}
    assert {d.kind for d in found} == {"changed"}


def test_a_hundred_examples_of_erased_and_a_hundred_of_withdrawn_persons_are_put_down_to_that(lines):
    erased = {person_digest(line["metadata"]["subject_id"], key=KEY) for line in lines[:100]}
    withdrawn = frozenset(person_digest(line["metadata"]["subject_id"], key=KEY) for line in lines[100:200])
    old = list(forget(traces(lines), frozenset(erased)))
    found = differences(old, traces(lines[200:]), facts_of(lines), facts_of(lines, withdrawn=withdrawn))
    assert by_cause(found) == dict.fromkeys(CAUSES, 0) | {"consent_or_erasure": 200}
    assert {d.kind for d in found} == {"removed"}
    back = differences(traces(lines[200:]), traces(lines[100:]), facts_of(lines, withdrawn=withdrawn), facts_of(lines))
    assert by_cause(back) == dict.fromkeys(CAUSES, 0) | {"consent_or_erasure": 100}
    assert {d.kind for d in back} == {"added"}


def test_causes_planted_together_are_told_apart_and_unchanged_lines_are_not_reported(lines):
    newcomers, known = lines[:100], lines[100:]
    withdrawn = frozenset(person_digest(line["metadata"]["subject_id"], key=KEY) for line in known[:100])
    later = Planted(lines)
    for line in later.lines:
        # A new version of the software wrote all of B; that alone changes nothing.
        line["metadata"]["processor_version"] = "1.1"
    expected = {line["id"]: "late_data" for line in newcomers} | {
        line["id"]: "consent_or_erasure" for line in known[:100]
    }
    for index, cause in enumerate(CHANGED_IN_PLACE, start=2):
        for line in later.lines[index * 100 : index * 100 + 100]:
            getattr(later, cause)(line)
            expected[line["id"]] = cause
    del later.lines[100:200]
    random.Random(1).shuffle(later.lines)
    found = differences(
        traces(known),
        later.traces(),
        facts_of(known),
        later.facts(processor_version="1.1", withdrawn=withdrawn),
    )
    assert {d.before or d.after: d.cause for d in found} == expected
    assert by_cause(found) == dict.fromkeys(CAUSES, 100) | {"late_data": 200}


def test_two_equal_versions_differ_in_nothing_whatever_the_order_of_their_lines(lines):
    assert differences(traces(lines), traces(lines[::-1]), facts_of(lines), facts_of(lines)) == []


def test_another_software_other_uploads_or_another_policy_without_effect_is_no_difference(lines):
    later = Planted(lines)
    for line in later.lines:
        line["metadata"] |= {"processor_version": "2.0", "trace_id": "other"}
        line["metadata"]["source_s3_keys_sha256"] = ["other"]
        later.policies[line["id"]] = "other settings"
    assert differences(traces(lines), later.traces(), facts_of(lines), later.facts()) == []


def test_new_persons_and_new_days_are_late_data_also_under_a_new_policy_and_new_software(lines):
    facts = facts_of(lines, policy_digest="other", selection_digest="other", processor_version="2.0")
    found = differences(traces(lines[100:]), traces(lines), facts_of(lines[100:]), facts)
    assert by_cause(found) == dict.fromkeys(CAUSES, 0) | {"late_data": 100}


def of_kind(lines, record_type, count=20):
    found = [line for line in copy.deepcopy(lines) if line["metadata"]["record_type"] == record_type][:count]
    assert len(found) == count
    return found


def test_what_a_tenant_decided_about_a_kind_is_the_cause_for_examples_that_read_it_and_no_others(lines):
    mine = [line for name in ("BloodGlucoseRecord", "SleepSessionRecord") for line in of_kind(lines, name)]
    later = Planted(mine)
    for line in later.lines:
        later.code(line)
    found = differences(
        traces(mine),
        later.traces(),
        facts_of(mine, kind_policies={"blood_glucose": "shared", "sleep": "shared"}),
        later.facts(kind_policies={"blood_glucose": "its own bounds", "sleep": "shared"}),
    )
    causes = {(one.category, one.cause) for one in found}
    assert causes == {("metabolic_diabetes", "policy"), ("sleep_recovery", "code")}
    assert len(found) == 40


def test_a_refused_upload_that_is_let_through_is_policy_and_no_late_data(lines):
    mine = of_kind(lines, "BloodGlucoseRecord")
    known = facts_of(mine, kind_policies={"blood_glucose": "shared"})
    found = differences([], traces(mine), known, replace(known, kind_policies={"blood_glucose": "file let through"}))
    assert by_cause(found)["policy"] == len(found) == 20


@pytest.mark.parametrize("record_type", ["HeartRateRecord", "HeartRateVariabilityRmssdRecord"])
def test_a_night_that_came_late_is_the_cause_of_what_is_read_beside_it_also_under_new_software(lines, record_type):
    (night,), (beside,) = of_kind(lines, "SleepSessionRecord", 1), of_kind(lines, record_type, 1)
    beside["metadata"]["subject_id"] = night["metadata"]["subject_id"]
    later = Planted([beside, night])
    for line in later.lines:
        line["metadata"]["processor_version"] = "1.1"
        other_value(line)
    found = differences(traces([beside]), later.traces(), facts_of([beside]), later.facts(processor_version="1.1"))
    assert {(one.kind, one.cause) for one in found} == {("changed", "late_data"), ("added", "late_data")}
    alone = differences(traces([beside]), later.traces()[:1], facts_of([beside]), later.facts(processor_version="1.1"))
    assert [one.cause for one in alone] == ["code"]


@pytest.mark.parametrize("added", [True, False])
@pytest.mark.parametrize(
    ("cause", "here", "there"),
    [
        ("policy", {}, {"selection_digest": "a higher quality bound"}),
        ("policy", {}, {"policy_digest": "another source first"}),
        ("code", {}, {"processor_version": "1.1"}),
        ("late_data", {}, {}),
    ],
)
def test_examples_of_known_uploads_come_and_go_by_policy_or_code(lines, cause, here, there, added):
    few, many = lines[100:], lines
    old, new = (few, many) if added else (many, few)
    found = differences(traces(old), traces(new), facts_of(many, **here), facts_of(many, **there))
    assert by_cause(found) == dict.fromkeys(CAUSES, 0) | {cause: 100}


@pytest.mark.parametrize("added", [True, False])
def test_examples_that_a_new_version_of_a_rule_adds_or_drops_are_put_down_to_the_rule(lines, added):
    mine = [line for line in lines if any(c["rule"] == "glucose.mean@1" for c in line["metadata"]["claims"])]
    rules = facts_of(lines).rule_versions | {"glucose.mean": 2}
    facts = (facts_of(lines, rule_versions=rules), facts_of(lines))
    found = differences([], traces(mine), *facts) if added else differences(traces(mine), [], *facts[::-1])
    assert len(found) == len(mine) > 20
    assert {d.cause for d in found} == {"rule"}


def test_an_undone_completion_is_the_cause_of_what_vanishes_with_it(lines):
    lines = copy.deepcopy(lines)
    lines[0]["metadata"]["completions"] = [1]
    found = differences(
        traces(lines), traces(lines[1:]), facts_of(lines, completions=frozenset({"1"})), facts_of(lines)
    )
    assert [(d.kind, d.cause) for d in found] == [("removed", "completion")]


def test_the_day_tells_the_cause_of_a_question_that_came_with_late_data():
    (line,) = training_lines(1)[:1]
    question = copy.deepcopy(line)
    question["metadata"] |= {"task": "question", "question": "mean"}
    later = [copy.deepcopy(line), copy.deepcopy(question)]
    for one in later:
        one["metadata"]["source_s3_keys_sha256"] += ["new"]
    known = facts_of([line, *later])
    found = differences(traces([line]), traces(later), known, replace(known, processor_version="1.1"))
    assert [(d.task, d.kind, d.cause) for d in found] == [("question", "added", "late_data")]


def test_facts_that_differ_without_any_other_evidence_are_late_data_and_equal_facts_are_code(lines):
    moved, reworded = copy.deepcopy(lines[:2])
    other_value(moved)
    reworded["output"] += " "
    found = differences(traces(lines[:2]), traces([moved, reworded]), facts_of(lines), facts_of(lines))
    assert {d.before: d.cause for d in found} == {lines[0]["id"]: "late_data", lines[1]["id"]: "code"}


def test_lines_of_one_slot_are_matched_by_content_first(lines):
    twin = copy.deepcopy(lines[0])
    twin["output"] += " "
    found = differences(traces([lines[0], twin]), traces([twin]), facts_of(lines), facts_of(lines))
    assert [(d.kind, d.before) for d in found] == [("removed", lines[0]["id"])]


def test_what_both_versions_lost_to_an_erasure_is_in_neither(lines):
    gone = frozenset(person_digest(line["metadata"]["subject_id"], key=KEY) for line in lines[:5])
    both = list(forget(traces(lines), gone))
    assert differences(both, both, facts_of(lines), facts_of(lines)) == []


def test_nothing_of_an_erased_person_is_left_in_traces_and_notes(lines):
    subject = lines[0]["metadata"]["subject_id"]
    mine = [line for line in lines if line["metadata"]["subject_id"] == subject]
    person = frozenset({person_digest(subject, key=KEY)})
    before = traces(mine)
    sources = frozenset(source for trace in before for source in trace.sources)
    stored = orjson.dumps(traces_table(forget(traces(lines), person)).to_dicts()).decode()
    notes = facts_of(lines, withdrawn=person)
    stored += orjson.dumps(facts_json(forget_sources(notes, sources, person))).decode()
    for trace in before:
        for secret in (
            trace.example_id,
            trace.slot,
            trace.day,
            trace.person,
            trace.content,
            trace.facts,
            *trace.sources,
        ):
            assert secret not in stored


def test_no_trace_holds_a_subject_a_date_or_a_source_in_the_clear_and_another_key_shares_no_digest(lines):
    stored = orjson.dumps(traces_table(traces(lines[:50])).to_dicts()).decode()
    for line in lines[:50]:
        metadata = line["metadata"]
        for secret in (metadata["subject_id"], metadata["local_date"], *metadata["source_s3_keys_sha256"]):
            assert secret not in stored
    one = trace_of(lines[0], key=KEY, policy="")
    other = trace_of(lines[0], key=b"another key", policy="")
    for name in ("slot", "day", "person", "content", "facts", "sources"):
        assert getattr(one, name) != getattr(other, name)


def test_traces_and_notes_come_back_from_their_stored_form_in_an_order_of_their_own(lines):
    table = traces_table(traces(lines))
    assert table.schema == TRACE_SCHEMA
    assert table.equals(traces_table(traces(lines[::-1])))
    assert sorted(traces_from(table), key=str) == sorted(traces(lines), key=str)
    notes = facts_of(lines, withdrawn=frozenset({"a"}), kind_policies={"sleep": "b"})
    assert facts_from(orjson.loads(orjson.dumps(facts_json(notes)))) == notes


@pytest.mark.parametrize(
    ("metadata", "question"),
    [
        ({"task": "daily_summary", "claims": []}, ""),
        ({"task": "question", "question": "highest", "claims": []}, "highest"),
        ({"task": "abstention", "abstention": {"metric": "glucose.gmi", "reason": "r"}, "claims": []}, "glucose.gmi"),
        (
            {"task": "preference", "rejected_fact": {"label": "digit", "claim": "steps.n"}, "claims": []},
            "digit|steps.n",
        ),
        ({"task": "question", "claims": [{"metric": "b"}, {"metric": "a"}, {"metric": "day"}]}, "a|b"),
    ],
)
def test_the_question_of_a_line_is_its_name_or_what_it_asks_about(metadata, question):
    bare = {"abstention": {"metric": None}, "rejected_fact": {"label": None, "claim": None}, "question": None}
    assert question_of(bare | metadata) == question


def test_the_same_question_differs_between_persons_days_categories_and_tasks(lines):
    slots = {trace.slot for trace in traces(lines)}
    assert len(slots) == len(lines)
    other = copy.deepcopy(lines[0])
    other["metadata"]["task"] = "data_quality"
    assert trace_of(other, key=KEY, policy="").slot not in slots
    assert replace(traces(lines[:1])[0], content="x").slot in slots


@pytest.mark.parametrize("later_cause", CHANGED_IN_PLACE)
@pytest.mark.parametrize("cause", CHANGED_IN_PLACE)
def test_of_two_causes_that_strike_one_example_the_first_in_order_is_named(lines, cause, later_cause):
    later = Planted(lines)
    getattr(later, cause)(later.lines[0])
    getattr(later, later_cause)(later.lines[0])
    found = differences(traces(lines), later.traces(), facts_of(lines), later.facts())
    assert [d.cause for d in found] == [min(cause, later_cause, key=CHANGED_IN_PLACE.index)]


def test_a_new_upload_that_changed_no_fact_is_not_the_cause_of_a_new_wording(lines):
    later = Planted(lines)
    later.code(later.lines[0])
    later.lines[0]["metadata"]["source_s3_keys_sha256"] += ["a second delivery of the same records"]
    found = differences(traces(lines), later.traces(), facts_of(lines), later.facts())
    assert by_cause(found)["code"] == len(found) == 1
