"""What must hold of the claims of a statement beyond their values: which way a comparison goes, which days are meant.

Belongs here: conditions by name, computed from claims. Does not belong here: reading a text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from vitals.verification.grounding.ledger import LOWER_BOUND, Ledger, written_number

_GREATER = ("more", "higher", "longer", "larger", "greater", "later")
_SMALLER = ("less", "fewer", "lower", "shorter", "smaller", "earlier")


@dataclass(frozen=True, slots=True)
class Said:
    """A statement with its variables bound.

    Attributes:
        words: its words, in lower case.
        claims: ids of the claims that its places are, in order.
        dates: dates in it that are no places, in order.
        binding: what its variables stand for.
        ledger: the claims of the line.
    """

    words: str
    claims: tuple[str, ...]
    dates: tuple[str, ...]
    binding: Mapping[str, str]
    ledger: Ledger

    def operand_dates(self, qualifier: str) -> set[str]:
        """Dates of the operands of a derived claim of the statement's metric."""
        claim = self.ledger.by_id.get(f"{self.binding['M']}#{qualifier}", {})
        return {operand.partition("#")[2] for operand in claim.get("operands", ())}


def holds(condition: str, said: Said) -> bool:
    """Whether a condition holds of a statement; "" always does."""
    return not condition or _CONDITIONS[condition](said)


def _dip(said: Said) -> bool:
    """The dip is waking minus sleeping: positive means lower asleep."""
    dip = said.ledger.number("heart_rate.dip_percent")
    return dip is not None and ("lower" in said.words) == (dip >= 0)


def _ordered(said: Said) -> bool:
    """The direction that the words give to a difference is that of its operands, as they are written."""
    words = set(said.words.replace(",", " ").replace(")", " ").split())
    greater, smaller = not words.isdisjoint(_GREATER), not words.isdisjoint(_SMALLER)
    derived = next((claim for claim in said.claims if claim.endswith("#difference")), None)
    if derived is None:
        return not (greater or smaller)
    operands = said.ledger.by_id[derived].get("operands", ())
    found = [said.ledger.by_id.get(operand) for operand in operands]
    known = [claim for claim in found if claim is not None and not isinstance(claim["value"], str)]
    if len(known) != 2 or len(found) != 2:
        return False
    if operands[1] in said.claims and said.claims.index(operands[1]) < said.claims.index(operands[0]):
        return False
    value, base = (float(written_number(claim["value"], claim["decimals"]).replace(",", "")) for claim in known)
    return (greater, smaller) == (value > base, value < base)


def _equal(said: Said) -> bool:
    """The two days have the same value."""
    first, second = (said.ledger.number(f"{said.binding['M']}#{said.binding[day]}") for day in ("D1", "D2"))
    return first == second and said.binding["D1"] != said.binding["D2"]


def _consecutive(said: Said) -> bool:
    """The day of the line and the one before it."""
    later, earlier = (date.fromisoformat(said.binding[day]) for day in ("D1", "D2"))
    return said.binding["D1"] == said.ledger.local_date and (later - earlier).days == 1


def _window(said: Said) -> bool:
    """The window is that of the claims; where none has one, it is that of the question."""
    first, last = said.binding["W1"], said.binding["W2"]
    windows = {said.ledger.by_id[claim]["window"] for claim in said.claims if claim in said.ledger.by_id}
    intervals = {window for window in windows if "/" in window}
    if intervals:
        return intervals == {f"{first}/{last}"}
    return last == said.ledger.local_date and f"day#{first}" in said.ledger.by_id and first == said.ledger.first_date


def _dated(said: Said) -> bool:
    """The dates are those of all the days that have the extreme value."""
    metric = said.binding["M"]
    side = "lowest" if "lowest" in said.words else "highest"
    extreme = said.ledger.number(f"{metric}#{side}")
    days = {day for day in said.operand_dates(side) if said.ledger.number(f"{metric}#{day}") == extreme}
    is_window = "W1" not in said.binding or _window(said)
    return is_window and set(said.dates) == days and len(said.dates) == len(days)


def _below(said: Said) -> bool:
    """The day is one of those below the mean."""
    return said.binding["D1"] in said.operand_dates("days_below_mean")


def _none_below(said: Said) -> bool:
    """No day that counts is below the mean."""
    metric = said.binding["M"]
    mean = said.ledger.number(f"{metric}#window_mean")
    values = (said.ledger.number(f"{metric}#{day}") for day in said.operand_dates("window_mean"))
    return _window(said) and mean is not None and all(value is not None and value >= mean for value in values)


def _listed(said: Said) -> bool:
    """The listed days are all that count."""
    days = said.operand_dates("valid_days")
    return _window(said) and (not said.dates or (set(said.dates) == days and len(said.dates) == len(days)))


def _no_valid(said: Said) -> bool:
    """No day counts."""
    return _window(said) and not said.operand_dates("valid_days")


def _missing(said: Said) -> bool:
    """The days lack a final value, for what the text says they lack."""
    ledger = said.ledger
    days = said.dates if "D1" not in said.binding else (said.binding["D1"],)
    if len(set(days)) != len(days) or any(f"day#{day}" not in ledger.by_id for day in days):
        return False
    if any(day in ledger.valid_dates for day in days):
        return False
    state = next(
        each for each in ("no data", "withheld", "minimum", "provisional", "lower bound") if each in said.words
    )
    if ledger.refusal_reason:
        return all(any(part.startswith(f"{day}: ") and state in part for part in ledger.refusal_reason) for day in days)
    return state not in ("no data", "withheld") or not any(
        claim.endswith(f"#{day}") and not claim.startswith("day#")
        for day in days
        for claim in ledger.by_id
        if claim.partition(".")[0] in ledger.asked
    )


def _whole(said: Said) -> bool:
    """A total may stand alone if nothing says that it is a lower bound."""
    prefix = said.claims[0].partition(".")[0]
    ledger = said.ledger
    is_bound = LOWER_BOUND in ledger.warnings and len(ledger.kinds) == 1
    return not is_bound and f"{prefix}.lower_bound" not in ledger.reasons


def _bound(said: Said) -> bool:
    """The line says of its total that it is a lower bound."""
    return LOWER_BOUND in said.ledger.warnings


def _no_main_sleep(said: Said) -> bool:
    """The length of a main sleep is withheld because there is none."""
    return said.ledger.reasons.get("sleep.tib") == "no main sleep ends on this day"


def _no_gap(said: Said) -> bool:
    """The longest gap is none: of the kind whose interval is named, else of one that the line claims."""
    if said.claims:
        return said.ledger.number(f"{said.claims[0].partition('.')[0]}.longest_gap_minutes") == 0
    return any(claim["value"] == 0 for claim in said.ledger.claims if claim["id"].endswith(".longest_gap_minutes"))


def _open(said: Said) -> bool:
    return said.ledger.is_provisional


def _closed(said: Said) -> bool:
    return not said.ledger.is_provisional


_CONDITIONS: Mapping[str, Callable[[Said], bool]] = {
    "dip": _dip,
    "ordered": _ordered,
    "equal": _equal,
    "consecutive": _consecutive,
    "window": _window,
    "dated": _dated,
    "below": _below,
    "none_below": _none_below,
    "listed": _listed,
    "no_valid": _no_valid,
    "missing": _missing,
    "whole": _whole,
    "bound": _bound,
    "no_main_sleep": _no_main_sleep,
    "no_gap": _no_gap,
    "open": _open,
    "closed": _closed,
}
