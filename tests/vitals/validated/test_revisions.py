"""The fold of deliveries: order never matters, nothing is lost, nothing is counted twice."""

import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.validated.identities import IDENTITY_SCHEMA, identities, with_identity_hash
from vitals.validated.revisions import DELIVERY_SCHEMA, RECORD_KEY, current, fold

START = datetime(2025, 9, 20, tzinfo=UTC)


def delivery(
    upload: int, row: int, *, record: str, content: int, modified: int, version: int, fetch: int, subject: str = "s"
) -> dict:
    return {
        "subject_id": subject,
        "record_id": record,
        # The same content always carries the same modification and version: they are part of what is hashed.
        "content_hash": content * 100 + modified * 10 + version,
        "modified_utc": START + timedelta(minutes=modified),
        "client_record_version": version,
        "fetched_utc": START + timedelta(hours=fetch),
        "landing_day": date(2025, 9, 20),
        "source_key_sha256": f"key-{upload}",
        "upload_id": f"u{upload}",
        "attempt": 1,
        "row_index": row,
        "file_quality": 1.0,
        # When it was is content, too: each content lies years from the others.
        "utc_date": date(2025, 9, 20) - timedelta(days=700 * content + 31 * modified),
    }


rows = st.fixed_dictionaries(
    {
        "record": st.sampled_from(["r1", "r2", "r3"]),
        "subject": st.sampled_from(["s", "t"]),
        "content": st.integers(0, 2),
        "modified": st.integers(0, 1),
        "version": st.integers(0, 1),
    }
)
uploads = st.lists(st.tuples(st.integers(0, 3), st.lists(rows, max_size=5)), min_size=1, max_size=5)


def frames(drawn) -> list[pl.DataFrame]:
    return [
        pl.DataFrame(
            [delivery(u, i, fetch=fetch, **row) for i, row in enumerate(found)], schema=DELIVERY_SCHEMA, orient="row"
        )
        for u, (fetch, found) in enumerate(drawn)
    ]


def looked_up(known: pl.DataFrame, index: pl.DataFrame, incoming: pl.DataFrame) -> pl.DataFrame:
    """The known deliveries that the identity index leads to: those on the dates that it names."""
    hashes = with_identity_hash(incoming)["identity_hash"]
    dates = index.filter(pl.col("identity_hash").is_in(hashes.implode()))["utc_date"]
    on_dates = known.filter(pl.col("utc_date").is_in(dates.implode()))
    return on_dates.join(incoming, on=RECORD_KEY, how="semi")


def replay(batches: list[tuple[list[str], pl.DataFrame]]) -> tuple[dict, dict]:
    """Fold batch by batch as the stage does; the books and the table (record -> content, provenance, date)."""
    known = pl.DataFrame(schema=DELIVERY_SCHEMA)
    index = pl.DataFrame(schema=IDENTITY_SCHEMA)
    books: dict[str, dict[str, int]] = {}
    table: dict[tuple, tuple] = {}
    for ids, incoming in batches:
        folded = fold(known=looked_up(known, index, incoming), incoming=incoming, upload_ids=ids)
        index = pl.concat([index, identities(incoming)])
        for row in folded.fates.to_dicts():
            books[row.pop("upload_id")] = row
        for row in folded.shifts.to_dicts():
            for fate, by in row.items():
                if fate != "upload_id":
                    books[row["upload_id"]][fate] += by
        for row in folded.winners.to_dicts():
            table[row["subject_id"], row["record_id"]] = (
                row["content_hash"],
                row["fetched_utc"],
                row["source_key_sha256"],
                row["utc_date"],
            )
        for row in folded.removed.to_dicts():
            del table[row["subject_id"], row["record_id"]]
        known = pl.concat([known.filter(~pl.col("upload_id").is_in(ids)), incoming])
    return books, table


