"""Pictures on materializations: when a day has data, and which facts it may state.

Belongs here: one plot per clinical partition, drawn from counts only. No health value and no text of an upload is drawn: metadata is kept
by Dagster for good and seen by everybody who opens the UI.
Does not belong here: plots of a person (those belong to people who may see them).

The plots are SVG written by hand: they are bars and words, a day has six of them, and a plotting library takes a
fifth of a second for each.
"""

import base64
from collections.abc import Sequence

import dagster as dg
import polars as pl

from vitals.clinical.local_day import wall_clock
from vitals.clinical.metrics import metrics_of
from vitals.display_text import escape_html
from vitals.record_types import RecordType
from vitals.training.source_names import known_title

STATED, WITHHELD = "#2a7f62", "#d9d4c7"
INK, LINES = "#333333", "#e4e1da"
FONT = f'font-family="sans-serif" fill="{INK}"'
WIDTH, HEIGHT, TOP, BOTTOM = 720, 290, 62, 246
LEFT_PANEL, RIGHT_PANEL = (52, 320), (512, 696)
"""First and last x of the plots; names stand left of them."""


def clinical_picture(record_type: RecordType, facts: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """An SVG in Markdown: data by local hour, or source where the kind has no series, and stated facts.

    Args:
        facts: the partition's clinical rows.

    Returns:
        None for an empty partition.
    """
    if facts.is_empty():
        return None
    title = f"{record_type.title}: {facts.height} people on {facts.item(0, 'local_date')}"
    by_hour = "series" in facts.columns
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, 20, title, anchor="middle", size=14),
        *(_hours(facts) if by_hour else _sources(facts)),
        *_stated(record_type, facts),
        "</svg>",
    ]
    encoded = base64.b64encode("".join(parts).encode()).decode()
    what = "hour" if by_hour else "source"
    return dg.MetadataValue.md(
        f"![{record_type.title} by {what} and facts stated](data:image/svg+xml;base64,{encoded})"
    )


def _hours(facts: pl.DataFrame) -> list[str]:
    hours = (
        facts.select("subject_id", pl.col("series"))
        .explode("series")
        .drop_nulls()
        .select(
            "subject_id",
            hour=wall_clock(
                pl.col("series").struct.field("utc"), pl.col("series").struct.field("offset_seconds")
            ).dt.hour(),
        )
        .group_by("hour")
        .agg(people=pl.col("subject_id").n_unique())
    )
    first, last = LEFT_PANEL
    step = (last - first) / 24
    heights = {hour: (BOTTOM - TOP) * people / facts.height for hour, people in hours.iter_rows()}
    bars = [(first + step * (hour + 0.1), BOTTOM - high, step * 0.8, high) for hour, high in sorted(heights.items())]
    levels = [(BOTTOM - (BOTTOM - TOP) * share / 100, f"{share} %") for share in (0, 25, 50, 75, 100)]
    return [
        _text((first + last) / 2, 46, "People with data, by local hour", anchor="middle", size=11),
        _path("".join(f"M{first} {y:.1f}H{last}" for y, _ in levels), LINES),
        *(_text(first - 5, y + 3, label, anchor="end") for y, label in levels),
        _bars(bars, STATED),
        *(_text(first + step * (hour + 0.5), BOTTOM + 14, str(hour), anchor="middle") for hour in range(0, 24, 3)),
        _text((first + last) / 2, BOTTOM + 32, "local hour", anchor="middle"),
    ]


def _sources(facts: pl.DataFrame) -> list[str]:
    # What an upload calls its app is anybody's text, and stays out of Dagster's history.
    app = pl.col("sources").struct.field("app").map_elements(known_title, return_dtype=pl.String)
    counts = (
        facts.select("subject_id", "sources")
        .explode("sources")
        .drop_nulls("sources")
        .select("subject_id", app=app, used=pl.col("sources").struct.field("used"))
        .group_by("app")
        .agg(used=pl.col("subject_id").filter("used").n_unique(), present=pl.col("subject_id").n_unique())
        .sort("app")
    )
    first, last = LEFT_PANEL
    title = "Sources: chosen, and present but not used"
    used, present = counts["used"].to_list(), counts["present"].to_list()
    return _stacked((first + 40, last), title, counts["app"].to_list(), used, present)


def _stated(record_type: RecordType, facts: pl.DataFrame) -> list[str]:
    metrics = metrics_of(record_type.kind, "day")[:20]
    stated = [facts.height - facts[m.column].null_count() for m in metrics]
    title = "Facts stated, and withheld for want of data"
    return _stacked(RIGHT_PANEL, title, [m.column for m in metrics], stated, [facts.height] * len(metrics))


def _stacked(
    panel: tuple[float, float], title: str, names: Sequence[str], filled: Sequence[int], total: Sequence[int]
) -> list[str]:
    """Horizontal bars of people, a row for each name: so many filled, up to the total."""
    first, last = panel
    most = max(total, default=0) or 1
    per_person = (last - first) / most
    row = min(30.0, (BOTTOM - TOP) / max(len(names), 1))
    rows = [TOP + row * number for number in range(len(names))]
    size = min(10.0, row + 0.5)
    return [
        _text((first + last) / 2, 46, title, anchor="middle", size=11),
        _bars([(first, y + row * 0.1, per_person * n, row * 0.8) for y, n in zip(rows, total, strict=True)], WITHHELD),
        _bars([(first, y + row * 0.1, per_person * n, row * 0.8) for y, n in zip(rows, filled, strict=True)], STATED),
        *(
            _text(first - 5, y + row / 2 + size * 0.35, name, anchor="end", size=size)
            for y, name in zip(rows, names, strict=True)
        ),
        _path(f"M{first} {BOTTOM}H{last}", INK),
        _text(first, BOTTOM + 14, "0", anchor="middle"),
        _text(last, BOTTOM + 14, str(most), anchor="middle"),
        _text((first + last) / 2, BOTTOM + 32, "people", anchor="middle"),
    ]


def _bars(bars: Sequence[tuple[float, float, float, float]], colour: str) -> str:
    """Filled boxes (x, y, width, height) as one path."""
    boxes = "".join(f"M{x:.1f} {y:.1f}h{w:.1f}v{h:.1f}h{-w:.1f}z" for x, y, w, h in bars)
    return f'<path d="{boxes}" fill="{colour}"/>'


def _path(line: str, colour: str) -> str:
    return f'<path d="{line}" stroke="{colour}" fill="none"/>'


def _text(x: float, y: float, words: str, *, anchor: str, size: float = 10) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:.1f}">{escape_html(words)}</text>'
