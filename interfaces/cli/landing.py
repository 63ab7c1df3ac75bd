"""`vitalgraph land`: copy local Avro files under `raw/` with a proper key.

Belongs here: naming and copying. Nothing is read of a file but its bytes.
Does not belong here: processing what landed (`runs`).
"""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from dagster_project.installation import build_workspace
from dagster_project.settings import load_settings
from interfaces.cli.output import (
    JsonOption,
    TenantOption,
    console,
    exit_codes,
    print_json,
    problems,
    progress_bar,
)
from resources.lake.keys import safe_key
from resources.lake.lake import Lake
from resources.local_files import FILE, kind_of, read
from vitals.display_text import escape_line
from vitals.errors import ConflictError, PermanentError, UsageError
from vitals.raw.keys import BadKey, build_key, parse_key

EXPORT_NAME = re.compile(r"(?P<type>[A-Za-z]+)_(?P<epoch>\d{13})(?:_.*)?\.avro")
"""How the exporter names a file on the phone: record type and fetch time in epoch milliseconds."""

UPLOAD_PATH = re.compile(
    r"raw/(?P<type>[A-Za-z][A-Za-z0-9]*)/(?P<year>2\d{3})/(?P<month>\d\d)/(?P<day>\d\d)/"
    r"(?P<name>[^/]+\.avro)"
)
"""Where an upload stands in a lake, whatever its name is."""


def land(
    paths: Annotated[list[Path], typer.Argument(help="Avro files, or folders that hold some.")],
    user: Annotated[str | None, typer.Option("--user", "-u", help="Whose export it is; default: from the key.")] = None,
    tenant: TenantOption = "default",
    day: Annotated[str, typer.Option("--day", help="Landing day: today, from-file, or YYYY-MM-DD.")] = "today",
    as_json: JsonOption = False,
) -> None:
    """Copy local Avro files under [bold]raw/[/] with a proper key.

    An upload in a copy of a lake whose name tells of nobody lands as it is: it is in the books, and refused there.

    Example: vitalgraph land exports/ --user anna
    """
    with exit_codes():
        for path in paths:
            if not path.exists():
                why = "there is no such file or folder"
                raise UsageError("land files", str(path), why, "Name files or a folder.")
        workspace = build_workspace(load_settings())
        lake = workspace.lake(tenant)
        found, left_out = files_of(paths)
        for path, why in left_out.items():
            problems.print(f"left out: {escape_line(str(path))} {why}", highlight=False, markup=False, soft_wrap=True)
        if not found:
            raise UsageError("land files", "the paths given", "they hold no .avro file", "Name files or a folder.")
        names = name_files(sorted(found), user=user, day=day, first_day=workspace.policy.first_day)
        landed: list[str] = []
        known: list[str] = []
        with progress_bar(quiet=as_json) as progress:
            task = progress.add_task("landing", total=len(names))
            for file, name in names.items():
                key, is_new = land_file(lake, file, name, root=found[file])
                (landed if is_new else known).append(key)
                progress.advance(task)
        if as_json:
            print_json(
                {
                    "landed": landed,
                    "already_there": known,
                    "left_out": [{"path": str(path), "why": why} for path, why in left_out.items()],
                }
            )
            return
        for key in landed:
            console.print(escape_line(key), highlight=False, markup=False, soft_wrap=True)
        console.print(f"{len(landed)} landed, {len(known)} were there already")


def files_of(paths: Sequence[Path]) -> tuple[dict[Path, Path], dict[Path, str]]:
    """The Avro files that paths name or hold, each with the folder below which no link leads to it; what is left out, and why.

    A link in a folder, as an unpacked archive may hold one, would land whatever the one who lands it can read. A folder
    that is named may be a link itself.
    """
    found: dict[Path, Path] = {}
    left_out: dict[Path, str] = {}
    for path in paths:
        if not path.is_dir():
            _sort_out(path, path.parent, found, left_out)
            continue
        for folder, folders, names in os.walk(path, onerror=lambda error: _note(error, left_out)):
            for name in sorted(folders):
                if Path(folder, name).is_symlink():
                    left_out[Path(folder, name)] = "is a symbolic link"
            for name in sorted(names):
                if name.endswith(".avro"):
                    _sort_out(Path(folder, name), path, found, left_out)
    return found, dict(sorted(left_out.items()))


def _sort_out(file: Path, root: Path, found: dict[Path, Path], left_out: dict[Path, str]) -> None:
    kind = kind_of(file.lstat().st_mode)
    if kind == FILE:
        found[file] = root
    else:
        left_out[file] = f"is a {kind}"


def _note(error: OSError, left_out: dict[Path, str]) -> None:
    left_out[Path(str(error.filename))] = f"cannot be opened: {error.strerror}"


