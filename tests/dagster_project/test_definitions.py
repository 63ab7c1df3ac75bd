"""The code location as the server loads it: keys, groups, checks, and what a newcomer sees of each asset."""

from pathlib import Path

import dagster as dg
import pytest

from assets.release import RELEASE_KEY
from dagster_project.definitions import build_definitions
from dagster_project.settings import Settings
from pipeline.release.quality_gates import GATES
from vitals.record_types import RECORD_TYPES, STAGES


@pytest.fixture(scope="module")
def definitions(tmp_path_factory) -> dg.Definitions:
    return build_definitions(Settings(home=tmp_path_factory.mktemp("home")))


def test_each_kind_has_an_asset_a_stage_named_by_stage_and_kind(definitions):
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    keys.remove(RELEASE_KEY.to_user_string())
    expected = {f"{stage}/{t.category if stage == 'training' else t.kind}" for stage in STAGES for t in RECORD_TYPES}
    expected |= {"training/day_journal", "clinical/forensics"}
    assert keys == expected


def test_every_asset_tells_what_it_is_who_owns_it_and_where_its_code_is(definitions):
    graph = definitions.resolve_asset_graph()
    descriptions = set()
    for key in graph.get_all_asset_keys() - {RELEASE_KEY}:
        node = graph.get(key)
        assert node.group_name == key.path[0]
        assert node.owners
        assert node.kinds
        assert node.tags["record_type"]
        [reference] = node.metadata["dagster/code_references"].code_references
        assert Path(reference.file_path).is_file()
        descriptions.add(node.description)
    assert len(descriptions) == len(STAGES) * len(RECORD_TYPES) + len({"training/day_journal", "clinical/forensics"})


def test_every_check_has_the_partitions_of_its_asset(definitions):
    graph = definitions.resolve_asset_graph()
    specs = [spec for check in definitions.asset_checks for spec in check.check_specs]
    assert {spec.name for spec in specs} == {
        "conservation",
        "quality_score",
        "quarantine_rate",
        "schema_drift",
        "invariants",
        "lines_load",
        "grounding",
        "sufficiency",
    }
    for spec in specs:
        assert spec.partitions_def == graph.get(spec.asset_key).partitions_def


def test_conservation_the_invariants_and_the_lines_block(definitions):
    blocking = {spec.name for check in definitions.asset_checks for spec in check.check_specs if spec.blocking}
    assert blocking == {"conservation", "invariants", "lines_load", "grounding", "sufficiency"}


def test_a_release_rests_on_all_training_lines_has_no_partition_and_every_gate_of_it_blocks(definitions):
    graph = definitions.resolve_asset_graph()
    node = graph.get(RELEASE_KEY)
    assert {key.path[0] for key in node.parent_keys} == {"training"}
    assert len(node.parent_keys) == len([key for key in graph.get_all_asset_keys() if key.path[0] == "training"]) - 1
    assert node.partitions_def is None
    specs = [graph.get_check_spec(key) for key in node.check_keys]
    assert {spec.name for spec in specs} == set(GATES)
    assert all(spec.blocking for spec in specs)


def test_the_sensors_run_by_themselves(definitions):
    assert {s.name for s in definitions.sensors} == {"landed_objects", "stale_days"}
    assert all(s.default_status == dg.DefaultSensorStatus.RUNNING for s in definitions.sensors)


def test_a_local_day_depends_on_every_landing_day_of_its_own_tenant_only(definitions):
    graph = definitions.resolve_asset_graph()
    key = dg.AssetKey(["clinical", "heart_rate"])
    assert graph.get(key).parent_keys == {
        dg.AssetKey(["validated", "heart_rate"]),
        dg.AssetKey(["validated", "sleep"]),
    }


def test_partitions_stay_well_below_what_dagster_can_show_with_twenty_tenants(definitions):
    day = (
        definitions.resolve_asset_graph()
        .get(dg.AssetKey(["raw", "steps"]))
        .partitions_def.get_partitions_def_for_dimension("day")
    )
    assert len(day.get_partition_keys()) * 20 < 100_000
