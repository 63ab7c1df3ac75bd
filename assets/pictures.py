"""Pictures on materializations: when a day has data, and which facts it may state.

Belongs here: one plot per clinical partition, drawn from counts only. No health value is drawn: metadata is kept
by Dagster for good and seen by everybody who opens the UI.
Does not belong here: plots of a person (those belong to people who may see them).
"""

import base64
import io
from collections.abc import Sequence

import dagster as dg
import polars as pl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vitals.clinical.local_day import wall_clock
from vitals.clinical.metrics import metrics_of
from vitals.record_types import RecordType

STATED, WITHHELD = "#2a7f62", "#d9d4c7"


def clinical_picture(record_type: RecordType, facts: pl.DataFrame) -> dg.MarkdownMetadataValue | None:
    """A PNG in Markdown: data by local hour and source (where the kind has a series), and stated facts.

    Args:
        facts: the partition's clinical rows.

    Returns:
        None for an empty partition.
    """
    if facts.is_empty():
        return None
    figure = Figure(figsize=(9, 3.6))
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    # Fixed margins: a layout engine draws everything twice, and a day has six of these pictures.
    figure.subplots_adjust(left=0.07, right=0.98, bottom=0.14, top=0.83, wspace=0.52)
    _draw_sources(left, facts)
    _draw_stated(right, record_type, facts)
    figure.suptitle(f"{record_type.title}: {facts.height} people on {facts.item(0, 'local_date')}", fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, metadata={"Software": None})
    encoded = base64.b64encode(buffer.getvalue()).decode()
    return dg.MetadataValue.md(f"![{record_type.title} by hour and facts stated](data:image/png;base64,{encoded})")


def _draw_sources(axes: Axes, facts: pl.DataFrame) -> None:
    if "series" in facts.columns:
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
        share = dict(hours.iter_rows())
        axes.bar(range(24), [100 * share.get(h, 0) / facts.height for h in range(24)], color=STATED)
        axes.set(title="People with data, by local hour", xlabel="local hour", ylabel="% of people", ylim=(0, 105))
        axes.set_xticks(range(0, 24, 3))
        return
    counts = (
        facts.select(pl.col("sources"))
        .explode("sources")
        .drop_nulls()
        .select(app=pl.col("sources").struct.field("app"), used=pl.col("sources").struct.field("used"))
        .group_by("app")
        .agg(used=pl.col("used").sum(), present=pl.len())
        .sort("app")
    )
    # The last part of a package name is what people call the app, and fits beside the bar.
    apps = [app.rsplit(".", 1)[-1][:12] for app in counts["app"]]
    _stacked(axes, apps, counts["used"].to_list(), [p - u for p, u in counts.select("present", "used").iter_rows()])
    axes.set(title="Sources: chosen, and present but not used", xlabel="people")


def _draw_stated(axes: Axes, record_type: RecordType, facts: pl.DataFrame) -> None:
    metrics = metrics_of(record_type.kind, "day")[:20]
    stated = [int(facts[m.column].is_not_null().sum()) for m in metrics]
    _stacked(axes, [m.column for m in metrics], stated, [facts.height - s for s in stated])
    axes.set(title="Facts stated, and withheld for want of data", xlabel="people")


def _stacked(axes: Axes, names: Sequence[str], stated: Sequence[int], rest: Sequence[int]) -> None:
    axes.barh(list(names), stated, color=STATED)
    axes.barh(list(names), rest, left=list(stated), color=WITHHELD)
    axes.invert_yaxis()
    axes.tick_params(axis="y", labelsize=7)
