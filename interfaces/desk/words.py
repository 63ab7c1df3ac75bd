"""How the desk calls things.

Belongs here: names of kinds, fields and reasons for people, short forms of ids and times.
Does not belong here: sentences of a page (its template).
"""

from datetime import datetime

from vitals.display_text import LONGEST_NAME
from vitals.record_types import BY_KIND
from vitals.training.rounding import write_rounded
from vitals.validated.completions import CHOICES, ZONE
from vitals.validated.rules import CONTROL_CHARACTERS, TOO_LONG

FIELDS = {ZONE: "UTC offset", "specimen_source": "Specimen source", "relation_to_meal": "Relation to meal"}
FORM_NAMES = {ZONE: "zone"}
"""Field to the name that forms and the API give it, where that is another."""

ZONES = (
    "-08:00",
    "-07:00",
    "-06:00",
    "-05:00",
    "-04:00",
    "-03:00",
    "Z",
    "+01:00",
    "+02:00",
    "+03:00",
    "+05:30",
    "+09:00",
)
"""Offered; any other can be written."""

REASONS = {
    "out_of_range": "outside the plausible range",
    "unit_suspect": "looks like another unit",
    "low_quality": "the file scores too low as a whole",
    "bad_zone_offset": "an offset that does not exist",
    "time_in_future": "later than the export",
    "clock_ahead": "exported later than it arrived: the phone's clock runs ahead",
    TOO_LONG: f"longer than {LONGEST_NAME} characters",
    CONTROL_CHARACTERS: "control characters, which no name has",
    "later_than_modified": "later than it was written",
    "time_before_2000": "before the year 2000",
    "end_before_start": "ends before it begins",
    "conflicting_samples": "two values at every instant",
    "outside_record": "outside the time of its record",
}

GAPS = {
    "exporter_hole": ("exporter hole", "the app never read back to it: there may have been data"),
    "late_pending": ("may still come", "the source publishes late, and nothing was fetched since"),
    "sensor_gap": ("sensor gap", "it was read, and the source had nothing"),
    "source_silent": ("source silent", "the source brings nothing at all, while others do"),
    "not_assessable": ("cause unknown", "too few exports to tell"),
}
"""Cause of a gap: its name and what it means."""


def kind(name: str | None) -> str:
    """A kind's title."""
    return BY_KIND[name].title if name is not None and name in BY_KIND else "Unknown kind"


def field(name: str) -> str:
    """A field's name."""
    return FIELDS.get(name, name.replace("_", " "))


def reason(code: str) -> str:
    """A quarantine reason in words, with the column it is about."""
    rule, _, column = code.partition(":")
    words = REASONS.get(rule, rule.replace("_", " "))
    return f"{words} ({column.replace('_', ' ')})" if column else words


def values_of(name: str) -> tuple[str, ...]:
    """What may be said of a field, as offered."""
    return CHOICES.get(name, ZONES if name in (ZONE, "zone") else ())


def short(name: str) -> str:
    """The beginning of a long id."""
    return name if len(name) <= 12 else f"{name[:8]}…"


def when(instant: datetime | str | None) -> str:
    """Date and minute."""
    if instant is None:
        return "never"
    return (instant if isinstance(instant, str) else instant.isoformat())[:16].replace("T", " ")


def number(value: float) -> str:
    """A number with commas between thousands, and up to six decimals, rounded half up."""
    return write_rounded(value, 6).rstrip("0").rstrip(".")
