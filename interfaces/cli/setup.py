"""`vitalgraph init`: begin an installation, or say by hand what belongs to it.

Belongs here: options and printing.
Does not belong here: what is compared and made (`dagster_project.identity`, `dagster_project.adoption`).
"""

from typing import Annotated

import typer

from dagster_project.installation import build_workspace, open_catalog, s3_access
from dagster_project.settings import load_settings
from interfaces.cli.output import JsonOption, console, exit_codes, print_json


def init(
    adopt: Annotated[
        bool,
        typer.Option("--adopt", help="Take over what is there although it does not fit: after something was lost."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Begin an installation: home, keys, catalog, and a mark in each tenant's lake; every other command does so too.

    With --adopt a lake is taken over by a catalog that is new because the former one was lost, an empty lake by a
    catalog whose lake was lost, or another erasure key. It never makes another subject key.

    Example: vitalgraph init
    """
    with exit_codes():
        settings = load_settings()
        done: list[str] = []
        if adopt:
            from dagster_project.adoption import adopt as take_over  # noqa: PLC0415 - heavy, and not needed for --help

            done = take_over(settings, open_catalog(settings), s3=s3_access(settings))
        workspace = build_workspace(settings)
        assert workspace.installation is not None
        lakes = {row.name: workspace.lake(row.name).root_url for row in workspace.catalog.tenants.list()}
        shown = {
            "installation": workspace.installation.installation_id,
            "home": str(settings.home_path),
            "catalog": workspace.catalog.database.where.removeprefix("catalog "),
            "lakes": lakes,
            "adopted": done,
        }
        if as_json:
            print_json(shown)
            return
        for line in done:
            console.print(line, highlight=False, markup=False)
        console.print(f"installation {shown['installation']} in {shown['home']}", highlight=False, markup=False)
        for name, root in lakes.items():
            console.print(f"tenant {name}: {root}", highlight=False, markup=False)
