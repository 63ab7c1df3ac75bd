from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitals.verification.answerability.formulas import evaluate

NUMBERS = st.floats(-1e6, 1e6, allow_nan=False)
A, B = "sleep.tst", "sleep.tst#other:com.ouraring.oura"


def half_up(value):
    """The whole number that a reader of 12 digits rounds to: halves go away from zero."""
    return float(Decimal(f"{value:.12g}").quantize(Decimal(1), rounding=ROUND_HALF_UP))


@given(NUMBERS, NUMBERS)
def test_a_difference_as_written_is_that_of_the_rounded_values(a, b):
    formula = f"abs(round({B}, 0) - round({A}, 0))"
    assert evaluate(formula, (A, B), {A: a, B: b}) == abs(half_up(b) - half_up(a))


def test_an_id_that_begins_like_another_is_not_taken_for_it():
    assert evaluate(f"{B} - {A}", (A, B), {A: 1.0, B: 10.0}) == 9.0
    assert evaluate("glucose.n - 3", ("glucose.n",), {"glucose.n": 10.0}) == 7.0


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("sum(a, b, c)", 6.0),
        ("100 * a / b", 50.0),
        ("mean(a, b, c)", 2.0),
        ("max(a, c) - min(a, c)", 2.0),
        ("-(a + b) * 2", -6.0),
        ("round(c / b, 1)", 1.5),
        ("count(a, b)", 2.0),
    ],
)
def test_the_arithmetic_of_formulas(formula, value):
    assert evaluate(formula, ("a", "b", "c"), {"a": 1.0, "b": 2.0, "c": 3.0}) == value


@pytest.mark.parametrize(
    "formula",
    [
        "__import__('os')",
        "a.real",
        "a ** b",
        "[a]",
        "a if b else 0",
        "abs(a, key=b)",
        "unknown(a)",
        "a +",
        "",
        "a / 0",
        "'a'",
        "True",
        "a < b",
        "_9",
        "(" * 2000,
        "-" * 5000 + "1",
    ],
)
def test_whatever_is_no_arithmetic_has_no_value(formula):
    assert evaluate(formula, ("a", "b"), {"a": 1.0, "b": 2.0}) is None


def test_an_operand_without_a_value_gives_none():
    assert evaluate("a + b", ("a", "b"), {"a": 1.0}) is None
