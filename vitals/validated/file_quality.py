"""Quality score of a file: four shares of rows, weighted.

Belongs here: the score and its threshold. Score = 0.3 schema + 0.3 completeness + 0.2 physiological + 0.2
temporal (docs/spec/data_facts.md, "Row rules"); weights and threshold are arguments. A row that lost items counts for the
share of its items that were sound.
Does not belong here: the rules whose outcome it counts (`rules`).
"""

from dataclasses import dataclass

import polars as pl

from vitals.record_types import RecordType
from vitals.validated.items import ASPECTS
from vitals.validated.zone_offsets import is_missing

CONTEXT_COLUMNS = {"start_offset_seconds": "start_zone"}


@dataclass(frozen=True)
class ScorePolicy:
    """How a file's score is weighed, and from where on its rows flow.

    Attributes:
        schema, completeness, physiological, temporal: weights; they sum to 1.
        threshold: a file that scores less is quarantined as a whole.
    """

    schema: float = 0.3
    completeness: float = 0.3
    physiological: float = 0.2
    temporal: float = 0.2
    threshold: float = 0.7


def score_files(judged: pl.DataFrame, record_type: RecordType, policy: ScorePolicy) -> pl.DataFrame:
    """Score every file of a judged frame.

    Args:
        judged: result of `rules.judge`, with `open_value` where rows may wait for their value.

    Returns:
        `file_index`, `rows_total`, `score` (0 to 1, rounded to 6 digits so that summation order cannot show).
    """
    context = [~is_missing(pl.col(CONTEXT_COLUMNS[c])) for c in record_type.contextual if c in CONTEXT_COLUMNS]
    sound = {
        aspect: pl.when(pl.col("aspect").ne_missing(aspect)).then(1.0 - pl.col(f"lost_{aspect}")).otherwise(0.0)
        for aspect in ASPECTS
    }
    if "open_value" in judged.columns:
        context.append(~pl.col("open_value"))
    complete = pl.when(pl.all_horizontal(pl.lit(value=True), *context)).then(sound["schema"]).otherwise(0.0)
    return (
        judged.select("file_index", complete=complete, **sound)
        .group_by("file_index")
        .agg(
            rows_total=pl.len().cast(pl.Int64),
            score=(
                policy.schema * pl.col("schema").mean()
                + policy.completeness * pl.col("complete").mean()
                + policy.physiological * pl.col("physiological").mean()
                + policy.temporal * pl.col("temporal").mean()
            ).round(6),
        )
        .sort("file_index")
    )
