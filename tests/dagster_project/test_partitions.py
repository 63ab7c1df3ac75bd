"""Tenants as partitions: which of them an instance has."""

from datetime import date

import dagster as dg
import pytest

from dagster_project.partitions import build_axes

FIRST_DAY = date(2025, 9, 1)


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as one:
        yield one


def _has(instance: dg.DagsterInstance, tenant: str, day: str = "2025-09-02") -> bool:
    local = build_axes(FIRST_DAY).local
    with dg.partition_loading_context(dynamic_partitions_store=instance):
        return local.has_partition_key(dg.MultiPartitionKey({"day": day, "tenant": tenant}))


def test_a_tenant_is_a_partition_as_soon_as_it_is_added(instance):
    assert not _has(instance, "study-a")
    instance.add_dynamic_partitions("tenant", ["study-a"])
    assert _has(instance, "study-a")
    assert not _has(instance, "study-b")
    assert not _has(instance, "study-a", day="2025-08-31")


def test_a_tenant_that_an_instance_had_is_not_looked_up_in_it_again(instance):
    instance.add_dynamic_partitions("tenant", ["study-a"])
    assert _has(instance, "study-a")
    instance.delete_dynamic_partition("tenant", "study-a")
    assert _has(instance, "study-a")
    assert build_axes(FIRST_DAY).tenants.get_partition_keys(dynamic_partitions_store=instance) == []


def test_a_tenant_of_one_instance_is_none_of_another(instance):
    instance.add_dynamic_partitions("tenant", ["study-a"])
    assert _has(instance, "study-a")
    with dg.DagsterInstance.ephemeral() as other:
        assert not _has(other, "study-a")
