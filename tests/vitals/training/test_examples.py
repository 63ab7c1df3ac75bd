import re
from hashlib import sha256

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.vitals.training.fact_frames import (
    KINDS,
    OURA,
    SAMSUNG,
    STELO,
    at,
    at_utc,
    facts,
    random_facts,
    source,
)
from tests.vitals.training.number_reader import text_of, tokens, unclaimed
from vitals.clinical.metrics import metrics_of
from vitals.errors import PermanentError
from vitals.record_types import BY_KIND
from vitals.training import line_metadata as module
from vitals.training.examples import build_examples
from vitals.training.glucose_sensor_limits import LEVEL_2_HIGH_MG_DL
from vitals.training.language import REFERRAL, violations
from vitals.training.line_check import problems
from vitals.training.narrative import phrases


def lines(kind, frame):
    return build_examples(kind, frame, tenant="default", processor_version="0.1.0")


def one(kind, **row):
    return orjson.loads(lines(kind, facts(kind, [row]))[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_every_number_is_claimed_nothing_is_forbidden_and_nothing_withheld_is_stated(kind, seed):
    frame = random_facts(kind, 200, seed=seed)
    apps = {s["app"] for row in frame["sources"] for s in row} | {STELO, SAMSUNG, OURA}
    for line in lines(kind, frame):
        example = orjson.loads(line)
        assert unclaimed(example, apps) == []
        assert violations(example["output"]) == []
        assert problems(line) == []


@pytest.mark.parametrize("kind", KINDS)
def test_equal_facts_give_equal_bytes_in_whatever_company_and_order(kind):
    frame = random_facts(kind, 30, seed=9)
    everybody = lines(kind, frame)
    assert lines(kind, frame.reverse()) == everybody
    assert sorted(line for row in frame.iter_slices(1) for line in lines(kind, row)) == sorted(everybody)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_are_json_objects_with_sorted_keys_by_subject_and_id(kind):
    made = lines(kind, random_facts(kind, 30, seed=5))
    parsed = [orjson.loads(line) for line in made]
    order = [(e["metadata"]["subject_id"], e["id"]) for e in parsed]
    assert order == sorted(order)
    for line, example in zip(made, parsed, strict=True):
        assert orjson.dumps(example, option=orjson.OPT_SORT_KEYS) == line
        assert b"NaN" not in line
        assert b"\n" not in line


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_loads_as_alpaca_and_as_chat(kind):
    example = orjson.loads(lines(kind, random_facts(kind, 1, seed=6))[0])
    assert set(example) == {"id", "instruction", "input", "output", "messages", "metadata", "rejected"}
    question, answer = example["messages"]
    assert question == {"role": "user", "content": f"{example['instruction']}\n\n{example['input']}"}
    assert answer == {"role": "assistant", "content": example["output"]}


def test_the_id_follows_from_content_alone():
    frame = random_facts("steps", 2, seed=7)
    a = orjson.loads(build_examples("steps", frame, tenant="one", processor_version="1")[0])
    b = orjson.loads(build_examples("steps", frame, tenant="two", processor_version="2")[0])
    assert a["id"] == b["id"]
    parts = [
        a["instruction"],
        a["input"],
        a["output"],
        "daily_summary",
        a["metadata"]["subject_id"],
        a["metadata"]["local_date"],
    ]
    assert a["id"] == sha256(orjson.dumps(parts)).hexdigest()
    changed = frame.with_columns(zone=pl.lit("+01:00"))
    assert orjson.loads(lines("steps", changed)[0])["id"] != a["id"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_metric_that_is_withheld_leaves_neither_number_nor_claim(kind):
    """Every metric gets a value no other has; withholding it must take that value out of the text."""
    unit_of = {m.column: m.unit for m in metrics_of(kind, "day")}
    numeric = [m for m in metrics_of(kind, "day") if m.unit != "bool"]
    values = {m.column: 201 + 2 * i if m.unit == "count" else 201.0 + 2 * i for i, m in enumerate(numeric)}
    if "lower_bound" in unit_of:
        values["lower_bound"] = False
    whole = one(kind, **values)
    stated = {c["metric"]: c for c in whole["metadata"]["claims"] if c["id"] == c["metric"]}
    assert stated
    for metric in numeric:
        if metric.id not in stated:
            continue
        number = text_of(stated[metric.id])
        if metric.id != "heart_rate.dip_percent":  # written by its size, a claim derived from it
            assert number in tokens(whole["output"])
        without = one(kind, **{k: v for k, v in values.items() if k != metric.column})
        assert number not in tokens(without["output"]), metric.id
        assert metric.id not in {c["metric"] for c in without["metadata"]["claims"]}
        assert metric.id not in without["metadata"]["clinical_insights"]["metrics"]
        assert metric.id in {w["metric"] for w in without["metadata"]["withheld"]}


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 10_000))
def test_a_value_beside_its_own_withholding_is_not_stated(kind, seed):
    """Clinical never does this; if it ever does, the text still keeps silent."""
    frame = random_facts(kind, 1, seed=seed)
    everything = [{"metric": m.id, "reason": "not now"} for m in metrics_of(kind, "day")]
    example = orjson.loads(lines(kind, frame.with_columns(withheld=pl.lit([everything]).list.first()))[0])
    assert not {c["metric"] for c in example["metadata"]["claims"]} & {m.id for m in metrics_of(kind, "day")}


def test_no_facts_give_no_lines():
    assert lines("sleep", facts("sleep", [{}]).clear()) == []


def test_a_day_of_which_nothing_may_be_stated_says_just_that():
    example = one("steps", sources=[source(SAMSUNG)])
    assert "total" in example["output"]
    assert "Samsung Health" in example["output"]
    assert example["metadata"]["clinical_relevance"] == "not_assessable"
    assert example["metadata"]["clinical_insights"] == {"metrics": [], "values": []}


def test_metadata_hold_what_the_contract_names():
    sources = [source(SAMSUNG, value=8000.0), source(OURA, used=False, value=7000.0)]
    metadata = one(
        "steps", recommended_total=8000.0, lower_bound=True, provisional=True, zone="-05:00>-04:00", sources=sources
    )["metadata"]
    record_type = BY_KIND["steps"]
    assert metadata["record_type"] == record_type.avro_name
    assert metadata["training_category"] == metadata["health_domain"] == record_type.category
    assert metadata["task"] == "daily_summary"
    assert metadata["tenant"] == "default"
    assert metadata["records_processed"] == 10
    assert metadata["data_quality_score"] == metadata["quality_score"] == 0.98
    assert metadata["source_s3_keys_sha256"] == ["a" * 64, "b" * 64]
    assert metadata["provisional"] is True
    assert metadata["clinical_relevance"] == "limited_account"
    assert metadata["complexity_level"] in {"simple", "moderate", "complex"}
    assert metadata["clinical_insights"] == {"metrics": ["steps.recommended_total"], "values": [8000.0]}
    assert metadata["validation_warnings"] == [
        module.DIFFERENT_VALUE,
        module.PROVISIONAL,
        module.LOWER_BOUND,
        module.ZONE_CHANGED,
    ]
    assert re.fullmatch("[0-9a-f]{32}", metadata["trace_id"])


def test_the_trace_follows_from_the_uploads():
    def trace(keys):
        return one("steps", source_keys_sha256=keys)["metadata"]["trace_id"]

    assert trace(["a" * 64, "b" * 64]) == trace(["b" * 64, "a" * 64])
    assert trace(["a" * 64]) != trace(["b" * 64])


def test_forbidden_wording_stops_the_run_without_repeating_the_text(monkeypatch):
    monkeypatch.setattr("vitals.training.steps.WORDS", _advising_words())
    with pytest.raises(PermanentError, match="advice") as caught:
        one("steps", recommended_total=8123.0, lower_bound=False)
    assert "8,123" not in str(caught.value)


def _advising_words():
    from dataclasses import replace

    from vitals.training.steps import WORDS

    return replace(WORDS, whole=phrases("{total} steps on {day} by {apps}, and you should walk more"))


GLUCOSE = {"n": 200, "sources": [source(STELO, n=200)], "min": 71.0, "max": 120.0}


@pytest.mark.parametrize(
    ("floor", "ceiling", "low", "high", "refers"),
    [
        (None, None, 53.0, 120.0, True),
        (None, None, 54.0, 250.0, False),
        (None, None, 71.0, 251.0, True),
        (70, 250, 53.0, 251.0, False),
        (40, 400, 53.0, 120.0, True),
        (40, 400, 71.0, float(LEVEL_2_HIGH_MG_DL), False),
    ],
)
def test_the_referral_stands_only_for_a_level_2_value_of_a_sensor_that_can_deliver_it(
    floor, ceiling, low, high, refers
):
    row = GLUCOSE | {"source_floor_mg_dl": floor, "source_ceiling_mg_dl": ceiling, "min": low, "max": high}
    assert (REFERRAL in one("blood_glucose", **row)["output"]) is refers


def test_a_censored_sensor_is_named_as_such_and_its_lateness_with_it():
    output = one("blood_glucose", **GLUCOSE, source_floor_mg_dl=70, source_ceiling_mg_dl=250)["output"]
    assert re.search(r"70-250 mg/dL", output)
    assert "190 min" in output
    assert not re.search(r"\b0 %", output)


def test_a_running_total_is_a_lower_bound_as_of_its_time_and_sources_are_not_added():
    sources = [
        source(SAMSUNG, n=1, value=5310.0, as_of_utc=at_utc(17, 10)),
        source(OURA, used=False, n=1, value=3468.0, as_of_utc=at_utc(17, 3)),
    ]
    output = one(
        "steps",
        recommended_total=5310.0,
        hc_priority_total=5310.0,
        lower_bound=True,
        provisional=True,
        value_as_of_local=at(17, 10),
        sources=sources,
    )["output"]
    assert re.search(r"[Aa]t least 5,310", output)
    assert "17:10" in output
    assert "3,468" in output
    assert "17:03" in output
    assert "8,778" not in output


def test_a_total_is_a_lower_bound_unless_it_is_known_to_be_whole():
    output = one("steps", recommended_total=5310.0, lower_bound=False, withheld=[])["output"]
    assert "least" not in output
    assert "least" in one("steps", recommended_total=5310.0, lower_bound=None, withheld=[])["output"]


def test_a_day_of_other_length_says_so():
    output = one("steps", recommended_total=10.0, lower_bound=False, zone="-05:00>-04:00", day_minutes=1380.0)["output"]
    assert "clock change" in output
    assert "23 h" in output
    assert "UTC-05:00, then UTC-04:00" in output
    assert "travel day" in one("steps", day_minutes=1020.0)["output"]


def test_two_sources_of_one_night_are_named_with_their_difference():
    sources = [source(SAMSUNG, n=1, value=402.4), source(OURA, used=False, n=1, value=371.4)]
    output = one(
        "sleep",
        tst=402.4,
        tib=441.0,
        session_app=SAMSUNG,
        session_start_local=at(23, 41, days=-1),
        session_end_local=at(7, 2),
        sources=sources,
    )["output"]
    for expected in ("23:41-07:02", "402 min", "371 min", "31 min less"):
        assert expected in output


def test_a_negative_dip_is_written_as_higher_asleep():
    output = one("heart_rate", dip_percent=-3.2)["output"]
    assert re.search(r"3 % higher", output)
    assert "-3" not in output
