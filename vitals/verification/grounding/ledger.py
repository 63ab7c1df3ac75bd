"""The claims of a line as a reader of its text needs them.

Belongs here: how a claim must be written, claims by id and metric, whether derived ones follow from their operands.
Does not belong here: reading a text.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property, lru_cache
from typing import Any

from vitals.verification.grounding.formulas import UnreadableFormulaError, compute
from vitals.verification.grounding.lexicon import RECORD_TYPES, UNIT_FORMS
from vitals.verification.grounding.tokens import reason_as_written

NEUTRAL_REASON = "its precondition is not met"
"""What a text says instead of a reason that it may not repeat."""

LOWER_BOUND = "the total is a lower bound"
"""The warning of a line whose total was still growing."""

_TOLERANCE = 0.011
"""How far a derived value may be from its recomputation: operands are kept with two decimals."""

_NOISE = 1e-6

_PLACES = tuple(Decimal(1).scaleb(-places) for places in range(9))


@lru_cache(maxsize=65536)
def written_number(value: float, decimals: int) -> str:
    """A number as it must stand in a text: half up at `decimals`, comma between thousands, no minus zero.

    What is rounded is the decimal number that the line holds, not the binary fraction nearest to it.
    """
    exact = Decimal(str(value)).quantize(_PLACES[decimals], rounding=ROUND_HALF_UP)
    return f"{exact.copy_abs() if exact.is_zero() else exact:,f}"


def written(claim: Mapping[str, Any]) -> str:
    """How a claim's value must stand in a text, without its unit."""
    value, unit = claim["value"], claim["unit"]
    if value is None:
        value = claim["text"]
    if not isinstance(value, str):
        return written_number(value, claim.get("decimals", 0))
    if unit == "local time":
        return value.rpartition("T")[2][:5]
    if unit == "local date and time":
        return value.replace("T", " ")[:16]
    if unit == "UTC offset":
        return f"UTC{value}"
    return value


def unit_fits(unit: str, claim: Mapping[str, Any]) -> bool:
    """Whether a written unit is that of a claim."""
    forms = UNIT_FORMS.get(claim["unit"])
    return unit == claim["unit"] if forms is None else unit in forms


def _agrees(value: float, result: float, decimals: int) -> bool:
    """Whether a derived value is a result, or that result rounded to the decimals of the claim."""
    step = 10.0**-decimals
    is_rounded = abs(value / step - float(written_number(value / step, 0).replace(",", ""))) < _NOISE
    return abs(value - result) <= max(_TOLERANCE, step / 2 + _NOISE if is_rounded else 0.0)


@lru_cache(maxsize=16384)
def dates_of(window: str) -> tuple[str, ...]:
    """Local dates that a window belongs to: a night to the date of its end, days to their first and last."""
    start, _, end = window.partition("/")
    if "T" not in start:
        return tuple(date for date in (start, end) if date)
    return (end[:10],) if "T" in end and not end.startswith("P") else (start[:10],)


