"""The faults that real uploads have, each of which can be switched on or off.

Belongs here: the list of faults and what each means. A fault off means that the twin behaves as a faultless
exporter would in that respect, so that a test can show what one fault alone does.
Does not belong here: how a fault is made (the module of the thing it spoils).
"""

from enum import StrEnum


class Fault(StrEnum):
    """One way in which uploads differ from what one would wish. The value is its name on the command line."""

    OVERLAPPING_WINDOWS = "overlapping_windows"
    """Each fetch re-reads the last 24 h, filtered on record start. Off: each fetch delivers what was published
    since the fetch planned before it, so that nothing comes twice and nothing is out of reach."""
    SOURCE_LAG = "source_lag"
    """Sources publish hours late, and their clocks run some seconds ahead. Off: within two minutes."""
    GROWTH = "growth"
    """Records are delivered before they are complete, and change afterwards. Off: one revision each."""
    FALSE_Z = "false_z"
    """CGM apps write `Z` for want of a zone. Off: they write the offset in force."""
    NULL_ZONE = "null_zone"
    """Some records carry no zone while others of the person do."""
    DST = "dst"
    """The first day is moved (per person) so that a change of the clocks lies mid-way. Off: no zone changes its
    clocks at all."""
    TRAVEL = "travel"
    """Every second person with a phone makes a journey over several zones and returns."""
    TWO_SOURCES = "two_sources"
    """Phone and ring both write heart rate, sleep, steps and energy. Off: one app per kind and person."""
    DAY_BUCKETS = "day_buckets"
    """Steps and energy come as one record a day that ends after the fetch. Off: quarter-hour intervals."""
    DELETIONS = "deletions"
    """Some records are deleted on the phone once a fetch has brought them: later fetches leave them out."""
    GAPS = "gaps"
    """Sensors pause, and some planned fetches do not take place."""
    BAD_ROWS = "bad_rows"
    """Rows that break a row rule: out of range, reversed, nameless, dated in the future ..."""
    BAD_ITEMS = "bad_items"
    """Samples and stages that cannot be, or stand there twice, among the sound ones of good records."""
    UNIT_SLIPS = "unit_slips"
    """Single glucose readings in mmol/L and RMSSD values in seconds, among others in the field's unit."""
    LOW_QUALITY = "low_quality"
    """A file most of whose rows are bad, so that it fails as a whole."""
    WRONG_KIND_IN_KEY = "wrong_kind_in_key"
    """A file that lies under another kind's folder."""
    CORRUPT_FILES = "corrupt_files"
    """Truncated, garbled, empty, exploding or foreign files, beside the good ones; and an unreadable key."""
    CODECS = "codecs"
    """Files use deflate, snappy and zstandard as well as no compression."""
    UNSUPPORTED_KINDS = "unsupported_kinds"
    """Files of kinds that are kept and listed, not processed."""
    DUPLICATE_UPLOADS = "duplicate_uploads"
    """The same bytes land again a day later under another key."""
    ODD_USER_IDS = "odd_user_ids"
    """User ids with underscores, digits like dates, and letters outside ASCII."""
    FREE_TEXT = "free_text"
    """Sleep records carry notes such as a person might type; they must not be seen past validation."""
    PREFIXED_TYPE = "prefixed_type"
    """Some uploaders write the schema's name (`AvroStepsRecord`) in the key."""


ALL_FAULTS: frozenset[Fault] = frozenset(Fault)
NO_FAULTS: frozenset[Fault] = frozenset()
