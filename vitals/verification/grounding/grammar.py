"""The notation of constructions, and the reading of a sentence with them.

Belongs here: how a construction is written down, finding constructions in a skeleton, what stays unread.
Does not belong here: any construction (`constructions`, `tasks_constructions`), or claims (`check`).

A construction is a regular expression over a skeleton in which a sign may name the claim that it must equal:
``mean #{mean}`` reads a number and requires it to be the claim of a metric `mean` of the kind. In a name ``M`` is
one of the construction's columns, ``K`` an index and ``A`` the app read by ``^{A}``: the same in all its signs.
After the name: ``bare`` if no unit need be written, ``named`` if the sentence may name it elsewhere, ``>`` if a unit further right in the construction holds for it.
``&{…}`` is a date and a time together.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from vitals.verification.grounding.cues import Cues, cues_of
from vitals.verification.grounding.lexicon import ALL, COMPARISON_WORDS, KIND_WORDS, METRIC_WORDS, NUMBER_WORDS
from vitals.verification.grounding.tokens import DATE, SIGNS

WHEN = (
    r"(?: (?:(?:on|of|for|in)(?: the)?(?: (?:night|main sleep(?: session)?))?(?: (?:that ended|ending) on| of)?"
    r"|(?:that ended|ending) on) \$)?"
)
"""Says to which date something belongs; the date itself is held against the claims of the statement."""

_NOTATION = re.compile(r"([#@$~^&])\{([^}]*)\}")
_SIGN = re.compile(f"[{re.escape(SIGNS)}]")
_LIKE_PLAIN = str.maketrans("\u0130\u0131\u017f", "iis")
"""Letters that a reader may take for plain ones, and that lower case would leave or make two letters of."""

_VARIABLE = re.compile(r"\b[DW][12]\b|#K|:A")
"""What of a claim's notation stands for a day, an index or an app."""

_READABLE_APART = "^°¤"

Unread = Literal["number", "time", "offset", "comparison", "metric"]
"""What of a sentence no construction reads."""

_UNREAD_SIGNS: Mapping[str, Unread] = {"#": "number", "@": "time", "~": "offset"}
_LEFT = re.compile(
    rf"(?P<number>\d)|\b(?:(?P<comparison>{COMPARISON_WORDS})|(?P<metric>{METRIC_WORDS})|(?P<count>{NUMBER_WORDS}))\b"
)
_KIND = re.compile(r"\b(?:" + "|".join(rf"(?P<{prefix}>{words})" for prefix, words in KIND_WORDS.items()) + r")\b")


@dataclass(frozen=True)
class Slot:
    """A place of a construction.

    Attributes:
        sign: "#", "@", "$", "~", "^", or "&" for a date and a time.
        claim: notation of the claim's id.
        bare: whether a number may stand without its unit.
        named: whether it may where the sentence says the unit elsewhere.
        shares: whether the unit may stand further right.
    """

    sign: str
    claim: str
    bare: bool
    named: bool
    shares: bool


@dataclass(frozen=True)
class Construction:
    """A way to say something.

    Attributes:
        pattern: over a skeleton as `folded`, with a group per slot.
        cues: words of which a match holds at least one (`cues`).
        slots: what the groups mean, in order.
        kinds: prefixes of the metrics it can speak of.
        columns: what ``M`` may be.
        condition: name of what else must hold (`conditions`), "" for nothing.
    """

    pattern: re.Pattern[str]
    cues: Cues
    slots: tuple[Slot, ...]
    kinds: tuple[str, ...]
    columns: tuple[str, ...]
    condition: str


@dataclass(frozen=True)
class Place:
    """A slot as found: which values of the sentence fill it, and which may lend it a unit."""

    slot: Slot
    value: int
    lenders: tuple[int, ...]


@dataclass(frozen=True)
class Statement:
    """A construction found in a sentence.

    Attributes:
        construction: what was found.
        places: its filled slots.
        words: what it says apart from values, in lower case.
        kinds: prefixes of the kinds that the sentence names before it; empty if it names none.
        dates: positions of dates within it that are no slots: its claims must be about them.
        notations: of the claims that its places are, in order.
        depends: whether which claims it means depends on its values, or on which episodes a line claims.
    """

    construction: Construction
    places: tuple[Place, ...]
    words: str
    kinds: tuple[str, ...]
    dates: tuple[int, ...]
    notations: tuple[str, ...]
    depends: bool


@dataclass(frozen=True)
class Reading:
    """What a sentence says.

    Attributes:
        statements: constructions found.
        unread: kind and word, or kind and position of the value, of what no construction reads.
        loose_dates: positions of dates that stand outside of constructions.
        listed_days: positions of dates that it lists as days without a value, or below a mean: each once.
        kinds: prefixes of the kinds named, in order.
        skeleton: the sentence.
    """

    statements: tuple[Statement, ...]
    unread: tuple[tuple[Unread, str | int], ...]
    loose_dates: tuple[int, ...]
    listed_days: tuple[int, ...]
    kinds: tuple[str, ...]
    skeleton: str


