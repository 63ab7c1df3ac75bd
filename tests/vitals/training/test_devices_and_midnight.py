"""Texts of days with several devices of an app, and of days that records reach into from another day."""

import re

import orjson
import pytest

from tests.vitals.training.fact_frames import DAY, OURA, SAMSUNG, at, at_utc, facts, source
from vitals.clinical.interval_totals import OVER_MIDNIGHT
from vitals.clinical.metrics import metrics_of
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.line_check import problems
from vitals.training.tasks.mix import TaskMix
from vitals.verification.answerability.evaluator import insufficient
from vitals.verification.grounding.check import ungrounded

EVERY_TASK = TaskMix(daily_summary=1, question=12, data_quality=1, abstention=3, preference=2)


def lines(kind, row):
    frame = facts(kind, [row])
    made = build_examples(kind, frame, tenant="default", processor_version="0", mix=EVERY_TASK)
    made += build_journal({kind: frame}, local_day=DAY, tenant="default", processor_version="0")
    for line in made:
        assert problems(line) == []
        parsed = orjson.loads(line)
        assert ungrounded(parsed) == [], parsed["output"]
        assert insufficient(parsed) == [], (parsed["output"], parsed["input"])
    return [orjson.loads(line) for line in made]


def outputs(kind, row):
    return [line["output"] for line in lines(kind, row)]


def device(kind, value, *, used=False, app=SAMSUNG, n=1):
    return source(app, device=kind, used=used, n=n, value=value, as_of_utc=at_utc(23, 59))


def steps_row(*sources, total=7639.0, **row):
    whole = {"recommended_total": total, "hc_priority_total": total, "lower_bound": False, "sources": list(sources)}
    return whole | {"over_midnight": False, "value_as_of_local": at(23, 59)} | row


