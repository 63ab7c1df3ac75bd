"""Which words a regular expression cannot match without.

Belongs here: reading an expression for the literal text that each of its matches holds.
Does not belong here: which expressions there are (`constructions`), or when they are tried (`grammar`).

An expression is tried on a sentence only if one of its cues stands there. Where none is known the cue is "", which
stands everywhere: a cue saves time and changes nothing.
"""

import re

Cues = frozenset[str]
"""Literals in lower case of which every match holds at least one."""

_UNKNOWN: Cues = frozenset({""})

_PART = re.compile(
    r"(?P<look>\(\?<?[=!])|(?P<group>\((?:\?:)?)|(?P<close>\))|(?P<either>\|)|(?P<set>\[(?:\\.|[^\]\\])+\])"
    r"|\\(?P<class>[A-Za-z0-9])|\\(?P<escaped>.)|(?P<any>[.^$])|(?P<literal>.)",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r"(?:[?*+]|\{[\d,]*\})[?+]?")


def cues_of(pattern: str) -> Cues:
    """The cues of a regular expression; "" alone if it has a way to match without any known text.

    Args:
        pattern: an expression of literals, sets, groups without names, lookarounds, alternatives and quantifiers.
    """
    cues, end = _alternatives(pattern, 0)
    return cues if end == len(pattern) else _UNKNOWN


def _alternatives(pattern: str, position: int) -> tuple[Cues, int]:
    """Cues of alternatives from a position to the end of their group: one of them must match, so all count."""
    found, position = _sequence(pattern, position)
    while position < len(pattern) and pattern[position] == "|":
        cues, position = _sequence(pattern, position + 1)
        found |= cues
    return (_UNKNOWN if "" in found else found), position


def _sequence(pattern: str, position: int) -> tuple[Cues, int]:
    """Cues of one alternative: those of the part whose shortest one is longest."""
    parts: list[Cues] = [_UNKNOWN]
    run = ""
    while position < len(pattern):
        match = _PART.match(pattern, position)
        assert match is not None
        what = match.lastgroup
        if what in ("close", "either"):
            break
        position = match.end()
        inner = _UNKNOWN
        if what in ("group", "look"):
            inner, position = _alternatives(pattern, position)
            position += 1
        quantifier = _QUANTIFIER.match(pattern, position)
        if what in ("literal", "escaped") and quantifier is None:
            run += match[what].lower()
            continue
        parts.append(frozenset({run}))
        run = ""
        if what == "group" and quantifier is None:
            parts.append(inner)
        position = position if quantifier is None else quantifier.end()
    parts.append(frozenset({run}))
    return max(parts, key=lambda cues: min(map(len, cues))), position
