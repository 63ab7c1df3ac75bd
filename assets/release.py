"""The release asset: training lines as a named version, with its gates as blocking checks.

Belongs here: the specification as run configuration, the asset, its metadata, its checks.
Does not belong here: building and judging (`pipeline.release.releases`), the specification's meaning (`vitals`).

It has no partitions: a version is made of many days, and its configuration says of which.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

import pipeline.release.releases as releases_module
from assets.failures import RETRY_TRANSIENT, typed_failures
from assets.presentation import asset_metadata
from pipeline.release.quality_gates import GATES
from pipeline.release.releases import Released, release
from resources.workspace import Workspace
from vitals.release.spec import FORMAT_NAMES, ReleaseSpec, read_spec

RELEASE_KEY = dg.AssetKey(["training", "release"])
RELEASE_GROUP = "release"


class ReleaseConfig(dg.Config):
    """The specification of a release, as the launchpad shows it; `ReleaseSpec` says what each means."""

    name: str = Field(description="Name of the release: lower-case letters, digits, hyphens.")
    version: str = Field(description="Its version; one that is published cannot be built again.")
    license: str = Field(description="Licence under which it is passed on, such as cc-by-4.0.")
    license_name: str = Field(default="", description="What a licence is called that is `other`.")
    profile: str = Field(description="De-identification: standard, or none, which must be named.")
    tenant: str = Field(default="default", description="Whose examples.")
    min_quality: float = Field(default=0.0, description="Least data quality score of an example, 0 to 1.")
    categories: list[str] = Field(default=[], description="Training categories; empty for all.")
    tasks: list[str] = Field(default=[], description="Tasks; empty for all.")
    provisional: bool = Field(default=False, description="Take examples of days that are not closed yet.")
    first_day: str | None = Field(default=None, description="First local day, YYYY-MM-DD.")
    last_day: str | None = Field(default=None, description="Last local day, YYYY-MM-DD.")
    source_apps: list[str] = Field(default=[], description="Apps whose licence allows it; empty for all.")
    validation_share: float = Field(default=0.1, description="Share of persons for validation.")
    test_share: float = Field(default=0.1, description="Share of persons for testing.")
    split_key: str = Field(default="people", description="Name of the draw of sides; keep it over versions.")
    max_examples_per_person: int | None = Field(default=None, description="Cap per person; none by default.")
    households: list[list[str]] = Field(default=[], description="Pseudonyms that must be on one side.")
    formats: list[str] = Field(default=list(FORMAT_NAMES), description="Formats to write.")

    def spec(self) -> ReleaseSpec:
        """The specification.

        Raises:
            UsageError: a value is out of bounds.
        """
        return read_spec({name: getattr(self, name) for name in ReleaseSpec.model_fields})


def build_release_asset(training_keys: Sequence[dg.AssetKey]) -> dg.AssetsDefinition:
    """The release asset.

    Args:
        training_keys: assets whose lines it may take.
    """

    @dg.asset(
        key=RELEASE_KEY,
        deps=list(training_keys),
        group_name=RELEASE_GROUP,
        description=(
            "A named version of the training lines: persons split, formats written, card and manifest, visible only "
            "when every gate passed. Launch it with a specification, or with `vitalgraph dataset build`."
        ),
        owners=["team:health-data"],
        kinds={"jsonl", "parquet"},
        tags={"stage": "release"},
        metadata=asset_metadata(schema=None, table="releases", code=releases_module),
        check_specs=[
            dg.AssetCheckSpec(name, asset=RELEASE_KEY, blocking=True, description=says) for name, says in GATES.items()
        ],
        retry_policy=RETRY_TRANSIENT,
    )
    def training_release(
        context: dg.AssetExecutionContext, config: ReleaseConfig, workspace: dg.ResourceParam[Workspace]
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        with typed_failures(context):
            spec = config.spec()
            made = release(workspace, spec, run_id=context.run_id, on_step=context.log.info)
        yield dg.MaterializeResult(asset_key=RELEASE_KEY, metadata=_figures(spec, made))
        yield from _checks(made)

    return training_release


def _checks(made: Released) -> list[dg.AssetCheckResult]:
    return [
        dg.AssetCheckResult(
            asset_key=RELEASE_KEY,
            check_name=gate.name,
            passed=gate.passed,
            description="; ".join(gate.failures) or None,
            metadata=dict(gate.figures),
        )
        for gate in made.gates
    ]


def _figures(spec: ReleaseSpec, made: Released) -> dict[str, Any]:
    sides = made.statistics["examples_by_side"]
    people = made.statistics["people_by_side"]
    rows = "\n".join(f"| {side} | {people[side]:,} | {count:,} |" for side, count in sides.items())
    fates = "\n".join(f"| {fate.replace('_', ' ')} | {count:,} |" for fate, count in made.fates.items() if count)
    return {
        "release": spec.release_id,
        "tenant": spec.tenant,
        "state": "published" if made.published else "blocked",
        "license": spec.license,
        "profile": spec.profile,
        "folder": spec.folder,
        "examples": made.statistics["examples"],
        "people": made.statistics["people"],
        "files": made.files,
        "size_bytes": made.size_bytes,
        "manifest_sha256": made.manifest_sha256,
        "splits": dg.MetadataValue.md(f"| side | people | examples |\n|---|---|---|\n{rows}"),
        "lines_read": dg.MetadataValue.md(f"| fate | lines |\n|---|---|\n{fates}"),
    }
