"""Certificates of erasure: genuine as signed, and not with one byte changed."""

import random

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from vitals.certificate import as_bytes, faults, public_key_of, signed

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))
DOCUMENT = {"id": "a1", "removed": {"raw": 3, "texts": ["ä", "b"]}, "left": 0}


def test_a_certificate_is_genuine_and_names_the_key_that_signed_it():
    data = as_bytes(signed(DOCUMENT, private_key=KEY))
    assert faults(data, public_key=None) == []
    assert faults(data, public_key=public_key_of(KEY)) == []
    assert faults(data, public_key=public_key_of(OTHER)) == ["it was signed by another key"]


def test_the_same_document_gives_the_same_bytes():
    turned = dict(reversed(DOCUMENT.items()))
    assert as_bytes(signed(DOCUMENT, private_key=KEY)) == as_bytes(signed(turned, private_key=KEY))


def test_one_bit_changed_anywhere_fails():
    data = as_bytes(signed(DOCUMENT, private_key=KEY))
    for position in range(len(data)):
        for bit in (1, 32):  # 32 turns a digit of the signature into the same digit in capitals
            changed = bytearray(data)
            changed[position] ^= bit
            assert faults(bytes(changed), public_key=None), position


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_whatever_is_no_certificate_is_refused_without_an_error(data):
    assert faults(data, public_key=None)


def test_bytes_added_removed_or_moved_fail():
    data = as_bytes(signed(DOCUMENT, private_key=KEY))
    moved = orjson.dumps(orjson.loads(data))
    assert all(faults(one, public_key=None) for one in (data + b"\n", data[:-1], b" " + data, moved, data[7:], b""))
    places = random.Random(3)
    for _ in range(100):
        at = places.randrange(len(data))
        assert faults(data[:at] + data[at + 1 :], public_key=None)


def test_a_document_signed_again_by_somebody_else_is_not_of_the_expected_key():
    forged = as_bytes(signed({**DOCUMENT, "left": 1}, private_key=OTHER))
    assert faults(forged, public_key=None) == []
    assert faults(forged, public_key=public_key_of(KEY)) == ["it was signed by another key"]
