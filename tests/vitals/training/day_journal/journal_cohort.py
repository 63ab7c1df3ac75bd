"""Made-up people over ten local days in all kinds, with every state a day can have.

Belongs here: clinical rows by chance. Does not belong here: what the journal is to say of them.
"""

import random
from datetime import date, timedelta
from typing import Any

import polars as pl

from tests.vitals.training.fact_frames import DAY, KINDS, at_utc, facts
from tests.vitals.training.golden_rows import GOLDEN

DAYS = tuple(DAY - timedelta(days=back) for back in range(9, -1, -1))
VALUES = {
    "blood_glucose": {"mean": (80, 200), "wear_percent": (60, 100)},
    "heart_rate": {"mean_time_weighted": (50, 90)},
    "sleep": {"tst": (240, 540), "waso": (0, 90)},
    "steps": {"recommended_total": (900, 20_000)},
    "active_calories": {"recommended_total": (50, 900)},
    "hrv_rmssd": {"rmssd_mean": (15, 90)},
}


def cohort(seed: int, people: int, *, presence: float = 0.85) -> dict[str, pl.DataFrame]:
    """Kind -> rows of all people and days, as clinical would store them."""
    chance = random.Random(seed)
    rows: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for number in range(people):
        for day in DAYS:
            length = chance.choice((1440.0,) * 8 + (1380.0, 1500.0, 1020.0))
            for kind in KINDS:
                if chance.random() < presence:
                    rows[kind].append(_row(chance, kind, f"person-{number:03d}", day, length))
    return {kind: facts(kind, found) for kind, found in rows.items()}


def _row(chance: random.Random, kind: str, subject_id: str, day: date, length: float) -> dict[str, Any]:
    row = dict(GOLDEN[kind]) | {"subject_id": subject_id, "local_date": day, "day_minutes": length}
    for column, (low, high) in VALUES[kind].items():
        whole = kind in {"steps", "active_calories"}
        # A few values again and again, so that days are equal now and then.
        value = chance.choice((low + 10, low + 20)) if chance.random() < 0.2 else chance.uniform(low, high)
        row[column] = float(round(value)) if whole else round(value, 2)
    if kind == "blood_glucose":
        row |= {"min": row["mean"] - 9, "max": row["mean"] + 40}
    state = chance.choice(("final",) * 6 + ("provisional", "lower_bound", "withheld"))
    row["provisional"] = state == "provisional"
    if "lower_bound" in row:
        row |= {"lower_bound": state == "lower_bound", "value_as_of_local": None}
    if state == "withheld":
        for column in VALUES[kind]:
            if column != "wear_percent":
                row[column] = None
    row["as_of_utc"] = chance.choice((None, at_utc(17, 10), at_utc(3, 5, days=1)))
    return row
