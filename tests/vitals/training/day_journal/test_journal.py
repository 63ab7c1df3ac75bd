"""The journal of a day: all kinds in one text, within its budget, from claims alone."""

import random
import re
from datetime import timedelta

import orjson
import polars as pl
import pytest

from pipeline.line_checks import LINE_CHECKS, findings
from tests.vitals.training.day_journal.journal_cohort import cohort
from tests.vitals.training.fact_frames import DAY, KINDS, SAMSUNG, facts, random_facts, source
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from vitals.errors import PermanentError
from vitals.record_types import BY_KIND
from vitals.training.day_journal import journal
from vitals.training.day_journal.build import COLUMNS_OF_EARLIER_DAYS, build_journal
from vitals.training.line_check import problems
from vitals.training.narrative import phrases
from vitals.training.prompts import estimate_tokens
from vitals.verification.answerability.evaluator import insufficient


def built(frames, **changes):
    return build_journal(frames, local_day=DAY, tenant="default", processor_version="1", **changes)


def journals(frames, **changes):
    lines = [orjson.loads(line) for line in built(frames, **changes)]
    return [line for line in lines if line["metadata"]["task"] == "day_journal"]


def golden():
    return {kind: facts(kind, [GOLDEN[kind]], reason=REASONS[kind]) for kind in KINDS}


def random_day(count: int, seed: int) -> dict[str, pl.DataFrame]:
    """Rows nobody chose, all of one day, each person with one zone in all kinds."""
    zones = random_facts("steps", count, seed=seed).select("subject_id", "zone", "day_minutes")
    frames = {}
    for number, kind in enumerate(KINDS):
        frame = random_facts(kind, count, seed=seed + number).with_columns(local_date=pl.lit(DAY))
        columns = frame.columns
        frames[kind] = frame.drop("zone", "day_minutes").join(zones, on="subject_id").select(columns)
    return frames


def test_a_journal_says_the_day_once_and_has_a_part_of_each_kind():
    [line] = journals(golden())
    output = line["output"]
    assert output.count(str(DAY)) == 1 + 2, "once for the day, and in two times of data that are still open"
    for said in ("247", "118 mg/dL", "71 bpm", "23:41-07:02", "402 min", "41 ms", "5,120 steps", "210 kcal"):
        assert said in output
    assert output.count("t least 5,120") == 1
    assert "17:10" in output
    assert "one night" in output or "single night" in output
    metadata = line["metadata"]
    assert metadata["record_type"] == "DayJournal"
    assert metadata["training_category"] == metadata["health_domain"] == metadata["task"] == "day_journal"
    assert metadata["record_types"] == [BY_KIND[kind].avro_name for kind in BY_KIND]
    assert metadata["records_processed"] == 10 * len(KINDS)
    assert metadata["provisional"] is True
    assert metadata["clinical_relevance"] == "limited_account"


def test_a_journal_states_fewer_claims_than_the_summaries_of_its_kinds():
    from vitals.training.examples import build_examples

    frames = golden()
    [line] = journals(frames)
    summaries = [
        orjson.loads(one)["metadata"]["claims"]
        for kind in KINDS
        for one in build_examples(kind, frames[kind], tenant="default", processor_version="1")
    ]
    assert len(line["metadata"]["claims"]) < sum(map(len, summaries)) * 0.7


@pytest.mark.parametrize("kind", KINDS)
def test_a_day_with_one_kind_only_names_the_others_as_without_records(kind):
    [line] = journals({kind: golden()[kind]})
    [sentence] = [s for s in line["output"].split(". ") if "ithout records" in s or "hold no record" in s]
    assert len(re.split(r", | and ", sentence.partition(": ")[2])) == len(KINDS) - 1
    assert line["metadata"]["record_types"] == [BY_KIND[kind].avro_name]
    prefixes = {claim["metric"].partition(".")[0] for claim in line["metadata"]["claims"]}
    assert prefixes <= {BY_KIND[kind].metric_prefix, "day", "sufficiency"}


def test_whatever_a_day_holds_its_lines_pass_every_check():
    lines = built(random_day(150, seed=1)) + built(cohort(2, 30))
    assert [problems(line) for line in lines if problems(line)] == []
    assert findings(lines) == {name: {} for name in LINE_CHECKS}


def test_nothing_withheld_is_claimed_and_every_number_of_the_text_is_written_by_a_claim():
    for line in journals(random_day(80, seed=5)):
        withheld = {entry["metric"] for entry in line["metadata"]["withheld"]}
        assert not withheld & {claim["metric"] for claim in line["metadata"]["claims"]}
        assert len({claim["id"] for claim in line["metadata"]["claims"]}) == len(line["metadata"]["claims"])


