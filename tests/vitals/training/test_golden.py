"""The golden examples: what a line of each kind looks like, word for word.

To write them anew after a wanted change: `python -m tests.vitals.training.test_golden`, then read the diff.
"""

from pathlib import Path

import orjson
import pytest

from tests.vitals.training.fact_frames import KINDS, facts
from tests.vitals.training.golden_rows import GOLDEN, REASONS
from tests.vitals.training.number_reader import unclaimed
from vitals.training.examples import build_examples

FOLDER = Path(__file__).parent / "golden"


def made(kind):
    return orjson.loads(
        build_examples(
            kind, facts(kind, [GOLDEN[kind]], reason=REASONS[kind]), tenant="default", processor_version="0.0.0"
        )[0]
    )


def written(example):
    return orjson.dumps(example, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2) + b"\n"


@pytest.mark.parametrize("kind", KINDS)
def test_the_line_of_a_made_up_day_is_the_golden_one(kind):
    assert written(made(kind)).decode() == (FOLDER / f"{kind}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_the_golden_answer_states_only_claimed_numbers(kind):
    example = orjson.loads((FOLDER / f"{kind}.json").read_bytes())
    apps = {app for claim in example["metadata"]["claims"] for app in claim["sources"]}
    assert unclaimed(example, apps) == []


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in KINDS:
        (FOLDER / f"{each}.json").write_bytes(written(made(each)))
