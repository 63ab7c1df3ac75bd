"""Zone ids as writers write them, and the evidence that rows give."""

import polars as pl
import pytest

from vitals.validated.zone_offsets import is_unreadable, offset_seconds


def read(zone: str | None) -> tuple[int | None, bool]:
    frame = pl.DataFrame({"zone": [zone]}, schema={"zone": pl.String})
    return frame.select(offset_seconds(pl.col("zone")), broken=is_unreadable(pl.col("zone"))).row(0)


@pytest.mark.parametrize(
    ("zone", "seconds"),
    [
        ("Z", 0),
        ("z", 0),
        ("+00:00", 0),
        ("-05:00", -18_000),
        ("+05:30", 19_800),
        ("+05:45", 20_700),
        ("-03:30", -12_600),
        ("+14:00", 50_400),
        ("+18:00", 64_800),
        ("-18:00", -64_800),
        ("-00:01:15", -75),
        ("+00:19:32", 1_172),
    ],
)
def test_an_offset_is_read_to_the_second(zone, seconds):
    assert read(zone) == (seconds, False)


@pytest.mark.parametrize(
    "zone",
    ["+18:00:01", "-18:01", "+19:00", "+05:60", "05:00", "+5:00", "+0500", "UTC", "Europe/Berlin", "+05:00 ", "?"],
)
def test_what_is_no_offset_is_unreadable_and_not_guessed(zone):
    assert read(zone) == (None, True)


@pytest.mark.parametrize("zone", [None, ""])
def test_an_absent_zone_is_missing_and_not_unreadable(zone):
    assert read(zone) == (None, False)
