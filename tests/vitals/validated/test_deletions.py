"""Which records are presumed deleted: only those that the phone no longer has, and all that the evidence shows."""

from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.validated.deletions import BROUGHT_SCHEMA, PLACES_SCHEMA, presumed_deletions

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_790_000_000_000


@dataclass(frozen=True)
class Row:
    """A record on a phone; times in minutes from T0."""

    name: str
    start: int
    end: int | None = None
    made: int | None = None
    deleted: int | None = None
    app: str = "app.one"
    modified: int | None = None


def found(rows: list[Row], brought: dict[int, list[str]], *, modified: dict[tuple[str, int], int] | None = None):
    """Names presumed deleted, with the minute of the fetch that shows it.

    Args:
        brought: minute of each fetch to the names it brought.
        modified: minute of modification of a name in one fetch, where it is not the record's own.
    """
    by_name = {row.name: row for row in rows}

    def at(minute: int) -> int:
        return T0 + minute * MINUTE

    occurrences = [
        (
            "s1",
            name,
            at(fetch),
            at((modified or {}).get((name, fetch), by_name[name].modified or by_name[name].start)),
        )
        for fetch, names in brought.items()
        for name in names
    ]
    places = [("s1", r.name, r.app, at(r.start), at(r.end if r.end is not None else r.start)) for r in rows]
    deleted = presumed_deletions(
        pl.DataFrame(occurrences, schema=BROUGHT_SCHEMA, orient="row"),
        pl.DataFrame(places, schema=PLACES_SCHEMA, orient="row"),
    )
    return {
        name: (fetch - T0) // MINUTE
        for name, fetch in deleted.select("record_id", pl.col("presumed_deleted_utc").to_physical()).iter_rows()
    }


ROUND = [Row("a", 0), Row("b", 60), Row("c", 120)]


@pytest.mark.parametrize(
    ("rows", "brought", "expected"),
    [
        pytest.param(
            ROUND, {130: ["a", "b", "c"], 200: ["a", "c"]}, {"b": 200}, id="missing between two that came again"
        ),
        pytest.param(ROUND, {130: ["a", "b", "c"], 200: ["b", "c"]}, {}, id="the oldest may have left the window"),
        pytest.param(ROUND, {130: ["a", "b", "c"], 200: ["a", "b"]}, {}, id="the newest has nothing after it"),
        pytest.param(ROUND, {130: ["a", "b", "c"], 200: ["a", "c"], 300: ["a", "b", "c"]}, {}, id="it came back"),
        pytest.param(
            ROUND,
            {130: ["a", "b", "c"], 200: ["a", "c"], 300: ["a", "b", "c"], 400: ["a", "c"]},
            {"b": 400},
            id="it came back and went again",
        ),
        pytest.param(ROUND, {130: ["a", "c"], 200: ["a", "b", "c"]}, {}, id="what was late was not deleted"),
        pytest.param(
            ROUND, {130: ["a", "b"], 200: ["b", "c"], 300: ["a", "c"]}, {"b": 300}, id="known from two fetches"
        ),
        pytest.param(
            [*ROUND, Row("x", 10), Row("y", 130)],
            {130: ["a", "b", "c"], 200: ["x", "y"]},
            {},
            id="another exporter, with records of its own",
        ),
        pytest.param(
            [Row("a", 0), Row("b", 60), Row("c", 120, app="app.two")],
            {130: ["a", "b", "c"], 200: ["a", "c"]},
            {},
            id="the neighbour is of another app",
        ),
        pytest.param(
            [Row("a", 0), Row("b", 4 * 1440), Row("c", 8 * 1440)],
            {9 * 1440: ["a", "b", "c"], 10 * 1440: ["a", "c"]},
            {},
            id="neighbours are days away",
        ),
        pytest.param(
            [Row("night", 0, 480), Row("again", 10, 490)],
            {500: ["night"], 700: ["again"]},
            {"night": 700},
            id="a night entered again with other times",
        ),
        pytest.param(
            [Row("walk", 0, 60), Row("walk2", 0, 60)],
            {70: ["walk"], 90: ["walk2"]},
            {"walk": 90},
            id="a walk entered again",
        ),
        pytest.param(
            [Row("meter", 0), Row("meter2", 0)], {70: ["meter"], 90: ["meter2"]}, {"meter": 90}, id="a reading again"
        ),
        pytest.param(
            [Row("walk", 0, 60), Row("day", 0, 1439)], {70: ["walk"], 90: ["day"]}, {}, id="a bucket replaces no walk"
        ),
        pytest.param(
            [Row("spot", 30), Row("hour", 0, 60)], {40: ["spot"], 70: ["hour"]}, {}, id="an hour replaces no spot in it"
        ),
        pytest.param(
            [Row("walk", 0, 60), Row("next", 60, 120)],
            {70: ["walk"], 130: ["next"]},
            {},
            id="what abuts replaces nothing",
        ),
        pytest.param(
            [Row("night", 0, 480), Row("other", 0, 480)],
            {500: ["night", "other"], 700: ["other"]},
            {"night": 700},
            id="two that began together, one of which is gone",
        ),
        pytest.param(
            [Row("night", 0, 480), Row("other", 0, 480)],
            {500: ["night"], 600: ["other"], 700: ["night"], 800: ["other"]},
            {},
            id="two phones take turns",
        ),
        pytest.param(
            [Row("night", 0, 480), Row("other", 5, 480)],
            {500: ["night"], 2000: ["other"]},
            {},
            id="the window had passed its start",
        ),
    ],
)
def test_a_record_is_presumed_deleted_on_evidence_alone(rows, brought, expected):
    assert found(rows, brought) == expected


