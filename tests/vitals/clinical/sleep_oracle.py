"""Sleep metrics by brute force: one Python list cell per step of time, no shared code with the product.

Belongs here: expected values of the sleep metrics, from the definitions in docs/spec (clinical.md section 4, narrative.md B).
Does not belong here: Polars, or anything imported from vitals.
"""

import functools
import itertools
import math
import statistics
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

SLEEP = {"LIGHT", "DEEP", "REM", "SLEEPING"}
WAKE = {"AWAKE", "OUT_OF_BED"}
STAGED = {"LIGHT", "DEEP", "REM"}
UNTOLD = "UNKNOWN"
"""Device of a record that tells none; also its place where nothing but names decides."""


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


NIGHT_GAP, DAY_GAP = 120, 15
"""Minutes below which a gap interrupts no sleep."""


@dataclass(frozen=True)
class Period:
    """One sleep: records of one source."""

    records: tuple

    @property
    def start(self):
        return min(r.start for r in self.records)

    @property
    def end(self):
        return max(r.end for r in self.records)

    @property
    def app(self):
        return self.records[0].app

    @property
    def device(self):
        return self.records[0].device

    @property
    def record_id(self):
        return self.records[0].record_id


@functools.cache
def cells(session, step):
    """Number of the stage that holds at each step of a record, or None."""
    ordered = sorted(session.stages)
    ticks = range(session.start, session.end, step)
    return [next((i for i, (a, b, _) in enumerate(ordered) if a <= t < b), None) for t in ticks]


@functools.cache
def line(period, step):
    """Stage at each step of a period: of all stages that hold in their record, the one that began first."""
    held = []
    for r in period.records:
        names = [stage for _, _, stage in sorted(r.stages)]
        for number, ticks in itertools.groupby(enumerate(cells(r, step)), key=lambda pair: pair[1]):
            at = [i for i, _ in ticks]
            if number is not None:
                held.append((r.start + at[0] * step, r.start + (at[-1] + 1) * step, names[number]))
    held.sort()
    out = []
    for t in range(period.start, period.end, step):
        stage = next((name for a, b, name in held if a <= t < b), None)
        if stage is None and held and not any(r.start <= t < r.end for r in period.records):
            since = max(r.end for r in period.records if r.end <= t)
            until = min(r.start for r in period.records if r.start > t)
            stage = "AWAKE" if until - since < 3600 else None
        out.append(stage)
    return out


def state(stage):
    if stage in SLEEP:
        return "sleep"
    return "wake" if stage in WAKE else None


def between(period, step):
    """Minutes of the period in none of its records: shorter gaps than an hour, and others."""
    short = long = 0
    ends = []
    for r in sorted(period.records, key=lambda r: r.start):
        if ends and r.start > max(ends):
            gap = (r.start - max(ends)) / 60
            short, long = (short + gap, long) if gap < 60 else (short, long + gap)
        ends.append(r.end)
    return short, long


@functools.cache
def measures(period, step):
    """All that one sleep tells, withheld values as None."""
    stages = line(period, step)
    states = [state(s) for s in stages]
    minutes = step / 60
    tib = len(stages) * minutes
    scored = sum(s is not None for s in states)
    unscored = (len(stages) - scored) * minutes
    enough = (len(stages) - scored) * 10 <= len(stages)
    gap_awake, gap_unscored = between(period, step)
    recorded = tib - gap_awake - gap_unscored
    enough_told = (unscored - gap_unscored) * 10 <= recorded + 1e-9
    sleeping = [i for i, s in enumerate(states) if s == "sleep"]
    tst = len(sleeping) * minutes
    out = {"tib": tib, "unscored": unscored, "staged": any(s in STAGED for s in stages)}
    out |= {"recorded": recorded, "gap_awake": gap_awake, "gap_unscored": gap_unscored}
    out["raw_tst"] = tst if scored else None
    out["wake_only"] = bool(scored) and not sleeping and scored * 10 >= len(stages) * 9
    out["coverage_percent"] = 100 * scored / len(stages)
    for stage in ("light", "deep", "rem"):
        amount = sum(s == stage.upper() for s in stages) * minutes
        fine = enough_told and scored > 0 and out["staged"]
        out[stage] = amount if fine else None
        out[f"pct_{stage}"] = 100 * amount / tst if fine and tst else None
    for name in ("tst", "se", "spt", "waso", "sol", "sme", "sfi", "awakenings", "awakenings_ge5", "midpoint"):
        out[name] = None
    out["onset"], out["final"] = period.start, period.end
    if enough_told and scored:
        out["tst"] = tst
    if enough and scored:
        out["se"] = 100 * tst / tib
    if not sleeping:
        return out
    first, last = sleeping[0], sleeping[-1]
    out["onset"], out["final"] = period.start + first * step, period.start + (last + 1) * step
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


