"""The formulas of derived claims, evaluated.

Belongs here: arithmetic on operands: ``+ - * /``, parentheses, numbers and the FUNCTIONS.
Does not belong here: where operands come from. Nothing is executed: the formula is parsed and its tree walked.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType

from vitals.training.rounding import round_half_up

FUNCTIONS: Mapping[str, Callable[..., float]] = MappingProxyType(
    {
        "abs": abs,
        "count": lambda *values: float(len(values)),
        "max": lambda *values: max(values),
        "mean": lambda *values: sum(values) / len(values),
        "min": lambda *values: min(values),
        "round": lambda value, places=0: round_half_up(value, int(places)),
        "sum": lambda *values: sum(values),
    }
)
"""Functions a formula may use, each on any number of values; `round` takes a value and its decimals, half up."""

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = MappingProxyType(
    {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}
)
_LONGEST = 4096


def evaluate(formula: str, operands: Sequence[str], values: Mapping[str, float]) -> float | None:
    """The value of a formula.

    Args:
        formula: an expression over operand ids.
        operands: the ids that may stand in it, each written as it is.
        values: id -> number; more than the operands do no harm.

    Returns:
        Its value; None for a formula that this arithmetic does not cover, or an operand without a value.
    """
    tree = _parsed(formula, tuple(operands))
    if tree is None:
        return None
    try:
        return _value(tree, [values[name] for name in operands])
    except (KeyError, IndexError, ValueError, TypeError, ZeroDivisionError, OverflowError):
        return None


@lru_cache(maxsize=4096)
def _parsed(formula: str, operands: tuple[str, ...]) -> ast.expr | None:
    """The expression, with the k-th operand as the name ``_k``: ids hold characters no expression may."""
    if len(formula) > _LONGEST:
        return None
    if operands:
        names = {name: f"_{index}" for index, name in enumerate(operands)}
        ids = "|".join(map(re.escape, names))
        formula = re.sub(rf"(?<![\w.#:])(?:{ids})(?![\w.#:])", lambda found: names[found.group()], formula)
    try:
        return ast.parse(formula, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _value(node: ast.expr, values: list[float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return number
        case ast.Name(id=name) if name.startswith("_"):
            return values[int(name[1:])]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, values)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_value(left, values), _value(right, values))
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_value(argument, values) for argument in args))
        case _:
            raise ValueError("not part of the arithmetic of formulas")
