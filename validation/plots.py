"""The plots of a parity report as inline SVG, in colours that follow the page."""

from __future__ import annotations

import html
import io
import re
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from onnxport.artifacts import Distribution

_INK, _FAINT, _MARK, _LINE = "#010101", "#020202", "#030303", "#040404"
_COLOURS: Final = {_INK: "var(--ink)", _FAINT: "var(--faint)", _MARK: "var(--mark)", _LINE: "var(--line)"}
"""Colours that stand for the page's own: matplotlib draws in the key, the page shows the value."""
_SIZE: Final = (4.4, 3.4)
_SETTINGS: Final[Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "onnxport",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _FAINT,
    "xtick.color": _FAINT,
    "ytick.color": _FAINT,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def scatter(distribution: Distribution, *, identity: str) -> str:
    """Source against ONNX as SVG: on the line, they agree.

    Args:
        distribution: What to plot.
        identity: Unique in the page: prefix of the ids inside the SVG.
    """
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        both = np.array([*distribution.source, *distribution.onnx])
        low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
        axes.plot([low, high], [low, high], color=_LINE, linewidth=1, zorder=1)
        axes.scatter(distribution.source, distribution.onnx, s=9, color=_MARK, alpha=0.55, linewidths=0, zorder=2)
        axes.set_xlabel("source")
        axes.set_ylabel("ONNX")
        return _svg(figure, identity, f"{distribution.output}: the source's values against the graph's")


def histogram(distribution: Distribution, *, identity: str) -> str:
    """How many values are off by how much, as SVG: equal values first, then a bar for each power of ten."""
    used = [index for index, count in enumerate(distribution.counts) if count]
    first, last = (used[0], used[-1]) if used else (0, -1)
    heights = [distribution.equal, *distribution.counts[first : last + 1]]
    labels = ["equal", *(f"1e{edge:.0f}" for edge in distribution.edges[first : last + 1])]
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=_SIZE, layout="constrained")
        axes = figure.add_subplot()
        axes.bar(range(len(heights)), heights, color=_MARK, width=0.8)
        axes.set_yscale("symlog", linthresh=1)
        axes.yaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")  # matplotlib's own typesets powers of ten
        axes.set_ylim(bottom=0)
        axes.set_xticks(range(len(labels)), labels, rotation=45 if len(labels) > 6 else 0)  # ruff: ignore[PLR2004] - room
        axes.set_xlabel("absolute difference, from")
        axes.set_ylabel("values")
        return _svg(figure, identity, f"{distribution.output}: how many values are off by how much")


def _svg(figure: Figure, identity: str, title: str) -> str:
    """The figure as an inline element with a title, its ids made unique, its colours those of the page."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>{identity}-", text)
    for drawn, shown in _COLOURS.items():
        text = text.replace(drawn, shown)
    opening = f"<title>{html.escape(title)}</title>"
    box = re.search(r'viewBox="[^"]*"', text)
    inside = text[text.index(">") + 1 :]
    text = f'<svg role="img" {box[0] if box else ""}>{opening}{inside}'
    return re.sub(r"font: [^;\"]*sans-serif[^;\"]*", "font: 9px sans-serif", text)
