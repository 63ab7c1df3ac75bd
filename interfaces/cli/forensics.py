"""`vitalgraph forensics`: why data are missing, and what the owner of the exporting app should change.

Belongs here: options and printing.
Does not belong here: finding it (`pipeline.gaps`).
"""

from datetime import datetime
from typing import Annotated, Any

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.audit_trail import LISTED, note_read
from interfaces.cli.output import (
    DAY_FORMATS,
    JsonOption,
    TenantOption,
    check_days,
    console,
    exit_codes,
    in_calendar,
    print_json,
    print_table,
)
from vitals.errors import UsageError
from vitals.external_ids import external_id


def forensics(
    first: Annotated[
        datetime, typer.Option("--from", formats=DAY_FORMATS, callback=in_calendar, help="First local day.")
    ],
    last: Annotated[datetime, typer.Option("--to", formats=DAY_FORMATS, callback=in_calendar, help="Last local day.")],
    user: Annotated[str | None, typer.Argument(help="The person, by the id used in the upload keys.")] = None,
    everybody: Annotated[bool, typer.Option("--all", help="One line for each person of the tenant.")] = False,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show what each fetch read, how late each source publishes, every gap with its cause, and the advice.

    Example: vitalgraph forensics anna --from 2025-09-19 --to 2025-09-20
    """
    with exit_codes():
        from operations.subject_data import known_subject  # noqa: PLC0415
        from pipeline.consent import hidden_people  # noqa: PLC0415 - heavy, and not needed for --help
        from pipeline.gaps import forensics_of  # noqa: PLC0415 - heavy, and not needed for --help

        first_day, last_day = check_days(first, last)
        if (user is None) is not everybody:
            raise UsageError(
                "look into deliveries",
                f"tenant {tenant}",
                "name one person or give --all",
                "For example: vitalgraph forensics anna --from 2025-09-19 --to 2025-09-20",
            )
        workspace = build_workspace(load_settings())
        if user is not None:
            user = external_id(user)
            subject_id = known_subject(workspace, tenant, user)
            people = {user: subject_id}
            note_read(workspace.catalog, tenant, subject_id, "forensics")
        else:
            workspace.catalog.tenants.get(tenant)
            note_read(workspace.catalog, tenant, LISTED, "forensics --all")
            hidden = hidden_people(workspace, tenant)
            everyone = workspace.catalog.subjects.subject_ids(tenant)
            people = {name: subject for name, subject in everyone.items() if subject not in hidden}
            if hidden and not as_json:
                console.print(f"{len(hidden)} persons are left out: they do not allow summaries")
        found = {
            name: forensics_of(workspace, tenant, subject_id, first_day, last_day)
            for name, subject_id in sorted(people.items())
        }
        if as_json:
            print_json(found[user] | {"user": user} if user is not None else found)
        elif user is not None:
            _print_person(found[user])
        else:
            _print_everybody(found)


def _print_everybody(found: dict[str, dict[str, Any]]) -> None:
    labels = list(next(iter(found.values()))["counts"]) if found else []
    rows = [[name, *(report["counts"][label] for label in labels), _advice(report)] for name, report in found.items()]
    print_table("Gaps", ["person", *(label.replace("_", " ") for label in labels), "advice"], rows)


def _print_person(report: dict[str, Any]) -> None:
    console.print(f"{_advice(report)}\n", highlight=False, markup=False, style="bold")
    window = report["window_minutes"]
    title = f"Fetches (window {window / 60:g} h)" if window else "Fetches (no fixed window)"
    print_table(
        title,
        ["fetched", "read back to", "records", "kinds not read"],
        [
            [f["fetched_utc"], f["read_back_to_utc"], f["records"], ", ".join(f["unread_kinds"])]
            for f in report["fetches"]
        ],
    )
    lags = ("records", "median_minutes", "p95_minutes", "longest_minutes", "basis")
    print_table(
        "Publication lag in minutes",
        ["kind", "source", "records", "median", "95 %", "longest", "basis"],
        [[s["kind"], s["source_app"], *(s["lag"][name] for name in lags)] for s in report["sources"]],
    )
    gap_columns = ("local_date", "kind", "source_app", "from_utc", "to_utc", "minutes", "label")
    print_table(
        "Gaps", [c.replace("_", " ") for c in gap_columns], [[g[c] for c in gap_columns] for g in report["gaps"]]
    )
    deletions = report["presumed_deleted"]
    if deletions:
        columns = ("kind", "utc_date", "records", "shown_by_fetch_utc")
        print_table(
            "Presumed deleted", [c.replace("_", " ") for c in columns], [[d[c] for c in columns] for d in deletions]
        )
    print_table(
        "Days",
        ["local date", "state", "closed", "still open"],
        [
            [
                d["local_date"],
                d["state"],
                d["closed_utc"],
                ", ".join(f"{o['source_app']} until {o['closes_utc']}" for o in d["open"]),
            ]
            for d in report["days"]
        ],
    )


def _advice(report: dict[str, Any]) -> str:
    return str(report["advice"]["sentence"])
