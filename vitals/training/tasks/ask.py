"""What a question is: how it is asked, how it is answered from claims, what would have to be hidden.

Belongs here: the shape of a question and the means to write one in a few lines.
Does not belong here: any question (`common_questions` and the modules of the kinds).

An answer is made of the claims of the day's summary, so that whatever prompt carries a summary carries the answer.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from vitals.training.claims import Claim
from vitals.training.common_sentences import provisional
from vitals.training.fact_row import FactRow
from vitals.training.kind_narrative import KindNarrative
from vitals.training.narrative import Narrative, Phrases, noun, phrases
from vitals.training.tasks.spans import Rival, Word

WRONG_UNITS: Mapping[str, tuple[str, ...]] = {
    "mg/dL": ("mmol/L", "mg/L"),
    "bpm": ("breaths per minute", "ms"),
    "min": ("h", "s"),
    "ms": ("s", "bpm"),
    "kcal": ("kJ",),
    "steps": ("km", "m"),
    "MET-minutes": ("kcal", "MET-hours"),
}
"""Unit -> units that are mistaken for it."""

OPPOSITES: Mapping[str, str] = {
    "above": "below",
    "below": "above",
    "at or above": "below",
    "at least": "at most",
    "lowest": "highest",
    "highest": "lowest",
    "longest": "shortest",
    "longer": "shorter",
    "shorter": "longer",
    "higher": "lower",
    "lower": "higher",
    "more": "less",
    "less": "more",
    "fewer": "more",
    "larger": "smaller",
    "smaller": "larger",
}


@dataclass(frozen=True)
class Day:
    """A person's local day of a kind, as a question sees it.

    Attributes:
        row: its facts.
        kind: its kind.
        stated: the claims of its summary, by id.
    """

    row: FactRow
    kind: KindNarrative
    stated: Mapping[str, Claim]

    def claim(self, column: str) -> Claim | None:
        """Claim of a column, or of ``<column>#<qualifier>``; None if the summary does not state it."""
        return self.stated.get(self.row.id_of(column))

    @property
    def date(self) -> Claim:
        """Claim of the local date."""
        return self.stated.get("day#date") or self.row.day()


Answer = Callable[[Day, Narrative], bool]
"""Writes the answer; False, and nothing written, if the day does not hold it."""


@dataclass(frozen=True)
class Guess:
    """What somebody who makes numbers up would say.

    Attributes:
        least, most: bounds of plausible values.
        wording: with the field ``value``.
        decimals: decimals it is written with.
    """

    least: float
    most: float
    wording: str
    decimals: int = 0


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of a kind.

    Attributes:
        name: its name in `metadata.question`; never changes its meaning.
        ask: instructions with the field ``date``.
        answer: how it is answered.
        metric: column of the metric it asks for; None if nobody can be asked it without its data.
        subject: what a refusal calls that metric: singular, no number.
        hides: columns to take out of the facts so that the metric cannot be had from the rest.
        hides_source_values: whether what each source says by itself has to go too.
        guess: the made-up value of a rejected answer.
        open_day: whether the answer has to add that the day is provisional, where it is.
    """

    name: str
    ask: Phrases
    answer: Answer
    metric: str | None = None
    subject: str = ""
    hides: tuple[str, ...] = ()
    hides_source_values: bool = False
    guess: Guess | None = None
    open_day: bool = True

    def write(self, day: Day, narrative: Narrative) -> bool:
        """Write the whole answer; False, and nothing written, if the day does not hold it."""
        if not self.answer(day, narrative):
            return False
        if self.open_day:
            provisional(day.row, narrative)
        return True


def states(
    *wordings: str, words: Mapping[str, Word] | None = None, counted: str | None = None, **columns: str
) -> Answer:
    """An answer of one sentence.

    Args:
        wordings: with the field ``date`` and the names of `words` and `columns`.
        words: units, comparisons and metric names.
        counted: what the column of the field ``n`` counts, as a singular; the wordings name it in its field ``counted``.
        columns: field -> column of its claim. Without one of them there is no answer.
    """
    says = phrases(*wordings)
    fixed: Mapping[str, Word] = words or {}

    def answer(day: Day, narrative: Narrative) -> bool:
        fields: dict[str, Claim | str] = dict(fixed)
        for name, column in columns.items():
            claim = day.claim(column)
            if claim is None:
                return False
            fields[name] = claim
            if name == "n" and counted is not None:
                fields["counted"] = noun(claim, counted)
        narrative.say(says, date=day.date, **fields)
        return True

    return answer


def first_of(*answers: Answer) -> Answer:
    """The first answer that the day holds."""

    def answer(day: Day, narrative: Narrative) -> bool:
        return any(one(day, narrative) for one in answers)

    return answer


def unit(text: str, column: str) -> Word:
    """A unit after the value of a column."""
    return Word(text, label="unit", column=column, rivals=tuple(Rival(wrong) for wrong in WRONG_UNITS[text]))


def side(text: str, column: str) -> Word:
    """A comparison word of a column; its opposite is wrong."""
    return Word(text, label="comparison", column=column, rivals=(Rival(OPPOSITES[text]),))


def extreme(text: str, column: str, rival_column: str) -> Word:
    """The word "lowest" or "highest" as the name of a metric; its opposite names the other one."""
    return Word(text, label="metric", column=column, rivals=(Rival(OPPOSITES[text], rival_column),))


def named(text: str, column: str, rivals: Mapping[str, str]) -> Word:
    """The name of a metric; rivals are the names of other metrics of the kind in the same unit -> column."""
    wrong = tuple(Rival(word, rival) for word, rival in rivals.items())
    return Word(text, label="metric", column=column, rivals=wrong)
