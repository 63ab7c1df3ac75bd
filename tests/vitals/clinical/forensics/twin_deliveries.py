"""Deliveries of a person of the twin as forensics sees them, and what is true of every record that never came."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from vitals.clinical.context import DAYS_SCHEMA
from vitals.clinical.forensics.deliveries import DELIVERED_SCHEMA
from vitals.clinical.forensics.findings import Findings, investigate
from vitals.record_types import UTC_MS
from vitals.synthetic.clock import wall_ms
from vitals.synthetic.faults import ALL_FAULTS, Fault
from vitals.synthetic.people import APPS
from vitals.synthetic.rows import Table
from vitals.synthetic.schedule import NEVER_MS
from vitals.synthetic.settings import TwinSettings
from vitals.synthetic.simulate import PersonFiles, make_files, person_truth

PATTERN = ALL_FAULTS - {Fault.BAD_ROWS, Fault.LOW_QUALITY, Fault.CORRUPT_FILES, Fault.WRONG_KIND_IN_KEY}
"""Everything that goes wrong with time, and nothing with files."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A person, what was delivered until a fetch, and the truth.

    Attributes:
        delivered: DELIVERED_SCHEMA.
        days: DAYS_SCHEMA, with some days before and after.
        missing: `kind`, `source_app`, `start_ms`, `end_ms`, `cause` of each record that was never delivered.
        came: `kind`, `source_app`, `start_ms`, `lag_ms` (true, of the first revision) of each that was.
        last_fetch_ms: the last fetch.
    """

    files: PersonFiles
    delivered: pl.DataFrame
    days: pl.DataFrame
    missing: pl.DataFrame
    came: pl.DataFrame
    last_fetch_ms: int

    def findings(self, delivered: pl.DataFrame | None = None, *, drop_last_days: int = 0) -> Findings:
        person = self.files.scene.person
        return investigate(
            self.delivered if delivered is None else delivered,
            self.days,
            first_day=person.first_day,
            last_day=person.first_day + timedelta(days=person.days - 1 - drop_last_days),
        )


def case(seed: int, index: int, *, fetches_per_day: int, days: int = 7, drop_fetches: int = 0, faults=PATTERN) -> Case:
    """The person at a place in a cohort; the last fetches may be taken away, as if they had not been yet."""
    settings = TwinSettings(seed=seed, people=index + 1, days=days, fetches_per_day=fetches_per_day, faults=faults)
    files = make_files(settings, index)
    truth = person_truth(files)
    fetches = truth.fetches_ms[: len(truth.fetches_ms) - drop_fetches]
    sent_by_kind = {kind: [(at, _visible(files, table, at)) for at in fetches] for kind, table in files.tables.items()}
    # A fetch that finds nothing at all leaves no file, so nobody can know of it.
    last_fetch_ms = max(at for sent in sent_by_kind.values() for at, rows in sent if len(rows))
    delivered, missing, came = [], [], []
    for kind, table in files.tables.items():
        rows, sent = table.rows, sent_by_kind[kind]
        index_of = np.concatenate([np.zeros(0, dtype=np.int64), *(r for _, r in sent)])
        fetched = np.concatenate([np.full(len(r), at) for at, r in sent])
        final = np.full(int(rows.record.max()) + 1, -1)
        np.maximum.at(final, rows.record[index_of], index_of)
        now = final[rows.record[index_of]]
        delivered.append(
            pl.DataFrame(
                {
                    "kind": [kind] * len(index_of),
                    "source_app": [APPS[a] for a in rows.app[index_of]],
                    "record_id": [i.decode() for i in rows.record_id[index_of]],
                    "start_utc": rows.start_ms[now],
                    "end_utc": rows.end_ms[now],
                    "modified_utc": rows.modified_ms[index_of],
                    "fetched_utc": fetched,
                }
            ).cast(DELIVERED_SCHEMA)
        )
        first = rows.first_of_record()
        published = rows.modified_ms[first]
        frame = pl.DataFrame(
            {
                "kind": [kind] * len(first),
                "source_app": [APPS[a] for a in rows.app[first]],
                "start_ms": rows.start_ms[first],
                "end_ms": rows.end_ms[first],
                "lag_ms": published - rows.end_ms[first],
                "cause": np.where(
                    published > last_fetch_ms + files.scene.schedule.skew_ms, "late_pending", "exporter_hole"
                ),
                "came": final >= 0,
            }
        )
        missing.append(frame.filter(~pl.col("came")).drop("came", "lag_ms"))
        came.append(frame.filter("came").drop("came", "cause"))
    return Case(
        files=files,
        delivered=pl.concat(delivered),
        days=_days(files),
        missing=pl.concat(missing),
        came=pl.concat(came),
        last_fetch_ms=last_fetch_ms,
    )


def _visible(files: PersonFiles, table: Table, at: int) -> np.ndarray:
    schedule, rows = files.scene.schedule, table.rows
    return schedule.visible(
        int(np.searchsorted(schedule.planned_ms, at)),
        start_ms=rows.start_ms,
        modified_ms=rows.modified_ms,
        replaced_ms=rows.replaced_ms(NEVER_MS),
    )


def _days(files: PersonFiles) -> pl.DataFrame:
    person = files.scene.person
    dates = [person.first_day + timedelta(days=i) for i in range(-2, person.days + 2)]
    bounds = person.timeline.instant(np.array([wall_ms(d) for d in [*dates, dates[-1] + timedelta(days=1)]]))
    return pl.DataFrame(
        {
            "subject_id": ["p"] * len(dates),
            "local_date": dates,
            "day_start_utc": bounds[:-1],
            "day_end_utc": bounds[1:],
            "day_minutes": (bounds[1:] - bounds[:-1]) / 60_000,
            "known_until_utc": [None] * len(dates),
            "zone": ["+00:00"] * len(dates),
        },
        schema_overrides={"known_until_utc": pl.Int64},
    ).select(
        pl.col(name).cast(dtype) if dtype != UTC_MS else pl.col(name).cast(pl.Int64).cast(UTC_MS)
        for name, dtype in DAYS_SCHEMA.items()
    )