def test_an_exporter_of_changes_deletes_nothing():
    changed = {("a", 200): 190, ("c", 200): 195}
    assert found(ROUND, {130: ["a", "b", "c"], 200: ["a", "c"]}, modified=changed) == {}


def test_people_are_apart():
    brought = pl.DataFrame(
        [(who, name, T0 + f * HOUR, T0) for who, f, names in (("s1", 3, "abc"), ("s2", 4, "ac")) for name in names],
        schema=BROUGHT_SCHEMA,
        orient="row",
    )
    places = pl.DataFrame(
        [(who, n, "app", T0 + i * HOUR, T0 + i * HOUR) for who in ("s1", "s2") for i, n in enumerate("abc")],
        schema=PLACES_SCHEMA,
        orient="row",
    )
    assert presumed_deletions(brought, places).is_empty()


@st.composite
def phones(draw: st.DrawFn) -> tuple[list[Row], list[int]]:
    """Records of a phone, some of them deleted, and when an exporter read its last 24 hours."""
    starts = draw(st.lists(st.integers(0, 3 * 1440), min_size=2, max_size=14, unique=True))
    rows = [
        Row(
            f"r{i}",
            start,
            start + draw(st.sampled_from([0, 0, 5, 300])),
            made=start + draw(st.integers(0, 400)),
            deleted=draw(st.none() | st.integers(start, 4 * 1440)),
            app=draw(st.sampled_from(["app.one", "app.one", "app.two"])),
        )
        for i, start in enumerate(starts)
    ]
    fetches = draw(st.lists(st.integers(60, 4 * 1440), min_size=2, max_size=10, unique=True))
    return rows, sorted(fetches)


def read(rows: list[Row], fetch: int, window: int = 1440) -> list[str]:
    """Names of the records that a fetch of the last minutes brings."""
    return [
        r.name
        for r in rows
        if fetch - window <= r.start <= fetch
        and (r.made if r.made is not None else r.start) <= fetch
        and (r.deleted is None or r.deleted > fetch)
    ]


@settings(deadline=None, max_examples=60)
@given(phones(), st.integers(120, 2880))
def test_what_is_on_the_phone_is_never_presumed_deleted_unless_it_was_written_over(phone, window):
    rows, fetches = phone
    brought = {f: read(rows, f, window) for f in fetches}
    for name in found(rows, brought):
        row = next(r for r in rows if r.name == name)
        replaced = any(
            o is not row and o.app == row.app and min(o.end or o.start, row.end or row.start) >= max(o.start, row.start)
            for o in rows
        )
        assert replaced or row.deleted is not None


@settings(deadline=None, max_examples=60)
@given(phones())
def test_all_that_is_missing_between_two_that_came_again_is_presumed_deleted(phone):
    rows, fetches = phone
    brought = {f: read(rows, f) for f in fetches}
    deleted = found(rows, brought)
    for row in rows:
        came = [f for f in fetches if row.name in brought[f]]
        for later in [f for f in fetches if came and f > came[-1]]:
            again = [
                o.start - row.start
                for o in rows
                if o.name in brought[later]
                and o.app == row.app
                and abs(o.start - row.start) <= 2880
                and any(o.name in brought[f] for f in came)
            ]
            if any(d <= 0 for d in again) and any(d >= 0 for d in again):
                assert deleted[row.name] <= later


@settings(deadline=None, max_examples=60)
@given(phones(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_deliveries_change_nothing(phone, random):
    rows, fetches = phone
    brought = {f: read(rows, f) for f in fetches}
    shuffled = list(brought.items())
    random.shuffle(shuffled)
    again = {f: [*names, *names[:1]] for f, names in shuffled}
    assert found(rows, brought) == found(list(reversed(rows)), again)
