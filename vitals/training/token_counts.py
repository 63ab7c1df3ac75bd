"""How many tokens a text takes, and by what that is known.

Belongs here: counting by characters, or by a tokenizer's file.
Does not belong here: the budget of a prompt, and what gives way to it (`fewer_details`).
"""

import re
from dataclasses import dataclass, field
from functools import partial

from vitals.training.prompts import CHARACTERS_PER_TOKEN, CountTokens, estimate_tokens


@dataclass(frozen=True)
class TokenCounter:
    """A way to count tokens.

    Attributes:
        name: by what they are counted, as a card says it: "1.6 characters a token". Equal names count alike.
        count: tokens of a text.
    """

    name: str
    count: CountTokens = field(repr=False, compare=False)


def by_characters(characters_per_token: float) -> TokenCounter:
    """Return the counter that estimates by the mean number of characters in a token."""
    count = partial(estimate_tokens, characters_per_token=characters_per_token)
    return TokenCounter(f"{characters_per_token:g} characters a token", count)


_BY_CHARACTERS = re.compile(r"(\d+(?:\.\d+)?) characters a token")


def counter_named(name: str, *, configured: TokenCounter) -> TokenCounter:
    """Return the counter of a name: the configured one, one by characters, or else the estimate."""
    if name == configured.name:
        return configured
    found = _BY_CHARACTERS.fullmatch(name)
    return by_characters(float(found[1])) if found else ESTIMATED


ESTIMATED = by_characters(CHARACTERS_PER_TOKEN)
"""The counter unless told."""
