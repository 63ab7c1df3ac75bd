"""`vitalgraph key`: another subject key, or digests made anew with the one there is.

Belongs here: options and printing.
Does not belong here: what is changed, and in which order (`dagster_project.key_change`).
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dagster_project.installation import build_workspace, open_catalog, s3_access
from dagster_project.settings import load_settings
from interfaces.cli.output import JsonOption, console, exit_codes, print_json, problems
from interfaces.cli.running import refuse_while_running

if TYPE_CHECKING:
    from dagster_project.key_change import KeyChange

app = typer.Typer(no_args_is_help=True, help="The subject key, from which pseudonyms are made.")


@app.command()
def rotate(
    new_key_file: Annotated[
        Path | None,
        typer.Option("--new-key-file", help="File with the new key; needed if a setting gives the key. Default: made."),
    ] = None,
    former_key_lost: Annotated[
        bool,
        typer.Option("--former-key-lost", help="Go on without the former key; erased people are not recognised then."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring another subject key into use: everybody gets another pseudonym, everywhere but in releases.

    Nobody keeps which pseudonym became which. Interrupted, it goes on when it is called again.

    Example: vitalgraph key rotate
    """
    with exit_codes():
        from dagster_project import key_change  # noqa: PLC0415 - heavy, and not needed for --help

        change = partial(key_change.rotate, new_key_file=new_key_file, former_key_lost=former_key_lost)
        _change(change, attempted="change the subject key", doing="changing the subject key", as_json=as_json)


@app.command()
def rehash(as_json: JsonOption = False) -> None:
    """Make digests of upload keys anew, keyed with the subject key: once, after an upgrade that asks for it.

    Example: vitalgraph key rehash
    """
    with exit_codes():
        from dagster_project import key_change  # noqa: PLC0415 - heavy, and not needed for --help

        _change(key_change.rehash, attempted="make digests anew", doing="making digests anew", as_json=as_json)


def _change(change: Callable[..., "KeyChange"], *, attempted: str, doing: str, as_json: bool) -> None:
    """Carry a change out while nothing runs, print what came of it, and open the installation again."""
    settings = load_settings()
    catalog = open_catalog(settings)
    refuse_while_running(settings, None, attempted=attempted)
    with problems.status(doing) as shown:
        done = change(settings, catalog, s3=s3_access(settings), on_step=lambda step: shown.update(f"{doing}: {step}"))
    _print(done, as_json=as_json)
    if done.key_file is None:
        # Say so here if it does not fit, rather than at the next command.
        build_workspace.cache_clear()
        build_workspace(load_settings())


def _print(done: "KeyChange", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "people": done.people,
                "uploads": done.uploads,
                "erased_forgotten": done.erased_forgotten,
                "versions_with_former_ids": [
                    {"tenant": tenant, "name": name, "version": version} for tenant, name, version in done.versions
                ],
                "key_file": None if done.key_file is None else str(done.key_file),
            }
        )
        return
    console.print(
        f"{done.people} people and {done.uploads} uploads have other ids; lines are rendered again by `ingest`"
    )
    if done.erased_forgotten:
        problems.print(f"{done.erased_forgotten} erased people are not recognised any more if they are uploaded again")
    for tenant, name, version in done.versions:
        console.print(f"{name} {version} of tenant {tenant} still holds former ids", highlight=False, markup=False)
    if done.key_file is not None:
        console.print(
            f"Now give the settings the key in {done.key_file}", highlight=False, markup=False, soft_wrap=True
        )
    console.print("Restart every process that works on this installation.")
