"""How versions of releases are shown on the command line.

Belongs here: what of a version is printed, and the bar while one waits. Persons of households are not.
Does not belong here: any command (`datasets`, `dataset_build`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from interfaces.cli.output import (
    console,
    print_table,
    problems,
    progress_bar,
)


def version_row(row: Any) -> dict[str, Any]:
    """A version without the persons of its households."""
    spec = {**row.spec, "households": len(row.spec["households"])}
    members = (
        "name",
        "version",
        "state",
        "reasons",
        "manifest_sha256",
        "examples",
        "people",
        "run_id",
        "created_at",
        "successor",
    )
    return {member: getattr(row, member) for member in members} | {"spec": spec}


def version_shown(workspace: Any, tenant: str, name: str, version: str) -> dict[str, Any]:
    """A version with its folder and, once published, what its manifest says.

    Raises:
        NotFoundError: no such version.
    """
    from pipeline.release.reading import read_manifest  # noqa: PLC0415 - heavy, and not needed for --help

    row = workspace.catalog.datasets.get(tenant, name, version)
    lake = workspace.lake(tenant)
    document = read_manifest(lake, name, version) if row.state == "published" else {}
    return {
        **version_row(row),
        "folder": f"{lake.root_url}/releases/{name}/{version}",
        **{part: document.get(part, {}) for part in ("counts", "fates", "files", "tables", "code")},
    }


def print_version(shown: dict[str, Any]) -> None:
    """Print `version_shown` as tables."""
    console.print(f"[bold]{shown['name']} {shown['version']}[/]: {shown['state']}", highlight=False)
    for reason in shown["reasons"]:
        console.print(f"  {reason}", highlight=False, markup=False, style="red")
    if shown["successor"]:
        console.print(f"  in its place: {shown['successor']}", highlight=False)
    if shown["state"] != "published":
        return
    counts = shown["counts"]
    print_table(
        f"{counts['examples']:,} examples of {counts['people']:,} people in {shown['folder']}",
        ["side", "people", "examples"],
        [(side, counts["people_by_side"][side], n) for side, n in counts["examples_by_side"].items()],
    )
    spec = shown["spec"]
    shares = {"train": 1, "validation": spec["validation_share"], "test": spec["test_share"]}
    empty = [side for side, share in shares.items() if share and side not in counts["examples_by_side"]]
    if empty:
        problems.print(f"[yellow]warning[/]: no examples on {', '.join(empty)}: too few people for every side")
    fates = [(fate.replace("_", " "), n) for fate, n in shown["fates"].items() if n]
    print_table("Lines read, by fate", ["fate", "lines"], fates)
    files = [(path, f.get("rows"), f["bytes"], f["sha256"][:12]) for path, f in shown["files"].items()]
    print_table("Files", ["file", "rows", "bytes", "sha256"], files)


@contextmanager
def waiting(title: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A moving bar for work of unknown length; what is yielded names the step."""
    with progress_bar(quiet=quiet) as progress:
        task = progress.add_task(title, total=None)
        yield lambda step: progress.update(task, description=f"{title}: {step}")
