import copy
import random
import re
from collections import Counter
from datetime import date, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vitals.release.released_lines import journal_lines, training_lines
from tests.vitals.training.fact_frames import DAY, KINDS, OURA, SAMSUNG, STELO, at, facts, source
from vitals.errors import PermanentError, UsageError
from vitals.release.date_shift import MOST_WEEKS, has_foreign_date, shifter, weeks_back
from vitals.release.deidentify import (
    NONE,
    PROFILES,
    STANDARD,
    age_bucket,
    content_id,
    deidentify,
    profile_named,
    released_subject_id,
)
from vitals.release.rare_sources import apps_of, rare_sources
from vitals.training.examples import build_examples
from vitals.training.line_check import problems
from vitals.training.tasks.mix import TASKS
from vitals.verification.answerability.evaluator import insufficient
from vitals.verification.grounding.check import ungrounded

KEY = b"a key for tests only"
RARE = frozenset({OURA, "com.example.app2", "com.diabetes.buddy"})
"""Apps of the made-up lines that are treated as rare: one with a title, one without, one that no text may name."""


def released(lines, *, release_id="demo/1", key=KEY, rare=RARE, profile=STANDARD):
    return list(deidentify(lines, profile, key=key, release_id=release_id, rare=rare))


def text_of(line):
    return orjson.dumps(line, option=orjson.OPT_SORT_KEYS).decode()


def everything_but_ids(line):
    """All that is said by a line, without what is made anew in every release."""
    metadata = line["metadata"] | {"subject_id": "", "trace_id": "", "source_s3_keys_sha256": []}
    return text_of(line | {"id": "", "metadata": metadata})


def dates_of(text):
    """The tests' own reading of dates: all groups of ten characters with the dashes in the right places."""
    found = []
    for i in range(len(text) - 9):
        part = text[i : i + 10]
        if part[4] == part[7] == "-" and (part[:4] + part[5:7] + part[8:]).isdigit():
            found.append(date.fromisoformat(part))
    return found


@pytest.fixture(scope="module")
def lines():
    return training_lines(8, 5, seed=2) + journal_lines(8, 7, seed=3)


def test_every_date_of_a_line_moves_back_by_the_same_whole_weeks_and_nothing_else_changes(lines):
    for before, after in zip(lines, released(lines, rare=frozenset()), strict=True):
        old, new = dates_of(everything_but_ids(before)), dates_of(everything_but_ids(after))
        moved = {then - now for then, now in zip(old, new, strict=True)}
        assert len(moved) == 1
        (back,) = moved
        assert back.days % 7 == 0
        assert 7 <= back.days <= 7 * MOST_WEEKS
        no_dates = [re.sub(r"\d{4}-\d\d-\d\d", "", everything_but_ids(line)) for line in (before, after)]
        assert no_dates[0] == no_dates[1]


def test_a_persons_days_keep_weekdays_clock_times_and_gaps(lines):
    shifts = {}
    for before, after in zip(lines, released(lines), strict=True):
        old, new = (date.fromisoformat(line["metadata"]["local_date"]) for line in (before, after))
        assert old.weekday() == new.weekday()
        assert shifts.setdefault(before["metadata"]["subject_id"], old - new) == old - new
        clocks = [re.findall(r"\d\d:\d\d", line["input"] + line["output"]) for line in (before, after)]
        assert clocks[0] == clocks[1]
    assert len(set(shifts.values())) > 4


def test_no_date_app_id_or_hash_of_the_lake_is_left(lines):
    secrets = {line["metadata"]["subject_id"] for line in lines} | {line["metadata"]["trace_id"] for line in lines}
    secrets |= {line["id"] for line in lines} | {k for line in lines for k in line["metadata"]["source_s3_keys_sha256"]}
    secrets |= {OURA, '"Oura', "com.example.app2", "com.diabetes.buddy"}
    text = "".join(map(text_of, released(lines)))
    assert [secret for secret in secrets if secret in text] == []
    assert not re.search(r"\bOura\b", text)


