"""Versions of releases in the catalog: built once, and everybody in them is known."""

import pytest

from tests.resources.catalog.catalog_builders import LATER, NOW, TENANT
from vitals.errors import ConflictError, NotFoundError, PermanentError

pytest_plugins = ["tests.servers.catalogs"]

SPEC = {"name": "sleep", "license": "cc-by-4.0"}


def begin(catalog, version="1", **changes):
    return catalog.datasets.begin(TENANT, "sleep", version, **{"spec": SPEC, "run_id": "r", "now": NOW, **changes})


def finish(catalog, dataset_id, *, reasons=(), contributors=None):
    catalog.datasets.finish(
        dataset_id, reasons=reasons, manifest_sha256="ab", contributors=contributors or {"s1": 3, "s2": 1}, now=LATER
    )


def test_a_version_is_published_only_without_reasons_against_it(catalog):
    first, second = begin(catalog, "1"), begin(catalog, "2")
    finish(catalog, first)
    finish(catalog, second, reasons=["splits: 1 person on two sides"])
    one, two = catalog.datasets.list(TENANT)
    assert (one.state, one.reasons, one.examples, one.people) == ("published", [], 4, 2)
    assert (two.state, two.reasons) == ("blocked", ["splits: 1 person on two sides"])
    assert (one.spec, one.created_at, one.finished_at) == (SPEC, NOW, LATER)


def test_what_is_published_is_never_built_again(catalog):
    finish(catalog, begin(catalog))
    with pytest.raises(ConflictError):
        begin(catalog)
    assert catalog.datasets.get(TENANT, "sleep", "1").state == "published"


def test_what_was_blocked_may_be_built_again_and_forgets_who_was_in_it(catalog):
    first = begin(catalog)
    finish(catalog, first, reasons=["no"])
    assert begin(catalog) == first
    assert catalog.datasets.contributors(first) == {}
    assert catalog.datasets.get(TENANT, "sleep", "1").state == "building"
    finish(catalog, first, contributors={"s3": 1})
    assert catalog.datasets.contributors(first) == {"s3": 1}


def test_every_version_that_holds_a_person_is_found(catalog):
    for version, contributors in (("1", {"s1": 1}), ("2", {"s1": 2, "s2": 1}), ("3", {"s2": 5})):
        finish(catalog, begin(catalog, version), contributors=contributors)
    assert [row.version for row in catalog.datasets.with_person(TENANT, ["s1"])] == ["1", "2"]
    assert [row.version for row in catalog.datasets.with_person(TENANT, ["s1", "s2"])] == ["1", "2", "3"]
    assert catalog.datasets.with_person(TENANT, ["s9"]) == []


def test_an_unknown_version_or_tenant_is_an_error(catalog):
    with pytest.raises(NotFoundError):
        catalog.datasets.get(TENANT, "sleep", "9")
    with pytest.raises(PermanentError):
        catalog.datasets.begin("nobody", "sleep", "1", spec=SPEC, run_id=None, now=NOW)
