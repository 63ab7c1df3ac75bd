"""Whose an object is: the whole id, at the place where one stands."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.raw.keys import build_key
from vitals.raw.owners import is_theirs, may_name, possible_users, without_staging

DAY = "raw/StepsRecord/2026/12/30"
OTHERS = frozenset({"34", "12_34", "anna.b@example.org", "anna_maria", "bob"})

# Name below the day's folder, id asked for: theirs, or perhaps theirs.
NAMES = [
    ("12_1796041200000_abcdef.avro", "12", True, False),
    ("34_1796041200000_abcdef.avro", "12", False, False),
    # A time, a hash or a device that holds the same digits.
    ("34_1712041200012_12.avro", "12", False, False),
    ("34_20261212_121212_12_ab12.avro", "12", False, False),
    ("34_20261212_121212_121212.avro", "12", False, False),
    ("12_34_1796041200000_abcdef.avro", "12", False, False),
    ("12_34_1796041200000_abcdef.avro", "12_34", True, False),
    # Names of none of the forms.
    ("12.avro", "12", True, False),
    ("12", "12", True, False),
    ("12_steps.avro", "12", True, False),
    ("12.2026.avro", "12", True, False),
    ("patient 34 visit 12.avro", "12", False, True),
    ("patient 34 visit 12.avro", "34", False, True),
    ("visit-12.avro", "12", False, True),
    ("12 visit.avro", "12", False, True),
    ("112.avro", "12", False, False),
    ("123.avro", "12", False, False),
    ("x12y.avro", "12", False, False),
    # A longer id of somebody who is known.
    ("12_34.avro", "12", False, True),
    ("12_34.avro", "12_34", True, False),
    ("12_34_x.avro", "12_34", True, False),
    ("anna_maria.avro", "anna", False, True),
    ("anna_eva.avro", "anna", True, False),
    ("anna.b@example.org.avro", "anna", False, True),
    ("anna.b@example.org.avro", "anna.b@example.org", True, False),
    ("annabel_x.avro", "anna", False, False),
    ("Anna.avro", "anna", False, False),
    ("bob/x.avro", "bob", False, True),
    ("zoë.avro", "zoë", True, False),
    (f"{unicodedata.normalize('NFD', 'zoë')}.avro", "zoë", True, False),
]


@pytest.mark.parametrize(("name", "user", "theirs", "perhaps"), NAMES)
def test_an_id_counts_whole_and_at_the_beginning_and_what_is_doubtful_is_said(name, user, theirs, perhaps):
    key = f"{DAY}/{name}"
    assert is_theirs(key, user, others=OTHERS - {user}) is theirs
    assert (may_name(key, user) and not theirs) is perhaps


def test_the_folders_of_a_key_name_nobody():
    for user in ("12", "30", "2026", "StepsRecord", "raw"):
        assert not may_name(f"{DAY}/a b.avro", user)
        assert not is_theirs(f"{DAY}/a b.avro", user)


IDS = st.text(st.characters(categories=("L", "N"), include_characters="_.-@ "), min_size=1, max_size=12).filter(
    lambda user: user.strip() == user and any(c.isalnum() for c in user)
)


@given(user=IDS, other=IDS)
def test_an_upload_is_its_own_persons_and_nobody_elses_whatever_the_ids_share(user, other):
    from datetime import date

    key = build_key(
        type_name="StepsRecord", landing_day=date(2026, 12, 30), user=user, fetched_ms=1796041200000, content_hash="ab"
    )
    normal = unicodedata.normalize("NFC", user)
    assert is_theirs(key, user)
    assert is_theirs(key, other) is (unicodedata.normalize("NFC", other) == normal)
    assert not may_name(key, user)


@given(user=IDS, rest=st.text(st.characters(exclude_characters="/\x00"), max_size=12), others=st.sets(IDS, max_size=4))
def test_of_all_who_are_known_at_most_one_owns_a_name(user, rest, others):
    key = f"{DAY}/{user}{rest}.avro"
    known = others | {user}
    assert sum(is_theirs(key, one, others=known - {one}) for one in known) <= 1
    assert possible_users(key)


@pytest.mark.parametrize("ending", ["#1", "#7", "#123"])
def test_a_file_that_is_being_written_is_its_persons(ending):
    key = f"{DAY}/34_1796041200000_abcdef.avro{ending}"
    assert is_theirs(without_staging(key), "34")
    assert not is_theirs(without_staging(key), "12")