def test_released_lines_are_good_lines_with_claims_that_hold(lines):
    for before, after in zip(lines, released(lines), strict=True):
        written = orjson.dumps(after, option=orjson.OPT_SORT_KEYS)
        assert problems(written) == []
        assert [p.kind for p in ungrounded(after)] == [p.kind for p in ungrounded(before)]
        assert len(insufficient(after)) == len(insufficient(before))
        assert insufficient(after) == []


def test_values_units_and_counts_of_every_claim_are_those_of_the_lake(lines):
    def measured(line):
        return [
            (c["metric"], c["unit"], c["n"], c["rule"], c["decimals"], c["value"])
            for c in line["metadata"]["claims"]
        ]  # fmt: skip

    for before, after in zip(lines, released(lines), strict=True):
        assert measured(before) == measured(after)
        assert before["metadata"]["clinical_insights"] == after["metadata"]["clinical_insights"]


def test_the_same_release_has_the_same_bytes_and_other_releases_and_keys_share_no_id(lines):
    once = released(lines)
    assert list(map(text_of, once)) == list(map(text_of, released(lines)))
    for other in (released(lines, release_id="demo/2"), released(lines, key=b"another")):
        for member in ("subject_id", "trace_id"):
            mine, theirs = ({line["metadata"][member] for line in each} for each in (once, other))
            assert not mine & theirs
        assert not {line["id"] for line in once} & {line["id"] for line in other}


def test_what_a_line_becomes_does_not_hang_on_its_company_or_order(lines):
    alone = [released([line])[0] for line in lines]
    assert alone == released(lines)
    assert released(lines[::-1]) == alone[::-1]


def test_the_input_is_left_as_it_was(lines):
    kept = copy.deepcopy(lines)
    released(lines)
    assert lines == kept


def test_the_id_of_a_line_is_that_of_its_content_as_examples_make_it(lines):
    assert all(content_id(line) == line["id"] for line in lines)
    assert all(content_id(line) == line["id"] for line in released(lines))
    assert len({line["id"] for line in released(lines)}) == len({line["id"] for line in lines})


def test_one_person_has_one_pseudonym_and_two_persons_have_two(lines):
    pairs = {
        (b["metadata"]["subject_id"], a["metadata"]["subject_id"]) for b, a in zip(lines, released(lines), strict=True)
    }
    assert len({old for old, _ in pairs}) == len({new for _, new in pairs}) == len(pairs)
    for old, new in pairs:
        assert new == released_subject_id(old, key=KEY, release_id="demo/1")


def test_the_profile_none_changes_nothing_and_must_be_named(lines):
    assert released(lines, profile=NONE) == lines
    assert PROFILES == {"standard": STANDARD, "none": NONE}
    assert profile_named("none") is NONE
    for name in ("", "None", "plain"):
        with pytest.raises(UsageError, match="must be named"):
            profile_named(name)


@given(
    st.dates(date(1990, 1, 1), date(2090, 12, 31)), st.integers(1, MOST_WEEKS), st.text(max_size=5), st.text(max_size=5)
)
def test_a_date_moves_wherever_it_stands(day, weeks, before, after):
    if after[:1].isdigit():
        after = " " + after
    expected = day - timedelta(weeks=weeks)
    assert shifter(weeks)(f"{before}{day}{after}") == f"{before}{expected}{after}"


@pytest.mark.parametrize(
    "text",
    [
        "2025-09-20T23:41/2025-09-21T07:02",
        "steps.recommended_total@2025-09-20",
        "\n2025-09-20: 5120\n2025-09-21: 4310",
        "as of 2025-09-20 17:10.",
        "(2025-09-20)",
        "2025-09-20T03:00/PT60M",
    ],
)
def test_a_date_moves_in_windows_ids_tables_and_sentences(text):
    moved = shifter(2)(text)
    assert dates_of(moved) == [day - timedelta(days=14) for day in dates_of(text)]
    assert len(moved) == len(text)


@pytest.mark.parametrize(
    "text", ["70-140 mg/dL", "12345-67-890", "UTC-05:00", "1,440 min", "2025", "07: 02=105", "09-19"]
)
def test_what_is_no_date_stays(text):
    assert shifter(2)(text) == text
    assert not has_foreign_date(text)


