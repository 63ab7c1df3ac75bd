"""What a glucose sensor can deliver, and what follows from it for a text.

Belongs here: the sentences on delivered range and lateness of an app, the columns whose absence they explain, and
whether a stated value is beyond a level-2 threshold that the sensor can deliver.
Does not belong here: the ranges and lags themselves (`vitals.clinical.source_capabilities`), or any other sentence on
glucose (`blood_glucose`).
"""

from vitals.clinical.source_capabilities import CAPABILITIES
from vitals.training.fact_row import FactRow
from vitals.training.narrative import Narrative, phrases

RANGE_LIMIT = phrases(
    "This app delivers only {floor}-{ceiling} mg/dL, so time below {floor} and above {ceiling} mg/dL cannot be assessed",
    "Values below {floor} or above {ceiling} mg/dL are not delivered by this app; time outside that range cannot be assessed",
    "The sensor's delivered range is {floor}-{ceiling} mg/dL: time under {floor} and over {ceiling} is not assessable",
)
FLOOR_LIMIT = phrases(
    "This app delivers values from {floor} mg/dL up only, so time below that cannot be assessed",
    "Values under {floor} mg/dL are not delivered by this app; time below is not assessable",
)
CEILING_LIMIT = phrases(
    "This app delivers values up to {ceiling} mg/dL only, so time above that cannot be assessed",
    "Values over {ceiling} mg/dL are not delivered by this app; time above is not assessable",
)
LATENESS = phrases(
    "Readings of this app arrive up to {lag} min late",
    "With this app a reading reaches the record up to {lag} min after it was taken",
    "This app publishes up to {lag} min behind the reading",
)

LOW_COLUMNS = ("pct_below_70", "pct_below_54", "episodes_lv1_hypo", "episodes_lv2_hypo")
HIGH_COLUMNS = ("pct_above_250",)
BOTH_ENDS = ("gri",)

LEVEL_2_LOW_MG_DL = 54
LEVEL_2_HIGH_MG_DL = 250


def say_sensor_limits(row: FactRow, narrative: Narrative) -> tuple[str, ...]:
    """Say what the app cannot deliver; gives the columns whose absence this explains."""
    floor = row.claim("source_floor_mg_dl")
    ceiling = row.claim("source_ceiling_mg_dl")
    explained: tuple[str, ...] = ()
    if floor is not None and ceiling is not None:
        narrative.say(RANGE_LIMIT, floor=floor, ceiling=ceiling)
        explained = (*LOW_COLUMNS, *HIGH_COLUMNS, *BOTH_ENDS)
    elif floor is not None:
        narrative.say(FLOOR_LIMIT, floor=floor)
        explained = (*LOW_COLUMNS, *BOTH_ENDS)
    elif ceiling is not None:
        narrative.say(CEILING_LIMIT, ceiling=ceiling)
        explained = (*HIGH_COLUMNS, *BOTH_ENDS)
    known = [CAPABILITIES[app] for app in row.apps if app in CAPABILITIES]
    if known:
        lag = row.part("source_lag_minutes", "most", max(c.lag_minutes for c in known), "min")
        narrative.say(LATENESS, lag=lag)
    return explained


def is_level_2(row: FactRow) -> bool:
    """Whether a stated lowest or highest level is beyond a level-2 threshold that the sensor can deliver."""
    floor, ceiling = row.values["source_floor_mg_dl"], row.values["source_ceiling_mg_dl"]
    low, high = (None if row.is_withheld(column) else row.values[column] for column in ("min", "max"))
    is_low = low is not None and low < LEVEL_2_LOW_MG_DL and (floor is None or floor < LEVEL_2_LOW_MG_DL)
    is_high = high is not None and high > LEVEL_2_HIGH_MG_DL and (ceiling is None or ceiling > LEVEL_2_HIGH_MG_DL)
    return is_low or is_high
