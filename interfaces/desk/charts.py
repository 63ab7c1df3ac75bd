"""Pictures of records as inline SVG: a curve, a night, a day of intervals by source.

Belongs here: from rows to SVG. Colours come from the stylesheet, so the pictures follow dark and light.
Does not belong here: reading rows (`neighbours`).

Each picture has a title and a description for those who do not see it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from markupsafe import Markup, escape

from interfaces.desk.words import number
from vitals.display_text import escape_line
from vitals.training.rounding import write_rounded

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 30
STAGES = ("OUT_OF_BED", "AWAKE", "UNKNOWN", "SLEEPING", "REM", "LIGHT", "DEEP")
"""Rows of a hypnogram, from the top."""


@dataclass(frozen=True)
class Point:
    """A value at a wall clock time; `waits`: it is not counted yet; `looked_at`: it is what the page is about."""

    at: datetime
    value: float
    waits: bool = False
    looked_at: bool = False


@dataclass(frozen=True)
class Bar:
    """A stretch in a row of its own, with a value to be written into its title."""

    row: str
    begin: datetime
    end: datetime
    text: str
    waits: bool = False


def curve(points: Sequence[Point], *, title: str, unit: str) -> Markup:
    """Values over time: counted ones joined where they follow each other, waiting ones as rings."""
    if not points:
        return Markup()
    begin, end = _span([p.at for p in points], [p.at for p in points])
    low = min(p.value for p in points)
    high = max(p.value for p in points)
    margin = (high - low) * 0.1 or 1
    low, high = low - margin, high + margin

    def x(at: datetime) -> float:
        return _x(at, begin, end)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    counted = sorted((p for p in points if not p.waits), key=lambda p: p.at)
    parts = [_time_axis(begin, end), *(_level(y(level), write_rounded(level)) for level in _ticks(low, high))]
    parts += [
        Markup('<polyline class="line" points="{}"/>').format(" ".join(f"{x(p.at):.1f},{y(p.value):.1f}" for p in run))
        for run in _runs(counted)
    ]
    if len(counted) <= 300:
        parts += [_dot(x(p.at), y(p.value), "dot", f"{p.at:%H:%M}, {number(p.value)} {unit}") for p in counted]
    parts += [
        _dot(
            x(p.at),
            y(p.value),
            "waits looked-at" if p.looked_at else "waits",
            f"waits: {p.at:%H:%M}, {number(p.value)} {unit}",
            radius=7,
        )
        for p in points
        if p.waits
    ]
    waiting = sum(p.waits for p in points)
    described = f"{len(counted)} counted values and {waiting} that wait, from {begin:%Y-%m-%d %H:%M} to {end:%H:%M}."
    return _picture(parts, title=f"{title}, {unit}", described=described)


def rows_of_bars(bars: Sequence[Bar], *, title: str, rows: Sequence[str] | None = None) -> Markup:
    """Stretches over time, in a row per source or per stage of sleep."""
    if not bars:
        return Markup()
    begin, end = _span([b.begin for b in bars], [b.end for b in bars])
    names = [name for name in rows or sorted({b.row for b in bars}) if any(b.row == name for b in bars)]
    step = (HEIGHT - TOP - BOTTOM) / len(names)
    parts = [_time_axis(begin, end)]
    for index, name in enumerate(names):
        top = TOP + index * step
        parts.append(Markup('<text class="row" x="{}" y="{:.1f}">{}</text>').format(LEFT + 2, top + 11, _plain(name)))
    for bar in bars:
        top = TOP + names.index(bar.row) * step + 14
        left = _x(bar.begin, begin, end)
        parts.append(
            Markup(
                '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
            ).format(
                "waits" if bar.waits else "bar",
                left,
                top,
                max(1.5, _x(bar.end, begin, end) - left),
                max(4, step - 18),
                f"{escape_line(bar.row)}, {bar.begin:%H:%M} to {bar.end:%H:%M}: {bar.text}",
            )
        )
    described = f"{len(bars)} stretches in {len(names)} rows ({', '.join(map(_plain, names))})."
    return _picture(parts, title=title, described=described)


def _plain(name: str) -> str:
    return name.replace("_", " ").lower() if name in STAGES else escape_line(name)


def _picture(parts: Iterable[Markup], *, title: str, described: str) -> Markup:
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}" aria-label="{}"><title>{}</title><desc>{}</desc>{}</svg>'
    ).format(WIDTH, HEIGHT, f"{title}. {described}", title, described, Markup("").join(parts))


def _span(begins: Sequence[datetime], ends: Sequence[datetime]) -> tuple[datetime, datetime]:
    begin, end = min(begins), max(ends)
    return (
        (begin, end) if end - begin > timedelta(minutes=30) else (begin - timedelta(hours=1), end + timedelta(hours=1))
    )


def _x(at: datetime, begin: datetime, end: datetime) -> float:
    return LEFT + (at - begin) / (end - begin) * (WIDTH - LEFT - RIGHT)


def _time_axis(begin: datetime, end: datetime) -> Markup:
    hours = (end - begin) / timedelta(hours=1)
    step = next((s for s in (1, 2, 3, 6, 12, 24) if hours / s <= 9), 48)
    at = begin.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    parts = []
    while at <= end:
        if at.hour % step == 0:
            x = _x(at, begin, end)
            parts.append(
                Markup('<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>').format(
                    x, TOP, HEIGHT - BOTTOM
                )
            )
            parts.append(
                Markup('<text class="tick" text-anchor="middle" x="{:.1f}" y="{}">{}</text>').format(
                    x, HEIGHT - 10, f"{at:%H:%M}"
                )
            )
        at += timedelta(hours=1)
    return Markup("").join(parts)


def _level(y: float, text: str) -> Markup:
    return Markup(
        '<line class="grid" x1="{0}" x2="{1}" y1="{2:.1f}" y2="{2:.1f}"/>'
        '<text class="tick" text-anchor="end" x="{3}" y="{4:.1f}">{5}</text>'
    ).format(LEFT, WIDTH - RIGHT, y, LEFT - 5, y + 4, text)


def _ticks(low: float, high: float) -> list[float]:
    step = next((s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000) if (high - low) / s <= 6), 10_000)
    first = int(low // step + 1) * step
    return [first + i * step for i in range(8) if first + i * step < high]


def _dot(x: float, y: float, name: str, text: str, *, radius: float = 2) -> Markup:
    return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>').format(
        name, x, y, radius, escape(text)
    )


def _runs(points: Sequence[Point], longest: timedelta = timedelta(minutes=30)) -> list[list[Point]]:
    """Points that follow each other closely enough to be joined."""
    found: list[list[Point]] = []
    for point in points:
        if found and point.at - found[-1][-1].at <= longest:
            found[-1].append(point)
        else:
            found.append([point])
    return [run for run in found if len(run) > 1]
