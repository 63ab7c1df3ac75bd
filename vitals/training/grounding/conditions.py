"""What must hold of the claims of a statement beyond their values: which way a comparison goes.

Belongs here: conditions by name, computed from claims. Does not belong here: reading a text.
"""

from collections.abc import Callable, Mapping, Sequence

from vitals.training.grounding.ledger import LOWER_BOUND, Ledger, written_number

_GREATER = ("more", "higher", "longer", "larger", "greater", "later")
_SMALLER = ("less", "fewer", "lower", "shorter", "smaller", "earlier")

Condition = Callable[[str, Sequence[str], Ledger], bool]


def holds(condition: str, words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    """Whether a condition holds.

    Args:
        condition: its name; "" always holds.
        words: the words of the statement, in lower case.
        claims: ids of the claims that the statement's places are.
        ledger: the claims of the line.
    """
    return not condition or _CONDITIONS[condition](words, claims, ledger)


def _dip(words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    """The dip is waking minus sleeping: positive means lower asleep."""
    dip = ledger.number("heart_rate.dip_percent")
    return dip is not None and ("lower" in words) == (dip >= 0)


def _ordered(words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    """The direction that the words give to a difference is that of its operands, as they are written."""
    said = set(words.replace(",", " ").replace(")", " ").split())
    greater, smaller = not said.isdisjoint(_GREATER), not said.isdisjoint(_SMALLER)
    derived = next((claim for claim in claims if claim.endswith("#difference")), None)
    if derived is None:
        return not (greater or smaller)
    found = [ledger.by_id.get(operand) for operand in ledger.by_id[derived].get("operands", ())]
    known = [claim for claim in found if claim is not None and not isinstance(claim["value"], str)]
    if len(known) != 2 or len(found) != 2:
        return False
    value, base = (float(written_number(claim["value"], claim["decimals"]).replace(",", "")) for claim in known)
    return (greater, smaller) == (value > base, value < base)


def _bound(words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    """A total is a lower bound where the line says so; nothing can say that it is not one."""
    return True


def _whole(words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    """A total may stand alone if nothing says that it is a lower bound."""
    prefix = claims[0].partition(".")[0]
    return LOWER_BOUND not in ledger.warnings and f"{prefix}.lower_bound" not in ledger.reasons


def _open(words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    return ledger.is_provisional


def _closed(words: str, claims: Sequence[str], ledger: Ledger) -> bool:
    return not ledger.is_provisional


_CONDITIONS: Mapping[str, Condition] = {
    "dip": _dip,
    "ordered": _ordered,
    "bound": _bound,
    "whole": _whole,
    "open": _open,
    "closed": _closed,
}
