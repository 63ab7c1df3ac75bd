"""A claim: one number, time or date that a text states, with everything needed to check it.

Belongs here: the claim, how it is written (rounding and format are part of it), the version of its rule.
Does not belong here: which claims a kind states (its module) or how a row becomes claims (`fact_row`).
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, Self

from vitals.training.rounding import round_half_up, write_rounded

TextUnit = Literal["local date", "local time", "local date and time", "UTC offset", "clock"]
"""Units of claims whose value is a string."""

RULE_VERSIONS: Mapping[str, int] = MappingProxyType(
    {
        # Time covered by distinct readings, at the device's own interval.
        "glucose.n": 2,
        "glucose.expected_n": 2,
        "glucose.wear_percent": 2,
        "glucose.longest_gap_minutes": 2,
        "hrv.n": 2,
        "hrv.coverage_percent": 2,
        "hrv.longest_gap_minutes": 2,
    }
)
"""Metrics whose rule is not at version 1 any more. Raise a version when the same records give another value."""

VALUE_DECIMALS = 2
"""Decimals of a claim's value where it is a fraction: more than are written, fewer than would show float noise."""

LOGARITHM_DECIMALS = 4
"""The same for natural logarithms."""


@lru_cache(maxsize=1024)
def rule_of(metric: str) -> str:
    """Rule and version of a metric, as ``glucose.mean@1``."""
    return f"{metric}@{RULE_VERSIONS.get(metric, 1)}"


class _Members(NamedTuple):
    """What a claim holds: first what a training line shows of it, in that order."""

    decimals: int
    id: str
    metric: str
    n: int | None
    rule: str
    sources: tuple[str, ...]
    unit: str
    value: float | str
    window: str
    formula: str | None
    operands: tuple[str, ...]
    written: str
    shown: str


class Claim(_Members):
    """One statement a text makes.

    A tuple, for an example makes some forty, and a table makes those of a column at once (`fact_columns`).

    Attributes:
        id: unique in the example: the metric id, or ``<metric id>#<qualifier>`` for what belongs to it
            (its time, its threshold, the value of another source, the k-th episode).
        metric: metric or support fact the claim is about.
        value: a number, or a local time, date or offset in ISO form. Fractions have VALUE_DECIMALS.
        unit: unit of the value; a TextUnit for strings.
        window: local date, or an interval of local times, that the value describes. Empty for a constant of
            the metric's definition.
        n: how many readings, minutes or records it rests on; None where counting has no meaning.
        sources: apps it rests on.
        rule: rule and version that made it.
        decimals: decimals it is written with.
        formula, operands: for a value derived from other claims, how and from which ids.
        written: how the value is written: the only way it may enter a text. Numbers are rounded half up at
            ``decimals`` with a comma between thousands; a local time is HH:MM.
        shown: the value with all the decimals it keeps, as prompts show it: rounding it gives ``written``.
    """

    __slots__ = ()

    def __new__(
        cls,
        id: str,  # noqa: A002 - the name of the member in a training line
        metric: str,
        value: float | str,
        unit: str,
        window: str,
        n: int | None,
        sources: tuple[str, ...],
        rule: str,
        decimals: int = 0,
        formula: str | None = None,
        operands: tuple[str, ...] = (),
    ) -> Self:
        """Make a claim with its texts."""
        if isinstance(value, str):
            written = shown = time_text(value, unit)
        else:
            written, shown = number_text(value, decimals), precise_number(value)
        members = (decimals, id, metric, n, rule, sources, unit, value, window, formula, operands, written, shown)
        return tuple.__new__(cls, members)

    def text(self) -> str:
        """How the value is written; see `written`."""
        return self.written

    def precise_text(self) -> str:
        """The value as prompts show it; see `shown`."""
        return self.shown

    def changed(self, **members: Any) -> "Claim":
        """The claim with other members, and the texts that go with them."""
        own = self._asdict() | members
        del own["written"], own["shown"]
        return Claim(**own)

    def about(self, *, window: str, n: int | None, sources: tuple[str, ...]) -> "Claim":
        """The claim of another period, or resting on something else; its texts stay."""
        decimals, name, metric, _, rule, _, unit, value, _, formula, operands, written, shown = self
        members = (decimals, name, metric, n, rule, sources, unit, value, window, formula, operands, written, shown)
        return tuple.__new__(Claim, members)

    def is_constant(self) -> bool:
        """Whether it is part of a definition (a threshold) and not a value of a person."""
        return not self.window

    def as_json(self) -> dict[str, Any]:
        """The claim as in the metadata of an example, keys sorted."""
        return as_json([self])[0]


