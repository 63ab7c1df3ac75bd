"""Glucose sensors that are sold: what they can tell, and how often they read, by device model and by app.

Belongs here: the table (sources in docs/spec/clinical.md, section 1.2), and looking a source up in it.
Does not belong here: what an app withholds, and its lag (`source_capabilities`), or what a reading at a limit means for
a metric (`glucose_gates`).

A sensor that leaves its range writes a code instead of a level: its limit, the limit and one ("39", "401"), or any other
number beyond. Such a reading tells a side and no level.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from vitals.clinical.devices import PHONE


@dataclass(frozen=True, kw_only=True)
class GlucoseSensor:
    """A kind of sensor.

    Attributes:
        low_mg_dl, high_mg_dl: lowest and highest level that it tells; None where that is not known.
        minutes: how often it reads, or its app writes; None where sensors of several kinds are read.
    """

    low_mg_dl: int | None = None
    high_mg_dl: int | None = None
    minutes: int | None = None


DEXCOM = GlucoseSensor(low_mg_dl=40, high_mg_dl=400, minutes=5)
STELO = GlucoseSensor(low_mg_dl=70, high_mg_dl=250, minutes=5)
LIBRE = GlucoseSensor(low_mg_dl=40, high_mg_dl=500, minutes=15)
LIBRE_3 = GlucoseSensor(low_mg_dl=40, high_mg_dl=500, minutes=1)
FIVE_MINUTES = GlucoseSensor(low_mg_dl=40, high_mg_dl=400, minutes=5)

_BY_MODEL: tuple[tuple[re.Pattern[str], GlucoseSensor], ...] = (
    (re.compile(r"stelo"), STELO),
    (re.compile(r"libre ?3"), LIBRE_3),
    (re.compile(r"libre"), LIBRE),
    (re.compile(r"dexcom|^g[4567]( |$)"), DEXCOM),
    (re.compile(r"guardian|simplera|eversense"), FIVE_MINUTES),
)
"""Words of a device's model, the first that fits. A model tells more than the app: one app may read sensors of several."""

_BY_APP: tuple[tuple[str, GlucoseSensor], ...] = (
    ("com.dexcom.stelo", STELO),
    ("com.dexcom.", DEXCOM),
    ("com.freestylelibre3.", LIBRE_3),
    ("com.freestylelibre.", LIBRE),
    ("com.librelink", LIBRE),
    ("com.medtronic.diabetes.", FIVE_MINUTES),
    ("com.senseonics.", FIVE_MINUTES),
    # They read sensors of several makers, and write their codes as Dexcom does.
    ("com.eveningoutpost.dexdrip", GlucoseSensor(low_mg_dl=40, high_mg_dl=400, minutes=5)),
    ("info.nightscout.androidaps", GlucoseSensor(low_mg_dl=40, high_mg_dl=400, minutes=5)),
    ("tk.glucodata", GlucoseSensor(low_mg_dl=40, high_mg_dl=500, minutes=1)),
)
"""Beginnings of package names, the first that fits."""


@lru_cache(maxsize=4096)
def sensor_of(app: str, device_type: str, model: str) -> GlucoseSensor | None:
    """The sensor behind a source; None if it is not known as one.

    Args:
        app: package name.
        device_type: of `devices.DEVICE_TYPES`. The model of a phone says nothing of a sensor.
        model: model of the device, "" if it is not told.
    """
    if device_type != PHONE:
        words = model.strip().lower()
        for pattern, sensor in _BY_MODEL:
            if pattern.search(words):
                return sensor
    return next((sensor for beginning, sensor in _BY_APP if app.startswith(beginning)), None)
