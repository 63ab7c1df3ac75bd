"""Clinical tables of a small twin cohort, by the pure path from bytes to facts.

Belongs here: which cohort, and the tables of its kinds. Does not belong here: expectations.
"""

from datetime import date
from functools import cache

import polars as pl

from benchmarks.pure_path import day_inputs
from vitals.clinical.modules import MODULES
from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import Fault
from vitals.synthetic.settings import TwinSettings

HABITS = frozenset(
    {Fault.OVERLAPPING_WINDOWS, Fault.SOURCE_LAG, Fault.GROWTH, Fault.FALSE_Z, Fault.TWO_SOURCES, Fault.DAY_BUCKETS}
)
"""What every exporter does; a broken file would only be missing here."""


@cache
def twin_facts(seed: int, *, people: int = 2, days: int = 2) -> dict[str, pl.DataFrame]:
    """Clinical table of each kind."""
    settings = TwinSettings(seed=seed, people=people, days=days, first_day=date(2025, 9, 15), faults=HABITS)
    inputs = day_inputs(generate(settings))
    return {kind: MODULES[kind].summarise(rows, context) for kind, (rows, context) in inputs.items()}
