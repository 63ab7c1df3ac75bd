"""How a text that somebody else wrote is shown: nothing in it is obeyed, and names of people stay as they are."""

import html
import json
import re
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.display_text import (
    FLAG,
    LONGEST_MESSAGE,
    LONGEST_NAME,
    ORDERS,
    escape_html,
    escape_json,
    escape_line,
    escape_lines,
    is_name,
    shorten_message,
)

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
NAMES = (
    "com.sec.android.app.shealth",
    "Anna's phone (2nd) – blue/grey & 100 %",
    "iPhone von Jürgen Müller-Lüdenscheidt",
    "Điện thoại của Nguyễn Thị Ánh",
    "هاتف محمد عبد الله",
    "گوشی می\u200cخواهم",
    "הטלפון של דנה",
    "กล้องของสมชาย",
    "ខ្មែរ\u200bទូរស័ព្ទ",
    "मोहन का फ़ोन",
    "学生の時計 第3号",
    "葛\U000e0100城市の端末",
    "김철수의 갤럭시",
    "Телефон Ольги",
    "👩🏽‍⚕️⌚️ 👨‍👩‍👧‍👦",
    f"{ENGLAND} watch",
    "Montre\u00a0de\u00a0Zoé",
    "Galaxy Watch6 Classic (47 mm) LTE " * 7,
    "𝓕ancy 🅱️and",
    "e\u0301tude",
)
ORDERED = (
    "\x00",
    "\x07",
    "\x1b[2J",
    "\x1b]0;pwned\x07",
    "\x9b31m",
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\u202e",
    "\u202a",
    "\u2066",
    "\u2069",
    "\u2028",
    "\u2029",
    "\ufff9",
    "\uffff",
    "\U000e0041",
)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_all_scripts_enter(name):
    assert is_name(name)


@pytest.mark.parametrize("name", [name for name in NAMES if "\u200b" not in name])
def test_names_of_all_scripts_are_shown_as_they_are(name):
    assert escape_line(name) == escape_lines(name) == shorten_message(name) == name
    assert html.unescape(escape_html(name)) == name
    assert escape_json(json.dumps(name, ensure_ascii=False)) == json.dumps(name, ensure_ascii=False)


@pytest.mark.parametrize("order", ORDERED, ids=ascii)
@pytest.mark.parametrize("around", ["{}", "com.x{}", "{}y", "👩🏽‍⚕️{}学"])
def test_what_is_obeyed_does_not_enter_and_is_shown_as_an_escape(order, around):
    text = around.format(order)
    assert not is_name(text)
    for show in (escape_line, shorten_message, escape_html):
        assert not re.search(ORDERS, re.sub(FLAG, "", show(text)))
    assert escape_line(text) == escape_line(escape_line(text))
    assert not re.search(ORDERS, re.sub(FLAG, "", escape_lines(text)).replace("\n", "").replace("\t", ""))


@pytest.mark.parametrize("hidden", ["\u200b", "\u200e", "\u200f", "\u061c", "\xad", "\u2060", "\ufeff", "\udcff"])
def test_what_nobody_sees_is_shown_as_an_escape(hidden):
    assert escape_line(f"a{hidden}b") == ascii(f"a{hidden}b")[1:-1]


def test_a_flag_is_the_only_use_of_tags():
    assert is_name(ENGLAND)
    assert not is_name(ENGLAND[1:])
    assert not is_name(ENGLAND + "\U000e0041")
    assert not is_name("\U0001f3f4" + "\U000e0041" * 30 + "\U000e007f")


@given(st.text())
def test_whatever_is_shown_is_one_line_that_nothing_obeys(text):
    found = escape_line(text)
    assert not [c for c in found if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"}]
    assert len(found.splitlines()) <= 1
    found.encode()
    assert len(escape_line(text, longest=10)) <= 10
    assert is_name(text) == (len(text) <= LONGEST_NAME and not re.search(ORDERS, re.sub(FLAG, "", text)))


@given(st.text())
def test_html_holds_no_punctuation_that_means_something(text):
    assert not set("<>\"'") & set(escape_html(text))
    assert html.unescape(escape_html(text)) == escape_line(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_means_the_same_and_a_terminal_obeys_nothing_in_it(text):
    document = json.dumps({"name": text}, ensure_ascii=False, indent=2)
    found = escape_json(document)
    assert json.loads(found) == {"name": text}
    assert not re.search(ORDERS, re.sub(FLAG, "", found).replace("\n", ""))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_polars_and_python_mean_the_same_by_the_patterns(text):
    found = pl.Series([text])
    assert found.str.replace_all(FLAG, "").str.contains(ORDERS).item() == bool(
        re.search(ORDERS, re.sub(FLAG, "", text))
    )


def test_a_part_of_an_error_is_cut():
    assert len(shorten_message("x" * 10**6)) == LONGEST_MESSAGE
