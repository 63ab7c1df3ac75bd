"""The score of a file: four shares of its rows, weighted."""

import polars as pl
import pytest

from vitals.record_types import BLOOD_GLUCOSE
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.items import ASPECTS


def judged(*rows: tuple[str | None, str | None], lost: dict[str, float] | None = None) -> pl.DataFrame:
    """A file of rows: the aspect in which a row is broken, if any, its zone, and the share of its items that it lost."""
    aspects, zones = zip(*rows, strict=True)
    return pl.DataFrame(
        {"file_index": [0] * len(rows), "aspect": aspects, "start_zone": zones},
        schema={"file_index": pl.Int64, "aspect": pl.String, "start_zone": pl.String},
    ).with_columns(pl.lit((lost or {}).get(aspect, 0.0)).alias(f"lost_{aspect}") for aspect in ASPECTS)


def score(*rows: tuple[str | None, str | None], policy: ScorePolicy | None = None) -> float:
    return score_files(judged(*rows), BLOOD_GLUCOSE, policy or ScorePolicy())["score"].item()


SOUND = (None, "-05:00")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (SOUND, 1.0),
        # A row without what its schema needs is not complete either.
        (("schema", "-05:00"), 0.4),
        (("physiological", "-05:00"), 0.8),
        (("temporal", "-05:00"), 0.8),
        ((None, None), 0.7),
        ((None, ""), 0.7),
        (("schema", None), 0.4),
        (("temporal", None), 0.5),
    ],
)
def test_each_aspect_weighs_what_the_contract_says(row, expected):
    assert score(row) == pytest.approx(expected)
    assert score(row, SOUND, SOUND, SOUND) == pytest.approx(1 - (1 - expected) / 4)


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        ({"physiological": 1 / 60}, 1 - 0.2 / 60),
        ({"temporal": 0.5}, 0.9),
        # An item without its parts is neither in the schema nor complete.
        ({"schema": 0.1}, 0.94),
        ({"schema": 0.25, "physiological": 0.25, "temporal": 0.25}, 0.75),
    ],
)
def test_a_row_that_lost_items_counts_for_the_share_that_it_kept(lost, expected):
    scored = score_files(judged(SOUND, lost=lost), BLOOD_GLUCOSE, ScorePolicy())
    assert scored["score"].item() == pytest.approx(expected, abs=1e-6)


def test_the_weights_are_the_policy_s():
    weights = ScorePolicy(schema=0.1, completeness=0.2, physiological=0.3, temporal=0.4)
    assert score(("schema", None), SOUND, policy=weights) == pytest.approx(0.85)
    assert score(("physiological", None), SOUND, policy=weights) == pytest.approx(0.75)


def test_files_are_scored_apart_and_their_rows_counted():
    both = pl.concat(
        [judged(SOUND, SOUND, SOUND), judged(("temporal", "Z")).with_columns(file_index=pl.lit(1, pl.Int64))]
    )
    found = score_files(both, BLOOD_GLUCOSE, ScorePolicy()).rows()
    assert found == [(0, 3, 1.0), (1, 1, 0.8)]


def test_by_default_a_file_needs_seven_tenths():
    assert ScorePolicy().threshold == 0.7
