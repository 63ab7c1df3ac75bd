"""Uploads for benchmarks: how many, how large, how clean."""

import pytest

from tests.vitals.synthetic.reading import kind_of, record_id, rows
from vitals.record_types import RECORD_TYPES
from vitals.synthetic.bulk import ROWS_PER_FILE, benchmark_uploads


def test_a_mix_holds_the_wanted_records_in_files_of_natural_size():
    uploads = benchmark_uploads(5000, None, 1)
    held = sum(u.rows for u in uploads)
    assert 5000 <= held < 5000 + max(u.rows for u in uploads)
    assert 60 <= held / len(uploads) <= 120
    assert {kind_of(u) for u in uploads} == {t.kind for t in RECORD_TYPES}
    assert len({u.key for u in uploads}) == len(uploads)


@pytest.mark.parametrize("kind", [t.kind for t in RECORD_TYPES])
def test_one_kind_comes_in_full_files_of_distinct_records(kind):
    uploads = benchmark_uploads(700, kind, 1)
    assert {kind_of(u) for u in uploads} == {kind}
    assert max(u.rows for u in uploads) == ROWS_PER_FILE
    decoded = [r for u in uploads for r in rows(u)]
    assert 700 <= len(decoded) == sum(u.rows for u in uploads)
    assert len({record_id(r) for r in decoded}) == len(decoded)


def test_equal_arguments_give_equal_uploads():
    assert benchmark_uploads(300, None, 7) == benchmark_uploads(300, None, 7)
    assert benchmark_uploads(300, None, 7) != benchmark_uploads(300, None, 8)