@given(uploads, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_any_order_and_any_batching_of_uploads_ends_in_the_same_books_and_the_same_table(drawn, rng: random.Random):
    found = list(enumerate(frames(drawn)))
    one_by_one = replay([([f"u{u}"], frame) for u, frame in found])
    all_at_once = replay([([f"u{u}" for u, _ in found], pl.concat([f for _, f in found]))])
    rng.shuffle(found)
    shuffled = replay([([f"u{u}"], frame) for u, frame in found])
    assert one_by_one == all_at_once == shuffled


@given(uploads)
@settings(deadline=None, max_examples=60)
def test_the_winner_is_the_greatest_of_modified_version_and_fetch(drawn):
    everything = pl.concat(frames(drawn))
    _, table = replay([([f"u{u}" for u in range(len(drawn))], everything)])
    expected = {}
    for row in everything.to_dicts():
        rank = (row["modified_utc"], row["client_record_version"], row["fetched_utc"], row["content_hash"])
        key = (row["subject_id"], row["record_id"])
        expected[key] = max(expected.get(key, rank), rank)
    assert {key: found[0] for key, found in table.items()} == {key: rank[3] for key, rank in expected.items()}


@given(uploads)
@settings(deadline=None, max_examples=60)
def test_every_row_has_one_fate_and_accepted_rows_are_the_records(drawn):
    found = frames(drawn)
    books, table = replay([([f"u{u}"], frame) for u, frame in enumerate(found)])
    for u, frame in enumerate(found):
        assert sum(books[f"u{u}"].values()) == frame.height
    assert sum(book["accepted"] for book in books.values()) == len(table)


@given(uploads)
@settings(deadline=None, max_examples=30)
def test_folding_a_batch_again_changes_nothing(drawn):
    everything = pl.concat(frames(drawn))
    ids = [f"u{u}" for u in range(len(drawn))]
    again = fold(known=everything, incoming=everything, upload_ids=ids)
    assert again.winners.is_empty()
    assert again.removed.is_empty()
    assert again.shifts.is_empty()


def test_a_record_that_its_only_upload_no_longer_delivers_is_removed():
    known = frames([(0, [{"record": "r1", "content": 0, "modified": 0, "version": 0}])])[0]
    folded = fold(known=known, incoming=known.clear(), upload_ids=["u0"])
    assert folded.removed.rows() == [("s", "r1")]


def test_an_older_revision_that_becomes_current_again_asks_for_the_upload_that_holds_it():
    old = delivery(0, 0, record="r1", content=1, modified=0, version=0, fetch=0)
    new = delivery(1, 0, record="r1", content=2, modified=1, version=0, fetch=1)
    known = pl.DataFrame([old, new], schema=DELIVERY_SCHEMA, orient="row")
    folded = fold(known=known, incoming=known.clear(), upload_ids=["u1"])
    assert folded.unavailable == ["u0"]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
def test_a_content_delivered_before_and_after_another_wins_by_its_latest_fetch(order):
    found = [
        delivery(0, 0, record="r1", content=1, modified=0, version=0, fetch=0),
        delivery(1, 0, record="r1", content=2, modified=0, version=0, fetch=1),
        delivery(2, 0, record="r1", content=1, modified=0, version=0, fetch=2),
    ]
    batches = [([f"u{u}"], pl.DataFrame([found[u]], schema=DELIVERY_SCHEMA, orient="row")) for u in order]
    books, table = replay(batches)
    assert table["s", "r1"][0] == 100
    assert books["u0"] == {"accepted": 1, "duplicate": 0, "superseded": 0}
    assert books["u1"]["superseded"] == 1
    assert books["u2"]["duplicate"] == 1


def test_the_current_view_holds_each_record_once():
    everything = pl.concat(
        frames([(0, [{"record": "r1", "content": c, "modified": 0, "version": 0}]) for c in (0, 1, 0)])
    )
    assert current(everything).select(RECORD_KEY).rows() == [("s", "r1")]


@given(uploads, st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_a_winner_names_the_first_row_of_the_batch_with_its_content_if_the_batch_holds_one(drawn, split):
    found = frames(drawn)
    empty = pl.DataFrame(schema=DELIVERY_SCHEMA)
    known, incoming = pl.concat([empty, *found[:split]]), pl.concat([empty, *found[split:]])
    folded = fold(known=known, incoming=incoming, upload_ids=[f"u{u}" for u in range(split, len(drawn))])
    held = incoming.select(*RECORD_KEY, "content_hash").rows()
    for *content, row in folded.winners.select(*RECORD_KEY, "content_hash", "incoming_row").rows():
        assert row == (held.index(tuple(content)) if tuple(content) in held else None)
