"""Digests of all clinical tables of a twin cohort, from the same records laid out in different ways.

Belongs here: one cohort in, a digest per layout, kind and table out. Run as a module, it prints them as JSON, so that
a test can have them from a process with another number of threads.
Does not belong here: expectations.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import date

import numpy as np
import polars as pl

from benchmarks.pure_path import validated
from vitals.clinical import active_calories, sleep
from vitals.clinical.context import PROFILES_SCHEMA, DayContext
from vitals.clinical.local_day import local_days, offset_timeline, with_local_time
from vitals.clinical.modules import MODULES
from vitals.record_types import BY_AVRO_NAME, RECORD_TYPES, UTC_MS
from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import ALL_FAULTS, NO_FAULTS
from vitals.synthetic.settings import TwinSettings

# Without faults, energy comes in many short records; with all, in overlapping and running ones.
COHORTS = {
    23: TwinSettings(seed=23, people=3, days=10, first_day=date(2025, 9, 1), faults=NO_FAULTS),
    5: TwinSettings(seed=5, people=3, days=5, first_day=date(2025, 10, 23), faults=ALL_FAULTS),
}

Records = dict[str, pl.DataFrame]
Layout = Callable[[pl.DataFrame, np.random.Generator], pl.DataFrame]


def shuffled(frame: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    return frame[chance.permutation(frame.height)]


def in_batches(frame: pl.DataFrame, chance: np.random.Generator) -> pl.DataFrame:
    bounds = [0, *sorted(chance.integers(0, frame.height + 1, 7).tolist()), frame.height]
    return pl.concat([frame[a:b] for a, b in zip(bounds, bounds[1:], strict=False)], rechunk=False)


LAYOUTS: dict[str, Layout] = {
    "as read": lambda frame, _: frame,
    "in other batches": in_batches,
    "shuffled": shuffled,
    "shuffled, in other batches": lambda frame, chance: in_batches(shuffled(frame, chance), chance),
}


def digests(seed: int) -> dict[str, str]:
    """Layout, kind and table -> digest. The layout "person by person" summarises each person alone."""
    records, zones = _records(COHORTS[seed])
    chance = np.random.default_rng(seed)
    found = {}
    for layout, laid_out in LAYOUTS.items():
        given = {kind: laid_out(frame, chance) for kind, frame in records.items()}
        found |= {f"{layout}/{name}": frame for name, frame in _tables(given, laid_out(zones, chance))}
    alone: dict[str, list[pl.DataFrame]] = {}
    for person in sorted({s for frame in records.values() for s in frame["subject_id"].unique()}):
        is_person = pl.col("subject_id") == person
        for name, frame in _tables({k: f.filter(is_person) for k, f in records.items()}, zones.filter(is_person)):
            alone.setdefault(name, []).append(frame)
    found |= {f"person by person/{name}": pl.concat(frames) for name, frames in alone.items()}
    return {name: hashlib.sha256(frame.write_json().encode()).hexdigest() for name, frame in found.items()}


def _records(settings: TwinSettings) -> tuple[Records, pl.DataFrame]:
    uploads = [u for u in generate(settings) if u.type_name in BY_AVRO_NAME]
    records, zones = {}, []
    for kind in RECORD_TYPES:
        rows, seen = validated([u for u in uploads if BY_AVRO_NAME[u.type_name] is kind], kind)
        # Scores and energies with all their digits: sums of halves would be exact in any order.
        number = rows["source_key_sha256"].cast(pl.Int64)
        rows = rows.with_columns(file_quality=(1 - (number * 7919 % 99_991) / 300_000).round(6))
        if kind is active_calories.KIND:
            rows = rows.with_columns(pl.col("energy_kcal") * 1.1)
        records[kind.kind] = rows
        zones.append(seen)
    return records, pl.concat(zones)


def _tables(records: Records, zones: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    timeline = offset_timeline(zones)
    local = {kind: with_local_time(rows, timeline) for kind, rows in records.items()}
    known = pl.concat([rows.select("subject_id", "fetched_utc") for rows in records.values()])
    days = local_days(
        timeline,
        # Faults move a cohort to a clock change.
        first_date=date(2025, 9, 1),
        last_date=date(2025, 11, 10),
        known_until=known.group_by("subject_id").agg(known_until_utc=pl.col("fetched_utc").max().cast(UTC_MS)),
    )
    yield "days", days
    sessions = sleep.choose_sessions(local["sleep"], priorities=DayContext(days=days).priorities)
    yield "sessions", sessions
    profiles = days.select(pl.col("subject_id").unique().sort()).with_columns(
        age_years=pl.col("subject_id").str.len_bytes() + 33.0, weight_kg=pl.lit(71.3), diabetes=pl.lit("type1")
    )
    context = DayContext(days=days, profiles=profiles.cast(PROFILES_SCHEMA), sessions=sessions)
    for kind, module in MODULES.items():
        yield f"{kind} facts", module.summarise(local[kind], context)
        yield f"{kind} window", module.summarise_window(local[kind], context)


if __name__ == "__main__":
    json.dump({seed: digests(int(seed)) for seed in sys.argv[1:]}, sys.stdout)
