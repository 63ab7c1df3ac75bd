"""The mix of tasks on its way from the settings to the training files."""

from collections import Counter
from functools import cache

import orjson
import pytest

from tests.flow import came_out, installation, land, run_stages
from tests.small_cohort import uploads
from vitals.errors import PermanentError
from vitals.record_types import RECORD_TYPES
from vitals.training.line_check import problems
from vitals.training.tasks.mix import TASKS, TaskMix


@cache
def small_uploads():
    return uploads()


def tasks_of(tmp_path, **settings):
    _, workspace = installation(tmp_path, **settings)
    land(workspace.lake("default"), small_uploads())
    run_stages(workspace)
    found = Counter()
    for data in came_out(workspace).examples.values():
        for line in data.splitlines():
            assert problems(line) == []
            metadata = orjson.loads(line)["metadata"]
            found[metadata["training_category"], metadata["task"]] += 1
    return found


def test_every_task_of_every_category_is_written_and_no_other_with_another_mix(tmp_path):
    categories = {record_type.category for record_type in RECORD_TYPES}
    most = tasks_of(tmp_path / "a", task_mix="question=3,data_quality=1,abstention=1,preference=1")
    assert set(most) >= {(category, task) for category in categories for task in TASKS}
    fewest = tasks_of(tmp_path / "b", task_mix='{"question": 0, "data_quality": 0, "abstention": 0, "preference": 0}')
    assert {task for category, task in fewest if category in categories} == {"daily_summary"}
    for category in categories:
        assert fewest[category, "daily_summary"] == most[category, "daily_summary"]
        assert most[category, "question"] == 3 * most[category, "daily_summary"]


def test_without_a_setting_the_default_mix_holds(tmp_path):
    settings, workspace = installation(tmp_path)
    assert settings.mix_of_tasks == workspace.policy.task_mix == TaskMix()


def test_a_task_that_does_not_exist_stops_the_installation(tmp_path):
    with pytest.raises(PermanentError, match="riddles"):
        installation(tmp_path, task_mix="riddles=1")
