"""`vitalgraph subject forget`, `subject consent`, `tenant consent` and `certificate`: what a person may decide.

Belongs here: options, printing, and the look at Dagster's runs that erasure needs.
Does not belong here: erasing (`operations.erasure.erasure`), what consent moves (`operations.consent`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import Settings, load_settings
from interfaces.cli.audit_trail import note_read
from interfaces.cli.output import (
    FAILED,
    JsonOption,
    TenantOption,
    console,
    exit_codes,
    print_json,
    print_table,
    problems,
)
from resources.catalog.rows.people import PURPOSES, Purpose
from vitals.errors import ConflictError, NotFoundError, UsageError

if TYPE_CHECKING:
    from dagster_project.run_history import RunHistory

certificate = typer.Typer(no_args_is_help=True, help="Certificates of erasure.")

UserArgument = Annotated[str, typer.Argument(help="The person, by the id used in the upload keys.")]
ActorOption = Annotated[str, typer.Option("--actor", help="Who decided it, for the audit trail.")]
SummaryOption = Annotated[str | None, typer.Option("--summary", help="yes or no: facts may be shown.")]
TrainingOption = Annotated[str | None, typer.Option("--training", help="yes or no: lines may be rendered.")]
SharingOption = Annotated[str | None, typer.Option("--sharing", help="yes or no: lines may be released.")]


def forget(
    user: Annotated[str | None, typer.Argument(help="The person, by the id used in the upload keys.")] = None,
    dry: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    again: Annotated[
        bool, typer.Option("--replay", help="Erase again whoever a restored backup brought back.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--certificate", help="New file for the certificate.")] = None,
    actor: ActorOption = "command line",
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Erase a person from every store and every release; prints a signed certificate.

    Killed in the middle, it goes on where it was when it is called again. Try --dry-run first.

    Example: vitalgraph subject forget anna --dry-run
    """
    with exit_codes():
        from operations.erasure import erasure  # noqa: PLC0415 - heavy, and not needed for --help

        if (user is None) != again:
            raise UsageError("erase a person", "USER", "either USER or --replay must be given", "Give one of them.")
        settings = load_settings()
        workspace = build_workspace(settings)
        if user is not None and dry:
            workspace.catalog.tenants.get(tenant)
            with _run_history(settings) as history:
                found_now = erasure.dry_run(workspace, tenant=tenant, user=user, elsewhere=history)
            _print_found(found_now, as_json=as_json)
            return
        from dagster_project.dead_runs import end_dead_runs  # noqa: PLC0415
        from dagster_project.signing import signing_key  # noqa: PLC0415
        from vitals.certificate import as_bytes  # noqa: PLC0415

        if out is not None and out.exists():
            raise ConflictError("write the certificate", str(out), "the file exists", "Name a new one.")
        key = signing_key(settings)
        with problems.status("erasing") as shown, _run_history(settings) as history:
            end_dead_runs(history.instance)

            def on_step(name: str) -> None:
                shown.update(f"erasing: {name}")

            if user is None:
                found = erasure.replay(workspace, private_key=key, elsewhere=history, on_step=on_step)
            else:
                document = erasure.forget(
                    workspace,
                    tenant=tenant,
                    user=user,
                    actor=actor,
                    private_key=key,
                    elsewhere=history,
                    on_step=on_step,
                )
        if user is None:
            if as_json:
                print_json({"erased_again": found})
            else:
                console.print(f"{sum(found.values())} persons erased again")
            return
        path = out or settings.home_path / "certificates" / f"{document['id']}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(document))
        if as_json:
            print_json(document)
        else:
            _print_found({**document["removed"], "dataset_versions": document["dataset_versions"]}, as_json=False)
            console.print(f"certificate: {path}", highlight=False)


@contextmanager
def _run_history(settings: Settings) -> Iterator["RunHistory"]:
    from dagster_project.execution import local_instance  # noqa: PLC0415 - heavy, and not needed for --help
    from dagster_project.run_history import RunHistory  # noqa: PLC0415

    with local_instance(settings) as instance:
        yield RunHistory(instance, settings.home_path)