def source(session):
    return session.app, session.device or UNTOLD


def told_once(sessions, step, share):
    """Records of one source without those of which better ones cover more than a share of the steps."""

    def goodness(s):
        m = measures(Period((s,)), step)
        tst = -1 if not s.stages or m["raw_tst"] is None else m["raw_tst"]
        if s.stages and m["raw_tst"] is None and any(a < s.end and b > s.start for a, b, _ in s.stages):
            tst = 0
        return (not m["staged"], -tst, -m["tib"], -s.modified_at, s.record_id)

    seen, kept = set(), []
    for s in sorted(sessions, key=goodness):
        ticks = set(range(s.start, s.end, step))
        if len(ticks & seen) <= share * len(ticks):
            seen |= ticks
            kept.append(s)
    return kept


def around_the_night(clock):
    minute = clock.hour * 60 + clock.minute + clock.second / 60
    return minute >= 20 * 60 or minute <= 10 * 60


def gap_minutes(zone, since, until):
    """How long a gap between these instants may not be without ending a sleep."""
    clocks = (wall(t, offset_at(zone, t)) for t in (since, until))
    return NIGHT_GAP if all(map(around_the_night, clocks)) else DAY_GAP


def periods(sessions, zone, step):
    """Sleeps of one source."""
    once = told_once(sessions, step, 0.5)
    awake = [s for s in once if measures(Period((s,)), step)["wake_only"]]
    chains = []
    for s in sorted((s for s in once if s not in awake), key=lambda s: (s.start, s.end, s.record_id)):
        until = max((r.end for r in chains[-1]), default=None) if chains else None
        if until is not None and (s.start <= until or (s.start - until) / 60 < gap_minutes(zone, until, s.start)):
            chains[-1].append(s)
        else:
            chains.append([s])
    found = []
    for chain in chains:
        if len(chain) > 1 and max(r.end for r in chain) - min(r.start for r in chain) > 16 * 3600:
            found += [[s] for s in told_once(chain, step, 0)]
        else:
            found.append(chain)
    spans = [(min(r.start for r in chain), max(r.end for r in chain), chain) for chain in found]
    alone = []
    for w in awake:
        met = [span for span in spans if span[0] <= w.end + 1 and w.start <= span[1] + 1]
        short = (w.end - w.start) / 60 < gap_minutes(zone, w.start, w.end)
        if len(met) == 1 and ((met[0][0] <= w.start and w.end <= met[0][1]) or short):
            met[0][2].append(w)
        else:
            alone.append(Period((w,)))
    ordered = [Period(tuple(sorted(chain, key=lambda s: (s.start, s.end, s.record_id)))) for chain in found]
    return ordered, alone


def choose(sessions, ranks, step, zone):
    """List of (chosen, rejected) per cluster; one person."""
    asleep, awake = [], []
    for one in sorted({source(s) for s in sessions}):
        found, alone = periods([s for s in sessions if source(s) == one], zone, step)
        asleep += found
        awake += alone
    out = []
    for cluster in groups(asleep, overlap):

        def order(one, cluster=cluster):
            own = [p for p in cluster if source(p) == one]
            known = [measures(p, step) for p in own]
            return (
                not any(m["staged"] for m in known),
                ranks.get(one[0], math.inf),
                all(p.device == "PHONE" for p in own),
                -sum(m["raw_tst"] or 0 for m in known),
                one,
            )

        best = min({source(p) for p in cluster}, key=order)
        out.append(([p for p in cluster if source(p) == best], [p for p in cluster if source(p) != best]))
    taken = [p for chosen, _ in out for p in chosen]
    busy = {wall_date(zone, p.end) for p in taken}
    lone = {}
    for p in sorted(awake, key=lambda p: (-(p.end - p.start), p.start, p.record_id)):
        if wall_date(zone, p.end) not in busy:
            lone.setdefault(wall_date(zone, p.end), p)
    beside = [*taken, *lone.values()]
    return out + [([p], []) for p in lone.values() if not any(overlap(p, q) for q in beside if q is not p)]


