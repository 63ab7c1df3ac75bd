"""Roots of tenants that share anything are refused by the command that adds a tenant, and where they are there already."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from interfaces.cli.main import app
from resources.workspace import default_root
from tests.flow import TENANT, installation
from vitals.errors import ConflictError

CASES = {
    "the default tenant's": ("home/lake", 5),
    "written otherwise": ("home//lake/", 5),
    "within it": ("home/lake/raw", 5),
    "the place of a tenant without a root": ("home/lake/tenants/beside", 5),
    "around it": ("home", 5),
    "through a link": ("link", 5),
    "within another's": ("own/lake/raw", 5),
    "around another's": ("own", 5),
    "a neighbour": ("own/lake2", 0),
    "elsewhere": ("elsewhere", 0),
}


@pytest.fixture
def settings(tmp_path):
    made, _ = installation(tmp_path / "home")
    (tmp_path / "link").symlink_to(tmp_path / "home" / "lake")
    assert add(made, "beside").exit_code == 0
    assert add(made, "own", "--root", (tmp_path / "own" / "lake").as_uri()).exit_code == 0
    return made


def add(settings, *arguments):
    environment = {
        "VITALGRAPH_HOME": str(settings.home_path),
        "VITALGRAPH_SUBJECT_KEY": settings.subject_key.get_secret_value(),
    }
    return CliRunner().invoke(app, ["tenant", "add", *arguments], env=environment)


@pytest.mark.parametrize("case", CASES)
def test_a_root_that_shares_anything_with_anothers_is_refused(settings, tmp_path, case):
    folder, code = CASES[case]
    done = add(settings, "new", "--root", f"file://{tmp_path}/{folder}")
    assert done.exit_code == code, done.output
    if code:
        assert "root of tenant" in " ".join(done.output.split())
    _, workspace = installation(settings.home_path)
    assert ("new" in {row.name for row in workspace.catalog.tenants.list()}) == (code == 0)


def test_roots_that_overlap_already_are_refused_when_they_are_opened(settings):
    _, workspace = installation(settings.home_path)
    inner = f"{default_root(workspace.lake_url, TENANT)}/raw"
    workspace.catalog.tenants.add("inner", root_url=inner, now=datetime.now(UTC))
    with pytest.raises(ConflictError, match="lies in the root of tenant default"):
        workspace.lake("inner")
    workspace.lake(TENANT)
    workspace.lake("beside")
