"""What texts say of days on which the data are unusual: read as a clinician would, over all wordings.

Belongs here: days whose sentences were once untrue or misleading. Does not belong here: what every text must hold.
"""

import re
from typing import Any

import orjson
import pytest

from tests.vitals.training.fact_frames import DAY, OURA, SAMSUNG, at, at_utc, facts, source
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.tasks.mix import TaskMix
from vitals.verification.answerability.evaluator import insufficient
from vitals.verification.grounding.check import ungrounded

EVERYTHING = TaskMix(daily_summary=1, question=12, data_quality=1, abstention=4, preference=12)
PEOPLE = 24
"""So many that every wording of a statement occurs."""

Line = dict[str, Any]


def made(kind: str, row: dict[str, Any], **task: str) -> list[Line]:
    """Checked lines of a day of many people, of one task and question if told."""
    frame = facts(kind, [{"subject_id": f"subject-{i}"} | row for i in range(PEOPLE)], reason="it was not measured")
    lines = map(orjson.loads, build_examples(kind, frame, tenant="default", processor_version="0", mix=EVERYTHING))
    return checked([line for line in lines if task.items() <= line["metadata"].items()])


def journals(kind: str, row: dict[str, Any]) -> list[Line]:
    """Checked journals of a day on which only one kind has data."""
    frame = facts(kind, [{"subject_id": f"subject-{i}"} | row for i in range(PEOPLE)], reason="it was not measured")
    lines = map(orjson.loads, build_journal({kind: frame}, local_day=DAY, tenant="default", processor_version="0"))
    return checked([line for line in lines if line["metadata"]["task"] == "day_journal"])


def checked(lines: list[Line]) -> list[Line]:
    assert lines
    for line in lines:
        assert ungrounded(line) == []
        assert insufficient(line) == []
    return lines


VALUES_BY_DAY = {"n": None, "sources": [source(OURA, used=False, n=1)]}


def test_values_outside_a_night_are_of_the_app_that_delivered_them_and_not_of_another() -> None:
    for line in (*made("hrv_rmssd", VALUES_BY_DAY, task="daily_summary"), *journals("hrv_rmssd", VALUES_BY_DAY)):
        text = line["output"]
        assert "an unlisted app" not in text
        # "Also" needs another that was used, and that there are values is no reason for using none.
        assert "also" not in text
        assert "so that" not in text
        assert "Oura delivered data, which were not used" in text or "Data of Oura were present, but not used" in text


NIGHT = {"session_start_local": at(23, days=-1), "session_end_local": at(7), "session_app": OURA, "tib": 480.0}
NAP = {"start_local": at(13, 5), "end_local": at(13, 40), "tst_minutes": 32.0}


def of_one_app_and_a_nap_of_another(value: float | None) -> dict[str, Any]:
    return NIGHT | {
        "tst": 440.0,
        "naps": [NAP],
        "n_sessions": 2,
        "total_tst_all_sessions": 472.0,
        "sources": [
            source(OURA, n=1, value=440.0),
            source(SAMSUNG, n=1, value=32.0),
            source(SAMSUNG, used=False, n=1, value=value),
        ],
    }


@pytest.mark.parametrize("value", [None, 440.0, 460.0])
def test_an_app_whose_nap_counts_is_not_said_to_be_unused_and_the_nap_is_said_to_be_its_own(
    value: float | None,
) -> None:
    row = of_one_app_and_a_nap_of_another(value)
    for line in (*made("sleep", row), *journals("sleep", row)):
        text = line["output"]
        for untrue in ("Samsung Health was also present", "and was not used", "Present and not used: Samsung"):
            assert untrue not in text
        assert not re.search("Samsung Health also delivered|Data of Samsung Health were present", text)
        assert "This was the only source present" not in text
    for line in made("sleep", row, task="daily_summary"):
        assert re.search("(?:Apart from the main sleep|Counted apart), by Samsung Health: ", line["output"])
    for line in made("sleep", row, task="question", question="sources"):
        assert re.search("further sessions of Samsung Health", line["output"], re.IGNORECASE)


def test_sessions_in_all_are_not_counted_among_those_outside_the_main_sleep() -> None:
    for line in made("sleep", of_one_app_and_a_nap_of_another(None), task="daily_summary"):
        apart = next(each for each in line["output"].split(". ") if "13:05-13:40" in each)
        assert "session" not in apart
        assert "472" not in apart


def test_sleep_without_stages_is_not_a_session_without_any() -> None:
    row = NIGHT | {"tst": 480.0, "staged": False, "onset_local": at(23, days=-1)}
    for line in made("sleep", row, task="daily_summary"):
        assert not re.search("delivered no stages|not delivered|no stages delivered", line["output"] + line["input"])
        assert re.search("not tell (?:the )?stages of sleep apart", line["output"])
    for line in made("sleep", NIGHT | {"staged": False}, task="daily_summary"):
        assert "no stages delivered" in line["input"]


@pytest.mark.parametrize("bound", [True, False])
def test_what_follows_from_a_total_is_a_lower_bound_where_the_total_is_one(*, bound: bool) -> None:
    row = {
        "recommended_total": 210.0,
        "lower_bound": bound,
        "provisional": bound,
        "value_as_of_local": at(17, 3),
        "as_of_utc": at_utc(17, 3),
        "sources": [source(OURA, n=1, value=210.0)],
    }
    energy = row | {"net_met_minutes": 180.0}
    steps = row | {"minutes_ge100": 12.0}
    lines = [
        *made("active_calories", energy, task="daily_summary"),
        *made("active_calories", energy, task="question", question="net_met_minutes"),
    ]
    for line in lines:
        assert ("at least 180" in line["output"]) is bound
    for line in made("steps", steps, task="daily_summary") + made(
        "steps", steps, question="brisk_minutes", task="question"
    ):
        assert ("at least 12" in line["output"].lower()) is bound


