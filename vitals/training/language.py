"""Judging the language of a text for training (docs/spec/narrative.md A).

Belongs here: which rules a text breaks, and the fixed wordings that are exempt.
Does not belong here: the rules (`forbidden_language`), whether a number is right (grounding), or the wording of a
kind.

Many texts are screened at once by one linear-time expression that matches whatever a rule matches, and a little
more; the rules themselves then judge only what it caught.
"""

import re

import polars as pl

from vitals.training.forbidden_language import RULES

REFERRAL_OF_READINGS = (
    "These values are for information; if they are unexpected or you feel unwell, contact a health professional."
)
"""The same of single readings, which no sensor took."""

REFERRAL = (
    "These sensor values are for information; if they are unexpected or you feel unwell, contact a health professional."
)
"""The one permitted referral, in fixed wording; only for a level-2 glucose value."""

NOT_A1C = "not a lab A1C"
"""The one permitted mention of A1C: the label that GMI must carry in windows of 14 days or more."""

_LOOKAHEAD = re.compile(r"\(\?!(?:[^()]|\([^()]*\))*\)")


def _screen() -> str:
    """One expression for all rules in the syntax of Polars, without what makes it slow or is unknown there.

    It matches at least what the rules match: exclusions are dropped, and a word boundary between ASCII letters
    is one between any letters too.
    """
    joined = "|".join(_LOOKAHEAD.sub("", rule.pattern.pattern) for rule in RULES)
    return "(?i)" + joined.replace(r"\b", r"(?-u:\b)")


_SCREEN = _screen()


def suspects(texts: pl.Series) -> pl.Series:
    """Which texts may break a rule, as Booleans. False is certain; a true one is for `violations` to judge."""
    return _without_exempt(texts).str.contains(_SCREEN)


def violations(text: str) -> list[str]:
    """Names of the rules that a text breaks, in the order of RULES.

    The fixed referral sentence and the fixed label of GMI are exempt; nothing near them is.
    """
    rest = text.replace(REFERRAL, "").replace(REFERRAL_OF_READINGS, "").replace(NOT_A1C, "")
    if not pl.Series([rest]).str.contains(_SCREEN).item():
        return []
    return [rule.name for rule in RULES if rule.pattern.search(rest) is not None]


def _without_exempt(texts: pl.Series) -> pl.Series:
    for exempt in (REFERRAL, REFERRAL_OF_READINGS, NOT_A1C):
        texts = texts.str.replace_all(exempt, "", literal=True)
    return texts
