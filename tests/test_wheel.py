"""The built wheel holds everything that an installation needs: an editable install would hide what is missing."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = [
    "vitals",
    "resources",
    "pipeline",
    "operations",
    "assets",
    "sensors",
    "dagster_project",
    "interfaces",
    "migrations",
]


def test_every_module_and_every_data_file_is_in_the_wheel_and_no_test_is(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir"]
    source = tmp_path / "source"
    # Built from a copy, so that the checkout stays as it is.
    subprocess.run(["cp", "-r", *[str(ROOT / p) for p in PACKAGES], *map(str, FILES), str(_made(source))], check=True)
    subprocess.run([*build, str(tmp_path / "wheel"), str(source)], check=True, capture_output=True)
    [wheel] = (tmp_path / "wheel").glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    suffixes = {".py", ".avsc", ".mako", ".yaml", ".html", ".css", ".js"}
    needed = {
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*")
        if file.suffix in suffixes and "__pycache__" not in file.parts
    }
    assert needed <= held
    assert not [name for name in held if name.startswith("tests/")]


FILES = [ROOT / "pyproject.toml", ROOT / "README.md"]


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
