import math
from collections import Counter
from dataclasses import replace

import polars as pl
import pytest

from tests.vitals.training.fact_frames import KINDS, random_facts
from tests.vitals.training.tasks.task_lines import lines
from vitals.errors import PermanentError
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import DAILY_SUMMARIES_ONLY, TASKS, TaskMix, drawn_from, ranked, read_mix

DAYS = 1_000


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 0.9, 1.0])
def test_the_share_of_a_task_holds_within_sampling_bounds(task, share):
    mix = replace(TaskMix(), **{task: share})
    drawn = [mix.lines(task, f"steps|person-{i}|2025-03-03") for i in range(DAYS)]
    assert set(drawn) <= {0, 1}
    assert abs(sum(drawn) / DAYS - share) <= 4 * math.sqrt(share * (1 - share) / DAYS)


def test_of_a_count_with_a_fraction_every_day_has_the_whole_part():
    mix = TaskMix(question=2.5)
    drawn = Counter(mix.lines("question", f"sleep|{i}|2025-03-03") for i in range(DAYS))
    assert set(drawn) == {2, 3}
    assert abs(drawn[3] - DAYS / 2) <= 4 * math.sqrt(DAYS / 4)


def test_tasks_are_drawn_apart():
    mix = TaskMix(abstention=0.5, preference=0.5)
    both = sum(mix.lines("abstention", f"{i}") * mix.lines("preference", f"{i}") for i in range(DAYS))
    assert abs(both / DAYS - 0.25) <= 4 * math.sqrt(0.25 * 0.75 / DAYS)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_of_real_tables_keep_the_default_mix(kind):
    frame = random_facts(kind, 300, seed=31)
    counts = Counter(line["metadata"]["task"] for line in lines(kind, frame, TaskMix()))
    assert counts["daily_summary"] == 300
    # Random days may lack what a question, a refusal or a pair needs.
    for task, share in {"question": 2, "data_quality": 0.25, "abstention": 0.5, "preference": 0.5}.items():
        bound = 4 * math.sqrt(300 * 0.25)
        assert counts[task] <= 300 * share + bound
        assert counts[task] >= 300 * share * 0.9 - bound


@pytest.mark.parametrize("kind", KINDS)
def test_other_people_days_and_orders_change_nobodys_lines(kind):
    frame = random_facts(kind, 30, seed=9)

    def made(some):
        return build_examples(kind, some, tenant="default", processor_version="0.1.0", mix=TaskMix())

    everybody = made(frame)
    assert made(frame.reverse()) == everybody
    assert sorted(line for row in frame.iter_slices(1) for line in made(row)) == sorted(everybody)
    more = pl.concat(
        [frame, random_facts(kind, 20, seed=77).with_columns(subject_id="another-" + pl.col("subject_id"))]
    )
    assert set(everybody) <= set(made(more))


@pytest.mark.parametrize("kind", KINDS)
def test_another_share_of_one_task_leaves_the_other_tasks_alone(kind):
    frame = random_facts(kind, 30, seed=9)

    def others(mix):
        return [line for line in lines(kind, frame, mix) if line["metadata"]["task"] != "question"]

    assert others(TaskMix()) == others(TaskMix(question=5))


def test_a_higher_share_keeps_the_days_of_a_lower_one():
    low, high = TaskMix(preference=0.2), TaskMix(preference=0.6)
    for i in range(DAYS):
        assert low.lines("preference", f"{i}") <= high.lines("preference", f"{i}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", TaskMix()),
        ("question=3", TaskMix(question=3)),
        (" question = 0 , preference=0.1 ", TaskMix(question=0, preference=0.1)),
        ('{"abstention": 1, "data_quality": 0.5}', TaskMix(abstention=1, data_quality=0.5)),
        ("question=0,data_quality=0,abstention=0,preference=0", DAILY_SUMMARIES_ONLY),
    ],
)
def test_a_mix_is_read_from_pairs_or_json(text, expected):
    assert read_mix(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "riddles=1",
        '{"riddles": 1}',
        "question",
        "question=many",
        '{"question": "2"}',
        '{"question": true}',
        "question=-1",
        "question=nan",
        "question=13",
        "daily_summary=2",
        "data_quality=1.5",
        "{",
    ],
)
def test_a_mix_that_makes_no_sense_is_an_error_that_says_what_to_do(text):
    with pytest.raises(PermanentError, match=r"question=2,preference=0\.5"):
        read_mix(text)


def test_a_ranking_holds_every_choice_once_and_follows_the_identity():
    choices = list(range(32))
    assert sorted(ranked(choices, "question", "a")) == choices
    assert ranked(choices, "question", "a") == ranked(choices, "question", "a")
    assert ranked(choices, "question", "a") != ranked(choices, "question", "b")
    assert ranked(choices, "question", "a") != ranked(choices, "preference", "a")
    first = Counter(ranked(choices[:4], "question", f"{i}")[0] for i in range(DAYS))
    assert min(first.values()) > 180
    with pytest.raises(ValueError, match="choices"):
        ranked(range(33), "question", "a")


def test_every_choice_is_drawn_from_time_to_time():
    assert {drawn_from("abc", "label", f"{i}") for i in range(100)} == set("abc")
