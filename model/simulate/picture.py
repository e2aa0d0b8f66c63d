"""One figure: burden against mean undetected months, every policy a point, the engine's and its rivals' curves."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from model.audit.figures import COLOURS, MARKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.simulate.summary import Outcome

# What a kind of policy is drawn with, by how its name begins: colours and marks alone would repeat.
LINES = {"engine": ("-", 2.5), "oracle": (":", 1.5), "rival": ("--", 1.0)}
PLAIN = ("-", 1.0)


def burden_against_delay(outcomes: Sequence[Outcome], *, title: str) -> str:
    """Draw the figure as SVG text, the same bytes for the same numbers."""
    with mpl.rc_context({"svg.hashsalt": "simulate", "svg.fonttype": "none", "font.size": 10}):
        figure = Figure(figsize=(9.0, 6.0), layout="constrained")
        FigureCanvasSVG(figure)
        panel = figure.subplots()
        kinds = list(dict.fromkeys(outcome.kind for outcome in outcomes))
        for index, kind in enumerate(kinds):
            mine = [outcome for outcome in outcomes if outcome.kind == kind]
            x = [float(outcome.course.undetected_months.mean()) for outcome in mine]
            y = [float(outcome.course.burden.mean()) for outcome in mine]
            curve = mine[0].price is not None
            style, width = next((line for start, line in LINES.items() if kind.startswith(start)), PLAIN)
            panel.plot(
                *zip(*sorted(zip(x, y, strict=True)), strict=True),
                marker=MARKS[index % len(MARKS)],
                markersize=4 if curve else 7,
                linestyle=style if curve else "none",
                linewidth=width,
                color=COLOURS[index % len(COLOURS)],
                markerfacecolor="white" if index % 2 else None,
                label=kind,
            )
            for outcome, at in zip([] if curve else mine, zip(x, y, strict=True), strict=False):
                panel.annotate(outcome.name, at, xytext=(5, 4), textcoords="offset points", fontsize=8)
        panel.set(xlabel="mean undetected months per patient", ylabel="mean burden per patient, cost units")
        panel.set_ylim(bottom=0)
        panel.set_xlim(left=0)
        panel.set_title(title, loc="left", fontsize=10)
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return text.getvalue()
