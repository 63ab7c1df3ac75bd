"""Which questions over several days a person's day gives.

Belongs here: the questions that the tables can answer or have to refuse, the choice among them, their prompts.
Does not belong here: how one is answered (`questions`, `cross_kind`).

The choice is a keyed hash of person, day and question: other people and other days cannot change it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from vitals.training.claims import Claim
from vitals.training.day_journal import cross_kind
from vitals.training.day_journal.day_metrics import DAY_METRICS, WINDOW_DAYS, DayMetric
from vitals.training.day_journal.day_table import DayTable, day_table
from vitals.training.day_journal.questions import TABLE_QUESTIONS, TableQuestion, missing_reason
from vitals.training.fact_row import FactRow
from vitals.training.narrative import Narrative, Phrases
from vitals.training.prompts import CountTokens, estimate_tokens
from vitals.training.tasks.draft import REQUESTS, Draft, with_operands
from vitals.training.tasks.mix import ABSTENTION

TASK = "multi_day_question"

QUESTIONS_A_DAY = 2
ABSTENTION_EVERY = 2
"""Of so many days with something to refuse, one gives a refusal."""

ASKED_BUT_REFUSED = "too few days with a final value"

_KEY = b"vitalgraph multi-day questions 1"

Rows = Mapping[str, Mapping[date, FactRow]]
"""Kind -> local date -> the person's row."""


class Resting(NamedTuple):
    """A line and the rows it rests on."""

    draft: Draft
    rows: tuple[FactRow, ...]


@dataclass(frozen=True)
class _Candidate:
    """A question that the tables can answer or have to refuse."""

    task: str
    name: str
    ask: Phrases
    words: Mapping[str, str]
    tables: tuple[DayTable, ...]
    write: Callable[[Narrative], None]
    abstention: Mapping[str, Any] | None = None


def multi_day_drafts(
    rows: Rows, *, subject_id: str, local_day: date, token_budget: int, count_tokens: CountTokens = estimate_tokens
) -> list[Resting]:
    """Lines on the days up to a person's local day.

    Args:
        rows: the person's rows of the window; a kind without rows may be missing.
        subject_id, local_day: whose day it is.
        token_budget: tokens a data block may take. A question whose tables are longer is not asked.
        count_tokens: tokens of a text.
    """
    tables = _Tables(rows, local_day)
    asked = _asked_of(tables)
    identity = f"{subject_id}|{local_day}"
    made: list[Resting] = []
    for task, most in ((TASK, QUESTIONS_A_DAY), (ABSTENTION, _refusals(identity))):
        if not most:
            continue
        # In this order and no further than needed: most tables are never looked at.
        ranked = sorted(asked, key=lambda name: _digest(identity, task, name))
        candidates = (asked[name]() for name in ranked)
        drafts = (_draft(found, identity) for found in candidates if found is not None and found.task == task)
        fitting = (found for found in drafts if count_tokens(found.draft.prompt) <= token_budget)
        made += islice(fitting, most)
    return made


class _Tables:
    """The tables of a person's last days, each made when it is first asked for.

    Attributes:
        metrics: those of which there is a row in the window.
    """

    def __init__(self, rows: Rows, local_day: date) -> None:
        self._rows, self._last_day = rows, local_day
        self._made: dict[str, DayTable] = {}
        kinds = {
            kind for kind, days in rows.items() if any((local_day - day).days in range(WINDOW_DAYS) for day in days)
        }
        self.metrics = {metric.id: metric for metric in DAY_METRICS.values() if metric.kind in kinds}

    def of(self, metric: DayMetric) -> DayTable:
        """The table of a metric."""
        if metric.id not in self._made:
            self._made[metric.id] = day_table(metric, self._rows[metric.kind], last_day=self._last_day)
        return self._made[metric.id]


_Asked = Callable[[], _Candidate | None]
"""Looks whether the tables can answer a question or have to refuse it; None for neither."""


def _asked_of(tables: _Tables) -> dict[str, _Asked]:
    """Every question on the tables that there are, by name."""
    asked: dict[str, _Asked] = {
        f"{question.name}:{metric.id}": partial(_on_table, question, metric, tables)
        for metric in tables.metrics.values()
        for question in TABLE_QUESTIONS.values()
    }
    for pair in cross_kind.PAIRS:
        if pair.night.id in tables.metrics and pair.day.id in tables.metrics:
            asked[pair.name] = partial(_on_pair, pair, tables)
    return asked


def _on_table(question: TableQuestion, metric: DayMetric, tables: _Tables) -> _Candidate | None:
    table = tables.of(metric)
    name, words = f"{question.name}:{metric.id}", {"name": metric.name}
    if question.may_answer(table):
        return _Candidate(TASK, name, question.ask, words, (table,), partial(question.answer, table))
    if question.refuse is None:
        return None
    reason = missing_reason(question.needed(table)) or ASKED_BUT_REFUSED
    abstention = {"metric": f"{metric.id}#{question.refused}", "reason": reason}
    return _Candidate(ABSTENTION, name, question.ask, words, (table,), partial(question.refuse, table), abstention)


def _on_pair(pair: cross_kind.Pair, tables: _Tables) -> _Candidate | None:
    night, day = tables.of(pair.night), tables.of(pair.day)
    words, both = cross_kind.fields(pair), (night, day)
    if cross_kind.may_answer(night, day):
        return _Candidate(TASK, pair.name, cross_kind.ASK, words, both, partial(cross_kind.answer, night, day))
    if not cross_kind.may_refuse(night):
        return None
    reason = missing_reason(night.days) or ASKED_BUT_REFUSED
    abstention = {"metric": f"{night.metric.id}#days_below_mean", "reason": reason}
    return _Candidate(ABSTENTION, pair.name, cross_kind.ASK, words, both, partial(cross_kind.refuse, night), abstention)


def _draft(candidate: _Candidate, identity: str) -> Resting:
    narrative = Narrative(f"{candidate.task}|{candidate.name}|{identity}")
    candidate.write(narrative)
    days = candidate.tables[0].days
    asked = narrative.choose(candidate.ask).format(
        days=WINDOW_DAYS, first=days[0].day, previous=days[-2].day, last=days[-1].day, **candidate.words
    )
    metadata: dict[str, Any] = {
        "question": candidate.name,
        "window": {"days": WINDOW_DAYS, "first": f"{days[0].day}", "last": f"{days[-1].day}"},
    }
    if candidate.abstention is not None:
        metadata["abstention"] = candidate.abstention
    draft = Draft(
        task=candidate.task,
        instruction=narrative.choose(REQUESTS).format(question=asked),
        prompt="\n".join(line for table in candidate.tables for line in table.lines()),
        output=narrative.text(),
        claims=with_operands(narrative.claims, _values(candidate.tables)),
        metadata=metadata,
    )
    rows = tuple(day.row for table in candidate.tables for day in table.days if day.row is not None)
    return Resting(draft, rows)


def _values(tables: Sequence[DayTable]) -> dict[str, Claim]:
    return {day.claim.id: day.claim for table in tables for day in table.days if day.claim is not None}


def _refusals(identity: str) -> int:
    return int.from_bytes(_digest(identity, ABSTENTION, "count")) % ABSTENTION_EVERY == 0


def _digest(identity: str, task: str, name: str) -> bytes:
    return blake2b(f"{task}|{name}|{identity}".encode(), digest_size=8, key=_KEY).digest()
