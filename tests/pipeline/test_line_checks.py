import orjson
import pytest

from pipeline.line_checks import LINE_CHECKS, SHAPE, findings, findings_with_shape
from tests.vitals.training.fact_frames import KINDS, facts, random_facts
from tests.vitals.training.golden_rows import GOLDEN
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import DAILY_SUMMARIES_ONLY, TaskMix


def lines(kind, frame, mix=DAILY_SUMMARIES_ONLY):
    return build_examples(kind, frame, tenant="default", processor_version="0.1.0", mix=mix)


@pytest.mark.parametrize("kind", KINDS)
def test_written_lines_pass_every_check(kind):
    assert findings(lines(kind, random_facts(kind, 20, seed=4), TaskMix())) == {name: {} for name in LINE_CHECKS}


def test_a_line_whose_prompt_lost_a_fact_fails_with_the_claim_and_without_its_value():
    line = lines("blood_glucose", facts("blood_glucose", [GOLDEN["blood_glucose"]]))[0]
    example = orjson.loads(line)
    example["input"] = example["input"].replace("SD: 19.62 mg/dL\n", "")
    found = findings([line, orjson.dumps(example)])["sufficiency"]
    assert found == {"glucose.sd": 1}


def test_what_is_found_beside_the_shape_is_what_is_found_without():
    made = [*lines("steps", random_facts("steps", 5, seed=4), TaskMix()), b"{", b"[]", b"3"]
    found = findings_with_shape(made)
    assert {name: found[name] for name in LINE_CHECKS} == findings(made)
    assert found[SHAPE] == {"not JSON": 1, "not an object": 2}


@pytest.mark.parametrize("line", [b"{", b"[]", b"{}", b'{"input": 3, "metadata": {"claims": [4]}}'])
def test_a_line_that_cannot_be_read_passes_no_check(line):
    assert all(found.total() == 1 for found in findings([line]).values())
