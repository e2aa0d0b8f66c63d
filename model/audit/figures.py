"""Plots as SVG text that can stand inside a page, the same bytes for the same numbers.

One plot per SVG, narrow enough that its words stay readable on a phone; a page puts several side by side. Told apart by
marks and dashes and not by colour alone, so that they survive a black-and-white print.
"""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import quoteattr

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

    from model.audit.resampling import Number

WIDTH, HEIGHT, ROW_HEIGHT = 4.2, 4.2, 0.34  # inches
# Inches around the plot, fixed: to fit them takes longer than to draw.
LEFT, RIGHT, TOP, BOTTOM, LEGEND = 0.72, 0.15, 0.3, 0.5, 0.75
MARKS = ("o", "s", "^", "D", "v", "P")
COLOURS = ("#000000", "#0072b2", "#b34700", "#6a3d9a", "#00735c", "#7a5c00")
LINES = {
    "model": ("model", "-", "#000000"),
    "guideline": ("published strata", "--", "#0072b2"),
    "all": ("act on everybody", ":", "#b34700"),
    "none": ("act on nobody", "-.", "#666666"),
}
# Behind words that the line of agreement would run through.
BEHIND = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
# Beyond these ratios an interval ends in an arrow.
LEAST, MOST = 0.1, 10.0


class ForestRow(NamedTuple):
    """A row of a forest: observed/expected with its interval, None = no figure; `strong` if it stands out."""

    label: str
    ratio: Number | None
    heading: str = ""
    strong: bool = False


def calibration_figures(curves: Sequence[dict[str, Any]], *, name: str, alt: str) -> list[str]:
    """Draw predicted against observed risk of one event: a figure per landmark, a mark per horizon.

    Parameters
    ----------
    curves : rows of the document's `curves` of one event
    name : prefix of the ids inside, unique on the page
    alt : what the pictures show, for those who cannot see them; the landmark is added
    """
    horizons = sorted({row["horizon"] for row in curves})
    return _by_landmark(curves, lambda panel, rows: _calibration(panel, rows, horizons), name=name, alt=alt)


def decision_figures(rows: Sequence[dict[str, Any]], *, name: str, alt: str) -> list[str]:
    """Draw net benefit against the threshold of one event: a figure per landmark, at the longest horizon there.

    rows : of the document's `decision_curve` of one event; the rest as in `calibration_figures`
    """
    return _by_landmark(rows, _decision, name=name, alt=alt)


def forest_figures(rows: Sequence[ForestRow], *, name: str, alt: str) -> list[str]:
    """Draw observed/expected row by row on a log scale, a heading above the first row that has it.

    Rows without a ratio are left out; one figure, none if nothing is left.
    """
    rows = [row for row in rows if row.ratio is not None]
    lines: list[str | ForestRow] = []
    for row, before in zip(rows, ["", *(row.heading for row in rows)], strict=False):
        lines += [row.heading, row] if row.heading != before else [row]
    height = ROW_HEIGHT * (len(lines) + 0.5) + BOTTOM
    inside = (RIGHT, BOTTOM, WIDTH - RIGHT, height)
    return [_drawn(lambda panel: _forest(panel, lines), height, inside, name=name, alt=alt)] if rows else []


def _by_landmark(
    rows: Sequence[dict[str, Any]],
    draw: Callable[[Axes, Sequence[dict[str, Any]]], None],
    *,
    name: str,
    alt: str,
) -> list[str]:
    def drawn(landmark: float) -> str:
        def panel_of(panel: Axes) -> None:
            panel.set_title(f"From month {landmark:g}", loc="left")
            draw(panel, [row for row in rows if row["landmark"] == landmark])
            handles, labels = panel.get_legend_handles_labels()
            panel.figure.legend(handles, labels, loc="lower center", ncols=2, frameon=False)

        inside = (LEFT, BOTTOM + LEGEND, WIDTH - RIGHT, HEIGHT - TOP)
        about = f"From month {landmark:g}. {alt}"
        return _drawn(panel_of, HEIGHT, inside, name=f"{name}-{landmark:g}".replace(".", "_"), alt=about)

    return [drawn(landmark) for landmark in sorted({row["landmark"] for row in rows})]


