"""The golden lines of the tasks: one per kind and task, word for word, of made-up days.

To write them anew after a wanted change: `python -m tests.vitals.training.tasks.test_task_golden`, then read the
diff.
"""

from pathlib import Path

import orjson
import pytest

from tests.vitals.training.fact_frames import KINDS, facts
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from tests.vitals.training.tasks.task_lines import lines, of_task
from vitals.training.tasks.mix import TASKS, TaskMix

FOLDER = Path(__file__).parent / "golden"
ONE_OF_EACH = TaskMix(daily_summary=0, question=1, data_quality=1, abstention=1, preference=1)
OTHER_TASKS = [task for task in TASKS if task != "daily_summary"]


def made(kind, task):
    frame = facts(kind, [GOLDEN[kind]], reason=REASONS[kind])
    (line,) = of_task(lines(kind, frame, ONE_OF_EACH), task)
    return orjson.dumps(line, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2).decode() + "\n"


@pytest.mark.parametrize("task", OTHER_TASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_line_of_a_made_up_day_is_the_golden_one(kind, task):
    assert made(kind, task) == (FOLDER / f"{kind}.{task}.json").read_text(encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in KINDS:
        for task in OTHER_TASKS:
            (FOLDER / f"{each}.{task}.json").write_text(made(each, task), encoding="utf-8")
