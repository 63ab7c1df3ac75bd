"""Records that a later fetch must have brought and did not: presumed deleted, with the evidence.

An export has no list of deletions: a record that was deleted on the phone just stops coming. That it did not come proves
something only where the fetch demonstrably read its time. A record is presumed deleted by a fetch that is later than every
fetch that brought it, if that fetch brought records of the same source and type

    again, on both sides    each unchanged and known from a fetch that brought the record too: so it is the same exporter,
                            it reads stretches of time and not changes, and its window reached past the record; or
    in its place            one that overlaps the record by half of the longer of the two and was first seen after the
                            record was last seen, while the window reached back to the record's start.

Without such evidence a record stays. A record that comes again is current again. What is late has never come, so
lateness deletes nothing. All of it is a function of the set of deliveries: order and batching do not matter.

Belongs here: what is evidence of a deletion.
Does not belong here: which deliveries there are, and what becomes of the records (`pipeline.validated.deletions`).
"""

import polars as pl

from vitals.record_types import UTC_MS

NEIGHBOUR_MS = 48 * 3_600_000
"""Farthest neighbour that is evidence. Two days hold the nights around a night, and bound what has to be read."""

REREAD_MS = 24 * 3_600_000
"""How far back an exporter is taken to read without evidence from the fetch itself (docs/spec/data_facts.md, Delivery)."""

SAME_INSTANT_MS = 1_000
"""An instant is taken to last this long: one written anew for the same second takes the old one's place."""

BROUGHT_SCHEMA = pl.Schema(
    {"subject_id": pl.String(), "record_id": pl.String(), "fetched_utc": UTC_MS, "modified_utc": UTC_MS}
)
"""Which fetch brought which revision of a record: one row for each, in any order; repeated rows do no harm."""

PLACES_SCHEMA = pl.Schema(
    {
        "subject_id": pl.String(),
        "record_id": pl.String(),
        "source_app": pl.String(),
        "start_utc": UTC_MS,
        "end_utc": UTC_MS,
    }
)
"""Where records of one type stand in time now, one row per record."""

DELETED_SCHEMA = pl.Schema({"subject_id": pl.String(), "record_id": pl.String(), "presumed_deleted_utc": UTC_MS})
"""Records presumed deleted, and the first fetch that shows it."""

_KEY = ["subject_id", "record_id"]
_STREAM = ["subject_id", "source_app"]


