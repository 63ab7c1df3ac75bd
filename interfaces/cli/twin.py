"""`vitalgraph twin`: made-up uploads with known truth.

Belongs here: options of the generator.
Does not belong here: the generator (`vitals.synthetic`).
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from interfaces.cli.output import DAY_FORMATS, console, exit_codes, in_calendar, progress_bar
from vitals.errors import UsageError

app = typer.Typer(no_args_is_help=True, help="Made-up uploads in the real schemas, with known truth.")

FIRST_DAY = datetime(2025, 9, 15)  # noqa: DTZ001 - a date


@app.callback()
def _group() -> None:
    """Keep `generate` a sub-command: others will follow."""


@app.command()
def generate(
    folder: Annotated[Path, typer.Argument(help="New or empty folder; gets raw/ and truth.json.")],
    people: Annotated[int, typer.Option("--people", min=1)] = 6,
    days: Annotated[int, typer.Option("--days", min=1)] = 7,
    first_day: Annotated[datetime, typer.Option("--first-day", formats=DAY_FORMATS, callback=in_calendar)] = FIRST_DAY,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Equal seeds and options give equal bytes.")] = 1,
    faults: Annotated[str, typer.Option("--faults", help="all, none, or names with commas.")] = "all",
) -> None:
    """Generate a cohort's uploads and the truth about them.

    Example: vitalgraph twin generate cohort --people 20 --days 30 --faults all
    """
    with exit_codes():
        from vitals.synthetic.settings import TwinSettings  # noqa: PLC0415 - heavy, and not needed for --help
        from vitals.synthetic.write import write_cohort  # noqa: PLC0415

        if folder.exists() and any(folder.iterdir()):
            raise UsageError("write the cohort", "FOLDER", "it is not empty", "Name a new folder.")
        settings = TwinSettings(
            seed=seed, people=people, days=days, first_day=first_day.date(), faults=chosen_faults(faults)
        )
        with progress_bar(quiet=False) as progress:
            progress.add_task("generating", total=None)
            truth = write_cohort(settings, folder)
        console.print(f"{len(truth.uploads)} files under {folder}/raw, the truth in {folder}/truth.json")


def chosen_faults(text: str) -> frozenset:  # type: ignore[type-arg]
    """Faults of a comma-separated list, or all, or none.

    Raises:
        UsageError: a name is no fault.
    """
    from vitals.synthetic.faults import ALL_FAULTS, NO_FAULTS, Fault  # noqa: PLC0415 - heavy, and not needed for --help

    if text in ("all", "none"):
        return ALL_FAULTS if text == "all" else NO_FAULTS
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = sorted(set(names) - {fault.value for fault in Fault})
    if unknown:
        raise UsageError("choose faults", ", ".join(unknown), "no such fault", f"Faults: {', '.join(Fault)}.")
    return frozenset(Fault(name) for name in names)
