"""What becomes of files as a whole, by what their rows broke."""

from datetime import UTC, datetime, timedelta

from pipeline.validated.file_validation import judge_files
from tests.vitals.validated.decoded import FETCH, frame, row
from vitals.record_types import STEPS
from vitals.validated.file_quality import ScorePolicy
from vitals.validated.rule_policy import LOW_QUALITY, SHARED_RULES

LANDED = datetime.fromtimestamp(FETCH / 1000, UTC)


def test_of_a_file_only_the_rows_fetched_long_after_it_landed_are_clock_errors():
    hours = [0, 14, 16, 48, 24 * 1825]
    rows = [row(STEPS, i, fetched_ms=FETCH + h * 3_600_000) for i, h in enumerate(hours)]
    sibling = row(STEPS, 9, file_index=1, fetched_ms=FETCH + 48 * 3_600_000)
    later = LANDED + timedelta(days=2)
    judged = judge_files(
        frame([*rows, sibling]),
        STEPS,
        rules=SHARED_RULES,
        score=ScorePolicy(),
        upload_ids=["ahead", "honest"],
        landings=[(LANDED, LANDED.date()), (later, later.date())],
    )
    assert judged.rows["reason"].to_list() == [None, None, *["clock_ahead"] * 3, None]
    assert "latest_fetch_ms" not in judged.rows.columns


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
        landings=[(LANDED, LANDED.date())] * 2,
    )
    assert judged.low == {
        0: "the score is under 0.7; of 5 rows: missing_required:record_id in 2, out_of_range:count in 1, no zone in 2"
    }
    assert judged.rows["reason"].to_list() == [LOW_QUALITY] * 5 + [None]