def _drawn(
    draw: Callable[[Axes], None], height: float, inside: tuple[float, float, float, float], *, name: str, alt: str
) -> str:
    """Draw into a plot that lies `inside`: left, bottom, right and top in inches."""
    left, bottom, right, top = inside
    with mpl.rc_context({"svg.hashsalt": "audit", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(WIDTH, height))
        FigureCanvasSVG(figure)
        panel = figure.add_axes((left / WIDTH, bottom / height, (right - left) / WIDTH, (top - bottom) / height))
        draw(panel)
        panel.spines[["top", "right"]].set_visible(False)
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
    _in_percent(panel.xaxis, panel.yaxis)


def _decision(panel: Axes, rows: Sequence[dict[str, Any]]) -> None:
    horizon = max(row["horizon"] for row in rows)
    shown = [row for row in rows if row["horizon"] == horizon]
    threshold = [row["threshold"] for row in shown]
    for key, (label, style, colour) in LINES.items():
        benefit = [math.nan if row[key] is None else 1000 * row[key] for row in shown]
        if not all(map(math.isnan, benefit)):
            panel.plot(threshold, benefit, label=label, linestyle=style, color=colour, linewidth=1.5)
    # Acting on everybody soon does far more harm than anything else shown: the picture would be about that alone.
    highest = max(row[key] for row in shown for key in ("model", "guideline", "all") if row[key] is not None)
    top = 1100 * max(highest, 1e-3)
    panel.set(ylim=(-top / 2, top), xlabel="act from this risk on", ylabel="net benefit per 1,000")
    _in_percent(panel.xaxis)
    panel.set_title(f"{panel.get_title(loc='left')}, {_horizon_label(horizon)}", loc="left")


def _forest(panel: Axes, lines: Sequence[str | ForestRow]) -> None:
    """Each label stands above its interval: beside it a long one would leave no room on a phone."""
    panel.axvline(1.0, color="#666666", linewidth=1, linestyle="--", zorder=0)
    for place, line in enumerate(lines):
        if isinstance(line, str):
            text, bold = line, True
        else:
            text, bold = line.label, line.strong
            if line.ratio:
                _interval(panel, -place - 0.4, line.ratio, strong=bold)
        weight = "bold" if bold else "normal"
        panel.text(LEAST, -place, text, va="center", fontsize=9, fontweight=weight, bbox=BEHIND, zorder=1)
    panel.set(xscale="log", xlim=(LEAST, MOST), ylim=(-len(lines), 0.5), xlabel="observed / expected")
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    panel.set_xticks(ticks, labels=[f"{tick:g}" for tick in ticks])
    panel.minorticks_off()
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)


def _interval(panel: Axes, y: float, ratio: Number, *, strong: bool) -> None:
    """One line from low to high with a mark; an arrow at the edge of the picture where the line goes on beyond it."""
    value, low, high = ratio["value"], ratio["low"], ratio["high"]
    ends = [min(max(end, LEAST), MOST) for end in (low, high)]
    panel.plot(ends, [y, y], color="#000000", linewidth=2.5 if strong else 1.2)
    for beyond, edge, mark in ((low < LEAST, LEAST, "<"), (high > MOST, MOST, ">")):
        if beyond:
            panel.plot([edge], [y], marker=mark, color="#000000", markersize=5, clip_on=False)
    if LEAST <= value <= MOST:
        panel.plot([value], [y], marker="D" if strong else "s", color="#000000", markersize=6 if strong else 5)


def _in_percent(*axes: Axis) -> None:
    for axis in axes:
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))


def _horizon_label(horizon: float) -> str:
    return f"next {horizon:g} months"


def _inline(svg: str, *, name: str, alt: str) -> str:
    """Cut the picture out of its file: no prolog, ids that are unique on the page, a description."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r"url\(#", f"url(#{name}-", svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    start = f'<svg role="img" aria-label={quoteattr(alt)} viewBox'
    return re.sub(r"<svg [^>]*?viewBox", lambda _: start, svg, count=1)
