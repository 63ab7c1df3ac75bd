"""The check is a second reader: none of its modules imports what writes texts."""

import ast
import sys
from pathlib import Path

import vitals.verification.grounding

FOLDER = Path(vitals.verification.grounding.__file__).parent


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def test_the_check_imports_nothing_of_this_project_but_itself():
    names = {name for path in FOLDER.glob("*.py") for name in imported(path)}
    foreign = {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}
    assert all(name.startswith("vitals.verification.grounding") for name in foreign)
