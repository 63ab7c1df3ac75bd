"""How regular a person's sleep is over a window of days.

Belongs here: the Sleep Regularity Index and the circular spread of a clock time.
Does not belong here: how nights are measured (`sleep_sessions`), or how many nights are enough (`sleep`).
"""

import math

import numpy as np
import numpy.typing as npt
import polars as pl

from vitals.clinical.exact_sums import exact_mean

EPOCH_MS = 30_000
EPOCHS_PER_LAG = 24 * 60 * 60_000 // EPOCH_MS
HALF_DAY_MS = 12 * 60 * 60_000
MINUTES_PER_TURN = 24 * 60

REGULARITY_SCHEMA = pl.Schema({"subject_id": pl.String(), "sri": pl.Float64(), "sri_nights": pl.Int64()})

Instants = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def circular_sd_minutes(clock_minutes: pl.Expr) -> pl.Expr:
    """Circular standard deviation of clock times, in minutes: sqrt(-2 ln R) (Lunsford-Avery 2018).

    Args:
        clock_minutes: minutes after local midnight; nulls are left out. Aggregates.
    """
    angle = clock_minutes * (2 * math.pi / MINUTES_PER_TURN)
    resultant = (exact_mean(angle.cos()).pow(2) + exact_mean(angle.sin()).pow(2)).sqrt()
    # Rounding may carry R of equal times beyond 1, where the logarithm turns the root imaginary.
    return (-2 * resultant.clip(upper_bound=1).log()).sqrt() * (MINUTES_PER_TURN / (2 * math.pi))


def sleep_regularity_index(sessions: pl.DataFrame, runs: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Sleep Regularity Index of each person (Phillips 2017): -100 + 200 P(same state 24 h apart).

    The state of a 30-second epoch is taken at its middle: asleep, awake, or missing. The night of a local
    date is noon to noon, ending on that date. A night is known if a session with a stated sleep time has
    its middle in it; all epochs of the other nights are missing, as is unscored time of a session. Outside
    sessions the person is awake. The lag is 24 elapsed hours, so a clock change shifts nothing.

    Args:
        sessions: `SessionChoice.chosen`; sessions around the window may be included.
        runs: `SessionChoice.runs`.
        days: DAYS_SCHEMA: the window.

    Returns:
        REGULARITY_SCHEMA, one row per person of `days`: the index (null without a pair of known epochs) and
        the number of known nights.
    """
    nights = days.sort("subject_id", "local_date").select(
        "subject_id",
        # No zone changes its clock between noon and midnight, so these are noons also on a change day.
        start=pl.col("day_start_utc").dt.epoch("ms") - HALF_DAY_MS,
        end=pl.col("day_end_utc").dt.epoch("ms") - HALF_DAY_MS,
    )
    spans = sessions.select(
        "subject_id",
        "session",
        start=pl.col("start_utc").dt.epoch("ms"),
        end=pl.col("end_utc").dt.epoch("ms"),
        stated=pl.col("tst_minutes").is_not_null(),
    )
    scored = (
        runs.filter(pl.col("asleep").is_not_null())
        .join(spans.select("session", "subject_id"), on="session")
        .select(
            "subject_id",
            "asleep",
            start=pl.col("start_utc").dt.epoch("ms"),
            end=pl.col("end_utc").dt.epoch("ms"),
        )
    )
    spans_of = spans.partition_by("subject_id", as_dict=True)
    scored_of = scored.partition_by("subject_id", as_dict=True)
    rows = [
        (subject[0], *_index(own, spans_of.get(subject, spans.clear()), scored_of.get(subject, scored.clear())))
        for subject, own in nights.partition_by("subject_id", as_dict=True, maintain_order=True).items()
    ]
    return pl.DataFrame(rows, schema=REGULARITY_SCHEMA, orient="row")


def _index(nights: pl.DataFrame, sessions: pl.DataFrame, scored: pl.DataFrame) -> tuple[float | None, int]:
    start, end = nights["start"].to_numpy(), nights["end"].to_numpy()
    origin = int(start[0])
    epochs = math.ceil((int(end[-1]) - origin) / EPOCH_MS)

    middles = (sessions["start"].to_numpy() + sessions["end"].to_numpy()) // 2
    night_of_middle = np.searchsorted(start, middles, side="right") - 1
    belongs = (night_of_middle >= 0) & (middles < end[night_of_middle]) & sessions["stated"].to_numpy()
    known_night = np.zeros(len(start), dtype=np.bool_)
    known_night[night_of_middle[belongs]] = True

    def covered(spans: pl.DataFrame) -> Flags:
        return _covered(spans["start"].to_numpy(), spans["end"].to_numpy(), origin=origin, epochs=epochs)

    asleep = covered(scored.filter("asleep"))
    awake = covered(scored.filter(~pl.col("asleep"))) | ~covered(sessions)
    known = _covered(start[known_night], end[known_night], origin=origin, epochs=epochs) & (asleep | awake)
    pairs = known[:-EPOCHS_PER_LAG] & known[EPOCHS_PER_LAG:]
    compared = int(pairs.sum())
    same = int((pairs & (asleep[:-EPOCHS_PER_LAG] == asleep[EPOCHS_PER_LAG:])).sum())
    return (-100 + 200 * same / compared if compared else None), int(known_night.sum())


def _covered(start: Instants, end: Instants, *, origin: int, epochs: int) -> Flags:
    """Which epochs have their middle in one of the spans, which do not overlap."""
    change = np.zeros(epochs + 1, dtype=np.int8)
    for instant, step in ((start, 1), (end, -1)):
        epoch = -((origin + EPOCH_MS // 2 - instant) // EPOCH_MS)
        np.add.at(change, epoch.clip(0, epochs), np.int8(step))
    return np.cumsum(change[:epochs], dtype=np.int8) > 0
