"""Our own readers come to what the truth says of every file, every row and every local date."""

import polars as pl
import pytest

from tests.vitals.synthetic.reading import kind_of
from vitals.clinical.local_day import offset_timeline, with_local_time
from vitals.raw.container import Limits
from vitals.raw.decode import RawObject, decode
from vitals.record_types import RECORD_TYPES
from vitals.validated.file_quality import ScorePolicy, score_files
from vitals.validated.normalise import FILE_COLUMNS, normalise
from vitals.validated.rules import judge
from vitals.validated.zone_offsets import observations


class Read:
    """All supported uploads of a cohort as our readers see them: judged rows, refusals, scores."""

    def __init__(self, made) -> None:
        told = {t.key: t for t in made.truth.uploads}
        self.refused, self.scores, self.reasons, self.dropped, self.good = {}, {}, {}, {}, {}
        for record_type in RECORD_TYPES:
            files = [u for u in made.uploads if told[u.key].kind == record_type.kind]
            files = [u for u in files if told[u.key].file_reason != "bad_key"]
            decoded = decode([RawObject(u.data) for u in files], kind=record_type.kind, limits=Limits())
            judged = judge(decoded.frame, record_type)
            scores = score_files(judged, record_type, ScorePolicy())
            self.refused |= {files[i].key: r.reason for i, r in decoded.rejected.items()}
            self.scores |= {files[i].key: s for i, s in scores.select("file_index", "score").iter_rows()}
            reasons = {u.key: {} for u in files}
            bad = judged.filter(pl.col("reason").is_not_null())
            for i, row, reason in bad.select("file_index", "row_index", "reason").iter_rows():
                reasons[files[i].key][row] = reason
            self.reasons |= reasons
            self.dropped |= {u.key: {} for u in files}
            lost = judged.drop_nulls("dropped").select("file_index", "dropped").explode("dropped").unnest("dropped")
            counts = lost.group_by("file_index", "reason").agg(pl.col("items").sum())
            for i, reason, items in counts.iter_rows():
                self.dropped[files[i].key][reason] = items
            processed = [i for i, u in enumerate(files) if told[u.key].state == "processed"]
            kept = judged.filter(pl.col("reason").is_null() & pl.col("file_index").is_in(processed))
            self.good[record_type.kind] = normalise(kept, _file_rows(files), record_type)


def _file_rows(files):
    return pl.DataFrame(
        {
            "file_index": range(len(files)),
            "upload_id": [u.key for u in files],
            "attempt": [1] * len(files),
            "subject_id": [u.user for u in files],
            "source_key_sha256": [u.key for u in files],
            "landing_day": [u.landing_day for u in files],
            "file_quality": [1.0] * len(files),
        },
        schema=FILE_COLUMNS,
    )


@pytest.fixture(scope="module")
def read(faulty):
    return Read(faulty)


def test_every_spoiled_file_is_refused_for_its_reason_and_no_other_file_is(faulty, read):
    expected = {
        t.key: t.file_reason
        for t in faulty.truth.uploads
        if t.kind and t.file_reason not in (None, "low_quality", "bad_key")
    }
    assert read.refused == expected
    assert set(expected.values()) == {
        "truncated",
        "not_avro",
        "unreadable_avro",
        "empty",
        "schema_mismatch",
        "record_type_mismatch",
        "decompression_limit",
    }


def test_every_bad_row_is_found_for_its_reason_and_no_other_row_is(faulty, read):
    processed = [t for t in faulty.truth.uploads if t.state == "processed"]
    assert {t.key: {b.row_index: b.reason for b in t.bad_rows} for t in processed} == {
        t.key: read.reasons[t.key] for t in processed
    }
    assert len({b.reason for t in processed for b in t.bad_rows}) >= 14


def test_every_bad_item_is_dropped_for_its_reason_and_no_other_item_is(faulty, read):
    flowing = [t for t in faulty.truth.uploads if t.state in {"processed", "duplicate"}]
    assert {t.key: t.dropped_items for t in flowing} == {t.key: read.dropped[t.key] for t in flowing}
    assert len({reason for t in flowing for reason in t.dropped_items}) == 6


def test_only_a_low_quality_file_scores_under_the_threshold(faulty, read):
    told = {t.key: t.file_reason for t in faulty.truth.uploads}
    low = {key for key, score in read.scores.items() if score < ScorePolicy().threshold}
    assert low == {key for key in read.scores if told[key] == "low_quality"} != set()


def test_the_zone_evidence_gives_every_true_local_date(faulty, read):
    evidence = pl.concat([observations(good) for good in read.good.values()])
    timeline = offset_timeline(evidence)
    told = faulty.truth.records().filter("delivered")
    for kind, good in read.good.items():
        found = with_local_time(good, timeline).select(
            pl.col("subject_id").alias("user"),
            "record_id",
            pl.col("end_local_date" if kind == "sleep" else "local_date").alias("found"),
        )
        both = found.join(told.filter(kind=kind), on=["user", "record_id"], how="full", coalesce=True)
        assert both["found"].null_count() == both["local_date"].null_count() == 0
        assert both.filter(pl.col("found") != pl.col("local_date")).is_empty()


def test_a_key_of_another_kind_is_told_from_the_schema(faulty):
    moved = [t for t in faulty.truth.uploads if t.file_reason == "record_type_mismatch"]
    uploads = {u.key: u for u in faulty.uploads}
    assert moved
    assert all(kind_of(uploads[t.key]) == t.kind for t in moved)
