"""Plots as SVG text that can stand inside a page, the same bytes for the same numbers."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

# Told apart by marker and fill, so that they survive a black-and-white print.
MARKS = ("o", "s", "^", "D", "v", "P")
COLOURS = ("#000000", "#0072b2", "#b34700", "#6a3d9a", "#00735c", "#7a5c00")


LINES = {
    "model": ("model", "-", "#000000"),
    "guideline": ("published strata", "--", "#0072b2"),
    "all": ("act on everybody", ":", "#b34700"),
    "none": ("act on nobody", "-", "#999999"),
}


def calibration_figure(curves: Sequence[dict[str, Any]], *, name: str, alt: str) -> str:
    """Draw predicted against observed risk of one event: a panel per landmark, a mark per horizon.

    Parameters
    ----------
    curves : rows of the document's `curves` of one event
    name : prefix of the ids inside, unique on the page
    alt : what the picture shows, for those who cannot see it
    """
    horizons = sorted({row["horizon"] for row in curves})
    legend = ["agreement", *map(_horizon_label, horizons)]
    return _figure(curves, lambda panel, rows: _calibration(panel, rows, horizons), legend, name=name, alt=alt)


def decision_figure(rows: Sequence[dict[str, Any]], *, name: str, alt: str) -> str:
    """Draw net benefit against the threshold of one event: a panel per landmark, at the longest horizon there.

    rows : of the document's `decision_curve` of one event; the rest as in `calibration_figure`
    """
    legend = [label for label, _, _ in LINES.values()]
    return _figure(rows, _decision, legend, name=name, alt=alt)


def _figure(
    rows: Sequence[dict[str, Any]],
    draw: Callable[[Axes, Sequence[dict[str, Any]]], None],
    legend: Sequence[str],
    *,
    name: str,
    alt: str,
) -> str:
    """Draw a panel per landmark and one legend for all, as text."""
    landmarks = sorted({row["landmark"] for row in rows})
    columns = min(2, len(landmarks))
    lines = -(-len(landmarks) // columns)
    with mpl.rc_context({"svg.hashsalt": "audit", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(4.2 * columns, 3.6 * lines), layout="constrained")
        FigureCanvasSVG(figure)
        panels = figure.subplots(lines, columns, squeeze=False).ravel().tolist()
        for panel, landmark in zip(panels, landmarks, strict=False):
            panel.set_title(f"From month {landmark:g}", loc="left")
            draw(panel, [row for row in rows if row["landmark"] == landmark])
            panel.spines[["top", "right"]].set_visible(False)
        for panel in panels[len(landmarks) :]:
            panel.set_visible(False)
        _legend(figure, panels, legend)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inline(text.getvalue(), name=name, alt=alt)


def _calibration(panel: Axes, rows: Sequence[dict[str, Any]], horizons: Sequence[float]) -> None:
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


def _decision(panel: Axes, rows: Sequence[dict[str, Any]]) -> None:
    horizon = max(row["horizon"] for row in rows)
    shown = [row for row in rows if row["horizon"] == horizon]
    threshold = [row["threshold"] for row in shown]
    for key, (label, style, colour) in LINES.items():
        benefit = [math.nan if row[key] is None else row[key] for row in shown]
        if not all(map(math.isnan, benefit)):
            panel.plot(threshold, benefit, label=label, linestyle=style, color=colour, linewidth=1.5)
    # Acting on everybody soon does far more harm than anything else shown: the picture would be about that alone.
    highest = max(row[key] for row in shown for key in ("model", "guideline", "all") if row[key] is not None)
    top = 1.1 * max(highest, 1e-3)
    panel.set(ylim=(-top / 2, top), xlabel="act from this risk on", ylabel="net benefit")
    panel.set_title(f"{panel.get_title(loc='left')}, {_horizon_label(horizon)}", loc="left")


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