@pytest.mark.parametrize(
    "text",
    ["20250920", "2025/09/20", "2025_09_20", "2025.09.20", "20.09.2025", "9/20/2025", "Sep 20", "September 20", "20 September",
     "on the 3rd of May", "May 3", "20th Sep"],
)  # fmt: skip
@pytest.mark.parametrize("place", ["output", "reason"])
def test_a_line_with_a_date_in_another_form_is_refused_without_repeating_it(lines, text, place):
    line = copy.deepcopy(lines[0])
    if place == "output":
        line["output"] += f" Seen {text}."
    else:
        line["metadata"]["withheld"] = [{"metric": "glucose.gmi", "reason": f"since {text} only"}]
    with pytest.raises(PermanentError, match="cannot be moved") as refused:
        released([line])
    assert text not in str(refused.value)


@pytest.mark.parametrize("secret", ["ab" * 16, "0f8fad5b-d9cb-469f-a165-70867728950e", "ab" * 32])
def test_a_line_with_a_hash_or_a_record_id_anywhere_is_refused_without_repeating_it(lines, secret):
    line = copy.deepcopy(lines[0])
    line["metadata"]["record_ids"] = [secret]
    with pytest.raises(PermanentError, match="lead back") as refused:
        released([line])
    assert secret not in str(refused.value)


def test_a_date_that_the_calendar_does_not_have_is_refused(lines):
    line = copy.deepcopy(lines[0])
    line["output"] += " 2025-02-31"
    with pytest.raises(PermanentError, match="no day of the calendar"):
        released([line])


def test_the_offset_of_a_moved_day_stays_that_of_the_record():
    frame = facts(
        "steps", [{"recommended_total": 100.0, "zone": "-05:00>-04:00", "day_minutes": 1380.0, "sources": []}]
    )
    (line, *_) = map(orjson.loads, build_examples("steps", frame, tenant="default", processor_version="1"))
    (after,) = released([line])
    assert "UTC-05:00 then UTC-04:00" in after["input"]
    assert "23 h" in after["input"]


def test_the_rejected_answer_moves_with_the_chosen_one_and_keeps_its_one_wrong_fact(lines):
    pairs = [line for line in lines if line["metadata"]["task"] == "preference"]
    assert len({line["metadata"]["rejected_fact"]["label"] for line in pairs}) > 3
    for before, after in zip(pairs, released(pairs), strict=True):
        fact, new = before["metadata"]["rejected_fact"], after["metadata"]["rejected_fact"]
        assert fact["label"] == new["label"]
        assert new["chosen"] in after["output"]
        assert new["rejected"] in after["rejected"]
        assert (after["output"] == after["rejected"]) is (before["output"] == before["rejected"])


# Rare apps


def person_with(app, index):
    row = {"subject_id": f"person-{index}", "recommended_total": 5120.0, "hc_priority_total": 5120.0}
    row["sources"] = [source(app, n=1, value=5120.0), source(OURA, used=False, n=1, value=4310.0)]
    return row


def test_an_app_is_rare_below_the_bound_and_not_at_it():
    rows = [person_with(STELO, i) for i in range(4)] + [person_with(SAMSUNG, 10 + i) for i in range(5)]
    lines = [
        orjson.loads(line)
        for line in build_examples("steps", facts("steps", rows), tenant="default", processor_version="1")
    ]
    assert rare_sources(lines, fewest_persons=5) == {STELO}
    assert rare_sources(lines * 3, fewest_persons=5) == {STELO}
    assert rare_sources(lines, fewest_persons=10) == {STELO, SAMSUNG, OURA}
    assert rare_sources(lines, fewest_persons=0) == frozenset()
    assert rare_sources(reversed(lines), fewest_persons=5) == {STELO}


def test_an_app_is_counted_where_only_a_text_names_it():
    rows = [
        {"subject_id": "a", "recommended_total": None, "sources": [source("com.example.one"), source(OURA, used=False)]}
    ]
    (line, *_) = map(
        orjson.loads, build_examples("steps", facts("steps", rows), tenant="default", processor_version="1")
    )
    line["metadata"]["claims"] = []
    assert set(apps_of(line)) == {"com.example.one", OURA}