class Ledger:
    """Claims and withheld metrics of one line.

    Attributes:
        by_id: claims by id.
        kinds: prefixes of the metrics claimed or withheld, and of the line's record type.
        reasons: metric -> reason as texts say it, of what is withheld.
        local_date: the day that the line is about.
        is_provisional: whether the day may still change.
        refused: the metric that an abstention refuses.
        refusal_reason: over several days, what each of them lacks.
        warnings: what else the line says of its data.
    """

    def __init__(self, metadata: Mapping[str, Any]) -> None:
        """Index the metadata of a line."""
        # A claim has a number as its value, or a text; either is what it says.
        claims: list[Mapping[str, Any]] = [
            claim if claim["value"] is not None else {**claim, "value": claim.get("text")}
            for claim in metadata["claims"]
        ]
        self.claims = claims
        self.by_id: dict[str, Mapping[str, Any]] = {claim["id"]: claim for claim in claims}
        self.reasons = {
            entry["metric"]: reason_as_written(entry["reason"] or "") for entry in metadata.get("withheld", ())
        }
        self.local_date: str = metadata["local_date"]
        refused = metadata.get("abstention") or {}
        self.refused: str | None = refused.get("metric")
        record_type = RECORD_TYPES.get(str(metadata.get("record_type")))
        # A question names its metric after a colon, which may have no claim where no day has a value.
        asked = (str(metadata.get("question") or "").partition(":")[2], self.refused or "")
        named = {each.partition(".")[0] for each in (*self.by_id, *self.reasons, *asked) if "." in each}
        # One kind's line speaks of that kind alone, whatever else it may claim.
        self.kinds: frozenset[str] = frozenset(named if record_type is None else {record_type})
        self.is_provisional = bool(metadata.get("provisional"))
        self.refusal_reason: tuple[str, ...] = ()
        if record_type is None:
            reason = refused.get("reason")
            self.refusal_reason = tuple(str(reason).split("; ")) if reason else ()
        self.warnings: Iterable[str] = metadata.get("validation_warnings") or ()

    def sayable_reasons(self) -> list[str]:
        """Reasons as a text may repeat them, longer ones first."""
        found = {reason for reason in self.reasons.values() if len(reason) > 3}
        if found:
            found.add(NEUTRAL_REASON)
        return sorted(found, key=lambda reason: (-len(reason), reason))

    @cached_property
    def indexes(self) -> tuple[str, ...]:
        """What ``K`` may be: the numbers of episodes, bouts and naps."""
        found = {claim_id.partition("#")[2].partition(":")[0] for claim_id in self.by_id if "#" in claim_id}
        return tuple(sorted((each for each in found if each.isdigit()), key=int))

    @cached_property
    def other_apps(self) -> tuple[str, ...]:
        """Apps whose values are claimed beside those used."""
        found = {
            claim_id.partition("#other:")[2].partition("#")[0].partition(":")[0]
            for claim_id in self.by_id
            if "#other:" in claim_id
        }
        return tuple(sorted(found))

    @cached_property
    def dates(self) -> frozenset[str]:
        """Local dates that the line is about."""
        found = {self.local_date}
        for claim in self.claims:
            found.update(dates_of(claim["window"]))
            if claim["unit"] == "local date":
                found.add(claim["value"])
        return frozenset(found)

    @cached_property
    def valid_dates(self) -> frozenset[str]:
        """Dates that a claim over several days counts."""
        operands = (o for claim in self.claims if claim["id"].endswith("#valid_days") for o in claim["operands"])
        return frozenset(operand.partition("#")[2] for operand in operands)

    @cached_property
    def asked(self) -> frozenset[str]:
        """Prefixes of the metrics counted over several days; other metrics only accompany them."""
        return frozenset(claim.partition(".")[0] for claim in self.by_id if claim.endswith("#valid_days"))

    @cached_property
    def first_date(self) -> str:
        """The earliest date that is claimed as one."""
        return min(str(claim["value"]) for claim in self.claims if claim["unit"] == "local date")

    @cached_property
    def is_single_day(self) -> bool:
        """Whether no claim is about another local date than the line's own."""
        return all(claim["window"] == self.local_date for claim in self.claims if len(claim["window"]) == 10)

    def number(self, claim_id: str) -> float | None:
        """Value of a claim that is a number."""
        claim = self.by_id.get(claim_id)
        return None if claim is None or isinstance(claim["value"], str) else float(claim["value"])

    def underived(self) -> list[str]:
        """Ids of derived claims that do not follow from their operands."""
        wrong = []
        for claim in self.claims:
            if not claim.get("formula"):
                continue
            values = tuple(self.number(operand) for operand in claim["operands"])
            known = tuple(value for value in values if value is not None)
            try:
                result = compute(claim["formula"], tuple(claim["operands"]), known)
            except (UnreadableFormulaError, IndexError):
                wrong.append(claim["id"])
                continue
            if len(known) != len(values) or not _agrees(float(claim["value"]), result, claim.get("decimals", 0)):
                wrong.append(claim["id"])
        return wrong
