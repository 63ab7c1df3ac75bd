"""Near-duplicate texts of different people on different sides.

Belongs here: what a text's signature is and when two texts are near-duplicates.
Does not belong here: sides (`splits`), what becomes of a near-duplicate (`selection`).

MinHash over overlapping triples of words, numbers kept: two days that differ in their values are different texts.
A short answer ("No.") says nothing without its data, so the data count too when the answer is short.
Signatures are kept (512 bytes each), texts are not.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from datasketch import MinHash, MinHashLSH
from numpy.typing import NDArray

SIMILAR = 0.85
"""Least estimated share of common triples at which two texts are near-duplicates."""

LONG_ANSWER_WORDS = 24
"""An answer of so many words is a text of its own."""

SHINGLE_WORDS = 3
PERMUTATIONS = 128
SEED = 1
# 32 bands of 4: texts at the threshold meet in a band with a probability of 1 - (1 - 0.85**4)**32 > 1 - 1e-10.
BANDS = (32, 4)

_WORD = re.compile(r"[^\W_]+(?:[.,:/-][^\W_]+)*")

Signature = NDArray[np.uint32]


@cache
def _empty() -> MinHash:
    # Scheme and seed are named, so that a newer library does not choose others.
    return MinHash(num_perm=PERMUTATIONS, seed=SEED, scheme="affine32")


def compared_text(line: Mapping[str, Any]) -> str:
    """What of a line is compared: its answer, and its data where the answer is short."""
    output: str = line["output"]
    if len(_WORD.findall(output)) >= LONG_ANSWER_WORDS:
        return output
    return f"{line['input']}\n{output}"


def signature(text: str) -> Signature:
    """MinHash signature of a text: the same words give the same signature in every process and version."""
    words = _WORD.findall(text.lower())
    last = max(len(words) - SHINGLE_WORDS, 0)
    shingles = {" ".join(words[start : start + SHINGLE_WORDS]).encode() for start in range(last + 1)}
    made = _empty().copy()
    made.update_batch(sorted(shingles))
    values: Signature = made.hashvalues.astype(np.uint32)
    return values


def similarity(one: Signature, other: Signature) -> float:
    """Estimated share of common triples."""
    return float(np.mean(one == other))


class Known:
    """Signatures of the texts of sides that others yield to."""

    def __init__(self) -> None:
        self._index = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS)
        self._people: list[str] = []
        self._signatures: list[Signature] = []

    def add(self, person: str, values: Signature) -> None:
        """Add a text."""
        self._index.insert(len(self._people), _as_minhash(values), check_duplication=False)
        self._people.append(person)
        self._signatures.append(values)

    def holds_near_duplicate(self, person: str, values: Signature) -> bool:
        """Whether another person's text is a near-duplicate."""
        return any(
            self._people[found] != person and similarity(self._signatures[found], values) >= SIMILAR
            for found in self._index.query(_as_minhash(values))
        )


def near_duplicates(texts: Iterable[tuple[str, str, Signature]], known: Known) -> set[str]:
    """Ids of the texts that are near-duplicates of a known one of another person.

    Args:
        texts: id, person and signature.
        known: texts of heavier sides.
    """
    return {id_ for id_, person, values in texts if known.holds_near_duplicate(person, values)}


def _as_minhash(values: Signature) -> MinHash:
    empty = _empty()
    return MinHash(hashvalues=values, permutations=empty.permutations, scheme="affine32", seed=SEED)