def test_zone_minutes_are_of_the_time_covered() -> None:
    zones = ("very_light_lt57", "light_57_64", "moderate_64_77", "vigorous_77_96", "near_max_ge96")
    row = {"n": 74, "coverage_percent": 21.7, "sources": [source(OURA, n=74)]} | {
        f"zone_{zone}": float(minutes) for zone, minutes in zip(zones, (294, 19, 1, 0, 0), strict=True)
    }
    for line in made("heart_rate", row, task="daily_summary"):
        assert re.search("of the time covered|Covered time", line["output"], re.IGNORECASE)
    for line in made("heart_rate", row, task="question", question="moderate_zone"):
        assert re.search("of the time covered|In the covered time", line["output"])
        assert "1 min were" not in line["output"]


@pytest.mark.parametrize("kind", ["blood_glucose", "heart_rate", "sleep", "steps", "active_calories", "hrv_rmssd"])
def test_one_record_of_a_source_is_not_written_as_several(kind: str) -> None:
    row = {"sources": [source(OURA, n=1)]} | ({"n": 1} if kind in {"blood_glucose", "heart_rate", "hrv_rmssd"} else {})
    for line in made(kind, row, task="daily_summary"):
        assert not re.search(r"\b1 (?:records|sessions|readings|minutes|values)\b", line["input"] + line["output"])


def test_the_total_of_a_source_that_stopped_early_is_compared_with_its_time() -> None:
    row = {
        "recommended_total": 5913.0,
        "lower_bound": False,
        "value_as_of_local": at(9, days=1),
        "as_of_utc": at_utc(9, days=1),
        "sources": [
            source(OURA, n=1, value=5913.0, as_of_utc=at_utc(9, days=1)),
            source(SAMSUNG, used=False, n=1, value=521.0, as_of_utc=at_utc(3, 6)),
        ],
    }
    asked = made("steps", row, task="question", question="sources_compared")
    for line in (*asked, *made("steps", row, task="data_quality")):
        assert "Samsung Health had 521 steps as of 03:06" in line["output"]


@pytest.mark.parametrize("n", [1, 12])
@pytest.mark.parametrize(
    ("kind", "mean", "counted"),
    [("blood_glucose", "mean", "reading"), ("heart_rate", "mean_time_weighted", "minute value")],
)
def test_the_mean_of_a_source_that_was_not_used_is_never_stated_without_what_it_rests_on(
    kind: str, mean: str, counted: str, n: int
) -> None:
    row = {
        "n": 250,
        mean: 80.0,
        "sources": [source(OURA, n=250, value=80.0), source(SAMSUNG, used=False, n=n, value=97.0)],
    }
    for line in (*made(kind, row, task="daily_summary"), *made(kind, row, task="data_quality"), *journals(kind, row)):
        assert "97" in line["output"]
        assert re.search(rf"\b{n} {counted}{'' if n == 1 else 's'}\b", line["output"])


@pytest.mark.parametrize("used", [1, 2])
def test_several_sources_are_not_said_to_be_the_only_one(used: int) -> None:
    row = {"n": 600, "sources": [source(app, n=300) for app in (OURA, SAMSUNG)[:used]]}
    for line in made("heart_rate", row, task="question", question="sources"):
        only_one = re.search("This was the only source|Data of another source", line["output"])
        assert (only_one is not None) is (used == 1)


def test_time_without_a_score_stands_beside_a_night_without_awakenings() -> None:
    row = NIGHT | {"tst": 458.0, "waso": 0.0, "awakenings_ge5": 0, "unscored": 22.0, "staged": False}
    for line in (*made("sleep", row, task="daily_summary"), *journals("sleep", row)):
        assert re.search("22 min (?:unscored|without a score)", line["output"])
    for line in journals("sleep", row | {"unscored": 0.0}):
        assert "score" not in line["output"]
    for line in (*made("sleep", NIGHT | {"unscored": 480.0, "staged": False}, task="daily_summary"),):
        assert "480 min unscored" not in line["output"]


@pytest.mark.parametrize(("kind", "counted"), [("blood_glucose", "reading"), ("heart_rate", "minute")])
def test_a_day_of_one_value_has_no_range_from_it_to_itself(kind: str, counted: str) -> None:
    share = "wear_percent" if kind == "blood_glucose" else "coverage_percent"
    values = {"n": 1, "expected_n": 288, share: 0.3, "mean": 100.0, "min": 100.0, "max": 100.0}
    row = {name: value for name, value in values.items() if name in facts(kind, []).columns}
    row |= {"min_at_local": at(3), "max_at_local": at(3), "sources": [source(OURA, n=1, value=100.0)]}
    for line in made(kind, row):
        assert not re.search(r"100 .* to 100|\b1 (?:readings|minutes|values)\b", line["output"])
    for line in made(kind, row, task="daily_summary"):
        assert re.search(f"lowest and highest {counted} 100 (?:mg/dL|bpm) at 03:00", line["output"], re.IGNORECASE)
    assert made(kind, row, task="question", question="highest")


def test_a_night_of_one_value_has_one_value() -> None:
    for line in made("hrv_rmssd", NIGHT | {"n": 1, "coverage_percent": 1.0, "sources": [source(OURA, n=1)]}):
        assert not re.search(r"\b1 (?:RMSSD )?values\b", line["output"])