def is_night(period, zone, step):
    """Whether a sleep may be the main one of its day."""
    recorded = measures(period, step)["recorded"]
    middle = wall((period.start + period.end) / 2, offset_at(zone, period.end))
    return recorded >= 30 and (around_the_night(middle) or recorded >= 180)


def days(sessions, zone, *, ranks=None, step=30, no_latency=(), documented=()):
    """date -> metrics of one person, withheld as None, with "main", "naps" and "sources"."""
    clusters = choose(sessions, ranks or {}, step, zone)
    chosen = [p for c, _ in clusters for p in c]
    out = {}
    for day in {wall_date(zone, p.end) for p in chosen}:
        own = [p for p in chosen if wall_date(zone, p.end) == day]
        m = {id(p): measures(p, step) for p in own}

        def length(p, m=m):
            raw = m[id(p)]["raw_tst"]
            return (-(m[id(p)]["recorded"] if raw is None else raw), p.start, p.record_id)

        main = min((p for p in own if is_night(p, zone, step)), key=length, default=None)
        facts = dict.fromkeys(m[id(own[0])]) if main is None else dict(m[id(main)])
        no_sol = main is not None and (main.app in no_latency or (facts["sol"] == 0 and main.app not in documented))
        if no_sol:
            facts["sol"] = None
        midpoint = facts.pop("midpoint")
        if midpoint is not None:
            local = wall(midpoint, offset_at(zone, main.end))
            midpoint = local.hour * 60 + local.minute + local.second / 60 + local.microsecond / 6e7
        facts["midpoint_local_minutes"] = midpoint
        facts["n_sessions"] = len(own)
        facts["records"] = sum(len(p.records) for p in own)
        stated = [m[id(p)]["tst"] for p in own]
        facts["total_tst_all_sessions"] = None if None in stated else sum(stated)
        facts["main"] = main
        facts["naps"] = [p for p in sorted(own, key=lambda p: p.start) if p is not main]
        facts["sources"] = _sources(clusters, zone, day, main, step)
        out[day] = facts
    return out


def _sources(clusters, zone, day, main, step):
    entries = {}
    for chosen, rejected in clusters:
        in_main = any(p is main for p in chosen)
        last = max(chosen, key=lambda p: p.end)
        of_day = [(p, True) for p in chosen if wall_date(zone, p.end) == day]
        if wall_date(zone, last.end) == day:
            of_day += [(p, False) for p in rejected]
        for p, used in of_day:
            entries.setdefault((p.app, used), []).append((in_main, measures(p, step)["tst"]))
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
    chosen = [p for c, _ in choose(sessions, ranks, step, zone) for p in c]
    bounds = [(noon(zone, d - timedelta(days=1)), noon(zone, d)) for d in dates]
    with_night = [
        any(a <= (p.start + p.end) / 2 < b and measures(p, step)["tst"] is not None for p in chosen) for a, b in bounds
    ]
    states = {}
    for (a, b), known in zip(bounds, with_night, strict=True):
        if known:
            states.update(dict.fromkeys(range(a, b, 30), "wake"))
    for p in chosen:
        own = line(p, step)
        for t in range(p.start - p.start % 30 - 60, p.end + 60, 30):
            middle = t + 15
            if t in states and p.start <= middle < p.end:
                states[t] = state(own[(middle - p.start) // step])
    pairs = [
        (value, states[t + 86400])
        for t, value in states.items()
        if value is not None and states.get(t + 86400) is not None
    ]
    known_nights = sum(with_night)
    return (-100 + 200 * statistics.fmean(a == b for a, b in pairs) if pairs else None), known_nights
