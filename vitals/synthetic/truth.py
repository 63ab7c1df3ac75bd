"""What is true of a cohort, so that a test can tell whether a reader found out.

Belongs here: the truth as values, and its form as one JSON file.
Does not belong here: how it is known (`simulate`).

The file `truth.json` (all times epoch milliseconds UTC, dates ISO):

    {"schema_version": 1,
     "settings": {...},
     "free_texts": [text that must be seen nowhere past validation],
     "totals": {kind: {user: distinct valid records delivered}},
     "people": [{"user", "home_zone", "cgm", "samsung", "oura", "diabetes", "first_local_date", "last_local_date",
                 "zone_timeline": [{"from_ms", "offset_seconds"}]   the first also holds for all earlier instants
                 "fetches_ms": [...], "missed_fetches_ms": [...],
                 "gaps": [{"kind", "source_app", "cause", "from_ms", "to_ms", "records"}],
                 "records": {kind: {column: [...]}}                 columns as in RECORD_COLUMNS
                }],
     "uploads": [{"key", "user", "type_name", "kind", "fetch_ms", "landing_day", "codec", "rows", "state",
                  "file_reason", "bad_rows": [{"row_index", "reason"}], "dropped_items": {reason: items},
                  "same_bytes_as"}]}

Causes of a gap, and of a record that was not delivered:
    exporter_hole   no fetch that took place read back so far, although the app had published in time
    late            published after the last fetch whose window reached back to it
    pending         published after the last fetch of all; one more fetch would deliver it
    sensor_gap      never measured (gaps only; `records` is 0)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson
import polars as pl

from vitals.synthetic.bad_rows import BadRow
from vitals.synthetic.people import Person
from vitals.synthetic.settings import TwinSettings
from vitals.synthetic.sleep import free_texts

SCHEMA_VERSION = 1

RECORD_COLUMNS = pl.Schema(
    {
        "record_id": pl.String(),
        "source_app": pl.String(),
        # Of the final delivered revision; of the last one published if none was delivered.
        "start_ms": pl.Int64(),
        "end_ms": pl.Int64(),
        "modified_ms": pl.Int64(),
        # True offsets, whatever the record says.
        "offset_seconds": pl.Int32(),
        "end_offset_seconds": pl.Int32(),
        # Wall date of the start; of the end for sleep.
        "local_date": pl.Date(),
        # As written; null where the record gives none.
        "zone_written": pl.String(),
        "delivered": pl.Boolean(),
        # Deleted on the phone after a fetch had brought it, and left out of a later one.
        "deleted": pl.Boolean(),
        "deliveries": pl.Int64(),
        # Distinct revisions delivered.
        "revisions": pl.Int64(),
        # `value_digest` of the final delivered revision; null if none was.
        "digest": pl.String(),
        "cause": pl.String(),
    }
)


@dataclass(frozen=True, kw_only=True)
class Gap:
    """Time of a source for which nothing is known, and why."""

    kind: str
    source_app: str
    cause: str
    from_ms: int
    to_ms: int
    records: int


@dataclass(frozen=True, kw_only=True)
class PersonTruth:
    """What is true of one person.

    Attributes:
        records: kind to RECORD_COLUMNS.
    """

    person: Person
    fetches_ms: tuple[int, ...]
    missed_fetches_ms: tuple[int, ...]
    gaps: tuple[Gap, ...]
    records: dict[str, pl.DataFrame]


@dataclass(frozen=True, kw_only=True)
class UploadTruth:
    """What is true of one upload.

    Attributes:
        kind: kind its key claims; None for one that is not processed.
        state: upload state that processing must end in, if uploads are taken in order of landing.
        file_reason: why it is quarantined as a whole, or None.
        bad_rows: rows that must be quarantined, where the file as a whole is not.
        dropped_items: items that must be taken out of lists of its good rows, by reason.
        same_bytes_as: key of the upload that a duplicate repeats. Either of the two may be taken first.
    """

    key: str
    user: str
    type_name: str
    kind: str | None
    fetch_ms: int
    landing_day: date
    codec: str | None
    rows: int
    state: str
    file_reason: str | None = None
    bad_rows: tuple[BadRow, ...] = ()
    dropped_items: Mapping[str, int] = field(default_factory=dict)
    same_bytes_as: str | None = None


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is true of a cohort."""

    settings: TwinSettings
    people: tuple[PersonTruth, ...]
    uploads: tuple[UploadTruth, ...]

    def records(self) -> pl.DataFrame:
        """All records of all persons: `user`, `kind`, then RECORD_COLUMNS."""
        parts = [
            frame.select(pl.lit(p.person.user).alias("user"), pl.lit(kind).alias("kind"), pl.all())
            for p in self.people
            for kind, frame in p.records.items()
        ]
        empty = pl.DataFrame(schema={"user": pl.String(), "kind": pl.String(), **RECORD_COLUMNS})
        return pl.concat([empty, *parts])

    def totals(self) -> dict[str, dict[str, int]]:
        """Distinct valid records delivered, by kind and user."""
        return {
            kind: {p.person.user: int(p.records[kind]["delivered"].sum()) for p in self.people if kind in p.records}
            for kind in self.settings.kinds
        }

    def to_json(self) -> bytes:
        """The truth file: one line, keys sorted."""
        document = {
            "schema_version": SCHEMA_VERSION,
            "settings": _settings(self.settings),
            "free_texts": list(free_texts()),
            "totals": self.totals(),
            "people": [_person(p) for p in self.people],
            "uploads": self.uploads,
        }
        return orjson.dumps(document, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def value_digest(
    kind: str, *, start_ms: int, end_ms: int, values: Sequence[float | str | tuple[int | str, ...]]
) -> str:
    """Digest of what a revision says, to compare with a validated record.

    Args:
        kind: kind of the record.
        start_ms: its start.
        end_ms: its end; an instant's is its start.
        values: glucose [level rounded to whole mg/dL], steps [count], active_calories [kcal], hrv_rmssd [ms];
            heart_rate one (time_ms, bpm) per sample, sleep one (start_ms, end_ms, stage) per stage, in file order.
    """
    parts = [",".join(map(str, v)) if isinstance(v, tuple) else str(v) for v in values]
    text = f"{kind};{start_ms};{end_ms};{';'.join(parts)}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def _settings(settings: TwinSettings) -> dict[str, Any]:
    return {
        "seed": settings.seed,
        "people": settings.people,
        "days": settings.days,
        "first_day": settings.first_day,
        "faults": sorted(settings.faults),
        "fetches_per_day": settings.fetches_per_day,
        "zones": settings.zones,
        "kinds": settings.kinds,
    }


def _person(truth: PersonTruth) -> dict[str, Any]:
    person = truth.person
    last_day = np.datetime64(person.first_day) + np.timedelta64(person.days - 1, "D")
    points = zip(person.timeline.from_ms.tolist(), person.timeline.offsets_s.tolist(), strict=True)
    return {
        "user": person.user,
        "home_zone": person.home_zone,
        "cgm": person.role.cgm,
        "samsung": person.role.samsung,
        "oura": person.role.oura,
        "diabetes": person.role.diabetes,
        "first_local_date": person.first_day,
        "last_local_date": str(last_day),
        "zone_timeline": [{"from_ms": at, "offset_seconds": offset} for at, offset in points],
        "fetches_ms": truth.fetches_ms,
        "missed_fetches_ms": truth.missed_fetches_ms,
        "gaps": truth.gaps,
        "records": {kind: frame.to_dict(as_series=False) for kind, frame in truth.records.items()},
    }
