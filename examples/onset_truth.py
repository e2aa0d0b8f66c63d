"""Predicted onset against the truth that only a synthetic cohort has: `python -m examples.onset_truth`.

Trains on one synthetic cohort and predicts a fresh one, then counts the onsets that really happened: the first of the
three recurrences to become detectable, death coming first or not. Beside it stands what a model of the day of finding
expects: the Aalen-Johansen estimate of detections in the training cohort.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from model.audit.nonparametric import aalen_johansen
from model.cohort import Cohort, read_cohort
from model.fitting import fit_predictor
from model.study_file import DEFAULT_STUDY, read_study
from synthetic_data.__main__ import main as draw

if TYPE_CHECKING:
    from collections.abc import Iterable

    from model.types import FloatArray

LANDMARKS = (0.0, 12.0, 36.0, 60.0)
HORIZONS = (24.0, 60.0)
CAUSES = ("local", "nodal", "distant")


def main() -> int:
    """Draw, train, predict, count, print."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.onset_truth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--patients", type=int, default=20_000, help="in each of the two cohorts (default 20000)")
    parser.add_argument("--variant", default="default", help="of the synthetic cohort (default: default)")
    options = parser.parse_args()
    study = read_study(DEFAULT_STUDY)
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / "learn", Path(scratch) / "fresh"]
        for seed, folder in enumerate(folders, 11):
            size = ["--patients", str(options.patients), "--variant", options.variant]
            if code := draw([*size, "--seed", str(seed), "--out", str(folder)]):
                return code
        learned, fresh = (read_cohort(folder, study) for folder in folders)
        truth = pd.read_csv(folders[1] / "truth.csv").set_index("patient_id").loc[fresh.patient_id]
    print("\n| from month | within | " + " | ".join(CAUSES) + " | any | found, any |\n|---|---|---|---|---|---|---|")
    for line in table(learned, fresh, truth):
        print(line, flush=True)
    return 0


def table(learned: Cohort, fresh: Cohort, truth: pd.DataFrame) -> Iterable[str]:
    """Observed onsets over expected ones, with the number observed; a line per landmark and horizon."""
    study = learned.study
    predictor, _ = fit_predictor(study, learned.histories, learned.outcomes, seed=1)
    first, month = first_onset(truth)
    for landmark in LANDMARKS:
        who = np.flatnonzero(fresh.outcomes.exit_month > landmark)
        forecast = predictor.predict(fresh.histories.select(who), np.full(len(who), landmark))
        for horizon in HORIZONS:
            happened = month[who] <= landmark + horizon
            observed = np.array([np.sum(happened & (first[who] == cause)) for cause in range(len(CAUSES))])
            expected = forecast.at(horizon)[:, : len(CAUSES)].sum(axis=0)
            cells = [f"{o / e:.2f} ({o})" for o, e in zip(observed, expected, strict=True)]
            found = detections_expected(learned, landmark, horizon) * len(who)
            total = f"{observed.sum() / expected.sum():.2f} ({observed.sum()})"
            yield f"| {landmark:g} | {horizon:g} | {' | '.join(cells)} | {total} | {observed.sum() / found:.2f} |"


def first_onset(truth: pd.DataFrame) -> tuple[np.ndarray, FloatArray]:
    """Return which onset is first, and when: month inf where none comes before death; each (n_patients,)."""
    moments = truth[[f"onset_{cause}" for cause in CAUSES]].fillna(np.inf).to_numpy(dtype=float)
    month = moments.min(axis=1)
    return moments.argmin(axis=1), np.where(month < truth["death_time"], month, np.inf)


def detections_expected(learned: Cohort, landmark: float, horizon: float) -> float:
    """P(any recurrence is found within the horizon) by Aalen-Johansen on detection times, for everybody alike."""
    ended = learned.outcomes
    here = ended.exit_month > landmark
    months, cause = ended.exit_month[here] - landmark, ended.cause[here]
    return float(sum(aalen_johansen(months, cause, of_cause=k).at(horizon) for k in learned.study.targets))


if __name__ == "__main__":
    sys.exit(main())
