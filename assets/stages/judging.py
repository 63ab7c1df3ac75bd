"""Judging decoded files: the first broken rule of each row, and the files that score too low as a whole.

Belongs here: what validation and the dry run of a rule change must do alike.
Does not belong here: the rules and the score (`vitals.validated`), or what becomes of a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from vitals.record_types import RecordType
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.rule_policy import LOW_QUALITY, RulePolicy
from vitals.validated.rules import judge


@dataclass(frozen=True)
class JudgedFiles:
    """Files of one kind.

    Attributes:
        rows: the decoded frame with `reason` (null for a good row), `rule_version`, `aspect`.
        scores: file index to `rows_total` and `score`.
        low: indices of the files that are quarantined as a whole; all their rows have that reason.
    """

    rows: pl.DataFrame
    scores: Mapping[int, Mapping[str, Any]]
    low: list[int]


def judge_files(
    decoded: pl.DataFrame,
    record_type: RecordType,
    *,
    rules: RulePolicy,
    score: ScorePolicy,
    upload_ids: Sequence[str],
) -> JudgedFiles:
    """Judge the rows of files; `upload_ids` are in the order of the file indices."""
    judged = judge(decoded, record_type, rules)
    scores = {row["file_index"]: row for row in score_files(judged, record_type, score).to_dicts()}
    threshold = rules.threshold(score.threshold)
    low = [i for i, row in scores.items() if row["score"] < threshold and upload_ids[i] not in rules.waived_uploads]
    is_low = pl.col("file_index").is_in(low)
    reason = pl.when(is_low).then(pl.lit(LOW_QUALITY)).otherwise(pl.col("reason"))
    return JudgedFiles(rows=judged.with_columns(reason=reason), scores=scores, low=low)
