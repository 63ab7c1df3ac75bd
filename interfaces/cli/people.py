"""`vitalgraph tenant` and `vitalgraph subject`: who the data belong to, and what some metrics need to know of them.

Belongs here: tenants and profiles.
Does not belong here: erasure of a person, which is a flow of its own.
"""

from datetime import UTC, datetime
from typing import Annotated, cast

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.audit_trail import enter, note_read
from interfaces.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, print_table
from interfaces.cli.partials import NEXT, ByOption, ReasonOption, login_name, needed
from resources.catalog.rows.days import StaleMark
from resources.catalog.rows.people import Diabetes
from resources.catalog.subjects import ProfileChange
from resources.lake.lake import Lake
from resources.workspace import Workspace
from vitals.errors import UsageError
from vitals.record_types import BY_KIND, RECORD_TYPES

tenant = typer.Typer(no_args_is_help=True, help="Isolated organisations or studies.")
subject = typer.Typer(no_args_is_help=True, help="A person: what some metrics need to know, consent, erasure.")


@tenant.command("add")
def add_tenant(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and dashes.")],
    root: Annotated[str | None, typer.Option("--root", help="Root URL of its lake; default beside the others.")] = None,
) -> None:
    """Add a tenant.

    Example: vitalgraph tenant add study-7 --root s3://study-7
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        remedy = "Name a folder, bucket or prefix that is no other tenant's, within none and around none."
        workspace.check_root(name, root, attempted="add the tenant", remedy=remedy)
        if root is not None:
            # A root that does not answer is refused here: it would be found by every command and every tick after.
            Lake(root, s3=workspace.s3).folders("raw/")
        workspace.catalog.tenants.add(name, root_url=root, now=datetime.now(UTC))
        enter(workspace.catalog, name, "tenant.add", name)
        console.print(f"tenant {name} added")


@tenant.command("list")
def list_tenants(as_json: JsonOption = False) -> None:
    """List the tenants.

    Example: vitalgraph tenant list
    """
    with exit_codes():
        found = build_workspace(load_settings()).catalog.tenants.list()
        if as_json:
            print_json({"tenants": [{"name": t.name, "root_url": t.root_url, "paused": t.paused} for t in found]})
        else:
            print_table("Tenants", ["name", "root", "paused"], [(t.name, t.root_url, t.paused) for t in found])


@tenant.command("pause")
def pause_tenant(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    resume: Annotated[bool, typer.Option("--resume", help="Let it go on.")] = False,
) -> None:
    """Stop asking for runs of a tenant, or go on.

    Example: vitalgraph tenant pause study-7
    """
    with exit_codes():
        catalog = build_workspace(load_settings()).catalog
        catalog.tenants.set_paused(name, paused=not resume)
        enter(catalog, name, "tenant.resume" if resume else "tenant.pause", name)
        console.print(f"tenant {name} {'goes on' if resume else 'is paused'}")


@tenant.command("settings")
def list_settings(
    name: Annotated[str, typer.Argument(help="The tenant.")] = "default",
    as_json: JsonOption = False,
) -> None:
    """Show what a tenant may set of how its facts are computed, with each value and where the default comes from.

    Example: vitalgraph tenant settings study-7
    """
    with exit_codes():
        from vitals.tenant_settings import SETTINGS  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(name)
        changed = {one.name: one for one in workspace.catalog.tenant_settings.changes(name)}
        shown = [
            {
                "setting": one.name,
                "value": changed[one.name].value if one.name in changed else one.default,
                "default": one.default,
                "set_by": changed[one.name].actor if one.name in changed else None,
                "set_at": changed[one.name].at if one.name in changed else None,
                "meaning": f"{one.name} {one.meaning}",
                "source": one.source,
            }
            for one in SETTINGS.values()
        ]
        if as_json:
            print_json({"settings": shown})
            return
        columns = ["setting", "value", "default", "set_by", "meaning", "source"]
        print_table(f"Settings of {name}", columns, [[row[column] for column in columns] for row in shown])


@tenant.command("set")
def set_setting(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    change: Annotated[str, typer.Argument(help="SETTING=VALUE; `tenant settings` lists them.")],
    reason: ReasonOption = "",
    by: ByOption = None,
) -> None:
    """Set how a tenant's facts are computed; the days that it changes are computed again.

    Example: vitalgraph tenant set study-7 sleep_gap_night_minutes=90 --reason "protocol 4.1"
    """
    with exit_codes():
        from operations.tenant_settings import change_setting  # noqa: PLC0415 - heavy
        from vitals.tenant_settings import read_setting  # noqa: PLC0415 - heavy

        setting, value = read_setting(change)
        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(name)
        days = change_setting(
            workspace, tenant=name, setting=setting, value=value, actor=by or login_name(), reason=needed(reason)
        )
        console.print(f"{setting.name} is {value}; {days} local days to compute again: {NEXT}")


@subject.command("show")
def show_subject(
    user: Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")],
    tenant_name: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show a person's pseudonym and profile.

    Example: vitalgraph subject show anna
    """
    with exit_codes():
        catalog = build_workspace(load_settings()).catalog
        profile = catalog.subjects.profile(tenant_name, user)
        note_read(catalog, tenant_name, profile.subject_id, "subject show")
        shown = {
            "subject_id": profile.subject_id,
            "age_years": profile.age_years,
            "weight_kg": profile.weight_kg,
            "diabetes": profile.diabetes,
            "source_priority": {kind: list(apps) for kind, apps in profile.source_priority.items()},
        }
        if as_json:
            print_json(shown)
        else:
            print_table("Profile", ["field", "value"], list(shown.items()))


