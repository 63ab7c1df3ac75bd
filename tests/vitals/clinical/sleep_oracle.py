"""Sleep metrics by brute force: one Python list cell per step of time, no shared code with the product.

Belongs here: expected values of the sleep metrics, from the definitions in CLINICAL.md §4 and NARRATIVE.md B.
Does not belong here: Polars, or anything imported from vitals.
"""

import functools
import itertools
import math
import statistics
from datetime import UTC, date, datetime, timedelta

SLEEP = {"LIGHT", "DEEP", "REM", "SLEEPING"}
WAKE = {"AWAKE", "OUT_OF_BED"}
STAGED = {"LIGHT", "DEEP", "REM"}


def offset_at(zone, t):
    current = zone[0][1]
    for since, offset in zone:
        if since <= t:
            current = offset
    return current


def wall(t, offset):
    return datetime(1970, 1, 1) + timedelta(seconds=t + offset)


def wall_date(zone, t) -> date:
    return wall(t, offset_at(zone, t)).date()


@functools.cache
def cells(session, step):
    """Stage of each step of the session; None without a stage."""
    count = (session.end - session.start) // step
    ordered = sorted(session.stages)
    out = [None] * count
    for i in range(count):
        t = session.start + i * step
        for a, b, stage in ordered:
            if a <= t < b:
                out[i] = stage
                break
    return out


def state(stage):
    if stage in SLEEP:
        return "sleep"
    return "wake" if stage in WAKE else None


@functools.cache
def measures(session, step):
    """All that one session tells, withheld values as None."""
    stages = cells(session, step)
    states = [state(s) for s in stages]
    minutes = step / 60
    tib = len(stages) * minutes
    scored = sum(s is not None for s in states)
    unscored = (len(stages) - scored) * minutes
    enough = (len(stages) - scored) * 10 <= len(stages)
    sleeping = [i for i, s in enumerate(states) if s == "sleep"]
    tst = len(sleeping) * minutes
    out = {"tib": tib, "unscored": unscored, "staged": any(s in STAGED for s in stages), "stages": len(session.stages)}
    out["raw_tst"] = tst if scored else None
    out["coverage_percent"] = 100 * scored / len(stages)
    for stage in ("light", "deep", "rem"):
        amount = sum(s == stage.upper() for s in stages) * minutes
        fine = enough and scored > 0 and out["staged"]
        out[stage] = amount if fine else None
        out[f"pct_{stage}"] = 100 * amount / tst if fine and tst else None
    for name in ("tst", "se", "spt", "waso", "sol", "sme", "sfi", "awakenings", "awakenings_ge5", "midpoint"):
        out[name] = None
    out["onset"], out["final"] = session.start, session.end
    if enough and scored:
        out["tst"] = tst
        out["se"] = 100 * tst / tib
    if not sleeping:
        return out
    first, last = sleeping[0], sleeping[-1]
    out["onset"], out["final"] = session.start + first * step, session.start + (last + 1) * step
    out["spt"] = (last + 1 - first) * minutes
    out["midpoint"] = (out["onset"] + out["final"]) / 2
    if all(s == "wake" for s in states[:first]):
        out["sol"] = first * minutes
    if enough:
        out["waso"] = sum(s == "wake" for s in states[first : last + 1]) * minutes
        out["sme"] = 100 * tst / out["spt"]
        out["sfi"] = sum(a == "sleep" and b == "wake" for a, b in itertools.pairwise(states)) / (tst / 60)
        runs, length = [], 0
        for s in states[first : last + 1]:
            if s == "wake":
                length += 1
            elif length:
                runs.append(length * minutes)
                length = 0
        out["awakenings"] = len(runs)
        out["awakenings_ge5"] = sum(r >= 5 for r in runs)
    return out


def overlap(a, b):
    return a.start < b.end and b.start < a.end


def groups(items, related):
    """Connected components."""
    left, out = list(items), []
    while left:
        component = [left.pop(0)]
        grew = True
        while grew:
            grew = False
            for item in list(left):
                if any(related(item, member) for member in component):
                    component.append(item)
                    left.remove(item)
                    grew = True
        out.append(component)
    return out


def choose(sessions, ranks, step):
    """List of (chosen, rejected) per cluster; one person."""
    known = {id(s): measures(s, step) for s in sessions}

    def quality(s):
        m = known[id(s)]
        tst = -1 if m["raw_tst"] is None else m["raw_tst"]
        return (not m["staged"], -tst, -m["tib"], -s.modified_at, s.record_id)

    single = [min(group, key=quality) for group in groups(sessions, lambda a, b: a.app == b.app and overlap(a, b))]
    out = []
    for cluster in groups(single, overlap):

        def order(app, cluster=cluster):
            own = [s for s in cluster if s.app == app]
            return (
                not any(known[id(s)]["staged"] for s in own),
                ranks.get(app, math.inf),
                all(s.device == "PHONE" for s in own),
                -sum(known[id(s)]["raw_tst"] or 0 for s in own),
                app,
            )

        best = min({s.app for s in cluster}, key=order)
        out.append(([s for s in cluster if s.app == best], [s for s in cluster if s.app != best]))
    return out


