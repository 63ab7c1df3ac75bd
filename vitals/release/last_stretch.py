"""How many of a person's newest days a de-identified release goes without.

Whoever is still active has data up to about the day of the release, so the newest day of a person, less the day of the
release, would tell by how much the person's dates moved. So each person's last stretch is left out, as long as a secret
of the installation and the person says. It hangs on no release: what two versions have in common says no more about it.

Belongs here: how long the stretch is. Does not belong here: leaving lines out (`selection`).
"""

from vitals.release.splits import RANGE, keyed_number

LEAST_DAYS, MOST_DAYS = 7, 62
"""Days left out of a long history: more than a week, and up to eight weeks more, so that no week stands out."""


def days_left_out(person: str, history_days: int, *, key: bytes, end: str = "last") -> int:
    """Days at an end of a person's history that a release goes without, of LEAST_DAYS to MOST_DAYS.

    Of a short history half its days up to two thirds may go, and at least one: of whoever has one day, nothing is left.

    Args:
        person: pseudonym.
        history_days: days from the person's first to the last.
        key: secret of the installation.
        end: which end: two ends of one person are independent.
    """
    least = max(1, min(LEAST_DAYS, history_days // 2))
    most = max(least, min(MOST_DAYS, 2 * history_days // 3))
    return least + keyed_number(key, f"{end} stretch", person) * (most - least + 1) // RANGE
