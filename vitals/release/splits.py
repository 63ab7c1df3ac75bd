"""Sides of a release: every person is on one side, and stays there.

Belongs here: the side of a person, and which examples yield where two sides would share something.
Does not belong here: finding near-duplicates (`near_duplicates`) or reading records.

The law: a person's side is a keyed hash of that person alone (or of the first person named of the household), so
adding people moves nobody, whatever the new ones share with the old ones. Two people on different sides who share
a source record or a near-duplicate text are therefore not brought together. Instead the example on the side of
less weight is left out: training yields to validation, validation to test. What evaluates is never spoiled, and
what is left out is counted.
"""

import hmac
from collections.abc import Iterable, Mapping
from hashlib import sha256

from vitals.release.spec import SIDES, ReleaseSpec, Side

WEIGHT: Mapping[Side, int] = {side: weight for weight, side in enumerate(SIDES)}
"""Which side yields: the one of less weight."""

RANGE = 2**64
"""Keyed numbers are below it."""


class Sides:
    """The side of each person of a release.

    Args:
        spec: shares, households and the name of the draw.
        key: secret of the installation. Without it nobody can tell who is on which side.
    """

    def __init__(self, spec: ReleaseSpec, *, key: bytes) -> None:
        self._key = key
        self._draw = spec.split_key
        self._anchors = {person: household[0] for household in spec.households for person in household}
        self._test = spec.test_share
        self._validation = spec.test_share + spec.validation_share
        self._known: dict[str, Side] = {}

    def of(self, person: str) -> Side:
        """Side of a person; of nobody else's data."""
        anchor = self._anchors.get(person, person)
        side = self._known.get(anchor)
        if side is None:
            drawn = keyed_number(self._key, "side", self._draw, anchor) / RANGE
            side = "test" if drawn < self._test else "validation" if drawn < self._validation else "train"
            self._known[anchor] = side
        return side


def wanted_sides(spec: ReleaseSpec) -> list[Side]:
    """Sides that a release should have people on."""
    shares = {"train": 1.0, "validation": spec.validation_share, "test": spec.test_share}
    return [side for side in SIDES if shares[side] > 0]


def keyed_number(key: bytes, *parts: str) -> int:
    """A number below 2**64 that only the holder of the key can compute."""
    message = "\x1f".join(parts).encode()
    return int.from_bytes(hmac.new(key, message, sha256).digest()[:8], "big")


def yielding(people: Iterable[str], sides: Sides) -> set[str]:
    """Of people who share something: those whose side yields to another one's."""
    found = {person: WEIGHT[sides.of(person)] for person in people}
    heaviest = max(found.values(), default=0)
    return {person for person, weight in found.items() if weight < heaviest}
