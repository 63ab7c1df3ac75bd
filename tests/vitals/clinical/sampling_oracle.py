"""Sampling intervals, distinct readings and time covered once more, from their rules, in plain Python loops.

Deliberately naive, and without anything of `vitals.clinical`: one series at a time, times in milliseconds.
"""

from itertools import pairwise

MINUTE = 60_000


def distinct(times: list[int], minutes: int) -> list[list[int]]:
    """Groups of positions that are one reading: all that follow the first of a group by less than a quarter interval."""
    groups: list[list[int]] = []
    for i, at in enumerate(times):
        if groups and 4 * (at - times[groups[-1][0]]) < minutes * MINUTE:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def lower_median(values: list[int]) -> int:
    return sorted(values)[(len(values) - 1) // 2]


def whole_minutes(length: int) -> int:
    return max(1, (length + MINUTE // 2) // MINUTE)


def share(values: list[int], wanted: float, part: float) -> float:
    return sum(abs(v - wanted) <= part * wanted for v in values) / len(values)


def interval(times: list[int], usual: int = 0) -> int:
    """Whole minutes; `usual` is 0 for a device that nothing is known of."""
    known = usual or 5
    minutes = 15
    while True:
        firsts = [times[group[0]] for group in distinct(times, minutes)]
        spacings = [b - a for a, b in pairwise(firsts)]
        if not spacings:
            return known
        shorter = min(minutes, whole_minutes(lower_median(spacings)))
        if shorter == minutes:
            break
        minutes = shorter
    median = lower_median(spacings)
    found = whole_minutes(median)
    if len(firsts) < 4:
        return known
    if len(firsts) < 12:
        return known if found > 15 else min(found, usual or found)
    for multiple in (5, 4, 3, 2):
        part = found // multiple
        if part >= 1 and found - part * multiple <= part // 4 and share(spacings, part * MINUTE, 0.2) >= 0.25:
            found = part
            break
    if found <= 15 or (found <= 30 and share(spacings, median, 0.25) >= 0.7):
        return found
    return known


def gaps(times: list[int], hold: int, begin: int, end: int) -> list[tuple[int, int]]:
    """Stretches that no reading stands for, in order."""
    if not times:
        return [(begin, end)]
    found = [(begin, times[0])] if times[0] - begin > hold else []
    for a, b in [*pairwise(times), (times[-1], end)]:
        if 2 * (b - a) > 3 * hold:
            found.append((a + hold, b))
    return found


def covered(times: list[int], hold: int, begin: int, end: int) -> int:
    left = end - begin - sum(b - a for a, b in gaps(times, hold, begin, end))
    return max(0, min(len(times) * hold, left))


def longest_gap(times: list[int], hold: int, begin: int, end: int) -> int:
    return max((b - a for a, b in gaps(times, hold, begin, end)), default=0)
