"""People: their days, the gaps in them and why, and the lines written of a day with what they rest on.

Belongs here: these pages.
Does not belong here: computing facts or gaps. Nobody is shown by another name than the pseudonym.
"""

from datetime import date, timedelta
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse

from dagster_project.days import Day
from interfaces.api.access import Caller
from interfaces.api.routes.people import known
from interfaces.api.routes.records import completions_of, records_of
from interfaces.desk import words
from interfaces.desk.linked_text import pieces_of
from interfaces.desk.neighbours import day_picture
from interfaces.desk.session import Looking, show
from operations.provenance import inferred_zones
from operations.subject_data import day_facts, examples_of
from pipeline.clinical import clinical_schema, clinical_table
from pipeline.consent import demand_summary, hidden_people
from pipeline.gaps import forensics_of
from vitals.errors import NotFoundError
from vitals.record_types import BY_KIND, BY_METRIC_PREFIX, RECORD_TYPES, RecordType
from vitals.validated.completions import ZONE

router = APIRouter()

Subject = Annotated[str, Path(max_length=64)]
DAYS = 14
MOST_RECORDS = 300
HIDDEN = ("subject_id", "source_key_sha256", "file_quality", "utc_date", "samples", "stages")


@router.get("/people")
def people(visitor: Looking) -> HTMLResponse:
    """Everybody, and how many of their records wait."""
    caller = visitor.caller
    waits: dict[str, int] = {}
    for row in caller.catalog.partials.list(limit=5000):
        waits[row.subject_id] = waits.get(row.subject_id, 0) + 1
    profiles = sorted(caller.catalog.subjects.profiles(), key=lambda p: (-waits.get(p.subject_id, 0), p.subject_id))
    hidden = hidden_people(caller.workspace, caller.tenant)
    return show("people", visitor, profiles=profiles, waits=waits, hidden=hidden)


@router.get("/people/{subject_id}")
def person(visitor: Looking, subject_id: Subject, to: Annotated[Day | None, Query()] = None) -> HTMLResponse:
    """A person's days by kind: what is there, what is open, what is missing."""
    caller = visitor.caller
    profile = known(caller, subject_id)
    demand_summary(caller.workspace, caller.tenant, subject_id)
    found = _clinical_days(caller, subject_id)
    last = to or (found["local_date"].max() if found.height else None)
    days = [last - timedelta(days=back) for back in range(DAYS)] if isinstance(last, date) else []
    states = {(row["local_date"], row["kind"]): row for row in found.rows(named=True)}
    why = forensics_of(caller.workspace, caller.tenant, subject_id, days[-1], days[0]) if days else None
    return show(
        "person",
        visitor,
        profile=profile,
        days=days,
        kinds=RECORD_TYPES,
        states=states,
        gaps=_gaps(why["gaps"]) if why else {},
        advice=why["advice"]["sentence"] if why else None,
        labels=words.GAPS,
        earlier=days[-1] - timedelta(days=1) if days else None,
        waits=caller.catalog.partials.list(subject_id=subject_id, limit=20),
    )


@router.get("/people/{subject_id}/days/{day}")
def person_day(visitor: Looking, subject_id: Subject, day: Day) -> HTMLResponse:
    """A local day: pictures, facts, what is withheld and why, and the lines written of it."""
    caller = visitor.caller
    known(caller, subject_id)
    facts = day_facts(caller.workspace, caller.tenant, subject_id, day, day).get(day.isoformat())
    pictures = [(t, day_picture(caller, t, subject_id, day)) for t in RECORD_TYPES]
    return show(
        "day",
        visitor,
        subject_id=subject_id,
        day=day,
        facts=facts,
        pictures=[(record_type, picture) for record_type, picture in pictures if picture],
        lines=[line for line, _ in examples_of(caller.workspace, caller.tenant, subject_id, day)],
    )


