"""Purging a lake: nothing of what was removed is left in any file, and everything else reads as before."""

from datetime import date, timedelta
from io import BytesIO

import polars as pl
import pyarrow.parquet as pq

from resources.lake.lake import Lake

DAYS = [date(2025, 1, 1), date(2025, 1, 2), date(2025, 1, 3)]
TABLE = "validated/steps"


def rows(person, days=DAYS, tag=""):
    return pl.DataFrame(
        {"subject_id": [person] * len(days), "record_id": [f"{person}{tag}{d}" for d in days], "day": days}
    )


def every_text(lake: Lake, prefix: str) -> str:
    """All bytes below a prefix, Parquet decompressed."""
    found = []
    for one in lake.objects(prefix):
        data = lake.read_object(one.key)
        found.append(f"{one.key} {data!r}")
        if one.key.endswith(".parquet"):
            found.append(str(pq.read_table(BytesIO(data)).to_pylist()))
    return "\n".join(found)


def fill(lake):
    for tag in "abc":
        lake.append(TABLE, pl.concat([rows("gone", tag=tag), rows("kept", tag=tag)]), partition_by="day")
    lake.tidy(TABLE, keep=timedelta(days=7))
    lake.append(TABLE, rows("gone", days=DAYS[:1], tag="d"), partition_by="day")


def ordered(lake):
    return lake.table(TABLE).collect().sort("record_id")


def test_no_file_log_or_checkpoint_holds_what_was_purged(lake):
    fill(lake)
    kept = ordered(lake).filter(pl.col("subject_id") == "kept")
    assert "gone" in every_text(lake, TABLE)
    assert lake.count_rows(TABLE, "subject_id", "gone") == 10
    lake.purge_rows(TABLE, "subject_id", "gone")
    assert "gone" not in every_text(lake, TABLE)
    assert ordered(lake).equals(kept)
    assert lake.count_rows(TABLE, "subject_id", "gone") == 0


def test_a_purged_table_can_be_written_read_and_purged_again(lake):
    fill(lake)
    lake.purge_rows(TABLE, "subject_id", "gone")
    lake.purge_rows(TABLE, "subject_id", "gone")
    lake.append(TABLE, rows("new"), partition_by="day")
    lake.replace(TABLE, rows("newer", days=DAYS[:1]), partition_by="day", values=DAYS[:1])
    assert sorted(ordered(lake)["subject_id"].unique()) == ["kept", "new", "newer"]
    lake.purge_rows(TABLE, "subject_id", "new")
    assert sorted(ordered(lake)["subject_id"].unique()) == ["kept", "newer"]


def test_what_only_older_versions_held_goes_too(lake):
    fill(lake)
    lake.replace(TABLE, rows("kept"), partition_by="day", values=DAYS)
    lake.purge_rows(TABLE, "subject_id", "gone")
    assert "gone" not in every_text(lake, TABLE)
    assert ordered(lake)["subject_id"].unique().to_list() == ["kept"]


def test_files_that_a_crashed_writer_never_committed_go(lake):
    fill(lake)
    orphan = lake.read_object(next(f.key for f in lake.objects(TABLE) if f.key.endswith(".parquet")))
    lake.write_object(f"{TABLE}/day=2025-01-01/part-00009-crashed.zstd.parquet", orphan)
    lake.write_object(f"{TABLE}/_delta_log/_commit_1234.json.tmp", b'{"gone": 1}')
    lake.write_object("validated/never/day=2025-01-01/part-0.parquet", orphan)
    lake.purge_rows(TABLE, "subject_id", "gone")
    lake.purge_rows("validated/never", "subject_id", "gone")
    assert "gone" not in every_text(lake, "validated")


def test_the_last_row_of_a_table_can_be_purged(lake):
    lake.append(TABLE, rows("gone"), partition_by="day")
    lake.purge_rows(TABLE, "subject_id", "gone")
    assert ordered(lake).is_empty()
    assert "gone" not in every_text(lake, TABLE)


def test_tables_are_found_wherever_they_are(lake):
    for table in ("clinical/steps", "clinical/forensics/gaps", "validated/steps"):
        lake.append(table, rows("a"), partition_by="day")
    lake.write_object("clinical/note.txt", b"x")
    assert lake.tables_below("clinical") == ["clinical/forensics/gaps", "clinical/steps"]
    assert lake.tables_below("nothing") == []


def test_half_written_objects_are_cleared_where_nobody_writes(tmp_path):
    lake = Lake((tmp_path / "lake").as_uri())
    for key in ("training/a.jsonl", "training/a.jsonl#1", "raw/x/u.avro#12"):
        path = tmp_path / "lake" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"gone")
    assert lake.clear_staged(wanted=lambda key: key.startswith("training/")) == 1
    left = sorted(p.relative_to(tmp_path / "lake").as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert left == ["raw/x/u.avro#12", "training/a.jsonl"]
