"""Ten thousand texts of all kinds and tasks over a twin's cohort: nothing forbidden, nothing withheld."""

import orjson
import polars as pl

from tests.vitals.training.twin_facts import twin_facts
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples
from vitals.training.language import suspects, violations
from vitals.training.tasks.mix import TaskMix

AS_MANY_AS_THERE_ARE = TaskMix(question=6, data_quality=1, abstention=4, preference=4)


def lines_of(facts: dict[str, pl.DataFrame]) -> list[dict]:
    made = [
        line
        for kind, table in facts.items()
        for line in build_examples(kind, table, tenant="t", processor_version="v", mix=AS_MANY_AS_THERE_ARE)
    ]
    days = sorted({day for table in facts.values() for day in table["local_date"]})
    for day in days:
        made += build_journal(facts, local_day=day, tenant="t", processor_version="v")
    return [orjson.loads(line) for line in made]


def test_ten_thousand_texts_hold_no_forbidden_phrase_and_state_no_withheld_metric():
    lines = [line for seed in range(71, 79) for line in lines_of(twin_facts(seed, people=6, days=6))]
    texts = [text for line in lines for text in (line["output"], line.get("rejected")) if text]
    assert len(texts) > 10_000
    assert {line["metadata"]["task"] for line in lines} >= {"daily_summary", "question", "data_quality", "preference"}
    screened = pl.Series(texts)
    assert [violations(text) for text in screened.filter(suspects(screened)) if violations(text)] == []
    stated = [
        (line["metadata"]["task"], claim["metric"])
        for line in lines
        for claim in line["metadata"]["claims"]
        if claim["id"] in {entry["metric"] for entry in line["metadata"].get("withheld", [])}
    ]
    assert stated == []
