"""A person is found in texts of any kind, whole, and nobody else is."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.raw.mentions import ERASED, Mentions

USER, APP = "zqxuser777", "ZQXMUELLER iPhone von Hans"
PSEUDONYM = "5ca1ab1e" * 4
PERSON = Mentions(
    user=USER,
    marks=frozenset({PSEUDONYM, APP, "record-4711", "raw/StepsRecord/2026/11/30/what zqx.avro"}),
    others=frozenset({"zqxuser777_2", "berta", "dr.zqxuser777.home"}),
)
KEY = f"raw/StepsRecord/2026/11/30/{USER}_1796040000001_bad.avro"

NAMED = {
    "the id": (f"asked by {USER}, by letter", f"asked by {ERASED}, by letter"),
    "the id alone": (USER, ERASED),
    "the id at a sign": (f"({USER}_x)", f"({ERASED}_x)"),
    "a key": (f"could not read ({KEY}): it is gone", f"could not read ({ERASED}"),
    "a key nobody can read": (f"raw/StepsRecord/2026/11/30/{USER}.avro", ERASED),
    "an app": (f"| `{APP}` | 2 |", f"| `{ERASED}` | 2 |"),
    "a record": ("let through record-4711", f"let through {ERASED}"),
    "a pseudonym": (f"subject {PSEUDONYM}", f"subject {ERASED}"),
    "a file name with a space": ("see raw/StepsRecord/2026/11/30/what zqx.avro", f"see {ERASED}"),
    "several": (f"{USER} and {USER}", f"{ERASED} and {ERASED}"),
}


@pytest.mark.parametrize("case", NAMED)
def test_a_text_that_names_the_person_does_so_no_longer(case):
    text, expected = NAMED[case]
    assert PERSON.candidates([text]) == [0]
    assert PERSON.are_in(text)
    assert PERSON.taken_out(text).startswith(expected)
    assert not PERSON.are_in(PERSON.taken_out(text))


@pytest.mark.parametrize("case", NAMED)
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_it_is_found_in_json_within_json_and_json_stays_json(case, depth):
    text = f"line\n{NAMED[case][0]}\tend\nünd"
    packed = text
    for _ in range(depth):
        packed = json.dumps({"cursor": packed, "other": [1, None, True]})
    assert PERSON.candidates([packed]) == [0]
    out = PERSON.taken_out(packed)
    for _ in range(depth):
        out = json.loads(out)
        assert out["other"] == [1, None, True]
        out = out["cursor"]
    assert out == PERSON.taken_out(text)


SPARED = [
    "zqxuser777_2 asked",
    "raw/StepsRecord/2026/11/30/zqxuser777_2_1796040000001_bad.avro",
    "xzqxuser777",
    "zqxuser7778",
    "dr.zqxuser777.home",
    "raw/StepsRecord/2026/11/30/berta_1796040000001_zqxuser777.avro",
    "ZQXUSER777",
    "record-47112",
    "",
    '{"broken": ',
]


@pytest.mark.parametrize("text", SPARED)
def test_a_text_that_names_somebody_else_stays_as_it_is(text):
    assert PERSON.taken_out(text) == text


@pytest.mark.parametrize("user", ["12", "7", "2026", "1796", "mia", "004"])
def test_a_short_id_is_found_in_keys_and_nowhere_else(user):
    person = Mentions(user=user)
    reason = f"{user} rows of {user}"
    assert person.taken_out(reason) == reason
    assert person.taken_out(f"raw/StepsRecord/2026/11/30/{user}_1796040000001_bad.avro") == ERASED
    other = "raw/StepsRecord/2026/11/30/34_1796040000001_12.avro"
    assert person.taken_out(other) == other


@pytest.mark.parametrize(
    "user", ["Mu\u0308ller-77", "M\u00fcller-77", "\u5b66\u751f_0003", "o'hara & sons", 'a"quoted"id']
)
def test_ids_of_all_scripts_are_found_in_every_spelling(user):
    person = Mentions(user=user)
    for text in (user, json.dumps([user]), json.dumps([user], ensure_ascii=False), json.dumps(json.dumps({"x": user}))):
        assert person.candidates([text]) == [0]
        assert person.are_in(text)


def test_a_picture_is_looked_into():
    def picture(text: str) -> str:
        return "![](data:image/svg+xml;base64," + base64.b64encode(f"<text>{text}</text>".encode()).decode() + ")"

    assert PERSON.are_in(picture(APP))
    assert not PERSON.are_in(PERSON.taken_out(json.dumps({"md": picture(USER)})))
    assert PERSON.taken_out(picture("com.fitbit")) == picture("com.fitbit")


@given(st.text(max_size=40), st.text(max_size=40))
def test_what_is_taken_out_is_gone_and_the_rest_stays(before, after):
    text = f"{before} {USER} {after}"
    out = PERSON.taken_out(text)
    assert USER not in out.replace("zqxuser777_2", "").replace("dr.zqxuser777.home", "")
    if text[:1] not in {"{", "[", '"'}:
        assert out == f"{before} {ERASED} {after}"
