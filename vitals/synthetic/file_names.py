"""Names under which uploads land, in the three forms met in the wild (docs/spec/data_facts.md "Files").

Belongs here: making a name from its parts.
Does not belong here: taking names apart (`vitals.raw.keys`).
"""

from datetime import UTC, datetime
from hashlib import sha256

FORMS = 3
_DEVICE = "pixel8"


def file_name(*, user: str, fetch_ms: int, data: bytes, form: int) -> str:
    """Name of an upload in one of the forms, numbered from 0."""
    digest = sha256(data).hexdigest()[:12]
    moment = datetime.fromtimestamp(fetch_ms // 1000, tz=UTC)
    match form % FORMS:
        case 0:
            return f"{user}_{fetch_ms}_{digest}.avro"
        case 1:
            return f"{user}_{moment:%Y%m%d_%H%M%S}_{_DEVICE}_{digest}.avro"
        case _:
            # Only milliseconds of the fraction are known.
            return f"{user}_{moment:%Y%m%d_%H%M%S}_{fetch_ms % 1000 * 1000:06d}.avro"
