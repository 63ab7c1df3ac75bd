"""Whether the parts of a whole, as a text writes them, add up to the whole that is written beside them.

Belongs here: which claims are parts of which, and adding up what is written.
Does not belong here: how many decimals a writer chooses.

Parts that are claimed beside their whole, and whose values make it, are added up as they are written. Nothing is asked
of parts of which one is not claimed: nobody can add them up.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from vitals.verification.grounding.ledger import written_number

_Claims = Mapping[str, Mapping[str, Any]]

_WHOLES: tuple[tuple[tuple[str, ...], str | int], ...] = (
    (("sleep.tst", "sleep.waso", "sleep.unscored", "sleep.sol"), "sleep.tib"),
    (("sleep.tst", "sleep.waso", "sleep.unscored"), "sleep.tib"),
    (("sleep.light", "sleep.deep", "sleep.rem"), "sleep.tst"),
    (("sleep.pct_light", "sleep.pct_deep", "sleep.pct_rem"), 100),
    *(
        (("sleep.tst", *(f"sleep.nap#{nap}:tst" for nap in range(1, naps + 1))), "sleep.total_tst_all_sessions")
        for naps in range(1, 4)
    ),
    *(
        (tuple(f"sleep.nap#{nap}:tst" for nap in range(1, naps + 1)), "sleep.total_tst_all_sessions")
        for naps in range(1, 4)
    ),
    (("glucose.pct_below_70", "glucose.pct_70_180", "glucose.pct_above_180"), 100),
    (("glucose.pct_70_180", "glucose.pct_above_180"), 100),
    (("glucose.pct_below_70", "glucose.pct_70_180"), 100),
)
"""Parts, and the whole they may make: a claim or a number."""

_COVERED = (("glucose.wear_percent", "glucose.longest_gap_minutes"), ("heart_rate.coverage_percent", "heart_rate.longest_gap_minutes"))  # fmt: skip
_DAY_MINUTES = 1440
_FINEST = 2
"""Decimals that no text goes beyond."""

_KEPT = Decimal("0.0001")
"""How far shares of two decimals may be from what they were."""


def not_adding_up(by_id: _Claims) -> Iterator[str]:
    """Ids of wholes to which their parts, as they are written, do not add up."""
    for parts, whole in _WHOLES:
        ids = (*parts, whole) if isinstance(whole, str) else parts
        if not all(_is_number(by_id.get(each)) for each in ids):
            continue
        total, total_written = (
            (_value(by_id[whole]), _written(by_id[whole])) if isinstance(whole, str) else (Decimal(whole),) * 2
        )
        adds_up = sum(_value(by_id[part]) for part in parts) == total
        if adds_up and sum(_written(by_id[part]) for part in parts) != total_written:
            yield whole if isinstance(whole, str) else parts[0]
    yield from _beyond_the_day(by_id)


def _beyond_the_day(by_id: _Claims) -> Iterator[str]:
    """Shares of the day that are covered, as written, which leave no room for the gap beside them."""
    day = by_id.get("day#hours")
    minutes = _DAY_MINUTES if day is None else 60 * _value(day)
    for share_id, gap_id in _COVERED:
        share, gap = by_id.get(share_id), by_id.get(gap_id)
        if share is None or gap is None or share["decimals"] >= _FINEST:
            continue
        fits = _value(share) * minutes / 100 + _value(gap) <= minutes * (1 + _KEPT)
        if fits and _written(share) * minutes / 100 + _written(gap) > minutes:
            yield share_id


def _is_number(claim: Mapping[str, Any] | None) -> bool:
    return claim is not None and not isinstance(claim["value"], str)


def _value(claim: Mapping[str, Any]) -> Decimal:
    return Decimal(str(claim["value"]))


def _written(claim: Mapping[str, Any]) -> Decimal:
    return Decimal(written_number(claim["value"], claim["decimals"]).replace(",", ""))