@pytest.mark.parametrize("budget", [4500, 1100, 550])
def test_a_prompt_keeps_its_budget_and_says_what_was_left_out(budget):
    lines = journals(random_day(40, seed=6), token_budget=budget)
    shortened = [line for line in lines if "Left out, longer than this prompt allows" in line["input"]]
    assert bool(shortened) == (budget < 4500)
    for line in lines:
        if line["input"].count("Record: ") > 1:
            assert estimate_tokens(line["input"]) <= budget
    assert findings(orjson.dumps(line) for line in lines)["sufficiency"] == {}


def test_a_kind_left_out_for_want_of_room_is_not_called_absent():
    [line] = journals(golden(), token_budget=330)
    assert line["input"].count("Record: ") == 1
    assert "ithout records" not in line["output"]
    assert "no record of" not in line["output"]
    assert "step count" in line["input"].rpartition("Left out")[2]


def test_a_travel_day_says_so_once_for_all_kinds():
    changes = {"zone": "-05:00>+02:00", "day_minutes": 1020.0}
    frames = {kind: facts(kind, [GOLDEN[kind] | changes], reason=REASONS[kind]) for kind in KINDS}
    [line] = journals(frames)
    assert line["output"].count("travel day") == 1
    assert line["output"].count("17 h") == 1
    assert "UTC-05:00, then UTC+02:00" in line["output"]


def test_people_without_facts_on_the_day_have_no_line():
    rows = [{"subject_id": "a", "local_date": DAY - timedelta(days=1), "recommended_total": 5000.0}]
    assert built({"steps": facts("steps", rows)}) == []
    assert built({}) == []


def test_a_journal_does_not_depend_on_the_order_of_rows_and_sources():
    frames = random_day(30, seed=9)
    shuffled = {
        kind: frames[kind].sample(fraction=1, shuffle=True, seed=2) for kind in random.sample(KINDS, len(KINDS))
    }
    assert built(frames) == built(shuffled)


def test_wording_varies_between_people_but_the_claims_do_not():
    rows = [{**GOLDEN["steps"], "subject_id": f"p{number}"} for number in range(12)]
    lines = journals({"steps": facts("steps", rows)})
    assert len({line["output"] for line in lines}) > 3
    assert len({orjson.dumps([claim["id"] for claim in line["metadata"]["claims"]]) for line in lines}) == 1


def test_forbidden_wording_stops_the_run_without_repeating_the_text(monkeypatch):
    monkeypatch.setattr(journal, "OPENING", phrases("You should rest on {day}"))
    with pytest.raises(PermanentError, match="advice") as caught:
        built(golden())
    assert "118" not in str(caught.value)


def test_a_claim_that_the_prompt_does_not_hold_is_found_by_the_blocking_check_of_the_journal(monkeypatch):
    monkeypatch.setattr(journal, "_block", lambda row, claims, *, left_out: f"Local day: {row.date} (UTC-05:00)")
    rows = [{"recommended_total": 5120.0, "lower_bound": False, "sources": [source(SAMSUNG, value=5120.0)]}]
    lines = built({"steps": facts("steps", rows)})
    assert findings(lines)["sufficiency"]
    assert any("steps.recommended_total" in insufficient(orjson.loads(line)) for line in lines)


@pytest.mark.parametrize("budget", [8000, 1900, 870])
@pytest.mark.parametrize("seed", [31, 32, 33, 34])
def test_every_prompt_gives_what_its_line_states_although_building_does_not_look(seed, budget):
    frames = [cohort(seed, 12), random_day(40, seed)]
    lines = [orjson.loads(line) for each in frames for line in built(each, token_budget=budget)]
    assert len(lines) > 60
    assert {line["metadata"]["task"] for line in lines} == {"day_journal", "multi_day_question", "abstention"}
    assert [insufficient(line) for line in lines if insufficient(line)] == []


def test_of_earlier_days_only_the_columns_named_are_read_and_of_strangers_nothing():
    frames = cohort(35, 12)
    expected = built(frames)
    assert len(expected) > 30
    for kind, rows in frames.items():
        unread = [name for name in rows.columns if name not in COLUMNS_OF_EARLIER_DAYS[kind]]
        is_today = pl.col("local_date") == DAY
        frames[kind] = pl.concat(
            [
                rows.with_columns(pl.when(is_today).then(pl.col(name)).alias(name) for name in unread),
                rows.filter(~is_today).with_columns(subject_id=pl.lit("nobody of today")),
            ]
        )
    assert built(frames) == expected
