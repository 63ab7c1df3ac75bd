"""A training line's text with each value linked to the claim that it states.

Belongs here: which stretch of the text is which claim.
Does not belong here: whether the text is right (`vitals.verification.grounding`), which this reads values with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vitals.verification.grounding.ledger import unit_fits, written
from vitals.verification.grounding.tokens import sentences_of


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `claim`: position of the claim that it states, from 1, 0 for mere words."""

    text: str
    claim: int = 0


def pieces_of(text: str, claims: Sequence[Mapping[str, Any]]) -> list[Piece]:
    """The whole text in pieces.

    Claims stand in the order in which the text states them. So of several claims that are written alike, a value is
    the next one that no earlier value was.
    """
    values = [value for _, values in sentences_of(text) for value in values]
    forms: dict[str, list[int]] = {}
    for position, claim in enumerate(claims, 1):
        forms.setdefault(written(claim), []).append(position)
    pieces: list[Piece] = []
    at = latest = 0
    linked: set[int] = set()
    for value in sorted(values, key=lambda one: one.start):
        found = forms.get(value.text, [])
        fitting = [p for p in found if not value.unit or unit_fits(value.unit, claims[p - 1])] or found
        if not fitting or value.start < at:
            continue
        latest = min(fitting, key=lambda p: (p in linked, p <= latest, p))
        linked.add(latest)
        pieces += [Piece(text[at : value.start]), Piece(text[value.start : value.end], latest)]
        at = value.end
    return [piece for piece in (*pieces, Piece(text[at:])) if piece.text]
