"""A reader of finished texts that knows nothing of templates: which numbers stand there without a claim.

Belongs here: finding number, time and date tokens in a text. Does not belong here: what they should be.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from vitals.training.source_names import title_of

TOKEN = re.compile(r"UTC[+-]\d\d:\d\d|\d{4}-\d\d-\d\d|\d\d:\d\d(?!\d)|\d+(?:,\d{3})*(?:\.\d+)?")


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def without_app_names(text: str, apps: Iterable[str]) -> str:
    for app in apps:
        text = text.replace(title_of(app), "")
    return text


def text_of(claim: Mapping[str, Any]) -> str:
    """How a claim of a line's metadata is written, by its members alone."""
    value = claim["value"] if claim["text"] is None else claim["text"]
    if isinstance(value, str):
        return {
            "local time": value[11:16],
            "local date and time": value.replace("T", " ")[:16],
            "UTC offset": f"UTC{value}",
        }.get(claim["unit"], value)
    # Half away from zero, of the decimal number that the line holds.
    step = Decimal(10) ** -claim["decimals"]
    units = int(abs(Decimal(repr(value))) / step + Decimal("0.5"))
    return ("-" if value < 0 and units else "") + f"{units * step:,f}"


def unclaimed(example: Mapping[str, Any], apps: Iterable[str]) -> list[str]:
    """Tokens of the answer that are no part of any claim of the example."""
    claimed = {token for claim in example["metadata"]["claims"] for token in tokens(text_of(claim))}
    return [token for token in tokens(without_app_names(example["output"], apps)) if token not in claimed]
