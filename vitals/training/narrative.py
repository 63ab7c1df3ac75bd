"""Putting sentences together: phrases with alternatives, and the text with the claims it renders.

Belongs here: the choice of wording and the record of which claims were written.
Does not belong here: any wording (the module of the kind, `common_sentences`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from operator import itemgetter
from string import Formatter
from typing import Any
from zlib import crc32

from vitals.training.claims import Claim

_SLOTS = 32


Filler = tuple[str, Callable[[Mapping[str, Any]], Any]]
"""A wording taken apart once: ``"mean %s mg/dL"``, and what picks its fields from a mapping in their order."""


@dataclass(frozen=True)
class Phrases:
    """Several wordings of one statement, with the same named fields in each.

    A field is a claim or words without a number; a wording itself holds no digit, so that every number of a
    text is a claim's.
    """

    options: tuple[str, ...]
    slot: int = field(init=False)
    fillers: tuple[Filler, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Tie the phrases to a byte of the example's hash, so that statements vary independently."""
        object.__setattr__(self, "slot", crc32(self.options[0].encode()) % _SLOTS)
        object.__setattr__(self, "fillers", tuple(map(_filler, self.options)))


def phrases(*options: str) -> Phrases:
    """Wordings of one statement."""
    return Phrases(options)


def _filler(wording: str) -> Filler:
    pieces = list(Formatter().parse(wording))
    names = [name for _, name, _, _ in pieces if name is not None]
    pattern = "".join(text.replace("%", "%%") + ("" if name is None else "%s") for text, name, _, _ in pieces)
    return pattern, itemgetter(*names) if names else _no_fields


def _no_fields(_: Mapping[str, str]) -> tuple[()]:
    return ()


class Narrative:
    """The text of one example while it is written.

    Attributes:
        sentences: finished sentences in order.
        claims: claims written so far, by id, in order of first use.
    """

    __slots__ = ("_digest", "claims", "sentences")

    def __init__(self, identity: str) -> None:
        """Start a text whose wording follows from `identity` alone (kind, task, person and day)."""
        self._digest = blake2b(identity.encode(), digest_size=_SLOTS).digest()
        self.sentences: list[str] = []
        self.claims: dict[str, Claim] = {}

    def choose(self, wordings: Phrases) -> str:
        """The wording that this example uses."""
        options = wordings.options
        return options[self._digest[wordings.slot] % len(options)]

    def phrase(self, wordings: Phrases, **fields: Claim | str) -> str:
        """Write a part of a sentence and note the claims in it.

        Args:
            wordings: the alternatives.
            fields: claims, written with ``Claim.text()``, and words.
        """
        claims = self.claims
        for name, value in fields.items():
            if value.__class__ is Claim:
                fields[name] = value.written
                claims[value.id] = value
        fillers = wordings.fillers
        pattern, picked = fillers[self._digest[wordings.slot] % len(fillers)]
        text: str = pattern % picked(fields)
        return text

    def say(self, wordings: Phrases, **fields: Claim | str) -> None:
        """Write a whole sentence."""
        self.close([self.phrase(wordings, **fields)])

    def close(self, clauses: list[str], *, separator: str = "; ") -> None:
        """End a sentence made of clauses; none make no sentence."""
        if not clauses:
            return
        sentence = separator.join(clauses)
        # A package name keeps its case: it is the app's only name.
        starts_with_package = "." in sentence.partition(" ")[0]
        first = sentence[0] if starts_with_package else sentence[0].upper()
        self.sentences.append(f"{first}{sentence[1:]}.")

    def text(self) -> str:
        """The finished text."""
        return " ".join(self.sentences)


def noun(count: Claim, word: str) -> str:
    """The word in the number that goes with the count: "reading", "readings"."""
    return word if count.value == 1 else f"{word}s"


def listing(parts: list[str]) -> str:
    """Parts as "a", "a and b", "a, b and c"."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