def _print_found(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows: list[list[Any]] = []
    for store, value in found.items():
        if store in {"dataset_versions", "doubtful"}:
            continue
        rows += (
            [[f"{store} {name}", count] for name, count in value.items()]
            if isinstance(value, dict)
            else [[store, value]]
        )
    print_table("Data of the person", ["what", "number"], rows)
    versions = [[v["name"], v["version"], v["successor"] or "none"] for v in found["dataset_versions"]]
    if versions:
        print_table("Versions of data sets", ["name", "taken back", "in its place"], versions)
    doubt = found.get("doubtful", {})
    unsure = [(key, "holds the id where no id stands: look whose it is") for key in doubt.get("keys", ())]
    unsure += [(key, "cannot be opened: nobody knows what is in it") for key in doubt.get("folders", ())]
    unsure += [
        (name, "lies in the home, is not the installation's and names them or cannot be searched")
        for name in doubt.get("files", ())
    ]
    if unsure:
        print_table("Left, although it may be theirs", ["below the lake or the home", "why"], unsure)


def consent(
    user: UserArgument,
    summary: SummaryOption = None,
    training: TrainingOption = None,
    sharing: SharingOption = None,
    actor: ActorOption = "command line",
    tenant: TenantOption = "default",
    as_json: JsonOption = False,
) -> None:
    """Store what a person allows, or show it.

    Example: vitalgraph subject consent anna --training yes --sharing no
    """
    with exit_codes():
        from operations.subject_data import known_subject  # noqa: PLC0415 - heavy, and not needed for --help

        workspace = build_workspace(load_settings())
        subject_id = known_subject(workspace, tenant, user)
        granted = _granted(summary, training, sharing)
        if not granted:
            note_read(workspace.catalog, tenant, subject_id, "subject consent")
        moved = _decide(tenant, subject_id, granted, actor)
        _print_consent({"consent": workspace.catalog.consents.of(tenant, subject_id), **moved}, as_json=as_json)


def tenant_consent(
    name: Annotated[str, typer.Argument(help="The tenant.")],
    summary: SummaryOption = None,
    training: TrainingOption = None,
    sharing: SharingOption = None,
    actor: ActorOption = "command line",
    as_json: JsonOption = False,
) -> None:
    """Store what holds for everybody of a tenant who has decided nothing, or show it.

    Example: vitalgraph tenant consent study-7 --sharing no
    """
    with exit_codes():
        workspace = build_workspace(load_settings())
        workspace.catalog.tenants.get(name)
        moved = _decide(name, None, _granted(summary, training, sharing), actor)
        rules: dict[str, bool] = dict.fromkeys(PURPOSES, True)
        rules |= {one.purpose: one.granted for one in workspace.catalog.consents.history(name, None)}
        _print_consent({"consent": rules, **moved}, as_json=as_json)


def _granted(summary: str | None, training: str | None, sharing: str | None) -> dict[Purpose, bool]:
    given = dict(zip(PURPOSES, (summary, training, sharing), strict=True))
    for purpose, answer in given.items():
        if answer not in {None, "yes", "no"}:
            raise UsageError("store the consent", f"--{purpose}", "it is neither yes nor no", "Give one of them.")
    return {purpose: answer == "yes" for purpose, answer in given.items() if answer is not None}


def _decide(tenant: str, subject_id: str | None, granted: dict[Purpose, bool], actor: str) -> dict[str, Any]:
    if not granted:
        return {"stale_days": 0, "dataset_versions": []}
    from operations.consent import decide  # noqa: PLC0415 - heavy, and not needed for --help

    workspace = build_workspace(load_settings())
    with problems.status("storing"):
        return decide(workspace, tenant=tenant, subject_id=subject_id, granted=granted, actor=actor)


def _print_consent(shown: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(shown)
        return
    rows = [[purpose, "yes" if granted else "no"] for purpose, granted in shown["consent"].items()]
    print_table("Consent", ["purpose", "allowed"], rows)
    if shown["stale_days"]:
        console.print(f"{shown['stale_days']} local days to render again (`vitalgraph ingest`, or wait for the sensor)")
    for one in shown["dataset_versions"]:
        console.print(f"{one['name']} {one['version']} was taken back; in its place: {one['successor'] or 'none'}")


@certificate.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The certificate.")],
    key: Annotated[
        str | None, typer.Option("--key", help="Public key of the installation, as `certificate key` prints it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a certificate is as it was signed; exit 1 if it is not. Needs no installation.

    Without --key it says that nothing was changed, not who signed it.

    Example: vitalgraph certificate verify certificate.json --key 1f2e…
    """
    with exit_codes():
        from vitals.certificate import faults  # noqa: PLC0415 - heavy, and not needed for --help

        try:
            data = file.read_bytes()
        except OSError:
            raise NotFoundError("read the certificate", str(file), "it cannot be read", "Name its file.") from None
        found = faults(data, public_key=key)
        if as_json:
            print_json({"genuine": not found, "faults": found})
        else:
            console.print("genuine" if not found else f"not genuine: {'; '.join(found)}")
        if found:
            raise typer.Exit(FAILED)


@certificate.command("key")
def show_key() -> None:
    """Print the public key that certificates of this installation are signed with.

    Example: vitalgraph certificate key
    """
    with exit_codes():
        from dagster_project.signing import signing_key  # noqa: PLC0415 - heavy, and not needed for --help
        from vitals.certificate import public_key_of  # noqa: PLC0415

        settings = load_settings()
        build_workspace(settings)
        console.print(public_key_of(signing_key(settings)), highlight=False)