def presumed_deletions(brought: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the records of one type that are presumed deleted.

    What is farther than NEIGHBOUR_MS from a record has no say in it, so a caller needs no more than that around those
    it asks about.

    Args:
        brought: BROUGHT_SCHEMA; rows that were quarantined or wait for a person were brought, too.
        places: PLACES_SCHEMA; records of `brought` that are missing here are ignored.

    Returns:
        DELETED_SCHEMA, sorted by record key.
    """
    seen = (
        brought.unique()
        .join(places, on=_KEY)
        .with_columns(pl.col("fetched_utc", "modified_utc", "start_utc", "end_utc").to_physical().cast(pl.Int64))
    )
    candidates = _candidates(seen)
    if candidates.is_empty():
        return pl.DataFrame(schema=DELETED_SCHEMA)
    found = pl.concat([_missing_between(seen, candidates), _replaced(seen, candidates)])
    return (
        found.group_by(_KEY)
        .agg(presumed_deleted_utc=pl.col("fetch").min())
        .select(pl.col(name).cast(dtype) for name, dtype in DELETED_SCHEMA.items())
        .sort(_KEY)
    )


def _candidates(seen: pl.DataFrame) -> pl.DataFrame:
    """Records with each later fetch of their source that may have read back to them: KEY, times, `last`, `fetch`.

    Nearly every record leaves the window of its exporter for good and is no candidate. The least start that any later
    fetch brought and the time of the next fetch tell so at once, without comparing each record with each fetch.
    """
    fetches = (
        seen.group_by(*_STREAM, "fetched_utc")
        .agg(oldest=pl.col("start_utc").min())
        .sort(*_STREAM, "fetched_utc")
        .with_columns(
            oldest_later=pl.col("oldest").reverse().cum_min().reverse().shift(-1).over(_STREAM),
            next_fetch=pl.col("fetched_utc").shift(-1).over(_STREAM),
        )
    )
    records = seen.group_by(_KEY).agg(
        pl.col("source_app", "start_utc", "end_utc").first(), last=pl.col("fetched_utc").max()
    )
    later = fetches.select(*_STREAM, "oldest_later", "next_fetch", last="fetched_utc")
    within = records.join(later, on=[*_STREAM, "last"]).filter(
        (pl.col("oldest_later") <= pl.col("start_utc")) | (pl.col("next_fetch") <= pl.col("start_utc") + REREAD_MS)
    )
    return (
        within.drop("oldest_later", "next_fetch")
        .join(fetches.select(*_STREAM, fetch="fetched_utc"), on=_STREAM)
        .filter(pl.col("fetch") > pl.col("last"))
    )


def _missing_between(seen: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Candidates with unchanged records on both sides that had come with them and came again: KEY, `fetch`."""
    revision = ["other", "other_modified"]
    others = seen.select(
        *_STREAM, "fetched_utc", other="record_id", other_modified="modified_utc", other_start="start_utc"
    )
    distance = pl.col("other_start") - pl.col("start_utc")
    together = (
        candidates.select(*_KEY, "source_app", "start_utc")
        .unique()
        .join(seen.select(*_KEY, "fetched_utc"), on=_KEY)
        .join(others, on=[*_STREAM, "fetched_utc"])
        .filter((pl.col("other") != pl.col("record_id")) & (distance.abs() <= NEIGHBOUR_MS))
        .select(*_KEY, "source_app", *revision, distance=distance)
        .unique()
    )
    return (
        candidates.select(*_KEY, "source_app", "fetch")
        .join(together, on=[*_KEY, "source_app"])
        .join(others.rename({"fetched_utc": "fetch"}), on=[*_STREAM, *revision, "fetch"], how="semi")
        .group_by(*_KEY, "fetch")
        .agg(before=(pl.col("distance") <= 0).any(), after=(pl.col("distance") >= 0).any())
        .filter(pl.col("before") & pl.col("after"))
        .select(*_KEY, "fetch")
    )


def _replaced(seen: pl.DataFrame, candidates: pl.DataFrame) -> pl.DataFrame:
    """Candidates whose place a record took that was first seen after they were last seen: KEY, `fetch`."""
    first = seen.group_by(_KEY).agg(first=pl.col("fetched_utc").min())
    others = (
        seen.join(first, on=_KEY)
        .filter(pl.col("fetched_utc") == pl.col("first"))
        .select(*_STREAM, "first", other_start="start_utc", other_end="end_utc")
        .unique()
    )
    end = pl.max_horizontal("end_utc", pl.col("start_utc") + SAME_INSTANT_MS)
    other_end = pl.max_horizontal("other_end", pl.col("other_start") + SAME_INSTANT_MS)
    overlap = pl.min_horizontal(end, other_end) - pl.max_horizontal("start_utc", "other_start")
    longer = pl.max_horizontal(end - pl.col("start_utc"), other_end - pl.col("other_start"))
    replaced = (
        candidates.join(others, left_on=[*_STREAM, "fetch"], right_on=[*_STREAM, "first"])
        .filter(2 * overlap >= longer)
        .select(*_KEY, "source_app", "start_utc", "fetch")
        .unique()
    )
    before = pl.col("older_start").is_between(pl.col("start_utc") - NEIGHBOUR_MS, pl.col("start_utc"))
    older = seen.select(*_STREAM, fetch="fetched_utc", older_start="start_utc")
    reached = replaced.join(older, on=[*_STREAM, "fetch"]).filter(
        before | (pl.col("fetch") <= pl.col("start_utc") + REREAD_MS)
    )
    return reached.select(*_KEY, "fetch").unique()