def test_a_metric_id_is_no_app(lines):
    assert {app for line in lines for app in apps_of(line)} <= {
        *(STELO, SAMSUNG, OURA, "com.example.app2", "com.diabetes.buddy", "org.third.tracker"),
    }


def test_a_rare_app_bears_one_name_in_text_prompt_and_claims_and_two_bear_two(lines):
    seen = Counter()
    for before, after in zip(lines, released(lines), strict=True):
        rare = [app for app in apps_of(before) if app in RARE]
        text = text_of(after)
        for app in rare:
            assert app not in text
        names = set(re.findall(r"rare\.app\.[a-z]+", text))
        assert len(names) == len([app for app in rare if app != "com.diabetes.buddy"])
        assert len({c["id"] for c in after["metadata"]["claims"]}) == len(after["metadata"]["claims"])
        seen[len(names)] += 1
    assert min(seen[1], seen[2]) > 5


def test_a_longer_package_name_is_not_cut():
    rows = [
        {
            "subject_id": "a",
            "recommended_total": 5.0,
            "sources": [source("com.example"), source("com.example.two", used=False)],
        }
    ]
    (line, *_) = map(
        orjson.loads, build_examples("steps", facts("steps", rows), tenant="default", processor_version="1")
    )
    text = text_of(released([line], rare=frozenset({"com.example"}))[0])
    assert "com.example.two" in text
    assert not re.search(r"com\.example(?!\.two)", text)


# Age


@pytest.mark.parametrize(
    ("age", "bucket"),
    [(0, "0-17"), (17.9, "0-17"), (18, "18-19"), (19.9, "18-19"), (20, "20-24"), (47, "45-49"), (89.9, "85-89"), (90, "90+"), (113, "90+")],
)  # fmt: skip
def test_ages_come_in_buckets_and_from_ninety_on_together(age, bucket):
    assert age_bucket(age) == bucket


def test_an_age_that_a_line_claims_is_written_as_its_bucket():
    line = training_lines(1, 1, kinds=("steps",))[0]
    line["metadata"]["claims"].append(
        {"id": "profile.age", "metric": "profile.age", "value": 93.0, "text": None, "unit": "years", "window": "", "n": None,
         "sources": [], "rule": "profile.age@1", "decimals": 0, "formula": None, "operands": []}
    )  # fmt: skip
    line["output"] = "The person is 93 years old; 93 bpm; 1.93 years."
    (after,) = released([line])
    assert after["output"] == "The person is 90+ years old; 93 bpm; 1.93 years."
    assert after["metadata"]["claims"][-1]["text"] == "90+"


# Secrets


def test_shifts_are_spread_over_all_weeks_and_never_zero():
    weeks = Counter(weeks_back(f"{i}", key=KEY, release_id="demo/1") for i in range(20_000))
    assert set(weeks) == set(range(1, MOST_WEEKS + 1))
    assert max(weeks.values()) < 2 * min(weeks.values())


def test_a_shift_tells_nothing_of_the_shift_in_another_release():
    both = [
        [weeks_back(f"{i}", key=KEY, release_id=release) for release in ("demo/1", "demo/2")] for i in range(20_000)
    ]
    equal = sum(one == other for one, other in both)
    assert 100 < equal < 300  # 20,000 / 104 = 192


def test_canaries_planted_in_what_is_dropped_do_not_come_out(lines):
    chance = random.Random(4)
    planted = copy.deepcopy(lines[:20])
    canaries = [f"{chance.getrandbits(128):032x}" for _ in planted]
    for line, canary in zip(planted, canaries, strict=True):
        line["metadata"] |= {"subject_id": canary, "trace_id": canary[::-1], "source_s3_keys_sha256": [canary * 2]}
    text = "".join(map(text_of, released(planted)))
    assert not [canary for canary in canaries if canary in text or canary[::-1] in text]


def test_the_lines_of_these_tests_are_of_every_kind_and_task(lines):
    assert len({line["metadata"]["record_type"] for line in lines}) == len(KINDS) + 1
    assert {line["metadata"]["task"] for line in lines} >= {*TASKS, "day_journal", "multi_day_question"}
    assert at(0).date() == DAY