MANY = [
    (
        [device("WATCH", 7639.0, used=True), device("PHONE", 5766.0)],
        ["Samsung Health on a watch", "Samsung Health on a phone", "5,766"],
    ),
    (
        [device("RING", 7639.0, used=True), device("RING", 5766.0), device("RING", 4111.0)],
        ["on a ring", "on another ring", "on a third ring", "5,766", "4,111"],
    ),
    (
        [device("UNKNOWN", 7639.0, used=True), device("PHONE", 5766.0), device("PHONE", 4111.0)],
        ["on a device of unknown type", "on a phone", "on another phone"],
    ),
    (
        [device("WATCH", 7000.0, used=True), device("PHONE", 5766.0, used=True), device("PHONE", 4111.0)],
        ["Samsung Health on a watch and Samsung Health on a phone", "on another phone"],
    ),
    (
        [device("WATCH", 7639.0, used=True, app="org.x.y"), device("PHONE", 5766.0, app="org.x.y"), device("RING", 9.0, app=OURA)],
        ["org.x.y on a watch", "org.x.y on a phone", "Oura"],
    ),
    (
        [device("WATCH", 7639.0, used=True, app="my words"), device("PHONE", 5766.0, app="my words")],
        ["an unlisted app on a watch", "nlisted app on a phone", "5,766"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("sources", "said"), MANY)
@pytest.mark.parametrize("kind", ["steps", "active_calories"])
def test_devices_of_an_app_are_told_apart_in_every_text(kind, sources, said):
    row = steps_row(*sources)
    if kind == "active_calories":
        row["net_met_minutes"] = None
    texts = outputs(kind, row)
    summary = next(text for text in texts if "made of" in text or "from" in text)
    for words in said:
        assert words in summary
    # An app with one device is called by its name alone.
    assert "Oura on" not in " ".join(texts)
    others = [source for source in sources if not source["used"]]
    ids = [c["id"] for line in lines(kind, row) for c in line["metadata"]["claims"] if "#other:" in c["id"]]
    assert len({i for i in ids if i.count(":") == 1 and "#difference" not in i}) == len(others)


def test_devices_of_heart_rate_are_told_apart():
    row = {"n": 900, "coverage_percent": 80.0, "mean_time_weighted": 61.0, "min": 50.0, "max": 90.0}
    sources = [device("WATCH", 61.0, used=True, n=900), device("PHONE", 66.0, n=12), device("CHEST_STRAP", 70.0, n=3)]
    text = " ".join(outputs("heart_rate", row | {"sources": sources}))
    assert "Samsung Health on a watch" in text
    assert re.search(r"Samsung Health on a phone[^.]*66 bpm", text)
    assert re.search(r"Samsung Health on a chest strap[^.]*70 bpm", text)


@pytest.mark.parametrize(("word", "other"), [("phone", "watch"), ("a phone", "another phone"), ("phone", "ring")])
def test_the_value_of_one_device_is_not_that_of_another(word, other):
    row = steps_row(device("RING", 7639.0, used=True), device("PHONE", 5766.0), device("WATCH", 4111.0))
    line = next(line for line in lines("steps", row) if line["metadata"]["task"] == "daily_summary")
    spoilt = line | {"output": line["output"].replace(f"{word}", other)}
    assert spoilt["output"] != line["output"]
    assert ungrounded(spoilt)


def test_no_text_of_an_upload_comes_with_the_device():
    for name in ("watch'; drop", "<b>", "Ann's phone"):
        text = " ".join(outputs("steps", steps_row(device(name, 7639.0, used=True), device("PHONE", 5766.0))))
        assert name not in text


def over_midnight(kind, **row):
    metrics = [m for m in metrics_of(kind, "day") if row.get(m.column) is None]
    withheld = [{"metric": m.id, "reason": OVER_MIDNIGHT} for m in metrics]
    return {"over_midnight": True, "withheld": withheld} | row


@pytest.mark.parametrize("kind", ["steps", "active_calories"])
@pytest.mark.parametrize(
    "sources",
    [
        [source(OURA, used=False, n=2)],
        [source("com.example.band", used=False, n=1), source(OURA, used=False, n=1)],
        [device("WATCH", None), device("PHONE", None)],
        [source("my words", used=False, n=3)],
    ],
)
def test_a_day_without_a_total_says_why_and_states_none(kind, sources):
    made = lines(kind, over_midnight(kind, sources=sources))
    assert {"daily_summary", "data_quality", "abstention", "day_journal"} <= {line["metadata"]["task"] for line in made}
    for line in made:
        assert "steps on" not in line["output"]
        assert not re.search(r"\d (?:steps|kcal)", line["output"])
        assert line["metadata"]["clinical_insights"] == {"metrics": [], "values": []}
        is_of_one_day = line["metadata"]["record_type"] != "DayJournal" or line["metadata"]["task"] == "day_journal"
        if is_of_one_day and line["metadata"]["task"] in {"daily_summary", "abstention", "day_journal"}:
            assert "over local midnight" in line["output"]
    summary = next(line["output"] for line in made if line["metadata"]["task"] == "daily_summary")
    assert summary.count("not used") == 0


@pytest.mark.parametrize("kind", ["steps", "active_calories"])
@pytest.mark.parametrize("provisional", [True, False])
def test_a_bound_of_what_lies_inside_the_day_names_no_time_and_says_what_it_lacks(kind, provisional):
    sources = [source(SAMSUNG, n=3, as_of_utc=at_utc(17, 10)), source(OURA, used=False, n=1)]
    row = over_midnight(
        kind,
        recommended_total=612.0,
        lower_bound=True,
        provisional=provisional,
        value_as_of_local=at(17, 10),
        sources=sources,
    )
    made = lines(kind, row)
    for line in made:
        text = line["output"]
        if "612" in text:
            assert re.search(r"[Aa]t least", text)
            assert "running" not in text
            assert "17:10" not in text
        if line["metadata"]["task"] in {"daily_summary", "day_journal"}:
            assert "reach over midnight" in text
            assert "without the share of records that reach over midnight" in line["input"]
    spoilt = next(line for line in made if line["metadata"]["task"] == "daily_summary")
    whole = {**spoilt, "output": re.sub(r"[Aa]t least ", "", spoilt["output"])}
    assert ungrounded(whole)


def test_what_a_total_lacks_is_not_said_of_a_whole_one():
    line = next(x for x in lines("steps", steps_row(source(SAMSUNG, n=3))) if x["metadata"]["task"] == "daily_summary")
    said = line["output"].replace("3 records", "3 records, without the share of records that reach over midnight")
    assert ungrounded({**line, "output": said})
