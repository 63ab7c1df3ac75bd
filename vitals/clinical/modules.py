"""The clinical module of each kind.

Belongs here: kind -> module, and what a module offers.
Does not belong here: any fact of a kind, or when one is computed (`pipeline.clinical`).
"""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Protocol, cast

import polars as pl

from vitals.clinical import active_calories, blood_glucose, heart_rate, hrv_rmssd, sleep, steps
from vitals.clinical.context import DayContext
from vitals.record_types import RecordType


class ClinicalModule(Protocol):
    """What a kind's clinical module offers.

    Attributes:
        KIND: the kind.
        SUPPORT: columns of its clinical table beside those of every kind and its metrics.
    """

    KIND: RecordType
    SUPPORT: pl.Schema

    @staticmethod
    def summarise(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
        """Facts per person and local day."""

    @staticmethod
    def summarise_window(records: pl.DataFrame, context: DayContext) -> pl.DataFrame:
        """Facts per person over all days of the context."""


MODULES: Mapping[str, ModuleType] = MappingProxyType(
    {module.KIND.kind: module for module in (blood_glucose, heart_rate, sleep, steps, active_calories, hrv_rmssd)}
)


def clinical_module(record_type: RecordType) -> ClinicalModule:
    """The module of a kind.

    Raises:
        LookupError: it is not among MODULES.
    """
    module = MODULES.get(record_type.kind)
    if module is None:
        message = f"{record_type.kind} has no clinical module; tests/test_completeness.py says what else it lacks"
        raise LookupError(message)
    return cast("ClinicalModule", module)