def as_json(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Claims as in the metadata of an example (`line_schema.CLAIM`), keys sorted."""
    return [
        {
            "decimals": decimals,
            "formula": formula,
            "id": name,
            "metric": metric,
            "n": n,
            "operands": operands,
            "rule": rule,
            "sources": sources,
            "text": value if isinstance(value, str) else None,
            "unit": unit,
            "value": None if isinstance(value, str) else float(value),
            "window": window,
        }
        for decimals, name, metric, n, rule, sources, unit, value, window, formula, operands, _, _ in claims
    ]


def number_text(value: float, decimals: int) -> str:
    """A number as a text writes it: rounded half up, with a comma between thousands, no minus zero."""
    return write_rounded(value, decimals)


def precise_number(value: float) -> str:
    """A number with all the decimals it keeps."""
    return f"{value:.12g}"


def time_text(value: str, unit: str) -> str:
    """A time, date or offset in ISO form as a text writes it."""
    if unit == "local time":
        return value[11:16]
    if unit == "local date and time":
        return f"{value[:10]} {value[11:16]}"
    if unit == "UTC offset":
        return f"UTC{value}"
    return value


def constant(metric: str, name: str, value: float | str, unit: str) -> Claim:
    """A number of a metric's definition, such as the threshold of an episode.

    Args:
        metric: metric id that the number defines.
        name: what it is in the definition ("from", "above").
        value: the number, or a wall clock time "HH:MM" with unit "clock".
        unit: its unit.
    """
    return Claim(f"{metric}#{name}", metric, value, unit, "", None, (), rule_of(metric))


def derived(claim_id: str, value: float, *, formula: str, of: tuple[Claim, ...], unit: str | None = None) -> Claim:
    """A claim computed from others, with their window and the decimals of the first.

    Args:
        claim_id: id of the new claim, ``<metric id>#<qualifier>``.
        value: the result.
        formula: how it follows from the operands' ids.
        of: the operands.
        unit: its unit; that of the first operand unless told.
    """
    first = of[0]
    metric = claim_id.partition("#")[0]
    sources = tuple(dict.fromkeys(app for operand in of for app in operand.sources))
    return Claim(
        claim_id,
        metric,
        value,
        unit or first.unit,
        first.window,
        first.n,
        sources,
        rule_of(metric),
        first.decimals,
        formula,
        tuple(operand.id for operand in of),
    )


def further(count: Claim, named: int) -> Claim:
    """How many of a count remain after the first `named` have been listed."""
    return derived(f"{count.id}#more", float(count.value) - named, formula=f"{count.id} - {named}", of=(count,))


def difference_as_written(value: Claim, base: Claim, *, unit: str | None = None) -> Claim:
    """Distance between two values as they are written, so that a reader who subtracts gets the same number.

    Args:
        value: gives the difference its id.
        base: what it is compared with.
        unit: unit of the difference; that of the value unless told.
    """
    places = max(value.decimals, base.decimals)
    written = (round_half_up(float(each.value), each.decimals) for each in (value, base))
    distance = round_half_up(abs(next(written) - next(written)), places)
    claim = derived(
        f"{value.id}#difference",
        distance,
        formula=f"abs(round({value.id}, {value.decimals}) - round({base.id}, {base.decimals}))",
        of=(value, base),
        unit=unit,
    )
    return claim.changed(decimals=0 if distance.is_integer() else places)


def percent_decimals(share: float) -> int:
    """Decimals that keep a share near 0 or 100 from being written as none or all.

    The consensus report gives glucose shares as whole numbers and those under 1 as tenths.
    """
    if not (0 < share < 1 or 99 < share < 100):
        return 0
    return 1 if 0 < round_half_up(share, 1) < 100 else 2
