"""Risk strata of published guidelines beside our model: `python -m examples.strata` prints the table of docs/score.md.

Every stratum gets the incidence of its patients in one synthetic cohort (Aalen-Johansen); all predictions are then
judged on a fresh cohort, against what was found there and against what was truly there, as `python -m model.score`
judges anybody's. With `--out`, the tables for that command are written.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from examples.strata.rivals import ANY, OURS, outcome, predictions, presence
from examples.truth.cohorts import study_of
from examples.truth.judged import trained
from examples.truth.tables import header, line, with_interval
from model.audit.judged import judge
from model.audit.resampling import patient_weights
from model.command_line import at_least
from model.guidelines.file import DEFAULT_GUIDELINES, read_guidelines

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from model.types import FloatArray, IntArray

LANDMARKS, HORIZON = (0.0, 36.0), 60.0
DRAWS_SEED = 0  # as model.score's


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.strata", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--patients", type=at_least(200), default=4000, help="to learn from, and as many fresh ones (default 4000)"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write the predictions for python -m model.score here")
    options = parser.parse_args(arguments)
    for text in report(options.patients, options.out):
        print(text, flush=True)
    return 0


def report(patients: int, out: Path | None = None) -> Iterator[str]:
    """Learn on one cohort, judge on another: a table per landmark, line by line."""
    study = study_of("default")
    guidelines = read_guidelines(DEFAULT_GUIDELINES, study)
    both = trained(study, "default", patients=patients)
    for landmark in LANDMARKS:
        probability = predictions(
            both.predictor, guidelines, both.learned, both.fresh, landmark=landmark, horizon=HORIZON
        )
        who = both.fresh.followed(landmark)
        found, there = outcome(both.fresh, who, landmark), presence(both.fresh, who, landmark)
        n_found, n_there = (int(((cause == ANY) & (months <= HORIZON)).sum()) for months, cause in (found, there))
        yield f"\nFrom month {landmark:g} on, within {HORIZON:g} months, in {len(who)} fresh patients:"
        yield f"{n_found} recurrences found, {n_there} truly there\n"
        yield from table(probability, found, there)
        if out is not None:
            write(out, probability, who, found, landmark)


def table(
    probability: Mapping[str, FloatArray], found: tuple[FloatArray, IntArray], there: tuple[FloatArray, IntArray]
) -> Iterator[str]:
    """One line per sorting; probability : (n_rows,) by name; found, there : months from the landmark and cause."""
    count = patient_weights(len(found[0]), seed=DRAWS_SEED)
    yield from header(
        "by",
        "strata",
        "observed / expected",
        "scaled Brier",
        "AUC",
        "ours minus it",
        "O/E, truly there",
        "AUC, truly there",
        "ours minus it",
    )
    ours = [figures(probability[OURS], *what, count)["auc"] for what in (found, there)]
    for name, each in probability.items():
        seen, true = (figures(each, *what, count) for what in (found, there))
        more = [
            "" if name == OURS else with_interval(mine - its["auc"])
            for mine, its in zip(ours, (seen, true), strict=True)
        ]
        yield line(
            name,
            "" if name == OURS else len(np.unique(each)),
            with_interval(seen["oe"], digits=2),
            with_interval(seen["ipa"]),
            with_interval(seen["auc"]),
            more[0],
            with_interval(true["oe"], digits=2),
            with_interval(true["auc"]),
            more[1],
        )


def figures(probability: FloatArray, months: FloatArray, cause: IntArray, count: FloatArray) -> dict[str, FloatArray]:
    """The figures of `model.score` under every draw, (1 + n_draws,) each."""
    return judge(months, cause, count, n_causes=1, horizon_months=HORIZON)[0].figures(probability)


def write(
    out: Path,
    probability: Mapping[str, FloatArray],
    who: IntArray,
    found: tuple[FloatArray, IntArray],
    landmark: float,
) -> None:
    """Write a table per sorting, as `python -m model.score` reads it."""
    out.mkdir(parents=True, exist_ok=True)
    for name, each in probability.items():
        path = out / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-from-{landmark:g}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["id", "time", "event", "probability", "horizon"])
            rows.writerows([f"P{w:07}", *row, HORIZON] for w, *row in zip(who, *found, each, strict=True))


if __name__ == "__main__":
    sys.exit(main())
