"""What becomes of files as a whole, by what their rows broke."""

from assets.stages.judging import judge_files
from tests.vitals.validated.decoded import frame, row
from vitals.record_types import STEPS
from vitals.validated.file_quality import ScorePolicy
from vitals.validated.rule_policy import LOW_QUALITY, SHARED_RULES


def test_a_file_that_scores_too_low_says_what_lowered_its_score_and_its_sibling_flows():
    nameless = [row(STEPS, i, record_id=None) for i in range(2)]
    zoneless = [row(STEPS, i, start_zone=None) for i in range(2, 4)]
    good = row(STEPS, 0, file_index=1)
    judged = judge_files(
        frame([*nameless, row(STEPS, 4, count=-1), *zoneless, good]),
        STEPS,
        rules=SHARED_RULES,
        score=ScorePolicy(),
        upload_ids=["bad", "good"],
    )
    assert judged.low == {
        0: "the score is under 0.7; of 5 rows: missing_required:record_id in 2, out_of_range:count in 1, no zone in 2"
    }
    assert judged.rows["reason"].to_list() == [LOW_QUALITY] * 5 + [None]
