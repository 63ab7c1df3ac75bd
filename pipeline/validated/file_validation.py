"""Judging decoded files: the first broken rule of each row, and the files that score too low as a whole.

Belongs here: what validation and the dry run of a rule change must do alike.
Does not belong here: the rules and the score (`vitals.validated`), or what becomes of a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl

from vitals.record_types import RecordType
from vitals.validated.completions import NUMBERS
from vitals.validated.decoded_values import DECODED_NAMES
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.landing import latest_fetch
from vitals.validated.rule_policy import LOW_QUALITY, RulePolicy
from vitals.validated.rules import LATEST_FETCH, judge
from vitals.validated.zone_offsets import is_missing


@dataclass(frozen=True)
class JudgedFiles:
    """Files of one kind.

    Attributes:
        rows: the result of `rules.judge`.
        scores: file index to `rows_total` and `score`.
        low: index of each file that is quarantined as a whole to what lowered its score; all its rows have that reason.
        dropped: file index to the number of items that its good rows lost, by reason; files without a loss are not in it.
    """

    rows: pl.DataFrame
    scores: Mapping[int, Mapping[str, Any]]
    low: Mapping[int, str]
    dropped: Mapping[int, Mapping[str, int]]


def judge_files(
    decoded: pl.DataFrame,
    record_type: RecordType,
    *,
    rules: RulePolicy,
    score: ScorePolicy,
    upload_ids: Sequence[str],
    landings: Sequence[tuple[datetime, date]],
) -> JudgedFiles:
    """Judge the rows of files.

    Args:
        upload_ids: in the order of the file indices.
        landings: time of the object and day in its key of each file (`vitals.validated.landing`).
    """
    latest = [round(latest_fetch(*landing).timestamp() * 1000) for landing in landings]
    landed = pl.DataFrame(
        {"file_index": list(range(len(latest))), LATEST_FETCH: latest},
        schema={"file_index": pl.UInt32(), LATEST_FETCH: pl.Int64()},
    )
    judged = judge(decoded.join(landed, on="file_index", how="left", maintain_order="left"), record_type, rules)
    judged = _with_open_values(judged, record_type)
    scores = {row["file_index"]: row for row in score_files(judged, record_type, score).to_dicts()}
    threshold = rules.threshold(score.threshold)
    low = [i for i, row in scores.items() if row["score"] < threshold and upload_ids[i] not in rules.waived_uploads]
    is_low = pl.col("file_index").is_in(low)
    reason = pl.when(is_low).then(pl.lit(LOW_QUALITY)).otherwise(pl.col("reason"))
    rows = judged.with_columns(reason=reason)
    return JudgedFiles(
        rows=rows,
        scores=scores,
        low={i: _what_lowered(judged.filter(pl.col("file_index") == i), threshold) for i in low},
        dropped=_dropped(rows),
    )


def _with_open_values(judged: pl.DataFrame, record_type: RecordType) -> pl.DataFrame:
    """Rows that lack nothing but their value are no broken ones: they wait for it (`open_value`)."""
    columns = NUMBERS.get(record_type.kind, ())
    is_open = pl.col("reason").is_in([f"missing_required:{column}" for column in columns]).fill_null(value=False)
    judged = judged.with_columns(open_value=is_open)
    if not judged["open_value"].any():
        return judged
    names = [DECODED_NAMES.get(column, column) for column in columns]
    return judged.with_columns(
        *(pl.when(~pl.col("open_value")).then(name).alias(name) for name in ("reason", "rule_version", "aspect")),
        *(pl.when(~pl.col("open_value")).then(name).alias(name) for name in names),
    )


def _dropped(rows: pl.DataFrame) -> dict[int, dict[str, int]]:
    """Items that good rows lost, by file and reason."""
    counts = (
        rows.filter(pl.col("reason").is_null() & pl.col("dropped").is_not_null())
        .select("file_index", "dropped")
        .explode("dropped")
        .unnest("dropped")
        .group_by("file_index", "reason")
        .agg(pl.col("items").sum())
        .sort("file_index", "reason")
    )
    found: dict[int, dict[str, int]] = {}
    for index, reason, items in counts.iter_rows():
        found.setdefault(index, {})[reason] = items
    return found


def _what_lowered(rows: pl.DataFrame, threshold: float) -> str:
    """What a file's score suffers from: its rows by the rule they broke, and those without a zone."""
    broken = rows.drop_nulls("reason").group_by("reason").len().sort("reason").rows()
    without_zone = rows.select(is_missing(pl.col("start_zone")).sum()).item()
    counts = [*broken, *([("no zone", without_zone)] if without_zone else [])]
    listed = ", ".join(f"{reason} in {count}" for reason, count in counts)
    return f"the score is under {threshold:g}; of {rows.height} rows: {listed}"
