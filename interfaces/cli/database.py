"""`vitalgraph db`: the schema of the catalog.

Belongs here: migrations from the command line.
Does not belong here: the migrations (`migrations/versions`).
"""

from pathlib import Path
from typing import Annotated

import typer

from dagster_project.installation import make_home
from dagster_project.settings import load_settings
from interfaces.cli.output import DONE, FAILED, WAITING, console, exit_codes
from resources.catalog import migrations as catalog_migrations
from resources.catalog.catalog import Catalog

app = typer.Typer(no_args_is_help=True, help="The schema of the catalog.")


def _catalog() -> Catalog:
    """The catalog as it is: opening a workspace would migrate a local one first."""
    settings = load_settings()
    make_home(settings.home_path)
    return Catalog(settings.catalog_url)


@app.command()
def upgrade(revision: Annotated[str, typer.Argument(help="Revision, default the newest.")] = "head") -> None:
    """Bring the catalog to a revision; data are kept.

    Example: vitalgraph db upgrade
    """
    with exit_codes():
        console.print(f"at {catalog_migrations.upgrade(_catalog(), revision)}")


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="Revision, or base for nothing at all.")],
    export_to: Annotated[Path, typer.Option("--export-to", help="New folder for what is exported first.")],
) -> None:
    """Take the catalog back to a revision, after exporting every row of it.

    Example: vitalgraph db downgrade base --export-to catalog-export
    """
    with exit_codes():
        written = catalog_migrations.downgrade(_catalog(), revision, export_to=export_to)
        console.print(f"{len(written)} tables exported; at {revision}")


@app.command()
def current() -> None:
    """Print the revision the catalog is at.

    Example: vitalgraph db current
    """
    with exit_codes():
        console.print(catalog_migrations.current(_catalog()) or "never migrated")


@app.command()
def check(
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 3 if tenants are kept apart by our queries only.")
    ] = False,
) -> None:
    """Say what keeps the catalog from fitting this code; exit 1 if anything does.

    Says too when the role that it is opened as is not bound by row-level security.

    Example: vitalgraph db check
    """
    with exit_codes():
        catalog = _catalog()
        wrong = catalog_migrations.check(catalog)
        for line in wrong:
            console.print(line)
        if wrong:
            raise typer.Exit(FAILED)
        unbound = catalog_migrations.bypasses(catalog)
        for line in unbound:
            console.print(line, highlight=False)
        console.print("the catalog fits")
        raise typer.Exit(WAITING if strict and unbound else DONE)
