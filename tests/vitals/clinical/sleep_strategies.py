"""Random people for the sleep and HRV tests.

Belongs here: Hypothesis strategies. Does not belong here: expected values (the oracles).
"""

from hypothesis import strategies as st

from tests.vitals.clinical.sleep_cases import OURA, SAMSUNG, Session, at, numbered

APPS = (SAMSUNG, OURA, "com.example.watch", "com.example.phone")
STAGES = ("LIGHT", "DEEP", "REM", "SLEEPING", "AWAKE", "OUT_OF_BED", "UNKNOWN")
FIRST_START = at("2025-03-28 15:00")
ZONES = (
    [(0, 3600)],
    [(0, -18000)],
    [(0, 3600), (at("2025-03-30 01:00"), 7200)],
    [(0, 7200), (at("2025-03-30 01:00"), 3600)],
    [(0, 3600), (at("2025-03-30 04:10"), -18000)],
)


@st.composite
def sessions(draw):
    """A session within two and a half days, on a 30-second grid, with gaps and overlaps of stages."""
    start = FIRST_START + 600 * draw(st.integers(0, 6 * 60))
    ticks = draw(st.integers(1, 900))
    stages, cursor = [], draw(st.integers(-20, 30))
    parts = st.tuples(st.sampled_from(STAGES), st.integers(1, 200), st.sampled_from([0, 0, 0, 0, 1, 3, 40, -30]))
    for stage, length, gap in draw(st.lists(parts, max_size=12)):
        begin = cursor + gap
        stages.append((start + 30 * begin, start + 30 * (begin + length), stage))
        cursor = begin + length
    app = draw(st.sampled_from(APPS))
    return Session(
        start=start,
        end=start + 30 * ticks,
        stages=tuple(draw(st.permutations(stages))) if draw(st.booleans()) else tuple(stages),
        app=app,
        device="PHONE" if app.endswith("phone") else draw(st.sampled_from(["WATCH", "UNKNOWN", None])),
        modified=start + 30 * ticks + draw(st.sampled_from([-60, 60, 7200])),
    )


people = st.lists(sessions(), min_size=1, max_size=7).map(numbered)
zones = st.sampled_from(ZONES)
rankings = st.dictionaries(st.sampled_from(APPS), st.integers(1, 4), max_size=3)


@st.composite
def pieces_of_sleep(draw):
    """Records of one or two apps that follow each other at distances near the limits of a gap, some of them awake."""
    found = []
    for app in draw(st.lists(st.sampled_from(APPS[:2]), min_size=1, max_size=2)):
        now = FIRST_START + 600 * draw(st.integers(0, 16 * 6))
        for _ in range(draw(st.integers(1, 6))):
            length = 30 * draw(st.sampled_from([10, 12, 59, 60, 61, 200, 480, 700]))
            stage = draw(st.sampled_from(["LIGHT", "DEEP", "SLEEPING", "AWAKE", "UNKNOWN", None]))
            stages = () if stage is None else ((now, now + length, stage),)
            device = draw(st.sampled_from(["RING", "RING", "RING", None]))
            found.append(Session(start=now, end=now + length, stages=stages, app=app, device=device))
            now += length + 30 * draw(st.sampled_from([-20, 0, 0, 28, 29, 30, 32, 118, 120, 122, 238, 240, 242, 500]))
    return found


pieces = pieces_of_sleep().map(numbered)
