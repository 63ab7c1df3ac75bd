"""HRV metrics in plain Python loops, no shared code with the product.

Belongs here: expected values of the HRV metrics, from CLINICAL.md §3 and NARRATIVE.md B.
Does not belong here: Polars, or anything imported from vitals. Sessions and values are seconds since the epoch.
"""

import math
import statistics
from datetime import timedelta

from tests.vitals.clinical.sleep_oracle import wall_date


def days(values, sessions, zone, *, ranks=None):
    """date -> facts of one person; `sessions` are chosen ones: (start, end, is_main, wake date)."""
    ranks = ranks or {}
    latest = {}
    for v in sorted(values, key=lambda v: (v.modified_at, v.record_id)):
        if v.rmssd > 0:
            latest[v.app, v.at] = v
    of_day = {}
    for v in latest.values():
        home = next((s for s in sessions if s[0] <= v.at < s[1]), None)
        day = home[3] if home else wall_date(zone, v.at)
        of_day.setdefault(day, []).append((v, bool(home and home[2])))
    return {day: _day(items, [s for s in sessions if s[2] and s[3] == day], ranks) for day, items in of_day.items()}


def _day(items, mains, ranks):
    out = dict.fromkeys(("n", "coverage_percent", "rmssd_mean", "rmssd_median", "ln_rmssd", "app", "gap"))
    out["sources"] = {app: sum(v.app == app for v, _ in items) for app in {v.app for v, _ in items}}
    if not mains:
        return out
    (start, end, _, _), inside = mains[0], [v for v, in_main in items if in_main]
    out.update(n=0, coverage_percent=0)
    if not inside:
        return out

    def order(app):
        worn = any(v.device != "PHONE" for v, _ in items if v.app == app)
        return ranks.get(app, math.inf), not worn, -sum(v.app == app for v in inside), app

    app = min({v.app for v in inside}, key=order)
    own = sorted((v for v in inside if v.app == app), key=lambda v: v.at)
    out.update(app=app, n=len(own), coverage_percent=100 * len(own) * 5 / ((end - start) / 60))
    covered = [False] * (end - start)
    for v in own:
        for second in range(v.at - start, min(v.at - start + 300, end - start)):
            covered[second] = True
    longest = run = 0
    for c in covered:
        run = 0 if c else run + 1
        longest = max(longest, run)
    out["gap"] = longest / 60
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
