"""Figures of docs/synthetic-data.md, and the table of delays below them."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthetic_data.arrays import BoolArray, FloatArray, IntArray
from synthetic_data.cohort import Part, draw_parts
from synthetic_data.parameters import CAUSES, MARKERS
from synthetic_data.variants import DEFAULT

PATIENTS, SEED = 100_000, 1
COLOURS = ("#0072b2", "#e69f00", "#009e73")  # told apart by the colour-blind
CGA = MARKERS.index("cga")


@dataclass(frozen=True, slots=True)
class Found:
    """Recurrences found, one row each: cause, months to detection, to the 3 mm lesion and to onset of that cause."""

    cause: IntArray
    month: FloatArray
    lesion_month: FloatArray
    onset_month: FloatArray
    by_symptoms: BoolArray


def main(arguments: Sequence[str] | None = None) -> int:
    """Draw the figures and print the table of delays."""
    parser = argparse.ArgumentParser(prog="python -m synthetic_data.figures", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/images"), help="folder for the svg files")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    # A fixed salt and no date: the same figures are the same bytes
    mpl.rcParams.update(
        {
            "svg.hashsalt": "synthetic",
            "svg.fonttype": "none",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )

    parts = list(draw_parts(DEFAULT, patients=options.patients, seed=SEED))
    found = _found(parts)
    figures = {name: Figure(figsize=(6.0, 3.4), layout="constrained") for name in ("delay", "latent", "markers")}
    draw_delay(figures["delay"].subplots(), found)
    draw_latent(figures["latent"].subplots(), parts)
    draw_markers(figures["markers"].subplots(), parts[0])
    for name, figure in figures.items():
        figure.savefig(options.out / f"synthetic-{name}.svg", metadata={"Date": None})
    sys.stdout.write(delay_table(found))
    return 0


def draw_delay(ax: Axes, found: Found) -> None:
    """Cumulative share of recurrences found, by months from their onset; below 0 lies what was found before onset."""
    for i, cause in enumerate(CAUSES):
        share = np.linspace(0.0, 1.0, 201)
        delay = np.quantile((found.month - found.onset_month)[found.cause == i], share)
        ax.plot(delay, share, color=COLOURS[i], label=cause)
    ax.axvline(0.0, color="0.6", linewidth=0.8)
    ax.set(xlim=(-90, 90), ylim=(0, 1), xlabel="months from onset to detection", ylabel="share of recurrences found")
    ax.set_title("Onset to detection, default synthetic cohort", loc="left")
    ax.legend(frameon=False)


def draw_latent(ax: Axes, parts: Sequence[Part]) -> None:
    """Share of all patients with a 3 mm lesion, with an onset, and with a recurrence found, by years from resection."""
    months = np.arange(0.0, 145.0)
    alive = np.concatenate([p.world.lesions.death_month for p in parts])

    def share_by(moment: FloatArray) -> FloatArray:
        return 100.0 * np.searchsorted(np.sort(moment), months, side="right") / len(moment)

    for name, colour in (("lesion_month", COLOURS[0]), ("onset_month", COLOURS[1])):
        moment = np.concatenate([getattr(p.world.lesions, name).min(axis=1) for p in parts])
        label = {"lesion_month": "first 3 mm lesion", "onset_month": "detectable (onset)"}[name]
        ax.plot(months / 12.0, share_by(np.where(moment < alive, moment, np.inf)), color=colour, label=label)
    event = np.concatenate([p.course.event for p in parts])
    month = np.concatenate([p.course.month for p in parts])
    recurred = (event > 0) & (event <= len(CAUSES))
    ax.plot(months / 12.0, share_by(np.where(recurred, month, np.inf)), color=COLOURS[2], label="found")
    ax.set(xlim=(0, 12), ylim=(0, None), xlabel="years from resection", ylabel="% of patients")
    ax.set_title("Latent and detected recurrences, default synthetic cohort", loc="left")
    ax.legend(frameon=False)


def draw_markers(ax: Axes, part: Part) -> None:
    """CgA of ten patients: five with nodal or distant recurrence, five without; each measured at least four times."""
    visits, event = part.course.visits, part.course.event
    measured = ~np.isnan(visits.markers[:, CGA])
    often = np.bincount(visits.patient[measured], minlength=len(event)) >= 4
    metastasis = np.flatnonzero(often & np.isin(event, [2, 3]))[:5]
    free = np.flatnonzero(often & (event == 0))[:5]
    for patients, colour, label in ((free, "0.6", "no recurrence found"), (metastasis, COLOURS[1], "nodal or distant")):
        for patient in patients:
            rows = measured & (visits.patient == patient)
            ax.plot(visits.month[rows], visits.markers[rows, CGA], "o-", color=colour, markersize=3)
            if colour != "0.6":
                ax.axvline(part.course.month[patient], color=colour, linewidth=0.5, linestyle=":")
        ax.plot([], [], "o-", color=colour, markersize=3, label=label)
    ax.axhline(94.0, color="0.6", linewidth=0.8)
    ax.set(yscale="log", xlabel="months from resection", ylabel="CgA, ng/mL", xlim=(0, 150))
    ax.set_yticks([20, 50, 100, 200], ["20", "50", "100", "200"])
    ax.set_title("CgA of ten synthetic patients; dotted: found; line: upper reference limit", loc="left")
    ax.legend(frameon=False)


def delay_table(found: Found) -> str:
    """Markdown table: how recurrences were found, by cause."""
    lines = [
        "| cause | found | before onset, % | by symptoms, % | onset to detection, months (IQR) | 3 mm to it, years |",
        "|---|---|---|---|---|---|",
    ]
    for i, cause in enumerate(CAUSES):
        mine = found.cause == i
        delay = (found.month - found.onset_month)[mine]
        low, middle, high = np.quantile(delay, [0.25, 0.5, 0.75])
        from_lesion = np.median(found.month[mine] - found.lesion_month[mine]) / 12.0
        lines.append(
            f"| {cause} | {mine.sum()} | {100 * np.mean(delay < 0):.0f} | {100 * np.mean(found.by_symptoms[mine]):.0f} "
            f"| {middle:.0f} ({low:.0f} to {high:.0f}) | {from_lesion:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _found(parts: Sequence[Part]) -> Found:
    pieces = []
    for part in parts:
        course, lesions = part.course, part.world.lesions
        rows = np.flatnonzero((course.event > 0) & (course.event <= len(CAUSES)))
        cause = course.event[rows] - 1
        moments = (course.month[rows], lesions.lesion_month[rows, cause], lesions.onset_month[rows, cause])
        pieces.append((cause, *moments, course.by_symptoms[rows]))
    return Found(*(np.concatenate(column) for column in zip(*pieces, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
