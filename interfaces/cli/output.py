"""How commands print and end.

Belongs here: exit codes, JSON or tables, and the one place where errors become exit codes.
Does not belong here: any command.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from dagster_project.days import OUTSIDE, is_possible
from vitals import display_text
from vitals.errors import ConflictError, NotFoundError, TransientError, UsageError, VitalgraphError

DONE, FAILED, USAGE, WAITING, NOT_FOUND, CONFLICT = 0, 1, 2, 3, 4, 5
"""Exit codes. WAITING only with --strict: done, but something waits for a person."""
INTERRUPTED = 130
"""Exit code of a command that Ctrl-C ended, as shells have it."""

MOST_DAYS = 3660
DAY_FORMATS = ["%Y-%m-%d"]
INSTANT_FORMATS = [*DAY_FORMATS, "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


class PlainConsole(Console):
    """A console that obeys nothing in the texts it prints: names of files and of apps are other people's.

    Strings are made plain before they are measured, so that tables stay straight, and whatever else is rendered after.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Return the rich text of a string, with escapes for what a terminal would obey or an eye not see."""
        return super().render_str(display_text.escape_lines(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Return the pieces that are printed; controls are those of rich itself, as of a progress bar."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else display_text.escape_lines(text), style, control)


console = PlainConsole()
problems = PlainConsole(stderr=True)

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
TenantOption = Annotated[str, typer.Option("--tenant", "-t", help="The tenant.")]


@contextmanager
def exit_codes() -> Iterator[None]:
    """Turn errors, the project's and those of stores and files, into a message on stderr and the documented exit code."""
    try:
        yield
    except VitalgraphError as error:
        print_error(error)
        code = FAILED
        for kind, exit_code in ((UsageError, USAGE), (NotFoundError, NOT_FOUND), (ConflictError, CONFLICT)):
            if isinstance(error, kind):
                code = exit_code
        raise typer.Exit(code) from error
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        problems.print("Interrupted. What was finished stays; call the command again for the rest.")
        raise typer.Exit(INTERRUPTED) from None
    except Exception as error:
        failure = _of_storage(error)
        if failure is None:
            raise
        print_error(failure)
        raise typer.Exit(FAILED) from None


def _of_storage(error: Exception) -> VitalgraphError | None:
    """The error of a file system, a table or Dagster's storage, which may come up anywhere, as one of ours; None for a bug."""
    from polars.exceptions import ComputeError  # noqa: PLC0415 - heavy, and not needed for --help
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from resources.lake.errors import translate  # noqa: PLC0415

    if isinstance(error, DBAPIError):
        # The catalog's own never come this far.
        why = str(error.orig).partition("\n")[0]
        return TransientError(
            "finish the command", "Dagster's storage", why, "Check its database and the disk, then try again."
        )

    if not isinstance(error, OSError | ComputeError):
        return None
    return translate(error, attempted="finish the command", where="reading or writing")


def print_error(error: VitalgraphError | str, *, of: str = "") -> None:
    """Print an error on stderr; `of` is whose it is, where others went on."""
    said = f"{of}: {error}" if of else str(error)
    problems.print(f"[bold red]error[/]: {escape(display_text.escape_line(said))}", highlight=False)


def check_filter(option: str, given: str | None, known: Iterable[str]) -> None:
    """Refuse a filter that nothing can match: the answer to a misspelt name would look like "there is none".

    Raises:
        UsageError: something is given that is none of the known values.
    """
    if given is not None and given not in (values := list(known)):
        raise UsageError("filter the list", option, "nothing has that value", f"One of: {', '.join(values)}.")


def in_calendar(value: datetime | None) -> datetime | None:
    """Refuse a day option outside the calendar that people may ask for, as wrong usage."""
    if value is not None and not is_possible(value.date()):
        raise typer.BadParameter(OUTSIDE)
    return value


def check_days(first: datetime, last: datetime) -> tuple[date, date]:
    """The local days asked for, first and last.

    Raises:
        UsageError: they are not in order, or more than ten years.
    """
    days = first.date(), last.date()
    if not 0 <= (last - first).days < MOST_DAYS:
        why = f"they are not 1 to {MOST_DAYS} days in order"
        raise UsageError("read the days", f"--from {days[0]} --to {days[1]}", why, "Correct them.")
    return days


def print_json(value: Any) -> None:
    """Print a value as JSON with sorted keys."""
    data = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS)
    sys.stdout.write(display_text.escape_json(data.decode()) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Print a table; columns whose cells are all numbers are aligned to the right, and a text is one line without markup."""
    rows = [list(row) for row in rows]
    table = Table(title=title, title_justify="left", header_style="bold")
    for index, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(display_text.escape_line(str(cell))) for cell in row))
    console.print(table)


def progress_bar(*, quiet: bool) -> Progress:
    """A progress bar on stderr, so that what is printed can be piped."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=problems,
        disable=quiet,
        transient=True,
    )
