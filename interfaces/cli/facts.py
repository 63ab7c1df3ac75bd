"""`vitalgraph summary` and `vitalgraph examples`: what is known and taught of one person.

Belongs here: reading and printing facts and training lines of a person whom the caller names.
Does not belong here: computing them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.audit_trail import note_read
from interfaces.cli.output import (
    DAY_FORMATS,
    MOST_DAYS,
    JsonOption,
    TenantOption,
    check_days,
    console,
    exit_codes,
    in_calendar,
    print_json,
    print_table,
)
from vitals.training.rounding import write_rounded


def summary(
    user: Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")],
    first: Annotated[
        datetime, typer.Option("--from", formats=DAY_FORMATS, callback=in_calendar, help="First local day.")
    ],
    last: Annotated[datetime, typer.Option("--to", formats=DAY_FORMATS, callback=in_calendar, help="Last local day.")],
    window: Annotated[
        int | None, typer.Option("--window", min=2, max=MOST_DAYS, help="Window metrics of the last N days.")
    ] = None,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show a person's facts per local day: values, what is withheld and why, zone and sources.

    Example: vitalgraph summary anna --from 2025-09-19 --to 2025-09-20 --window 14
    """
    with exit_codes():
        from operations.subject_data import day_facts, known_subject, window_facts  # noqa: PLC0415 - heavy

        first_day, last_day = check_days(first, last)
        workspace = build_workspace(load_settings())
        subject_id = known_subject(workspace, tenant, user)
        note_read(workspace.catalog, tenant, subject_id, "summary")
        days = day_facts(workspace, tenant, subject_id, first_day, last_day)
        result: dict[str, Any] = {"user": user, "days": days}
        if window is not None:
            begin = last_day - timedelta(days=window - 1)
            result["window"] = window_facts(workspace, tenant, subject_id, begin, last_day)
        if as_json:
            print_json(result)
            return
        if not days:
            console.print("no facts of these days")
        for day, facts in days.items():
            title = f"{day} ({facts['zone']}){' provisional' if facts['provisional'] else ''}"
            print_table(title, ["metric", "value"], _as_read(facts["values"]))
            print_table("Withheld", ["metric", "why"], sorted(facts["withheld"].items()))
        if window is not None:
            print_table(f"Last {window} days", ["metric", "value"], _as_read(result["window"]["values"]))
            print_table("Withheld", ["metric", "why"], sorted(result["window"]["withheld"].items()))


def _as_read(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return metrics and values for a table: numbers with two decimals at most; `--json` has all of them."""
    return [
        (name, _number(value) if isinstance(value, float) else str(value)) for name, value in sorted(values.items())
    ]


def _number(value: float) -> str:
    return write_rounded(value, 0 if value.is_integer() else 2)


def examples(
    user: Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")],
    day: Annotated[datetime, typer.Option("--day", formats=DAY_FORMATS, callback=in_calendar, help="The local day.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Show a person's training lines of a local day, with their claims and checks.

    Example: vitalgraph examples anna --day 2025-09-20
    """
    with exit_codes():
        from operations.subject_data import examples_of, known_subject  # noqa: PLC0415 - heavy, and not needed for --help
        from vitals.training.line_check import problems  # noqa: PLC0415

        workspace = build_workspace(load_settings())
        subject_id = known_subject(workspace, tenant, user)
        note_read(workspace.catalog, tenant, subject_id, "examples")
        found = examples_of(workspace, tenant, subject_id, day.date())
        mine = [(example, problems(line)) for example, line in found]
        if as_json:
            print_json({"examples": [{**example, "checks": {"problems": wrong}} for example, wrong in mine]})
            return
        if not mine:
            console.print("no training lines of this day")
        for example, wrong in mine:
            console.rule(example["metadata"]["training_category"])
            console.print(f"{example['instruction']}\n", highlight=False, markup=False, style="bold")
            console.print(example["input"], highlight=False, markup=False)
            console.print(f"\n{example['output']}\n", highlight=False, markup=False, style="green")
            claims = [
                (c["id"], c["text"] if c["value"] is None else c["value"], c["unit"], c["n"], ", ".join(c["sources"]))
                for c in example["metadata"]["claims"]
            ]
            print_table("Claims", ["claim", "value", "unit", "n", "sources"], claims)
            console.print(f"checks: {', '.join(wrong) or 'all passed'}")
