"""Pictures of a release's statistics.

Belongs here: one PNG per question a reader has before training. Drawn from counts only: no health value, nobody's id.
Does not belong here: counting (`statistics`).
"""

import io
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

PLOTS = ("lengths", "tasks", "categories", "missingness", "examples_per_person")
"""Names of the pictures; each is `plots/{name}.png`."""

_GOOD, _REST = "#2a7f62", "#d9d4c7"
_INCHES = (7.2, 3.6)
_BELOW_INCHES, _ABOVE_INCHES = 0.6, 0.4


def draw(statistics: Mapping[str, Any]) -> dict[str, bytes]:
    """PNG files by name, from `Statistics.as_json`; the same counts give the same bytes."""
    return {
        "lengths": _png(lambda axes: _lengths(axes, statistics["tokens"])),
        "tasks": _png(lambda axes: _bars(axes, statistics.get("examples_by_task", {}), "Examples by task")),
        "categories": _png(
            lambda axes: _bars(axes, statistics.get("examples_by_category", {}), "Examples by category")
        ),
        "missingness": _png(lambda axes: _missingness(axes, statistics["metrics"]), tall=len(statistics["metrics"])),
        "examples_per_person": _png(lambda axes: _per_person(axes, statistics["examples_per_person"])),
    }


def _png(draw_on: Any, *, tall: int = 0) -> bytes:
    figure = Figure(figsize=(_INCHES[0], max(_INCHES[1], 0.2 * tall + 1)))
    FigureCanvasAgg(figure)
    draw_on(figure.subplots())
    # Fixed margins: a layout engine draws everything twice.
    height = figure.get_figheight()
    figure.subplots_adjust(left=0.3, right=0.97, bottom=_BELOW_INCHES / height, top=1 - _ABOVE_INCHES / height)
    buffer = io.BytesIO()
    # Without the name of the software, whose version would be in the bytes.
    figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
    return buffer.getvalue()


def _lengths(axes: Axes, tokens: Mapping[str, int]) -> None:
    counts = {int(start): count for start, count in tokens.items()}
    width = min((b - a for a, b in itertools.pairwise(sorted(counts))), default=128)
    axes.bar(list(counts), list(counts.values()), width=0.9 * width, align="edge", color=_GOOD)
    axes.set(title="Length of prompt and answer", xlabel="estimated tokens", ylabel="examples")


def _bars(axes: Axes, counts: Mapping[str, int], title: str) -> None:
    names = list(counts)
    axes.barh(range(len(names)), [counts[name] for name in names], color=_GOOD)
    _label(axes, names)
    axes.set(title=title, xlabel="examples")


def _missingness(axes: Axes, metrics: Mapping[str, Mapping[str, int]]) -> None:
    names = list(metrics)
    stated = [metrics[name]["stated"] for name in names]
    axes.barh(range(len(names)), stated, color=_GOOD, label="stated")
    axes.barh(
        range(len(names)), [metrics[name]["withheld"] for name in names], left=stated, color=_REST, label="withheld"
    )
    _label(axes, names)
    axes.tick_params(axis="y", labelsize=6)
    if names:
        axes.legend(frameon=False, fontsize=7)
    axes.set(title="Metrics stated, and withheld with a reason", xlabel="examples")


def _per_person(axes: Axes, counts: Sequence[int]) -> None:
    axes.bar(range(1, len(counts) + 1), sorted(counts, reverse=True), color=_GOOD)
    axes.set(title="Examples per person", xlabel="people, most first", ylabel="examples")


def _label(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.margins(y=0.01)
    axes.invert_yaxis()
