"""A small cohort with every fault, for tests of the flow: made once, landed wherever a test wants it."""

from datetime import date
from functools import cache

from vitals.synthetic.cohort import generate
from vitals.synthetic.faults import ALL_FAULTS, Fault
from vitals.synthetic.settings import TwinSettings

SETTINGS = TwinSettings(
    seed=5,
    people=3,
    days=2,
    first_day=date(2025, 9, 15),
    # Without a change of the clocks all people share their days: fewer partitions for the same faults.
    faults=ALL_FAULTS - {Fault.DST},
)


@cache
def uploads() -> tuple[tuple[str, bytes], ...]:
    """Key and bytes of the cohort's uploads, landed on one day: key form and faults as the twin made them."""
    day = "2025/09/20"
    found = []
    for upload in generate(SETTINGS):
        key = upload.key.replace(f"{upload.landing_day:%Y/%m/%d}", day)
        found.append((key, upload.data))
    return tuple(found)
