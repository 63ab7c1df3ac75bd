"""`vitalgraph land`: copy local Avro files under `raw/` with a proper key.

Belongs here: naming and copying. Nothing is read of a file but its bytes.
Does not belong here: processing what landed (`runs`).
"""

import hashlib
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.cli.output import JsonOption, TenantOption, console, exit_codes, print_json, progress_bar
from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from resources.lake import Lake
from vitals.errors import UsageError
from vitals.raw.keys import BadKey, build_key, parse_key

EXPORT_NAME = re.compile(r"(?P<type>[A-Za-z]+)_(?P<epoch>\d{13})(?:_.*)?\.avro")
"""How the exporter names a file on the phone: record type and fetch time in epoch milliseconds."""


def land(
    paths: Annotated[list[Path], typer.Argument(help="Avro files, or folders that hold some.", exists=True)],
    user: Annotated[str | None, typer.Option("--user", "-u", help="Whose export it is; default: from the key.")] = None,
    tenant: TenantOption = "default",
    day: Annotated[str, typer.Option("--day", help="Landing day: today, from-file, or YYYY-MM-DD.")] = "today",
    as_json: JsonOption = False,
) -> None:
    """Copy local Avro files under [bold]raw/[/] with a proper key.

    Example: vitalgraph land exports/ --user anna
    """
    with exit_codes():
        settings = load_settings()
        lake = build_workspace(settings).lake(tenant)
        files = sorted({f for path in paths for f in (path.rglob("*.avro") if path.is_dir() else [path])})
        if not files:
            raise UsageError("land files", "the paths given", "they hold no .avro file", "Name files or a folder.")
        landed: list[str] = []
        known: list[str] = []
        with progress_bar(quiet=as_json) as progress:
            task = progress.add_task("landing", total=len(files))
            for file in files:
                key, is_new = land_file(lake, file, user=user, day=day)
                (landed if is_new else known).append(key)
                progress.advance(task)
        if as_json:
            print_json({"landed": landed, "already_there": known})
            return
        for key in landed:
            console.print(key, highlight=False, soft_wrap=True)
        console.print(f"{len(landed)} landed, {len(known)} were there already")


def land_file(lake: Lake, file: Path, *, user: str | None, day: str) -> tuple[str, bool]:
    """Copy one file; its key, and whether it was new. The same content under the same key is left alone.

    Raises:
        UsageError: the user, record type or landing day cannot be told.
    """
    data = file.read_bytes()
    key = _key(file, data, user=user, day=day)
    found = lake.head(key)
    if found is not None and found.size_bytes == len(data) and lake.read_object(key) == data:
        return key, False
    lake.write_object(key, data)
    return key, True


def _key(file: Path, data: bytes, *, user: str | None, day: str) -> str:
    in_raw = [i for i, part in enumerate(file.parts) if part == "raw"]
    parsed = parse_key("/".join(file.parts[in_raw[-1] :])) if in_raw else BadKey("no raw folder in the path")
    name = EXPORT_NAME.fullmatch(file.name)
    if isinstance(parsed, BadKey) and (name is None or user is None):
        raise UsageError(
            "land the file",
            file.suffix or "file",
            "record type, person or fetch time cannot be told from its path",
            "Name it {Type}_{epoch ms}.avro and give --user, or keep it under raw/{Type}/{YYYY}/{MM}/{DD}/.",
        )
    if not isinstance(parsed, BadKey):
        if user is None and day == "today":
            # A key in full form is kept as it is, but for the day it lands on.
            return _on_day(parsed.type_name, datetime.now(UTC).date(), file.name)
        type_name, fetched_ms, owner = parsed.type_name, parsed.fetched_ms, user or parsed.user
    else:
        assert name is not None
        assert user is not None
        type_name, fetched_ms, owner = name["type"], int(name["epoch"]), user
    landing_day = _landing_day(day, fetched_ms)
    return build_key(
        type_name=type_name,
        landing_day=landing_day,
        user=owner,
        fetched_ms=fetched_ms,
        content_hash=hashlib.sha256(data).hexdigest()[:12],
    )


def _on_day(type_name: str, landing_day: date, name: str) -> str:
    return f"raw/{type_name}/{landing_day:%Y/%m/%d}/{name}"


def _landing_day(day: str, fetched_ms: int) -> date:
    if day == "today":
        return datetime.now(UTC).date()
    if day == "from-file":
        return datetime.fromtimestamp(fetched_ms / 1000, UTC).date()
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise UsageError("land files", f"--day {day}", "it is no date", "Use today, from-file or YYYY-MM-DD.") from None
