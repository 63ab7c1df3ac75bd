"""`vitalgraph dataset`: build, list, show, compare, check and copy out releases.

Belongs here: the group, and the commands that read.
Does not belong here: the command that builds (`dataset_build`), or reading releases (`pipeline.release.reading`).
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.dataset_build import build
from interfaces.cli.dataset_printing import print_version, version_row, version_shown, waiting
from interfaces.cli.output import (
    FAILED,
    JsonOption,
    TenantOption,
    console,
    exit_codes,
    print_json,
    print_table,
    progress_bar,
)
from resources.workspace import Workspace
from vitals.errors import NotFoundError, UsageError

app = typer.Typer(no_args_is_help=True, help="Releases: named, immutable versions of the training lines.")
app.command("build")(build)

NameArgument = Annotated[str, typer.Argument(help="Name of the release.")]
VersionArgument = Annotated[str, typer.Argument(help="Its version.")]


@app.command("list")
def list_(tenant: TenantOption = "default", as_json: JsonOption = False) -> None:
    """List all versions of all releases, those that were blocked included.

    Example: vitalgraph dataset list
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        _end_abandoned(workspace, tenant)
        rows = workspace.catalog.datasets.list(tenant)
        if as_json:
            print_json({"releases": [version_row(row) for row in rows]})
            return
        print_table(
            f"{len(rows)} versions",
            ["name", "version", "state", "examples", "people", "license", "profile", "why not"],
            [
                (
                    *(row.name, row.version, row.state, row.examples, row.people),
                    *(row.spec["license"], row.spec["profile"], "; ".join(row.reasons)),
                )
                for row in rows
            ],
        )


@app.command()
def show(
    name: NameArgument, version: VersionArgument, tenant: TenantOption = "default", as_json: JsonOption = False
) -> None:
    """Show a version: where it stands, its specification, counts and files.

    Example: vitalgraph dataset show nights 1.0.0
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        _end_abandoned(workspace, tenant)
        shown = version_shown(workspace, tenant, name, version)
        if as_json:
            print_json(shown)
        else:
            print_version(shown)


def _end_abandoned(workspace: Workspace, tenant: str) -> None:
    from pipeline.release.releases import end_abandoned  # noqa: PLC0415 - heavy, and not needed for --help

    end_abandoned(workspace, tenant)


@app.command()
def withdraw(
    name: NameArgument,
    version: VersionArgument,
    reason: Annotated[str, typer.Option("--reason", help="Why nobody may use it any more, in one sentence.")],
    actor: Annotated[str, typer.Option("--actor", help="Who decided it, for the audit trail.")] = "command line",
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Take a published version back for good: its files go, a stub that says when and why stays.

    Example: vitalgraph dataset withdraw nights 1.0.0 --reason "An app's licence does not allow it."
    """
    with exit_codes():
        from operations.release_withdrawal import withdraw as withdraw_release  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(tenant)
        stub = withdraw_release(workspace, tenant=tenant, name=name, version=version, reason=reason, actor=actor)
        if as_json:
            print_json(stub)
        else:
            console.print(f"{name} {version} is withdrawn; its files are gone", highlight=False, markup=False)


