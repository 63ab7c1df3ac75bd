"""Where training files stand in the lake.

Belongs here: the key of a category's file of a local day, and the name of the journal over all kinds.
Does not belong here: writing one (`rendering`, `journal`).
"""

from datetime import date

JOURNAL = "day_journal"
"""Category of the journal, and the kind of its stale marks."""


def category_path(category: str, local_day: date) -> str:
    """Key of the day's training file of a category."""
    return f"training/{category}/{local_day:%Y/%m}/health_journal_{local_day:%Y_%m_%d}.jsonl"
