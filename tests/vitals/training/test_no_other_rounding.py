"""No module that writes what a person reads rounds in another way than `rounding` (half up)."""

import ast
import re
from pathlib import Path

import pytest

import vitals

FOLDER = Path(vitals.__path__[0])
HELPER = FOLDER / "training" / "rounding.py"
FILES = sorted(path for part in ("training", "release", "verification") for path in (FOLDER / part).rglob("*.py"))
FORMAT = re.compile(r"[.]\d*[fFeE%]$")
BARE = frozenset({"round", "format"})
METHODS = frozenset({"round", "rint", "round_sig_figs", "around"})


def other_rounding(source: str) -> list[str]:
    """Lines that round: round(x), format(x, ...), f"{x:.0f}", "%.0f" % x, x.round(2)."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in BARE:
                found.append(f"{node.lineno}: {name}(")
            case ast.Call(func=ast.Attribute(attr=name)) if name in METHODS:
                found.append(f"{node.lineno}: .{name}(")
            case ast.FormattedValue(format_spec=ast.JoinedStr(values=parts)) if any(
                isinstance(p, ast.Constant) and FORMAT.search(str(p.value)) for p in parts
            ) or any(isinstance(p, ast.FormattedValue) for p in parts):
                found.append(f"{node.lineno}: a format")
            case ast.Constant(value=str() as text) if re.search(r"%[.]\d+[fF]|\{:[,z]*[.]\d+f\}", text):
                found.append(f"{node.lineno}: a format")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_every_module_rounds_by_the_one_rule(path: Path) -> None:
    if path != HELPER:
        assert other_rounding(path.read_text()) == []


@pytest.mark.parametrize(
    "code",
    ["round(x)", "round(x, 2)", 'f"{x:.0f}"', 'f"{x:,.1f}"', "pl.col(a).round(2)", "np.rint(x)", 'format(x, ".2f")', '"%.1f" % x', '"{:.2f}".format(x)', 'f"{x:.{n}f}"'],
)  # fmt: skip
def test_another_rounding_is_found(code: str) -> None:
    assert other_rounding(code)
