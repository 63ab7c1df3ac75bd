"""docs/narratives.md: five narratives of made-up people, each with the claims behind its numbers, as the code writes them.

Write it anew with `python -m tests.vitals.training.test_narratives_doc`.
"""

from pathlib import Path

import orjson

from tests.vitals.training.twin_facts import twin_facts
from vitals.training.day_journal.build import build_journal
from vitals.training.examples import build_examples

FILE = Path(__file__).parents[3] / "docs" / "narratives.md"
SEED, PEOPLE, DAYS = 91, 4, 4
TITLES = {
    "blood_glucose": "A day of blood glucose",
    "heart_rate": "A day of heart rate",
    "sleep": "A night of sleep",
    "hrv_rmssd": "Heart-rate variability of a night",
}

HEAD = """# Five narratives, with their claims

Made-up people of the twin; no number here is anybody's. Each number of a text is a claim of the table under it: a value
with its unit, the window and the number of readings it rests on, and the rule that made it. A value that follows from
others names its formula. What the person's data cannot carry is said, with the reason, and no number of it is given.

The same for your own data: `vitalgraph examples USER --day D`. This page is written by the code and tested against it.
"""


def shown(title: str, line: dict) -> str:
    rows = [
        f"| `{c['id']}` | {c['value']} | {c['unit']} | {'' if c['n'] is None else c['n']} | {c.get('formula') or ''} |"
        for c in line["metadata"]["claims"]
    ]
    quoted = "\n".join(f"> {part}" for part in line["output"].split("\n"))
    return (
        f"## {title}\n\n*{line['instruction']}*\n\n{quoted}\n\n"
        f"<details><summary>{len(rows)} claims</summary>\n\n"
        "| claim | value | unit | n | formula |\n|---|---|---|---|---|\n" + "\n".join(rows) + "\n\n</details>\n"
    )


def richest(lines: list[bytes], task: str) -> dict:
    parsed = [line for line in map(orjson.loads, lines) if line["metadata"]["task"] == task]
    return max(parsed, key=lambda line: (len(line["metadata"]["claims"]), line["id"]))


def document() -> str:
    facts = twin_facts(SEED, people=PEOPLE, days=DAYS)
    parts = [HEAD]
    for kind, title in TITLES.items():
        lines = build_examples(kind, facts[kind], tenant="default", processor_version="docs")
        parts.append(shown(title, richest(lines, "daily_summary")))
    days = sorted({day for table in facts.values() for day in table["local_date"]})
    journals = [
        line for day in days for line in build_journal(facts, local_day=day, tenant="default", processor_version="docs")
    ]
    parts.append(shown("A whole day, across all kinds", richest(journals, "day_journal")))
    return "\n".join(parts)


def test_the_page_of_narratives_is_what_the_code_writes():
    assert FILE.read_text() == document()


if __name__ == "__main__":
    FILE.write_text(document())
