"""Observed onsets over expected ones, by cause; beside the model what models of the day of finding expect.

Those are the Aalen-Johansen estimate of detections in the learning cohort, and the landmark Cox model on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from examples.truth.cohorts import HORIZONS, LANDMARKS, OUTCOMES, study_of
from examples.truth.judged import trained
from examples.truth.tables import header, line
from model.audit.baselines import everyone_alike, landmark_cox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from examples.truth.judged import Judged
    from examples.truth.options import Options
    from model.types import FloatArray, IntArray


def report(options: Options) -> Iterator[str]:
    """Draw, train, predict, count, over all repetitions: a line per horizon for each landmark, and for all of them."""
    study = study_of(options.variant)
    counts = []
    for again in range(options.repeats):
        judged = trained(study, options.variant, patients=options.patients, again=again)
        counts.append(np.stack([counted(judged, landmark) for landmark in LANDMARKS]))
    yield from header("from month", "within", *OUTCOMES, "Aalen-Johansen, any", "landmark Cox, any")
    for place, landmark in enumerate(LANDMARKS):
        yield from at_landmark(f"{landmark:g}", np.stack(counts)[:, place])
    yield from at_landmark("all of these", np.sum(counts, axis=1))


def at_landmark(landmark: str, counts: FloatArray) -> Iterator[str]:
    """One line per horizon, from what is called so; counts : (n_repeats, n_horizons, 10) of `counted`.

    Of several repetitions the sums are compared, with the standard error from how they differ.
    """
    observed, expected = counts[..., : len(OUTCOMES)], counts[..., len(OUTCOMES) :]
    observed = np.concatenate([observed, observed[..., -1:], observed[..., -1:]], axis=-1)
    ratio = observed.sum(axis=0) / expected.sum(axis=0)
    # Of a ratio of sums, to first order (Cochran, Sampling Techniques, section 6.4).
    away = observed - ratio * expected
    error = np.sqrt((away**2).sum(axis=0) * len(counts) / max(len(counts) - 1, 1)) / expected.sum(axis=0)
    for row, horizon in enumerate(HORIZONS):
        cells = [f"{value:.2f}" for value in ratio[row]]
        if len(counts) > 1:
            cells = [f"{cell} ± {se:.2f}" for cell, se in zip(cells, error[row], strict=True)]
        of_ours = [
            f"{cell} ({n:.0f})" for cell, n in zip(cells, observed.sum(axis=0)[row, : len(OUTCOMES)], strict=False)
        ]
        yield line(landmark, horizon, *of_ours, *cells[len(OUTCOMES) :])


def counted(judged: Judged, landmark: float) -> FloatArray:
    """Count onsets of fresh patients, and what is expected, (n_horizons, 4 + 4 + 2).

    Observed by outcome, expected by outcome, and any recurrence as expected by Aalen-Johansen and by the Cox model.
    """
    fresh = judged.fresh
    who = fresh.followed(landmark)
    observed = np.stack([fresh.happened(who, landmark + horizon).sum(axis=0) for horizon in HORIZONS])
    predicted, found = judged.predicted(who, landmark).sum(axis=0), detections_expected(judged, who, landmark)
    return np.concatenate([observed, predicted, found.T], axis=1)


def detections_expected(judged: Judged, who: IntArray, landmark: float) -> FloatArray:
    """Expected number of fresh patients in whom any recurrence is found, (2, n_horizons): Aalen-Johansen, Cox."""
    predictor, outcomes, here = judged.predictor, judged.learned.cohort.outcomes, judged.learned.followed(landmark)
    months, cause = outcomes.exit_month[here] - landmark, outcomes.cause[here]
    causes, targets = len(predictor.study.event), [k - 1 for k in predictor.study.targets]
    learned, new = (
        predictor.scores(known.histories.select(rows), np.full(len(rows), landmark))
        for known, rows in ((judged.learned, here), (judged.fresh, who))
    )
    alike = everyone_alike(months, cause, n_causes=causes, horizon_months=HORIZONS)
    cox = landmark_cox(learned, months, cause, new, n_causes=causes, horizon_months=HORIZONS)
    return np.array([len(who) * alike[targets].sum(axis=0), cox[:, targets].sum(axis=(0, 1))])
