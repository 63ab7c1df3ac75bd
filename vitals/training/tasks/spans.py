"""Where in a finished text each claim and each telling word stands.

Belongs here: words that can be wrong, and a narrative that remembers the place of what it writes.
Does not belong here: which words a question uses, or how a wrong answer is made (`preferences`).

Places are remembered by marks written around each part while the text grows, so that nothing has to be searched
for in prose. The marks are private-use characters, which no wording and no app name holds.
"""

from dataclasses import dataclass
from typing import Literal, Self

from vitals.training.claims import Claim
from vitals.training.narrative import Narrative, Phrases

Label = Literal["digit", "unit", "date", "time", "comparison", "metric", "withheld_stated"]
"""What a rejected answer gets wrong."""

_OPEN, _CLOSE = "\ue000", "\ue001"
_FIRST = 0xE100


@dataclass(frozen=True)
class Rival:
    """A word that would be wrong in the place of another.

    Attributes:
        text: the word.
        column: column of the metric that it names, where it names one.
    """

    text: str
    column: str | None = None


class Word(str):
    """A unit, comparison or metric name of an answer, with what it could be mistaken for.

    Attributes:
        label: which kind of word it is.
        column: column, with qualifier if any, of the claim that it belongs to.
        rivals: what would be wrong in its place.
    """

    __slots__ = ("column", "label", "rivals")
    label: Label
    column: str
    rivals: tuple[Rival, ...]

    def __new__(cls, text: str, *, label: Label, column: str, rivals: tuple[Rival, ...]) -> Self:
        """Make the word."""
        word = super().__new__(cls, text)
        word.label, word.column, word.rivals = label, column, rivals
        return word


@dataclass(frozen=True)
class Span:
    """A place in a text.

    Attributes:
        start, end: from and up to which character.
        what: the claim or word that stands there.
    """

    start: int
    end: int
    what: Claim | Word


class SpanNarrative(Narrative):
    """A narrative that remembers where it wrote which claim and word.

    Its sentences hold marks; only `marked_off` gives the text.
    """

    __slots__ = ("_written",)

    def __init__(self, identity: str) -> None:
        """Start a text, as `Narrative`."""
        super().__init__(identity)
        self._written: list[Claim | Word] = []

    def phrase(self, wordings: Phrases, **fields: Claim | str) -> str:
        """Write a part of a sentence with marks around claims and words."""
        for name, value in fields.items():
            if isinstance(value, Claim):
                self.claims[value.id] = value
                fields[name] = self.mark(value.text(), value)
            elif isinstance(value, Word):
                fields[name] = self.mark(value, value)
        return self.choose(wordings).format_map(fields)

    def mark(self, text: str, what: Claim | Word) -> str:
        """The text between marks."""
        self._written.append(what)
        return f"{_OPEN}{chr(_FIRST + len(self._written) - 1)}{text}{_CLOSE}"

    def close(self, clauses: list[str], *, separator: str = "; ") -> None:
        """End a sentence made of clauses; its first letter is the first that is no mark."""
        if not clauses:
            return
        sentence = separator.join(clauses)
        lead = 0
        while sentence[lead] == _OPEN:
            lead += 2
        rest = sentence[lead:]
        first = rest[0] if "." in rest.partition(" ")[0] else rest[0].upper()
        self.sentences.append(f"{sentence[:lead]}{first}{rest[1:]}.")

    def marked_off(self) -> tuple[str, list[Span]]:
        """The finished text without marks, and the places, by their end."""
        plain: list[str] = []
        length = 0
        opened: list[tuple[int, Claim | Word]] = []
        spans: list[Span] = []
        pieces = self.text().split(_OPEN)
        for index, piece in enumerate(pieces):
            rest = piece
            if index:
                opened.append((length, self._written[ord(piece[0]) - _FIRST]))
                rest = piece[1:]
            parts = rest.split(_CLOSE)
            for position, part in enumerate(parts):
                if position:
                    start, what = opened.pop()
                    spans.append(Span(start, length, what))
                plain.append(part)
                length += len(part)
        return "".join(plain), spans