def construction(
    notation: str, *, kinds: Iterable[str], columns: Iterable[str] = ("",), condition: str = ""
) -> Construction:
    """A construction of its notation (see the module docstring)."""
    slots: list[Slot] = []

    def group(match: re.Match[str]) -> str:
        sign, (claim, *options) = match.group(1), match.group(2).split(" ")
        slots.append(Slot(sign, claim, "bare" in options, "named" in options, ">" in options))
        return r"(\$ @)" if sign == "&" else f"({re.escape(sign)})"

    pattern = _NOTATION.sub(group, notation)
    before = r"(?<!\w)" if pattern[0].isalpha() or pattern.startswith("(?") else ""
    compiled = re.compile(rf"{before}(?:{pattern})(?!\w)")
    return Construction(compiled, cues_of(pattern), tuple(slots), tuple(kinds), tuple(columns), condition)


def folded(skeleton: str) -> str:
    """A sentence in the lower case of all patterns, letter by letter; regardless of case they take five times as long."""
    return skeleton.translate(_LIKE_PLAIN).lower()


def _signs(text: str) -> list[int]:
    return [match.start() for match in _SIGN.finditer(text)]


class Grammar:
    """Constructions in order of precedence."""

    def __init__(self, constructions: Iterable[Construction]) -> None:
        """Take constructions; an earlier one wins where two read the same words."""
        self._constructions = tuple(constructions)
        self.read = lru_cache(maxsize=8192)(self._read)
        self._by_cue = lru_cache(maxsize=2 ** len(ALL))(self._of_kinds)

    def _of_kinds(self, kinds: frozenset[str]) -> Mapping[str, list[int]]:
        """Cue -> ranks of the constructions of kinds that it may open."""
        ranks: dict[str, list[int]] = {}
        for rank, each in enumerate(self._constructions):
            if not kinds.isdisjoint(each.kinds):
                for cue in each.cues:
                    ranks.setdefault(cue, []).append(rank)
        return ranks

    def _candidates(self, text: str, kinds: frozenset[str]) -> list[Construction]:
        """The constructions of kinds that may stand in a folded sentence, in order."""
        by_cue = self._by_cue(kinds)
        cues = filter(text.__contains__, by_cue)
        return [self._constructions[rank] for rank in sorted({rank for cue in cues for rank in by_cue[cue]})]

    def _read(self, skeleton: str, kinds: tuple[str, ...]) -> Reading:
        """Read one sentence with the constructions of the kinds it may speak of, as long as it names none itself."""
        text = folded(skeleton)
        signs = _signs(text)
        index_at = {position: index for index, position in enumerate(signs)}
        named = [(match.start(), str(match.lastgroup)) for match in _KIND.finditer(text)]
        spoken = {prefix for _, prefix in named} or set(kinds)
        taken: list[tuple[int, int]] = []
        statements: list[tuple[int, Statement]] = []
        for each in self._candidates(text, frozenset(spoken.intersection(ALL))):
            for match in each.pattern.finditer(text):
                start, end = match.span()
                if start == end or any(start < other_end and other < end for other, other_end in taken):
                    continue
                taken.append((start, end))
                before = tuple(prefix for position, prefix in named if position < end)
                places = _places(each, match, index_at)
                filled = {place.value for place in places}
                inside = (index_at[p] for p in index_at if start <= p < end and text[p] == "$")
                dates = tuple(index for index in inside if index not in filled)
                notations = tuple(place.slot.claim for place in places)
                depends = any(place.slot.sign == "^" for place in places) or any(map(_VARIABLE.search, notations))
                statements.append((start, Statement(each, places, match.group(), before, dates, notations, depends)))
        left = _without(text, taken)
        unread: list[tuple[Unread, str | int]] = []
        loose: list[int] = []
        for position in _signs(left):
            sign = left[position]
            if sign == "$":
                loose.append(index_at[position])
            elif sign not in _READABLE_APART:
                unread.append((_UNREAD_SIGNS[sign], index_at[position]))
        unread += [(_kind_of(match), skeleton[slice(*match.span())]) for match in _LEFT.finditer(left)]
        ordered = tuple(statement for _, statement in sorted(statements, key=lambda entry: entry[0]))
        listed = tuple(index for statement in ordered for index in _listed_days(statement))
        return Reading(ordered, tuple(unread), tuple(loose), listed, tuple(prefix for _, prefix in named), skeleton)


def _kind_of(match: re.Match[str]) -> Unread:
    if match.lastgroup == "comparison":
        return "comparison"
    return "metric" if match.lastgroup == "metric" else "number"


def _listed_days(statement: Statement) -> tuple[int, ...]:
    if statement.construction.condition not in ("missing", "below"):
        return ()
    return tuple(place.value for place in statement.places if place.slot.sign == DATE) or statement.dates


def _places(each: Construction, match: re.Match[str], index_at: dict[int, int]) -> tuple[Place, ...]:
    inside = [index for position, index in sorted(index_at.items()) if match.start() <= position < match.end()]
    places = []
    for number, slot in enumerate(each.slots, 1):
        position = match.start(number)
        if position < 0:
            continue
        index = index_at[position]
        places.append(Place(slot, index, tuple(i for i in inside if i > index) if slot.shares else ()))
    return tuple(places)


def _without(text: str, taken: list[tuple[int, int]]) -> str:
    """The sentence with blanks for what constructions have read."""
    if not taken:
        return text
    ordered = [(0, 0), *sorted(taken), (len(text), len(text))]
    parts: list[str] = []
    for (start, end), (following, _) in pairwise(ordered):
        parts.append(" " * (end - start) + text[end:following])
    return "".join(parts)