@dataclass(frozen=True, kw_only=True)
class UploadName:
    """What becomes the key of a file.

    Attributes:
        type_name: record type, with or without the prefix.
        landing_day: day under which it is stored.
        kept: name that the file keeps, if it was in full form already, or tells of nobody in a folder of uploads.
        user, fetched_ms: whose it is and when it was fetched, in epoch ms; the rest of the key is the content's hash.
    """

    type_name: str
    landing_day: date
    kept: str | None
    user: str
    fetched_ms: int

    def key(self, data: bytes) -> str:
        """Key of the file with this content.

        Raises:
            UsageError: the user id cannot stand in a key.
        """
        if self.kept is not None:
            return f"raw/{self.type_name}/{self.landing_day:%Y/%m/%d}/{self.kept}"
        return build_key(
            type_name=self.type_name,
            landing_day=self.landing_day,
            user=self.user,
            fetched_ms=self.fetched_ms,
            content_hash=hashlib.sha256(data).hexdigest()[:12],
        )


def name_files(files: Sequence[Path], *, user: str | None, day: str, first_day: date) -> dict[Path, UploadName]:
    """What becomes the key of each file. All are named before one is copied: a folder lands whole or not at all.

    Args:
        first_day: first landing day there is a partition for.

    Raises:
        UsageError: the user, record type or landing day of some cannot be told, or that day is no partition.
    """
    names = {file: _name(file, user=user, day=day) for file in files}
    _refuse(
        [file for file, name in names.items() if name is None],
        of=len(files),
        why="record type, person or fetch time cannot be told from the path",
        remedy="Name it {Type}_{epoch ms}.avro and give --user, or keep it under raw/{Type}/{YYYY}/{MM}/{DD}/.",
    )
    found = {file: name for file, name in names.items() if name is not None}
    last_day = datetime.now(UTC).date() + timedelta(days=1)
    _refuse(
        [file for file, name in found.items() if not first_day <= name.landing_day <= last_day],
        of=len(files),
        why=f"the landing day would not be one from {first_day} to {last_day}, so nothing would ever read it",
        remedy="Give another --day.",
    )
    for name in found.values():
        name.key(b"")
    return found


def _refuse(files: Sequence[Path], *, of: int, why: str, remedy: str) -> None:
    """Refuse to land anything because of some files, which are listed as they were given, like the keys."""
    if not files:
        return
    for file in files:
        problems.print(escape_line(str(file)), highlight=False, markup=False, soft_wrap=True)
    raise UsageError("land the files", f"{len(files)} of {of}, listed above", why, f"{remedy} Nothing was landed.")


def land_file(lake: Lake, file: Path, name: UploadName, *, root: Path) -> tuple[str, bool]:
    """Copy one file; its key, and whether it was new. The same content under the same key is left alone.

    Args:
        lake: where to.
        file: what.
        name: as what.
        root: folder below which no link is followed on the way to the file.

    Raises:
        PermanentError: the file cannot be read.
        ConflictError: another content has the key.
    """
    try:
        data = read(root, file.relative_to(root).as_posix())
    except OSError as error:
        why = error.strerror or "it is unreadable"
        raise PermanentError("read the file", file.suffix or "file", why, "Check the file and who owns it.") from None
    key = name.key(data)
    found = lake.head(key)
    if found is None:
        lake.write_object(key, data)
    elif found.size_bytes != len(data) or lake.read_object(key) != data:
        why = "another file has that key"
        raise ConflictError("land the file", safe_key(key), why, "Give --user: the key then holds the content's hash.")
    return key, found is None


def _name(file: Path, *, user: str | None, day: str) -> UploadName | None:
    in_raw = [i for i, part in enumerate(file.parts) if part == "raw"]
    parsed = parse_key("/".join(file.parts[in_raw[-1] :])) if in_raw else BadKey("no raw folder in the path")
    if not isinstance(parsed, BadKey):
        return UploadName(
            type_name=parsed.type_name,
            landing_day=_landing_day(day, parsed.fetched_ms),
            # A key in full form is kept as it is, but for the day it lands on.
            kept=file.name if user is None and day == "today" else None,
            user=user or parsed.user,
            fetched_ms=parsed.fetched_ms,
        )
    name = EXPORT_NAME.fullmatch(file.name)
    if name is None or user is None:
        return _without_person("/".join(file.parts[in_raw[-1] :]), day) if in_raw and user is None else None
    fetched_ms = int(name["epoch"])
    return UploadName(
        type_name=name["type"],
        landing_day=_landing_day(day, fetched_ms),
        kept=None,
        user=user,
        fetched_ms=fetched_ms,
    )


def _without_person(key: str, day: str) -> UploadName | None:
    """An upload in a copy of a lake whose name tells of nobody: it lands as it is, and the books say `bad_key`."""
    found = UPLOAD_PATH.fullmatch(key)
    if found is None:
        return None
    try:
        in_key = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=UTC)
    except ValueError:
        return None
    fetched_ms = round(1000 * in_key.timestamp())
    return UploadName(
        type_name=found["type"],
        landing_day=_landing_day(day, fetched_ms),
        kept=found["name"],
        user="",
        fetched_ms=fetched_ms,
    )


def _landing_day(day: str, fetched_ms: int) -> date:
    if day == "today":
        return datetime.now(UTC).date()
    if day == "from-file":
        return datetime.fromtimestamp(fetched_ms / 1000, UTC).date()
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise UsageError("land files", f"--day {day}", "it is no date", "Use today, from-file or YYYY-MM-DD.") from None
