"""What-ifs: one at a time for a tenant, and what a killed one leaves behind is found by whose it is."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from operations.preview import COPIES, clear_abandoned_copies, one_at_a_time
from operations.quarantine import what_if_rows, what_if_rule
from resources.catalog.catalog import Catalog
from tests.flow import TENANT, installation
from vitals.errors import BusyError, TransientError, UsageError
from vitals.validated.rule_policy import read_change


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    _, found = installation(tmp_path_factory.mktemp("what-if"))
    found.catalog.tenants.add("other", now=datetime.now(UTC))
    return found


@pytest.mark.parametrize(
    "ask",
    [
        lambda w: what_if_rule(w, tenant=TENANT, change=read_change("score.threshold=0.5")),
        lambda w: what_if_rule(w, tenant=TENANT, change=read_change("out_of_range:count.max=7")),
        lambda w: what_if_rows(w, tenant=TENANT, ids=[1]),
    ],
    ids=["score", "bound", "rows"],
)
def test_a_second_what_if_of_a_tenant_is_told_to_wait(workspace, ask):
    with one_at_a_time(workspace, TENANT), pytest.raises(BusyError) as found:
        ask(workspace)
    assert isinstance(found.value, TransientError)
    assert what_if_rule(workspace, tenant=TENANT, change=read_change("score.threshold=0.5")).uploads == []


def test_another_tenant_is_not_kept_waiting(workspace):
    with one_at_a_time(workspace, "other"):
        assert what_if_rule(workspace, tenant=TENANT, change=read_change("score.threshold=0.5")).uploads == []


def test_one_that_fails_leaves_nothing_and_the_way_free(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(UsageError):
        what_if_rows(workspace, tenant=TENANT, ids=[])
    assert list(tmp_path.glob(f"{COPIES}*")) == []
    with one_at_a_time(workspace, TENANT):
        pass


def folders(of):
    return sorted(path.name for path in of.iterdir() if path.is_dir())


def test_copies_of_killed_what_ifs_are_deleted_and_those_of_others_are_not(workspace, tmp_path, monkeypatch):
    from operations import preview as what_if

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    elsewhere = replace(workspace, catalog=Catalog(f"sqlite:///{tmp_path / 'elsewhere.db'}"))
    others = [what_if._copies(elsewhere, TENANT), what_if._copies(workspace, "other"), COPIES, "of somebody else"]
    mine = what_if._copies(workspace, TENANT)
    for name in (f"{mine}abc", f"{mine}def", *(f"{other}x" for other in others)):
        Path(tmp_path, name).mkdir()
        Path(tmp_path, name, "catalog.db").write_bytes(b"somebody")
    clear_abandoned_copies(workspace, TENANT)
    assert folders(tmp_path) == sorted(f"{other}x" for other in others)
