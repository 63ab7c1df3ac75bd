"""`vitalgraph dataset build`: from options to a release, or from a manifest to the same release again.

Belongs here: the options of a specification, and what is printed of what came out.
Does not belong here: building (`release_runs`, `pipeline.release.releases`).
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import Settings, load_settings
from interfaces.cli.audit_trail import enter
from interfaces.cli.dataset_printing import print_version, version_shown, waiting
from interfaces.cli.output import (
    DAY_FORMATS,
    FAILED,
    JsonOption,
    TenantOption,
    console,
    exit_codes,
    in_calendar,
    print_json,
    print_table,
)
from resources.workspace import Workspace
from vitals.errors import NotFoundError, UsageError
from vitals.external_ids import external_id


def build(
    name: Annotated[str | None, typer.Argument(help="Name of the release.")] = None,
    version: Annotated[str | None, typer.Argument(help="Its version.")] = None,
    license_: Annotated[str | None, typer.Option("--license", help="Licence, such as cc-by-4.0. Required.")] = None,
    license_name: Annotated[str, typer.Option("--license-name", help="What a licence is called that is `other`.")] = "",
    profile: Annotated[
        str | None, typer.Option("--profile", help="De-identification, standard or none. Required.")
    ] = None,
    tenant: TenantOption = "default",
    min_quality: Annotated[float, typer.Option("--min-quality", help="Least data quality score.")] = 0.0,
    category: Annotated[list[str] | None, typer.Option("--category", help="A category; repeat for several.")] = None,
    task: Annotated[list[str] | None, typer.Option("--task", help="A task; repeat for several.")] = None,
    provisional: Annotated[bool, typer.Option("--provisional", help="Take days that are not closed yet.")] = False,
    first: Annotated[
        datetime | None, typer.Option("--from", formats=DAY_FORMATS, callback=in_calendar, help="First local day.")
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=DAY_FORMATS, callback=in_calendar, help="Last local day.")
    ] = None,
    source_app: Annotated[
        list[str] | None, typer.Option("--source-app", help="An app whose licence allows it; default all.")
    ] = None,
    validation_share: Annotated[float, typer.Option("--validation-share", help="Share of persons.")] = 0.1,
    test_share: Annotated[float, typer.Option("--test-share", help="Share of persons.")] = 0.1,
    split_key: Annotated[str, typer.Option("--split-key", help="Name of the draw; keep it over versions.")] = "people",
    cap: Annotated[int | None, typer.Option("--max-per-person", help="Most examples of one person.")] = None,
    households: Annotated[
        Path | None,
        typer.Option(
            "--households", help="File with a JSON list of lists of user ids that must be on one side.", dir_okay=False
        ),
    ] = None,
    format_: Annotated[list[str] | None, typer.Option("--format", help="A format; default all of them.")] = None,
    from_manifest: Annotated[
        Path | None,
        typer.Option("--from-manifest", help="Build again what this manifest describes.", dir_okay=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a release, publish it if every gate passes; exit 1 if one does not.

    Example: vitalgraph dataset build nights 1.0.0 --license cc-by-4.0 --profile standard --category sleep_recovery
    """
    with exit_codes():
        settings = load_settings()
        if from_manifest is not None:
            _reproduce(settings, from_manifest, as_json=as_json)
            return
        given: dict[str, Any] = {"name": name, "version": version, "license": license_, "profile": profile}
        missing = [member for member, value in given.items() if value is None]
        if missing:
            raise UsageError(
                "build the release",
                ", ".join(missing),
                "it must be named",
                "Give NAME and VERSION, --license, and --profile standard or none.",
            )
        values = {
            **given,
            "license_name": license_name,
            "tenant": tenant,
            "min_quality": min_quality,
            "categories": category or [],
            "tasks": task or [],
            "provisional": provisional,
            "first_day": first.date() if first else None,
            "last_day": last.date() if last else None,
            "source_apps": source_app or [],
            "validation_share": validation_share,
            "test_share": test_share,
            "split_key": split_key,
            "max_examples_per_person": cap,
        }
        if format_:
            values["formats"] = format_
        if households is not None:
            values["households"] = _households(settings, tenant, households)
        _build(settings, values, as_json=as_json)


def _build(settings: Settings, values: dict[str, Any], *, as_json: bool) -> None:
    from dagster_project.release_runs import run_release  # noqa: PLC0415
    from pipeline.release.releases import check_request, end_abandoned  # noqa: PLC0415 - heavy, and not needed for --help
    from vitals.release.spec import read_spec  # noqa: PLC0415

    spec = read_spec(values)
    workspace = build_workspace(settings)
    _check_tenant(workspace, spec.tenant)
    end_abandoned(workspace, spec.tenant)
    # Before the run, so that a wrong request is an error of its own kind and not a failed run.
    check_request(workspace, spec)
    enter(workspace.catalog, spec.tenant, "dataset.build", spec.release_id)
    with waiting("building", quiet=as_json):
        run_id = run_release(settings, spec)
    shown = version_shown(workspace, spec.tenant, spec.name, spec.version)
    if as_json:
        print_json({**shown, "run_id": run_id})
    else:
        print_version(shown)
    if shown["state"] != "published":
        raise typer.Exit(FAILED)


def _check_tenant(workspace: Workspace, name: str) -> None:
    from vitals.release.spec import unknown  # noqa: PLC0415 - heavy, and not needed for --help

    known = [tenant.name for tenant in workspace.catalog.tenants.list()]
    if name not in known:
        raise NotFoundError("build the release", "--tenant", unknown("tenant", name, known), "Correct it.")


def _households(settings: Settings, tenant: str, path: Path) -> list[list[str]]:
    """Pseudonyms of the households of a file; external ids go no further than this."""
    try:
        found = orjson.loads(path.read_bytes())
        users = [[external_id(str(user)) for user in household] for household in found]
    except (OSError, orjson.JSONDecodeError, TypeError) as error:
        why = "it is not a JSON list of lists of user ids"
        raise UsageError("read the households", str(path), why, "Correct the file.") from error
    known = build_workspace(settings).catalog.subjects.subject_ids(tenant, [u for group in users for u in group])
    unknown = sum(user not in known for group in users for user in group)
    if unknown:
        why = f"{unknown} of the users are not known in the tenant"
        raise NotFoundError("read the households", str(path), why, "Check the ids and --tenant.")
    return [[known[user] for user in group] for group in users]


def _reproduce(settings: Settings, path: Path, *, as_json: bool) -> None:
    from pipeline.release.releases import reproduce  # noqa: PLC0415 - heavy, and not needed for --help

    try:
        document = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise UsageError("read the manifest", str(path), "it is not a JSON file", "Name a manifest.json.") from error
    if not isinstance(document, dict):
        raise UsageError("read the manifest", str(path), "it is not a manifest", "Name a manifest.json.")
    with waiting("building again", quiet=as_json) as step:
        found = reproduce(build_workspace(settings), document, on_step=step)
    if as_json:
        print_json({"reproduced": not found, "differences": found})
    elif found:
        print_table("It cannot be reproduced: something differs", ["difference"], [[line] for line in found])
    else:
        console.print("Reproduced: every file has the same bytes.")
    if found:
        raise typer.Exit(FAILED)