@router.get("/people/{subject_id}/days/{day}/lines/{line_id}")
def line(visitor: Looking, subject_id: Subject, day: Day, line_id: Annotated[str, Path(max_length=80)]) -> HTMLResponse:
    """One line: each number of its answer leads to its claim, each claim to its records."""
    caller = visitor.caller
    known(caller, subject_id)
    found = [one for one, _ in examples_of(caller.workspace, caller.tenant, subject_id, day) if one["id"] == line_id]
    if not found:
        raise NotFoundError("find the line", "training lines", "the day has no such line now", "See the day.")
    claims = found[0]["metadata"]["claims"]
    return show(
        "narrative",
        visitor,
        subject_id=subject_id,
        day=day,
        line=found[0],
        pieces=pieces_of(found[0]["output"], claims),
        claims=[(claim, _records_of_claim(claim)) for claim in claims],
        positions={claim["id"]: position for position, claim in enumerate(claims, 1)},
    )


@router.get("/people/{subject_id}/days/{day}/records/{kind}")
def day_records(visitor: Looking, subject_id: Subject, day: Day, kind: str) -> HTMLResponse:
    """The validated records around a local day: what its claims rest on."""
    caller = visitor.caller
    known(caller, subject_id)
    if kind not in BY_KIND:
        raise NotFoundError("find the records", "kinds", "there is no such kind", "See the day.")
    around: list[date] = pl.date_range(day - timedelta(days=1), day + timedelta(days=1), eager=True).to_list()
    rows = records_of(caller, BY_KIND[kind], subject_id, around).sort("start_utc", "record_id")
    shown = _with_zone_from(caller, BY_KIND[kind], rows.head(MOST_RECORDS)).drop(HIDDEN, strict=False)
    columns = [name for name in shown.columns if shown[name].null_count() < shown.height]
    return show(
        "records",
        visitor,
        subject_id=subject_id,
        day=day,
        kind=kind,
        columns=columns,
        rows=shown.select(columns).rows(),
        more=max(0, rows.height - MOST_RECORDS),
    )


def _with_zone_from(caller: Caller, record_type: RecordType, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with `zone_from`: their file, a person, or other records of the person with the confidence of that."""
    inferred = inferred_zones(caller.workspace, caller.tenant, rows)
    said = completions_of(caller, record_type, rows["record_id"].to_list())

    def zone_from(record_id: str) -> str:
        if any(one.field == ZONE for one in said.get(record_id, ())):
            return "a person"
        zone = inferred.get(record_id)
        return "its file" if zone is None else f"inferred, {zone.confidence} confidence, {zone.evidence_hours:g} h away"

    return rows.with_columns(zone_from=pl.Series(list(map(zone_from, rows["record_id"])), dtype=pl.String))


def _gaps(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, float]]:
    """Day and kind to cause and minutes; of several sources the one that lacks most."""
    gaps: dict[tuple[str, str], dict[tuple[str, str], float]] = {}
    for gap in found:
        causes = gaps.setdefault((gap["local_date"], gap["kind"]), {})
        key = gap["label"], gap["source_app"]
        causes[key] = causes.get(key, 0) + gap["minutes"]
    most: dict[tuple[str, str], dict[str, float]] = {}
    for place, causes in gaps.items():
        for (label, _), minutes in sorted(causes.items()):
            of_label = most.setdefault(place, {})
            of_label[label] = max(minutes, of_label.get(label, 0))
    return most


def _clinical_days(caller: Caller, subject_id: str) -> pl.DataFrame:
    """`local_date`, `kind`, `provisional`, `withheld` (number) of every day with facts."""
    frames = [
        caller.lake.scan(clinical_table(t), schema=clinical_schema(t))
        .filter(pl.col("subject_id") == subject_id)
        .select("local_date", "provisional", kind=pl.lit(t.kind), withheld=pl.col("withheld").list.len())
        .collect()
        for t in RECORD_TYPES
    ]
    return pl.concat(frames)


def _records_of_claim(claim: dict[str, Any]) -> tuple[str, str] | None:
    """Kind and local date whose records a claim rests on; None for a definition's own number."""
    record_type = BY_METRIC_PREFIX.get(claim["metric"].partition(".")[0])
    window = str(claim["window"])[:10]
    return (record_type.kind, window) if record_type is not None and window else None
