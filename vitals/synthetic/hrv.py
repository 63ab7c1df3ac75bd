"""RMSSD of 5-minute windows asleep, as the ring writes it.

Belongs here: a plausible course of RMSSD over the night.
Does not belong here: the nights themselves (`sleep.ring_nights`).
"""

from dataclasses import replace

import numpy as np

from vitals.synthetic.arrays import I64, Bytes, ragged_index, smooth_noise
from vitals.synthetic.clock import MINUTE_MS
from vitals.synthetic.people import OURA
from vitals.synthetic.rows import Table, make_rows
from vitals.synthetic.scene import Scene
from vitals.synthetic.sleep import depth, ring_nights

WINDOW_MS = 5 * MINUTE_MS

_TOPIC = 501


def hrv_table(scene: Scene) -> Table | None:
    """All RMSSD records of a person; None without a ring."""
    if not scene.person.role.oura:
        return None
    rng = scene.person.rng(_TOPIC)
    ring = ring_nights(scene)
    windows = (ring.end_ms - ring.start_ms) // WINDOW_MS
    night = np.repeat(np.arange(len(windows)), windows)
    window = ragged_index(np.zeros(len(windows), dtype=np.int64), windows)
    # The ring loses the pulse for a window now and then.
    kept = rng.random(len(window)) > 0.04
    night, window = night[kept], window[kept]
    at = ring.start_ms[night] + window * WINDOW_MS
    usual = rng.uniform(26, 58)
    course = usual * (0.85 + 0.3 * depth(scene, at)) * rng.lognormal(0, 0.1, size=len(windows))[night]
    value = np.rint((course * np.exp(smooth_noise(rng, len(at), sd=0.22, memory=4))).clip(6, 220))
    rows = make_rows(rng, scene.person.timeline, OURA, start_ms=at, modified_ms=ring.modified_ms[night], value=value)
    sessions = np.array([f"oura:{i} ".encode() for i in ring.session_ids])
    client = np.strings.add(np.strings.add(sessions[night], _iso(at)), b"Z")
    return Table(rows=replace(rows, client_id=client, version=ring.modified_ms[night] - 84))


def _iso(at: I64) -> Bytes:
    """Instants as text, to the second."""
    return np.datetime_as_string(at.astype("datetime64[ms]"), unit="s").astype("S19")
