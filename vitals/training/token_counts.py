"""How many tokens a text takes, and by what that is known."""

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


ESTIMATED = by_characters(CHARACTERS_PER_TOKEN)
"""The counter unless told."""
