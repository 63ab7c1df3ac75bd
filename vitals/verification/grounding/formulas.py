"""The formula of a derived claim, computed anew from its operands.

Belongs here: reading and computing ``abs(round(a, 0) - round(b, 0))`` and the like, where names are claim ids.
Does not belong here: what a formula should be.
"""

import re
import statistics
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache


def _half_up(value: float, places: int) -> float:
    """The decimal number that a value is written as, rounded half away from zero."""
    return float(Decimal(f"{value:.12g}").quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


_FUNCTIONS: Mapping[str, Callable[..., float]] = {
    "abs": abs,
    "round": lambda value, places=0.0: _half_up(value, int(places)),
    "sum": lambda *values: sum(values),
    "mean": lambda *values: statistics.fmean(values),
    "median": lambda *values: statistics.median(values),
    "min": lambda *values: min(values),
    "max": lambda *values: max(values),
    "count": lambda *values: float(len(values)),
}
_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([a-z]+)(?=\()|(§\d+)|([-+*/(),]))")

Node = Callable[[tuple[float, ...]], float]


class UnreadableFormulaError(ValueError):
    """A formula that this reader cannot compute."""


def compute(formula: str, operands: tuple[str, ...], values: tuple[float, ...]) -> float:
    """The value of a formula.

    Args:
        formula: the formula, naming its operands.
        operands: their ids.
        values: their values.

    Raises:
        UnreadableFormulaError: it is written in a way that is not known here, or it cannot be computed.
    """
    try:
        return _compiled(formula, operands)(values)
    except (ZeroDivisionError, TypeError, statistics.StatisticsError) as error:
        raise UnreadableFormulaError(formula) from error


@lru_cache(maxsize=8192)
def _compiled(formula: str, operands: tuple[str, ...]) -> Node:
    text = formula
    for index in sorted(range(len(operands)), key=lambda i: -len(operands[i])):
        text = text.replace(operands[index], f"§{index}")
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableFormulaError(formula)
        tokens.append(match.group().strip())
        position = match.end()
    reader = _Reader(formula, tokens)
    node = reader.sum()
    if reader.tokens:
        raise UnreadableFormulaError(formula)
    return node


class _Reader:
    """A descent over the tokens of one formula."""

    def __init__(self, formula: str, tokens: list[str]) -> None:
        self.formula = formula
        self.tokens = tokens

    def sum(self) -> Node:
        left = self._product()
        while self.tokens and self.tokens[0] in "+-":
            left = _binary(self.tokens.pop(0), left, self._product())
        return left

    def _product(self) -> Node:
        left = self._atom()
        while self.tokens and self.tokens[0] in "*/":
            left = _binary(self.tokens.pop(0), left, self._atom())
        return left

    def _atom(self) -> Node:
        part = self.tokens.pop(0) if self.tokens else ""
        if part == "-":
            inner = self._atom()
            return lambda values: -inner(values)
        if part == "(":
            node = self.sum()
            self._expect(")")
            return node
        if part.startswith("§"):
            index = int(part[1:])
            return lambda values: values[index]
        if part in _FUNCTIONS:
            return self._call(_FUNCTIONS[part])
        if part[:1].isdigit():
            number = float(part)
            return lambda _: number
        raise UnreadableFormulaError(self.formula)

    def _call(self, function: Callable[..., float]) -> Node:
        self._expect("(")
        arguments = [self.sum()]
        while self.tokens and self.tokens[0] == ",":
            self.tokens.pop(0)
            arguments.append(self.sum())
        self._expect(")")
        return lambda values: function(*(argument(values) for argument in arguments))

    def _expect(self, token: str) -> None:
        if not self.tokens or self.tokens.pop(0) != token:
            raise UnreadableFormulaError(self.formula)


def _binary(sign: str, left: Node, right: Node) -> Node:
    if sign == "+":
        return lambda values: left(values) + right(values)
    if sign == "-":
        return lambda values: left(values) - right(values)
    if sign == "*":
        return lambda values: left(values) * right(values)
    return lambda values: left(values) / right(values)
