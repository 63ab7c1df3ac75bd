"""`vitalgraph summary` and `vitalgraph examples`: what is known and taught of one person.

Belongs here: reading and printing facts and training lines of a person whom the caller names.
Does not belong here: computing them.
"""

from datetime import date, datetime, timedelta
from typing import Annotated, Any

import orjson
import typer

from dagster_project.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, print_table
from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from resources.workspace import Workspace
from vitals.errors import NotFoundError
from vitals.record_types import RECORD_TYPES


def summary(
    user: Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")],
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First local day.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last local day.")],
    window: Annotated[int | None, typer.Option("--window", min=2, help="Window metrics of the last N days.")] = None,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show a person's facts per local day: values, what is withheld and why, zone and sources.

    Example: vitalgraph summary anna --from 2025-09-19 --to 2025-09-20 --window 14
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        subject_id = known_subject(workspace, tenant, user)
        days = day_facts(workspace, tenant, subject_id, first.date(), last.date())
        result: dict[str, Any] = {"user": user, "days": days}
        if window is not None:
            first_day = last.date() - timedelta(days=window - 1)
            result["window"] = window_facts(workspace, tenant, subject_id, first_day, last.date())
        if as_json:
            print_json(result)
            return
        for day, facts in days.items():
            title = f"{day} ({facts['zone']}){' provisional' if facts['provisional'] else ''}"
            print_table(title, ["metric", "value"], sorted(facts["values"].items()))
            print_table("Withheld", ["metric", "why"], sorted(facts["withheld"].items()))
        if window is not None:
            print_table(f"Last {window} days", ["metric", "value"], sorted(result["window"]["values"].items()))
            print_table("Withheld", ["metric", "why"], sorted(result["window"]["withheld"].items()))


def known_subject(workspace: Workspace, tenant: str, user: str) -> str:
    """Pseudonym of a person who has uploads.

    Raises:
        NotFoundError: nobody of that id uploaded to the tenant.
    """
    workspace.catalog.tenants.get(tenant)
    found = workspace.catalog.subjects.subject_ids(tenant, [user]).get(user)
    if found is None:
        raise NotFoundError("find the person", f"tenant {tenant}", "nobody of that id uploaded", "Check id and tenant.")
    return found


def day_facts(
    workspace: Workspace, tenant: str, subject_id: str, first_day: date, last_day: date
) -> dict[str, dict[str, Any]]:
    """Facts of a person per local day over all kinds, from the clinical tables, in the contract's shape."""
    import polars as pl  # noqa: PLC0415 - heavy, and not needed for --help

    from assets.stages.summaries import clinical_schema, clinical_table  # noqa: PLC0415

    dates = pl.date_range(first_day, last_day, eager=True).to_list()
    days: dict[str, dict[str, Any]] = {}
    for record_type in RECORD_TYPES:
        rows = (
            workspace.lake(tenant)
            .scan(clinical_table(record_type), schema=clinical_schema(record_type), partitions=("local_date", dates))
            .filter(pl.col("subject_id") == subject_id)
            .collect()
            .sort("local_date")
        )
        for row in rows.iter_rows(named=True):
            day = days.setdefault(
                row["local_date"].isoformat(),
                {"values": {}, "withheld": {}, "provisional": False, "zone": row["zone"], "sources": {}},
            )
            day["values"] |= stated_values(record_type.kind, row, scope="day")
            day["withheld"] |= {w["metric"]: w["reason"] for w in row["withheld"]}
            day["provisional"] = day["provisional"] or row["provisional"]
            day["sources"][record_type.kind] = [
                {**source, "as_of_utc": source["as_of_utc"].isoformat() if source["as_of_utc"] else None}
                for source in row["sources"]
            ]
    return dict(sorted(days.items()))


def window_facts(workspace: Workspace, tenant: str, subject_id: str, first_day: date, last_day: date) -> dict[str, Any]:
    """Window metrics of a person over all kinds."""
    from assets.stages.summaries import summarise_window  # noqa: PLC0415 - heavy, and not needed for --help

    result: dict[str, Any] = {
        "from": first_day.isoformat(),
        "to": last_day.isoformat(),
        "values": {},
        "withheld": {},
        "days_with_data": {},
    }
    for record_type in RECORD_TYPES:
        frame = summarise_window(
            workspace,
            tenant=tenant,
            record_type=record_type,
            first_day=first_day,
            last_day=last_day,
            subject_id=subject_id,
        )
        for row in frame.iter_rows(named=True):
            result["values"] |= stated_values(record_type.kind, row, scope="window")
            result["withheld"] |= {w["metric"]: w["reason"] for w in row["withheld"]}
            result["days_with_data"][record_type.kind] = row["days_with_data"]
    return result


def stated_values(kind: str, row: dict[str, Any], *, scope: str) -> dict[str, float | int | bool]:
    """Metric id to value of what a row states."""
    from vitals.clinical.metrics import metrics_of  # noqa: PLC0415 - heavy, and not needed for --help

    metrics = metrics_of(kind, "day" if scope == "day" else "window")
    return {m.id: row[m.column] for m in metrics if row.get(m.column) is not None}


def examples(
    user: Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")],
    day: Annotated[datetime, typer.Option("--day", formats=["%Y-%m-%d"], help="The local day.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show a person's training lines of a local day, with their claims and checks.

    Example: vitalgraph examples anna --day 2025-09-20
    """
    with exit_codes():
        from assets.stages.rendering import read_journal  # noqa: PLC0415 - heavy, and not needed for --help
        from vitals.training.line_check import problems  # noqa: PLC0415

        workspace = build_workspace(load_settings())
        subject_id = known_subject(workspace, tenant, user)
        lines = [
            line
            for record_type in RECORD_TYPES
            for line in read_journal(workspace, tenant=tenant, record_type=record_type, local_day=day.date())
        ]
        found = [(orjson.loads(line), problems(line)) for line in lines]
        mine = [(example, wrong) for example, wrong in found if example["metadata"]["subject_id"] == subject_id]
        if as_json:
            print_json({"examples": [{**example, "checks": {"problems": wrong}} for example, wrong in mine]})
            return
        for example, wrong in mine:
            console.rule(example["metadata"]["training_category"])
            console.print(f"[bold]{example['instruction']}[/]\n", highlight=False)
            console.print(example["input"], highlight=False, markup=False)
            console.print(f"\n{example['output']}\n", highlight=False, markup=False, style="green")
            claims = [
                (c["id"], c["value"], c["unit"], c["n"], ", ".join(c["sources"])) for c in example["metadata"]["claims"]
            ]
            print_table("Claims", ["claim", "value", "unit", "n", "sources"], claims)
            console.print(f"checks: {', '.join(wrong) or 'all passed'}")
