"""Apps that a release may use: judged by everything that a line holds, and once more on the finished files."""

import copy

import orjson
import pytest

from tests.vitals.release.released_lines import journal_lines, training_lines
from vitals.release.gates import AppsOfTenant, closed_days_gate, licensed_gate
from vitals.release.selection import refusal
from vitals.release.spec import read_spec

STELO, OURA, SAMSUNG = "com.dexcom.stelo", "com.ouraring.oura", "com.sec.android.app.shealth"
LINES = training_lines(6, 4, seed=5) + journal_lines(6, 7, seed=6)


def spec(*apps, **changes):
    return read_spec(
        {
            "name": "r",
            "version": "1",
            "license": "mit",
            "profile": "none",
            "provisional": True,
            "source_apps": apps,
            **changes,
        }
    )


def fate(line, *apps, read_along=None):
    return refusal(line, spec(*apps), known_people=[line["metadata"]["subject_id"]], read_along=read_along or {})


def of_stelo_alone():
    """A line that no other app touches."""
    return copy.deepcopy(next(line for line in LINES if fate(line, STELO) is None and line["metadata"]["claims"]))


def names(text):
    return {app for app, title in ((STELO, "Dexcom Stelo"), (OURA, "Oura"), (SAMSUNG, "Samsung Health"))
            if app in text or title in text}  # fmt: skip


@pytest.mark.parametrize("licensed", [(STELO,), (OURA,), (SAMSUNG,), (OURA, SAMSUNG)])
def test_no_line_that_is_left_names_another_app_anywhere(licensed):
    kept = [line for line in LINES if fate(line, *licensed) is None]
    assert len(kept) < len(LINES)
    for line in kept:
        assert names(orjson.dumps(line).decode()) <= set(licensed)


def claim_source(line):
    line["metadata"]["claims"][0]["sources"] = [OURA]


def rejected_answer(line):
    line["rejected"] = f"{line['output']} The source is Oura."


def conflict_claim(line):
    line["metadata"]["claims"][0]["id"] += f"#other:{OURA}"


def withheld_reason(line):
    line["metadata"]["withheld"] = [{"metric": "glucose.mean", "reason": "Oura delivers too little"}]


def refusal_reason(line):
    line["metadata"]["abstention"] = {"metric": "glucose.mean", "reason": f"{OURA} delivers too little"}


def prompt(line):
    line["input"] += "\nSource Oura: not used; 44 readings"


def answer(line):
    line["output"] += " Oura reported another value."


def question(line):
    line["instruction"] += " Leave Oura aside."


@pytest.mark.parametrize(
    "touch",
    [claim_source, rejected_answer, conflict_claim, withheld_reason, refusal_reason, prompt, answer, question],
)
def test_an_app_in_any_member_of_a_line_keeps_it_out_and_the_gate_finds_it(touch):
    line = of_stelo_alone()
    touch(line)
    assert fate(line, STELO) == "source_not_licensed"
    found = licensed_gate([orjson.dumps(line)], [], spec=spec(STELO), apps=AppsOfTenant([OURA, STELO]))
    assert not found.passed


def test_an_app_that_no_text_may_name_keeps_a_line_out_for_its_own_reason():
    line = of_stelo_alone()
    line["input"] += "\nSource an unlisted app: not used"
    assert fate(line, STELO) == "source_not_named"
    found = licensed_gate([orjson.dumps(line)], [], spec=spec(STELO), apps=AppsOfTenant([STELO]))
    assert found.failures == ["1 lines with an app not named"]


def test_heart_rate_asleep_needs_the_app_of_the_nights_too():
    line = of_stelo_alone()
    line["metadata"]["claims"][0]["metric"] = "heart_rate.sleep_mean_time_weighted"
    person = line["metadata"]["subject_id"]
    assert fate(line, STELO, read_along={person: [OURA]}) == "source_not_licensed"
    assert fate(line, STELO, read_along={person: [STELO]}) is None
    apps = AppsOfTenant([STELO], {person: [OURA]})
    assert not licensed_gate([], [(person, line)], spec=spec(STELO), apps=apps).passed
    assert licensed_gate([], [("somebody else", line)], spec=spec(STELO), apps=apps).passed


def test_without_licensed_apps_all_are_allowed():
    assert licensed_gate(map(orjson.dumps, LINES), [], spec=spec(), apps=AppsOfTenant([OURA])).passed


def test_an_app_of_the_tenant_that_has_no_title_is_found_by_its_name_and_not_in_a_longer_one():
    apps = AppsOfTenant([STELO, "com.example.one"])
    for text, passed in (("com.example.one", False), ("com.example.one2", True), ("x.com.example.one", True)):
        assert licensed_gate([text.encode()], [], spec=spec(STELO), apps=apps).passed == passed


def test_a_line_of_an_open_day_blocks_a_deidentified_release_only():
    line = of_stelo_alone()
    line["metadata"]["provisional"] = True
    closed = spec(provisional=False, profile="standard")
    assert not closed_days_gate([line], spec=closed).passed
    assert closed_days_gate([line], spec=spec()).passed
