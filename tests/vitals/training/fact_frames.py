"""Clinical tables for tests: made-up rows of a kind, by hand or at random.

Belongs here: building frames of the right schema. Does not belong here: expectations.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl

from vitals.clinical.devices import DEVICE_TYPES
from vitals.clinical.metrics import Metric, metrics_of
from vitals.clinical.modules import MODULES
from vitals.clinical.schema import fact_schema
from vitals.record_types import RECORD_TYPES

KINDS = tuple(each.kind for each in RECORD_TYPES)
SUPPORT = {kind: module.SUPPORT for kind, module in MODULES.items()}

STELO, SAMSUNG, OURA = "com.dexcom.stelo", "com.sec.android.app.shealth", "com.ouraring.oura"
DAY = date(2025, 3, 3)
OFFSET = timedelta(hours=-5)

REASONS = (
    "needs 14 days with at least 70 % wear; this is one day",
    "needs at least 70 % wear of the day",
    "no reading between 00:00 and 05:59",
    "derived in people with diabetes; the profile says none",
    "needs 2.7 h of readings without a gap of more than 45 min",
    "the total covers 1,440 min {so far}.",
)


def source(
    app: str,
    *,
    used: bool = True,
    n: int | None = 10,
    value: float | None = None,
    as_of_utc: datetime | None = None,
    device: str | None = None,
) -> dict[str, Any]:
    return {"app": app, "device": device, "used": used, "n": n, "value": value, "as_of_utc": as_of_utc}


def facts(kind: str, rows: Sequence[Mapping[str, Any]], *, reason: str = REASONS[0]) -> pl.DataFrame:
    """A clinical table from partial rows: what a row leaves out is null, and withheld if it is a metric."""
    schema = fact_schema(kind, SUPPORT[kind])
    filled = []
    for row in rows:
        values: dict[str, Any] = dict.fromkeys(schema.names())
        values |= {
            "subject_id": "subject-a",
            "local_date": DAY,
            "zone": "-05:00",
            "day_minutes": 1440.0,
            "provisional": False,
            "records": 10,
            "sources": [],
            "source_keys_sha256": ["b" * 64, "a" * 64],
            "data_quality_score": 0.98,
        }
        values |= row
        if "withheld" not in row:
            values["withheld"] = [
                {"metric": m.id, "reason": reason} for m in metrics_of(kind, "day") if values[m.column] is None
            ]
        filled.append(values)
    return pl.DataFrame(filled, schema=schema, orient="row")


def at(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """A wall clock time of DAY."""
    return datetime(DAY.year, DAY.month, DAY.day, hour, minute) + timedelta(days=days)


def at_utc(hour: int, minute: int = 0, *, days: int = 0) -> datetime:
    """The instant of a wall clock time of DAY."""
    return (at(hour, minute, days=days) - OFFSET).replace(tzinfo=UTC)


def readings(values: Sequence[float], *, start: datetime, every_minutes: int = 5) -> list[dict[str, Any]]:
    """A series of SERIES_TYPE from a wall clock start."""
    return [
        {
            "utc": (start + i * timedelta(minutes=every_minutes) - OFFSET).replace(tzinfo=UTC),
            "offset_seconds": int(OFFSET.total_seconds()),
            "value": float(value),
        }
        for i, value in enumerate(values)
    ]


def random_facts(kind: str, count: int, *, seed: int) -> pl.DataFrame:
    """Rows with every metric present or withheld at random, and values nobody chose."""
    chance = random.Random(seed)
    return facts(kind, [_random_row(kind, chance, index) for index in range(count)])


def _random_row(kind: str, chance: random.Random, index: int) -> dict[str, Any]:
    support = SUPPORT[kind]
    keep = chance.choice((0.0, 0.3, 0.7, 1.0))
    row: dict[str, Any] = {
        "subject_id": f"subject-{index:05d}",
        "local_date": DAY + timedelta(days=chance.randrange(700)),
        "zone": chance.choice(("-05:00", "+05:45", "+00:00", "-05:00>-04:00", "+09:00>-10:00>+02:00")),
        "day_minutes": chance.choice((1440.0, 1440.0, 1380.0, 1500.0, 1020.0, 1470.0, 1937.0)),
        "provisional": chance.random() < 0.5,
        "as_of_utc": chance.choice((None, at_utc(17, 29), at_utc(3, 5, days=1))),
        "records": chance.randrange(1, 500),
        "sources": _random_sources(chance),
        "source_keys_sha256": [f"{chance.getrandbits(256):064x}" for _ in range(chance.randrange(1, 4))],
        "data_quality_score": chance.choice((None, 1.0, 0.87)),
        "coverage_percent": chance.uniform(0, 100),
    }
    for metric in metrics_of(kind, "day"):
        row[metric.column] = _random_value(metric, chance) if chance.random() < keep else None
    reasons = [chance.choice(REASONS) for _ in range(3)]
    row["withheld"] = [
        {"metric": m.id, "reason": chance.choice(reasons)} for m in metrics_of(kind, "day") if row[m.column] is None
    ]
    for name, dtype in support.items():
        row[name] = _random_support(name, dtype, chance)
    return row


def _random_value(metric: Metric, chance: random.Random) -> float | bool:
    if metric.unit == "bool":
        return chance.random() < 0.5
    if metric.unit == "count":
        return chance.choice((0, 1, 2, 7, 288, 1440))
    if metric.unit in {"%", "%TST"}:
        low = -40.0 if "dip" in metric.id else 0.0
        return chance.choice((0.0, 100.0, 0.3, 99.96, 50.5, chance.uniform(low, 100)))
    return chance.choice((0.0, 0.004, 12_345.5, 118.5, chance.uniform(0, 400)))


def _random_sources(chance: random.Random) -> list[dict[str, Any]]:
    apps = [STELO, SAMSUNG, OURA, "com.example.app2", "com.diabetes.buddy", "my own words", "org.third.tracker"]
    chance.shuffle(apps)
    apps = apps[: chance.randrange(1, 7)]
    # Sometimes devices are told apart, and then an app may have several.
    told = chance.random() < 0.3
    if told:
        apps = [app for app in apps for _ in range(chance.choice((1, 1, 2, 3)))]
    used = chance.randrange(1, 3)
    return [
        source(
            app,
            device=chance.choice(DEVICE_TYPES) if told else None,
            used=i < used,
            n=chance.choice((None, 1, 44)),
            value=chance.choice((None, 0.0, 371.4, 5310.0)),
            as_of_utc=chance.choice((None, at_utc(17, 3), at_utc(1, 1, days=2))),
        )
        for i, app in enumerate(apps)
    ]


def _random_moment(chance: random.Random) -> datetime:
    return at(0) + timedelta(minutes=chance.randrange(-600, 1500))


def _random_support(name: str, dtype: pl.DataType, chance: random.Random) -> Any:
    if chance.random() < 0.15:
        return None
    if name == "series":
        values = [chance.uniform(40, 250) for _ in range(chance.choice((0, 1, 30)))]
        return readings(values, start=_random_moment(chance).replace(second=0), every_minutes=7)
    if isinstance(dtype, pl.List):
        inner = dtype.inner
        assert isinstance(inner, pl.Struct)
        fields = {field.name: field.dtype for field in inner.fields}
        return [
            {field: _random_member(field, kind, chance) for field, kind in fields.items()}
            for _ in range(chance.randrange(6))
        ]
    return _random_member(name, dtype, chance)


LEVELS = ("lv1_hyper", "lv2_hyper", "lv1_hypo", "lv2_hypo", "ext_hyper", "ge100", "lt50")


def _random_member(name: str, dtype: Any, chance: random.Random) -> Any:
    if isinstance(dtype, pl.Datetime):
        moment = _random_moment(chance)
        return moment if dtype.time_zone is None else moment.replace(tzinfo=UTC)
    choices: tuple[Any, ...] = (0.0, 12.5, 199.96)
    if name == "level":
        choices = LEVELS
    elif name == "stage":
        choices = ("LIGHT", "DEEP", "REM", "AWAKE", "UNKNOWN", "something else")
    elif dtype == pl.String:
        choices = (STELO, SAMSUNG, OURA)
    elif dtype == pl.Boolean:
        choices = (True, False)
    elif dtype.is_integer():
        choices = (1, 54, 70, 250, 288, 1200)
    return chance.choice(choices)
