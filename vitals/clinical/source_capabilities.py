"""What source apps can and cannot deliver: measuring range and publication lag.

Belongs here: facts about apps that change what may be stated (docs/spec/clinical.md G11, docs/spec/data_facts.md), as data, and
the expressions that apply them to columns.
Does not belong here: which source is chosen (`sources`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl


@dataclass(frozen=True)
class SourceCapability:
    """Limits of one source app.

    Attributes:
        glucose_low_mg_dl, glucose_high_mg_dl: readings outside are never delivered; None means no known limit
            that matters to a threshold of ours.
        lag_minutes: how long after an instant the app may still publish data for it.
        records_latency: whether its sleep sessions include the wake time before sleep.
    """

    glucose_low_mg_dl: int | None = None
    glucose_high_mg_dl: int | None = None
    lag_minutes: int = 960
    records_latency: bool = True


DEFAULT = SourceCapability()
"""An app we know nothing about: no limits, and the longest lag ever measured (15.3 h) rounded up."""

CAPABILITIES: Mapping[str, SourceCapability] = MappingProxyType(
    {
        "com.dexcom.stelo": SourceCapability(glucose_low_mg_dl=70, glucose_high_mg_dl=250, lag_minutes=190),
        "com.sec.android.app.shealth": SourceCapability(lag_minutes=960, records_latency=False),
        "com.ouraring.oura": SourceCapability(lag_minutes=960),
    }
)


def capability_of(app: str) -> SourceCapability:
    """Capability of an app, or the default for an app we have never seen."""
    return CAPABILITIES.get(app, DEFAULT)


def glucose_floor(app: pl.Expr) -> pl.Expr:
    """Lowest level the app delivers, in mg/dL; null without a limit."""
    return app.replace_strict(
        {k: v.glucose_low_mg_dl for k, v in CAPABILITIES.items()}, default=None, return_dtype=pl.Int32
    )


def glucose_ceiling(app: pl.Expr) -> pl.Expr:
    """Highest level the app delivers, in mg/dL; null without a limit."""
    return app.replace_strict(
        {k: v.glucose_high_mg_dl for k, v in CAPABILITIES.items()}, default=None, return_dtype=pl.Int32
    )


def lag_minutes(app: pl.Expr) -> pl.Expr:
    """Publication lag of the app in minutes."""
    return app.replace_strict(
        {k: v.lag_minutes for k, v in CAPABILITIES.items()}, default=DEFAULT.lag_minutes, return_dtype=pl.Int64
    )


def day_is_open(*, known_until_utc: pl.Expr, day_end_utc: pl.Expr, app: pl.Expr) -> pl.Expr:
    """Whether the source may still deliver data of the day: the last fetch less the lag is before its end."""
    return known_until_utc - pl.duration(minutes=lag_minutes(app)) < day_end_utc