def days(sessions, zone, *, ranks=None, step=30, no_latency=(), documented=()):
    """date -> metrics of one person, withheld as None, with "main", "naps" and "sources"."""
    clusters = choose(sessions, ranks or {}, step)
    chosen = [s for c, _ in clusters for s in c]
    out = {}
    for day in {wall_date(zone, s.end) for s in chosen}:
        own = [s for s in chosen if wall_date(zone, s.end) == day]
        m = {id(s): measures(s, step) for s in own}

        def length(s, m=m):
            raw = m[id(s)]["raw_tst"]
            return (-(m[id(s)]["tib"] if raw is None else raw), s.start, s.record_id)

        main = min(own, key=length)
        facts = dict(m[id(main)])
        if facts["sol"] is not None and (main.app in no_latency or (facts["sol"] == 0 and main.app not in documented)):
            facts["sol"] = None
        midpoint = facts.pop("midpoint")
        if midpoint is not None:
            local = wall(midpoint, offset_at(zone, main.end))
            midpoint = local.hour * 60 + local.minute + local.second / 60 + local.microsecond / 6e7
        facts["midpoint_local_minutes"] = midpoint
        facts["n_sessions"] = len(own)
        stated = [m[id(s)]["tst"] for s in own]
        facts["total_tst_all_sessions"] = None if None in stated else sum(stated)
        facts["main"] = main
        facts["naps"] = [s for s in sorted(own, key=lambda s: s.start) if s is not main]
        facts["sources"] = _sources(clusters, zone, day, main, step)
        out[day] = facts
    return out


def _sources(clusters, zone, day, main, step):
    entries = {}
    for chosen, rejected in clusters:
        in_main = any(s is main for s in chosen)
        last = max(chosen, key=lambda s: s.end)
        of_day = [(s, True) for s in chosen if wall_date(zone, s.end) == day]
        if wall_date(zone, last.end) == day:
            of_day += [(s, False) for s in rejected]
        for s, used in of_day:
            entries.setdefault((s.app, used), []).append((in_main, measures(s, step)["tst"]))
    out = {}
    for key, values in entries.items():
        linked = [v for is_main, v in values if is_main] or [v for _, v in values]
        out[key] = (len(values), None if None in linked else sum(linked))
    return out


def circular_sd(minutes):
    angles = [2 * math.pi * m / 1440 for m in minutes]
    r = abs(sum(complex(math.cos(a), math.sin(a)) for a in angles)) / len(angles)
    return math.sqrt(-2 * math.log(min(r, 1))) * 1440 / (2 * math.pi)


def window(sessions, zone, first, last, *, ranks=None, step=30):
    """Window metrics of one person, withheld as None."""
    dates = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    facts = {d: f for d, f in days(sessions, zone, ranks=ranks, step=step).items() if d in dates}
    tst = [f["tst"] for f in facts.values() if f["tst"] is not None]
    midpoints = [f["midpoint_local_minutes"] for f in facts.values() if f["midpoint_local_minutes"] is not None]
    sri, nights = regularity(sessions, zone, dates, ranks=ranks or {}, step=step)
    enough = len(midpoints) >= 7 and len(dates) - len(midpoints) <= 2
    return {
        "mean_tst": statistics.fmean(tst) if tst else None,
        "sd_tst": statistics.stdev(tst) if len(tst) > 1 else None,
        "circular_sd_midpoint_minutes": circular_sd(midpoints) if enough else None,
        "sri": sri if nights >= 7 and len(dates) - nights <= 2 else None,
        "days_with_data": len(facts),
    }


def noon(zone, day):
    naive = int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp())
    return next(naive - offset for _, offset in zone if offset_at(zone, naive - offset) == offset)


def regularity(sessions, zone, dates, *, ranks, step):
    """SRI by walking over all 30-s epochs of the window; and the number of known nights."""
    chosen = [s for c, _ in choose(sessions, ranks, step) for s in c]
    bounds = [(noon(zone, d - timedelta(days=1)), noon(zone, d)) for d in dates]
    with_night = [
        any(a <= (s.start + s.end) / 2 < b and measures(s, step)["tst"] is not None for s in chosen) for a, b in bounds
    ]
    states = {}
    for (a, b), known in zip(bounds, with_night, strict=True):
        if known:
            states.update(dict.fromkeys(range(a, b, 30), "wake"))
    for s in chosen:
        own = cells(s, step)
        for t in range(s.start - s.start % 30 - 60, s.end + 60, 30):
            middle = t + 15
            if t in states and s.start <= middle < s.end:
                states[t] = state(own[(middle - s.start) // step])
    pairs = [
        (value, states[t + 86400])
        for t, value in states.items()
        if value is not None and states.get(t + 86400) is not None
    ]
    known_nights = sum(with_night)
    return (-100 + 200 * statistics.fmean(a == b for a, b in pairs) if pairs else None), known_nights