@app.command()
def diff(
    before: Annotated[str, typer.Argument(help="The older version, as NAME/VERSION.")],
    after: Annotated[str, typer.Argument(help="The newer version, as NAME/VERSION.")],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Name every example that differs between two versions, and the one cause of each difference.

    Example: vitalgraph dataset diff nights/1.0.0 nights/1.1.0
    """
    with exit_codes():
        from pipeline.release.reading import compare  # noqa: PLC0415 - heavy, and not needed for --help
        from vitals.release.differences import by_cause  # noqa: PLC0415

        workspace = build_workspace(load_settings())
        found = compare(workspace, tenant=tenant, before=_named(before), after=_named(after))
        causes = by_cause(found)
        if as_json:
            print_json({"differences": [vars(one) for one in found], "by_cause": causes})
            return
        print_table(f"{len(found)} differences", ["cause", "examples"], list(causes.items()))
        counts: dict[tuple[str, ...], int] = {}
        for one in found:
            kind = (one.category, one.task, one.kind, one.cause)
            counts[kind] = counts.get(kind, 0) + 1
        rows = [(*kind, count) for kind, count in sorted(counts.items())]
        print_table("Where", ["category", "task", "what", "cause", "examples"], rows)


def _named(text: str) -> tuple[str, str]:
    name, slash, version = text.partition("/")
    if not slash:
        raise UsageError("compare releases", repr(text), "it names no version", "Write NAME/VERSION.")
    return name, version


@app.command()
def verify(
    what: Annotated[
        list[str], typer.Argument(help="Files, a folder with a copy of a release, or NAME and VERSION of one here.")
    ],
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Check every line of JSONL files, or a published release with its checksums; exit 1 if anything is wrong.

    Example: vitalgraph dataset verify health_journal_2025_09.jsonl
    """
    with exit_codes():
        files = [Path(one) for one in what if one.endswith(".jsonl") or Path(one).is_file()]
        if len(what) == 1 and Path(what[0]).is_dir():
            passed = _verify_copy(Path(what[0]), as_json=as_json)
        elif len(files) == 1 == len(what) and (gates := _listed(files[0])) is not None:
            passed = _print_gates(what[0], gates, as_json=as_json)
        elif len(files) == len(what):
            passed = _verify_files(files, as_json=as_json)
        elif len(what) == 2:
            passed = _verify_release(what[0], what[1], tenant, as_json=as_json)
        else:
            raise UsageError(
                "verify",
                " ".join(what),
                "these are neither files nor one release",
                "Give files, a folder, or NAME VERSION.",
            )
        if not passed:
            raise typer.Exit(FAILED)


def _listed(file: Path) -> list[Any] | None:
    from vitals.release.received import verify_listed  # noqa: PLC0415 - heavy, and not needed for --help

    return verify_listed(file) if file.is_file() else None


def _verify_copy(path: Path, *, as_json: bool) -> bool:
    from vitals.release.received import verify_folder  # noqa: PLC0415 - heavy, and not needed for --help

    with waiting("verifying", quiet=as_json):
        gates = verify_folder(path)
    return _print_gates(str(path), gates, as_json=as_json)


def _print_gates(title: str, gates: Sequence[Any], *, as_json: bool) -> bool:
    passed = all(gate.passed for gate in gates)
    if as_json:
        shown = {g.name: {"passed": g.passed, "figures": g.figures, "failures": list(g.failures)} for g in gates}
        print_json({"passed": passed, "gates": shown})
    else:
        rows = [(gate.name, "passed" if gate.passed else "FAILED", "; ".join(gate.failures)) for gate in gates]
        print_table(title, ["gate", "", "found"], rows)
    return passed


def _verify_files(files: list[Path], *, as_json: bool) -> bool:
    from vitals.release.line_gates import LineReport  # noqa: PLC0415 - heavy, and not needed for --help

    for file in files:
        if not file.is_file():
            raise NotFoundError("verify the file", str(file), "it does not exist", "Check its path.")
    reports: dict[str, LineReport] = {}
    with progress_bar(quiet=as_json) as progress:
        task = progress.add_task("bytes", total=sum(file.stat().st_size for file in files))
        for file in files:
            found = reports[str(file)] = LineReport()
            for line in _lines(file, lambda size: progress.advance(task, size)):
                found.add(line)
    passed = all(found.passed for found in reports.values())
    if as_json:
        print_json({"passed": passed, "files": {name: found.as_json() for name, found in reports.items()}})
        return passed
    rows = [
        (name, gate, found.failed[gate], ", ".join(map(str, found.numbers[gate])), "; ".join(found.problems[gate]))
        for name, found in reports.items()
        for gate in found.failed
    ]
    lines = sum(found.lines for found in reports.values())
    print_table(f"{lines:,} lines, {len(rows)} gates not passed", ["file", "gate", "lines", "first", "problems"], rows)
    return passed


def _lines(file: Path, on_bytes: Callable[[int], None]) -> Iterable[bytes]:
    with file.open("rb") as opened:
        for line in opened:
            on_bytes(len(line))
            yield line.rstrip(b"\r\n")


def _verify_release(name: str, version: str, tenant: str, *, as_json: bool) -> bool:
    from pipeline.release.reading import verify as verify_release  # noqa: PLC0415 - heavy

    workspace = build_workspace(load_settings())
    with waiting("verifying", quiet=as_json) as step:
        gates = verify_release(workspace, tenant=tenant, name=name, version=version, on_step=step)
    return _print_gates(f"{name} {version}", gates, as_json=as_json)


@app.command()
def export(
    name: NameArgument,
    version: VersionArgument,
    folder: Annotated[Path, typer.Argument(help="An empty local folder; created.", file_okay=False)],
    format_: Annotated[list[str] | None, typer.Option("--format", help="A format; default everything.")] = None,
    split: Annotated[list[str] | None, typer.Option("--split", help="A side; default all of them.")] = None,
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Copy a published version, or some of its formats and sides, into a local folder.

    Example: vitalgraph dataset export nights 1.0.0 ./nights --format messages
    """
    with exit_codes():
        from pipeline.release.export import export as export_release  # noqa: PLC0415 - heavy

        workspace = build_workspace(load_settings())
        with waiting("copying", quiet=as_json):
            files = export_release(
                workspace,
                tenant=tenant,
                name=name,
                version=version,
                formats=format_ or [],
                splits=split or [],
                folder=folder,
            )
        if as_json:
            print_json({"folder": str(folder), "files": files})
        else:
            console.print(f"{len(files)} files in {folder}", highlight=False)
