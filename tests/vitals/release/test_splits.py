"""The side of a person: alone, stable, balanced; what two sides share is left out of one."""

from collections import Counter
from datetime import date, timedelta
from itertools import permutations

import pytest

from vitals.errors import UsageError
from vitals.release.selection import Candidate, SharedRecord, spoiled_days, within_cap
from vitals.release.spec import SIDES, ReleaseSpec, read_spec
from vitals.release.splits import WEIGHT, Sides, yielding

KEY = b"a key for tests only, of no worth"
MINIMAL = {"name": "nights", "version": "1", "license": "cc-by-4.0", "profile": "none"}


def spec(**changes) -> ReleaseSpec:
    return read_spec({**MINIMAL, **changes})


def sides_of(people, **changes):
    sides = Sides(spec(**changes), key=KEY)
    return {person: sides.of(person) for person in people}


PEOPLE = [f"person-{n}" for n in range(2_000)]


def test_a_side_follows_from_the_person_alone_so_adding_people_moves_nobody():
    few, many = sides_of(PEOPLE[:1_900]), sides_of([*reversed(PEOPLE)])
    assert few == {person: many[person] for person in few}


def test_a_side_does_not_depend_on_name_version_filters_or_formats():
    plain = sides_of(PEOPLE)
    assert plain == sides_of(PEOPLE, name="days", version="2", tasks=["question"], formats=["text"], profile="standard")
    assert plain != sides_of(PEOPLE, split_key="again")
    assert plain != {person: Sides(spec(), key=b"another key").of(person) for person in PEOPLE}


def test_shares_are_kept_within_sampling_bounds():
    counts = Counter(sides_of(PEOPLE, validation_share=0.2, test_share=0.1).values())
    assert 150 <= counts["test"] <= 250
    assert 320 <= counts["validation"] <= 480
    assert counts.total() == len(PEOPLE)


def test_a_household_is_on_one_side_and_a_later_member_moves_nobody():
    alone = sides_of(PEOPLE)
    first = next(person for person in PEOPLE if alone[person] == "test")
    others = [person for person in PEOPLE if alone[person] == "train"][:3]
    together = sides_of(PEOPLE, households=[[first, *others[:2]]])
    assert {together[person] for person in (first, *others[:2])} == {"test"}
    grown = sides_of(PEOPLE, households=[[first, *others]])
    assert [person for person in PEOPLE if grown[person] != together[person]] == [others[2]]


def test_of_people_who_share_something_those_on_the_lighter_sides_yield_in_any_order():
    known = sides_of(PEOPLE)
    one_each = [next(person for person in PEOPLE if known[person] == side) for side in SIDES]
    sides = Sides(spec(), key=KEY)
    assert [WEIGHT[side] for side in SIDES] == [0, 1, 2]
    for people in permutations(one_each):
        assert yielding(people, sides) == set(one_each[:2])
    assert yielding(one_each[:1], sides) == set()
    assert yielding([], sides) == set()


def test_a_shared_record_spoils_the_days_around_it_and_the_journals_that_look_back_on_it():
    known = sides_of(PEOPLE)
    light, heavy = (next(p for p in PEOPLE if known[p] == side) for side in ("train", "test"))
    day = date(2025, 3, 3)
    found = spoiled_days([SharedRecord("physical_activity", day, frozenset({light, heavy}))], Sides(spec(), key=KEY))
    assert {person for person, _, _ in found} == {light}
    days = {category: sorted(d for _, c, d in found if c == category) for category in {c for _, c, _ in found}}
    assert days["physical_activity"] == [(day + timedelta(days=n)).isoformat() for n in (-1, 0, 1)]
    assert days["day_journal"] == [(day + timedelta(days=n)).isoformat() for n in range(-1, 8)]
    same_side = [p for p in PEOPLE if known[p] == "train"][:2]
    assert spoiled_days([SharedRecord("x", day, frozenset(same_side))], Sides(spec(), key=KEY)) == set()


def candidates(person: str, count: int) -> list[Candidate]:
    return [Candidate(f"{person}-{n}", person, "c", "question", "2025-03-03") for n in range(count)]


def test_a_cap_keeps_so_many_of_each_person_whatever_the_order_and_whoever_else_is_there():
    many = [*candidates("a", 50), *candidates("b", 3)]
    kept = within_cap(many, cap=10, key=KEY)
    assert Counter(one.person for one in many if one.id in kept) == {"a": 10, "b": 3}
    assert within_cap(reversed(many), cap=10, key=KEY) == kept
    assert kept < within_cap([*many, *candidates("c", 40)], cap=10, key=KEY)
    assert within_cap(many, cap=9, key=KEY) < kept
    assert within_cap(many, cap=None, key=KEY) == {one.id for one in many}


@pytest.mark.parametrize(
    "changes",
    [
        {"license": ""},
        {"profile": "some"},
        {"name": "Not A Name"},
        {"version": "1/2"},
        {"categories": ["astrology"]},
        {"validation_share": 0.6, "test_share": 0.4},
        {"first_day": "2025-02-02", "last_day": "2025-02-01"},
        {"households": [["a", "b"], ["b", "c"]]},
        {"formats": []},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_a_specification_that_cannot_work_is_refused(changes):
    with pytest.raises(UsageError):
        read_spec({**MINIMAL, **changes})


@pytest.mark.parametrize("member", ["name", "version", "license", "profile"])
def test_name_version_licence_and_profile_have_no_default(member):
    with pytest.raises(UsageError):
        read_spec({name: value for name, value in MINIMAL.items() if name != member})


def test_what_is_shown_of_a_specification_names_nobody():
    shown = spec(households=[["person-1", "person-2"]]).public()
    assert "person-" not in str(shown)
    assert shown["households"] == 1