@subject.command("set")
def set_subject(
    user: Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")],
    age_years: Annotated[float | None, typer.Option("--age-years", min=0, max=130)] = None,
    weight_kg: Annotated[float | None, typer.Option("--weight-kg", min=1, max=700)] = None,
    diabetes: Annotated[str | None, typer.Option("--diabetes", help="yes, no or unknown.")] = None,
    source_priority: Annotated[
        list[str] | None, typer.Option("--source-priority", help="kind=app1,app2; may be given several times.")
    ] = None,
    tenant_name: TenantOption = "default",
) -> None:
    """Store what some metrics need; the person's days are computed again.

    Example: vitalgraph subject set anna --age-years 42 --source-priority steps=com.ouraring.oura
    """
    with exit_codes():
        from operations.subject_data import known_subject  # noqa: PLC0415 - heavy, and not needed for --help

        if diabetes not in (None, "yes", "no", "unknown"):
            raise UsageError("set the profile", "--diabetes", "it is none of yes, no, unknown", "Give one of them.")
        workspace = build_workspace(load_settings())
        change: ProfileChange = {}
        if age_years is not None:
            change["age_years"] = age_years
        if weight_kg is not None:
            change["weight_kg"] = weight_kg
        if diabetes is not None:
            change["diabetes"] = cast("Diabetes", diabetes)
        if source_priority:
            former = workspace.catalog.subjects.profile(tenant_name, user).source_priority
            change["source_priority"] = {**former, **parse_priorities(source_priority)}
        if not change:
            raise UsageError("set the profile", "the options", "none was given", "`subject show` shows what is stored.")
        workspace.catalog.subjects.set_profile(tenant_name, user, change)
        subject_id = known_subject(workspace, tenant_name, user)
        fields = [one for one in change if one != "source_priority"]
        fields += [f"source_priority.{kind}" for kind in sorted(parse_priorities(source_priority or []))]
        enter(workspace.catalog, tenant_name, "subject.profile", subject_id, fields=fields)
        days = mark_person(workspace, tenant_name, subject_id)
        console.print(
            f"profile stored; {days} local days to compute again (`vitalgraph ingest`, or wait for the sensor)"
        )


def parse_priorities(given: list[str]) -> dict[str, list[str]]:
    """`kind=app1,app2` entries as a mapping.

    Raises:
        UsageError: an entry has another form or names no kind.
    """
    parsed: dict[str, list[str]] = {}
    for entry in given:
        kind, _, apps = entry.partition("=")
        if kind not in BY_KIND or not apps:
            raise UsageError(
                "set the source priority",
                f"--source-priority {kind}",
                "it is not kind=app1,app2",
                f"Kinds: {', '.join(BY_KIND)}.",
            )
        parsed[kind] = [app.strip() for app in apps.split(",") if app.strip()]
    return parsed


def mark_person(workspace: Workspace, tenant_name: str, subject_id: str) -> int:
    """Mark every local day a person has facts on stale; number of days."""
    import polars as pl  # noqa: PLC0415 - heavy, and not needed for --help

    from pipeline.clinical import clinical_schema, clinical_table  # noqa: PLC0415

    marks = []
    for record_type in RECORD_TYPES:
        days = (
            workspace.lake(tenant_name)
            .scan(clinical_table(record_type), schema=clinical_schema(record_type))
            .filter(pl.col("subject_id") == subject_id)
            .select(pl.col("local_date").unique())
            .collect()
        )
        marks += [
            StaleMark(tenant=tenant_name, stage="clinical", kind=record_type.kind, local_date=day, reason="profile")
            for day in days["local_date"]
        ]
    workspace.catalog.stale_days.mark(marks, now=datetime.now(UTC))
    return len({mark.local_date for mark in marks})
