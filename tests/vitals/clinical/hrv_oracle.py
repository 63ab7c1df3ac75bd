"""HRV metrics in plain Python loops, no shared code with the product.

Belongs here: expected values of the HRV metrics, from docs/spec/clinical.md, section 3, and docs/spec/narrative.md, B.
Does not belong here: Polars, or anything imported from vitals. Sessions and values are seconds since the epoch.
"""

import math
import statistics
from datetime import timedelta

from tests.vitals.clinical import sampling_oracle
from tests.vitals.clinical.sleep_oracle import wall_date


def days(values, sessions, zone, *, ranks=None):
    """date -> facts of one person; `sessions` are chosen ones: (start, end, is_main, wake date)."""
    ranks = ranks or {}
    of_day = {}
    for v in values:
        if v.rmssd > 0:
            home = next((s for s in sessions if s[0] <= v.at < s[1]), None)
            day = home[3] if home else wall_date(zone, v.at)
            of_day.setdefault(day, []).append((v, bool(home and home[2])))
    return {day: _day(items, [s for s in sessions if s[2] and s[3] == day], ranks) for day, items in of_day.items()}


def _distinct(items):
    """Of one app: its values, of those that are one reading the last modified, and their interval in minutes."""
    items = sorted(items, key=lambda item: item[0].at)
    times = [v.at * 1000 for v, _ in items]
    minutes = sampling_oracle.interval(times)
    groups = sampling_oracle.distinct(times, minutes)
    return [
        max((items[i] for i in g), key=lambda item: (item[0].modified_at, item[0].record_id)) for g in groups
    ], minutes


def _day(items, mains, ranks):
    out = dict.fromkeys(("n", "coverage_percent", "rmssd_mean", "rmssd_median", "ln_rmssd", "app", "gap", "minutes"))
    by_app = {app: _distinct([item for item in items if item[0].app == app]) for app in {v.app for v, _ in items}}
    out["sources"] = {app: len(own) for app, (own, _) in by_app.items()}
    if not mains:
        return out
    start, end, _, _ = mains[0]
    inside = {app: [v for v, in_main in own if in_main] for app, (own, _) in by_app.items()}
    out.update(n=0, coverage_percent=0)
    if not any(inside.values()):
        return out

    def order(app):
        worn = any(v.device != "PHONE" for v, _ in by_app[app][0])
        return ranks.get(app, math.inf), not worn, -len(inside[app]) * by_app[app][1], app

    app = min((app for app, values in inside.items() if values), key=order)
    own, minutes = inside[app], by_app[app][1]
    span = ([v.at * 1000 for v in own], minutes * sampling_oracle.MINUTE, start * 1000, end * 1000)
    covered = sampling_oracle.covered(*span)
    out.update(app=app, n=len(own), minutes=minutes, coverage_percent=covered / 10 / (end - start))
    out["gap"] = sampling_oracle.longest_gap(*span) / sampling_oracle.MINUTE
    if end - start >= 3600 and out["coverage_percent"] >= 50:
        levels = [v.rmssd for v in own]
        out["rmssd_mean"] = statistics.fmean(levels)
        out["rmssd_median"] = statistics.median(levels)
        out["ln_rmssd"] = math.log(out["rmssd_mean"])
    return out


def window(values, sessions, zone, first, last, *, ranks=None):
    ranks = ranks or {}
    facts = {d: f for d, f in days(values, sessions, zone, ranks=ranks).items() if first <= d <= last}
    nights = {d: f for d, f in facts.items() if f["ln_rmssd"] is not None}
    out = dict.fromkeys(("ln_rmssd_mean", "ln_rmssd_cv_percent", "swc_low", "swc_high", "rolling7_mean_last"))
    out["days_with_data"] = len(facts)
    if not nights:
        return out
    used = [f["app"] for f in nights.values()]
    app = min(set(used), key=lambda a: (-used.count(a), ranks.get(a, math.inf), a))
    ln = [f["ln_rmssd"] for f in nights.values() if f["app"] == app]
    week = [f["ln_rmssd"] for d, f in nights.items() if f["app"] == app and d > last - timedelta(days=7)]
    mean = statistics.fmean(ln)
    if len(ln) >= 3:
        out["ln_rmssd_mean"] = mean
    if len(ln) >= 5:
        out["ln_rmssd_cv_percent"] = 100 * statistics.stdev(ln) / mean
    if len(ln) >= 14:
        out["swc_low"], out["swc_high"] = mean - statistics.stdev(ln) / 2, mean + statistics.stdev(ln) / 2
    if len(week) >= 3:
        out["rolling7_mean_last"] = statistics.fmean(week)
    return out
