"""Calibration plots as SVG text that can stand inside a page, the same bytes for the same numbers."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

# Told apart by marker and fill, so that they survive a black-and-white print.
MARKS = ("o", "s", "^", "D", "v", "P")
COLOURS = ("#000000", "#0072b2", "#b34700", "#6a3d9a", "#00735c", "#7a5c00")


def calibration_figure(curves: Sequence[dict[str, Any]], *, name: str, alt: str) -> str:
    """Draw predicted against observed risk of one event: a panel per landmark, a mark per horizon.

    Parameters
    ----------
    curves : rows of the document's `curves` of one event
    name : prefix of the ids inside, unique on the page
    alt : what the picture shows, for those who cannot see it
    """
    landmarks = sorted({row["landmark"] for row in curves})
    horizons = sorted({row["horizon"] for row in curves})
    columns = min(2, len(landmarks))
    lines = -(-len(landmarks) // columns)
    with mpl.rc_context({"svg.hashsalt": "audit", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(4.2 * columns, 3.6 * lines), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(lines, columns, squeeze=False).ravel().tolist()
        for panel, landmark in zip(panels, landmarks, strict=False):
            _panel(panel, [row for row in curves if row["landmark"] == landmark], horizons)
            panel.set_title(f"From month {landmark:g}", loc="left")
        for panel in panels[len(landmarks) :]:
            panel.set_visible(False)
        _legend(figure, panels, ["agreement", *map(_horizon_label, horizons)])
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inline(text.getvalue(), name=name, alt=alt)


def _panel(panel: Axes, rows: Sequence[dict[str, Any]], horizons: Sequence[float]) -> None:
    top = 1.05 * max((max(row["high"], row["predicted"], row["observed"]) for row in rows), default=1.0)
    panel.plot([0, top], [0, top], color="#666666", linewidth=1, linestyle="--", label="agreement")
    for index, horizon in enumerate(horizons):
        points = [row for row in rows if row["horizon"] == horizon]
        if not points:
            continue
        observed = [row["observed"] for row in points]
        below = [row["observed"] - min(row["low"], row["observed"]) for row in points]
        above = [max(row["high"], row["observed"]) - row["observed"] for row in points]
        panel.errorbar(
            [row["predicted"] for row in points],
            observed,
            yerr=[below, above],
            color=COLOURS[index % len(COLOURS)],
            marker=MARKS[index % len(MARKS)],
            markerfacecolor="white" if index % 2 else None,
            linestyle="none",
            linewidth=1,
            label=_horizon_label(horizon),
        )
    panel.set(xlim=(0, top), ylim=(0, top), xlabel="predicted risk", ylabel="observed risk")
    panel.spines[["top", "right"]].set_visible(False)


def _horizon_label(horizon: float) -> str:
    return f"next {horizon:g} months"


def _legend(figure: Figure, panels: Sequence[Axes], order: Sequence[str]) -> None:
    """One legend for all panels, since no panel need hold every horizon."""
    handle_of: dict[str, Any] = {}
    for panel in panels:
        handles, texts = panel.get_legend_handles_labels()
        handle_of |= dict(zip(texts, handles, strict=True))
    shown = [text for text in order if text in handle_of]
    figure.legend([handle_of[text] for text in shown], shown, loc="outside lower center", ncols=3, frameon=False)


def _inline(svg: str, *, name: str, alt: str) -> str:
    """Cut the picture out of its file: no prolog, ids that are unique on the page, a description."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    start = f'<svg role="img" aria-label={quoteattr(alt)} viewBox'
    return re.sub(r"<svg [^>]*?viewBox", lambda _: start, svg, count=1)
