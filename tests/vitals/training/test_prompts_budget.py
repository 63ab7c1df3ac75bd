"""Short prompts: what goes first, that it is named, and that answer and prompt lose the same."""

import orjson
import pytest

from tests.vitals.training.fact_frames import KINDS, OURA, SAMSUNG, STELO, at, facts, random_facts, readings, source
from tests.vitals.training.number_reader import unclaimed
from vitals.errors import PermanentError
from vitals.training.examples import build_examples
from vitals.training.fewer_details import EPISODES, FURTHER_FIGURES, OTHER_SOURCES
from vitals.training.prompts import LEAST_TOKEN_BUDGET, TOKEN_BUDGET, estimate_tokens
from vitals.training.tasks.mix import DAILY_SUMMARIES_ONLY, TaskMix
from vitals.verification.answerability.evaluator import insufficient

LEFT_OUT = "Left out, longer than this prompt allows: "


def examples(kind, frame, budget, mix=DAILY_SUMMARIES_ONLY):
    lines = build_examples(kind, frame, tenant="default", processor_version="0", mix=mix, token_budget=budget)
    return [orjson.loads(line) for line in lines]


def episode(level, hour):
    return {"level": level, "start_local": at(hour), "minutes": 35.0, "extreme_mg_dl": 195}


def day():
    """A day with every detail that may go."""
    row = {"n": 288, "expected_n": 288, "wear_percent": 100.0, "mean": 129.0, "pct_70_180": 97.0, "median": 127.0}
    row |= {"sd": 20.0, "cv": 15.5, "pct_70_140": 88.0, "episodes_lv1_hyper": 3, "episodes_lv2_hyper": 0}
    row |= {"episodes": [episode("lv1_hyper", hour) for hour in (8, 13, 19)], "withheld": []}
    others = [source(app, used=False, value=120.0) for app in (SAMSUNG, OURA, "com.example.app2")]
    series = readings([100 + i % 60 for i in range(288)], start=at(0))
    return facts("blood_glucose", [row | {"series": series, "sources": [source(STELO, value=129.0), *others]}])


def left_out(example):
    lines = [s for s in example["input"].split("\n") if s.startswith(LEFT_OUT)]
    return lines[0].removeprefix(LEFT_OUT).split(", ") if lines else []


def smallest(frame, wanted):
    """The example of about the largest budget at which just the wanted details are left out."""
    for budget in range(1300, 40, -30):
        example = examples("blood_glucose", frame, budget)[0]
        if left_out(example) == wanted:
            return example
    raise AssertionError(wanted)


def test_details_go_by_rule_and_the_prompt_names_them():
    frame = day()
    whole = examples("blood_glucose", frame, TOKEN_BUDGET)[0]
    assert left_out(whole) == []
    assert "35 min" in whole["output"]
    assert "Oura" in whole["output"]

    without_episodes = smallest(frame, [EPISODES])
    assert "Series left out" in without_episodes["input"]
    for text in (without_episodes["input"], without_episodes["output"]):
        assert "35 min" not in text
        assert "Oura" in text
    assert "3 episodes" in without_episodes["output"]

    without_others = smallest(frame, [EPISODES, OTHER_SOURCES])
    for text in (without_others["input"], without_others["output"]):
        assert "Oura" not in text
        assert "SD" in text or "standard deviation" in text

    shortest = smallest(frame, [EPISODES, OTHER_SOURCES, FURTHER_FIGURES])
    stated = {claim["id"] for claim in shortest["metadata"]["claims"]}
    assert {"glucose.mean", "glucose.pct_70_180", "glucose.n", "glucose.wear_percent"} <= stated
    assert not stated & {"glucose.sd", "glucose.cv", "glucose.median", "glucose.episodes_lv1_hyper"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("budget", [LEAST_TOKEN_BUDGET, 900, 1500])
def test_a_short_prompt_still_gives_every_claim_and_keeps_to_its_budget(kind, budget):
    for example in examples(kind, random_facts(kind, 30, seed=21), budget, TaskMix()):
        assert estimate_tokens(example["input"]) <= budget
        assert insufficient(example) == []


def test_a_short_answer_states_only_what_it_claims():
    for budget in (657, 570, 480, 400):
        for example in examples("blood_glucose", day(), budget):
            assert unclaimed(example, [STELO, SAMSUNG, OURA, "com.example.app2"]) == []


def test_a_smaller_budget_never_gives_a_longer_prompt_or_more_claims():
    frame = day()
    made = [examples("blood_glucose", frame, budget)[0] for budget in range(440, TOKEN_BUDGET, 150)]
    claims = [len(example["metadata"]["claims"]) for example in made]
    assert claims == sorted(claims)
    assert len({example["id"] for example in made}) > 3


def test_a_budget_that_nothing_fits_is_an_error_that_names_the_setting():
    with pytest.raises(PermanentError, match="VITALGRAPH_PROMPT_TOKEN_BUDGET") as caught:
        examples("blood_glucose", day(), 20)
    assert "129" not in str(caught.value)


def test_an_answer_that_its_prompt_does_not_give_is_found_by_the_check_with_the_claim(monkeypatch):
    whole = examples("blood_glucose", day(), TOKEN_BUDGET)[0]
    assert insufficient(whole) == []
    lacking = whole["input"].replace("SD: 20 mg/dL\n", "")
    monkeypatch.setattr("vitals.training.examples.data_block", lambda *_, **__: lacking)
    assert insufficient(examples("blood_glucose", day(), TOKEN_BUDGET)[0]) == ["glucose.sd"]
