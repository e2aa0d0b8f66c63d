"""The audit: predictions of patients that the model has not seen, held against what happened to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import delayed
from threadpoolctl import threadpool_limits

from model.audit.cells import audit_cell, cells_at
from model.audit.groupings import groupings
from model.audit.judged import MIN_EVENTS, MIN_FOLLOWED
from model.audit.one_step import audit_one_step, one_step_calibration
from model.audit.out_of_fold import LandmarkPredictions, predict_at_landmark, predict_every_visit
from model.audit.resampling import N_DRAWS, patient_weights
from model.audit.strata import MIN_EXPECTED
from model.audit.subgroups import audit_subgroups
from model.audit.verdict import verdict
from model.watch import runner, unwatched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model.audit.cells import Row
    from model.audit.detection import DetectionSteps
    from model.predictor import Predictor
    from model.study.definition import Study
    from model.tables.cohort import Cohort
    from model.types import BoolArray, FloatArray, IntArray, Outcomes
    from model.watch import Runner, Watch

# The moments of prediction that are shown, each as the nearest landmark of the study's grid.
AUDITED_MONTHS = (0.0, 12.0, 36.0, 60.0)
BY_CELL = ("by_horizon", "conventional", "baselines", "curves", "decision_curve", "too_few_events")


def run(
    cohort: Cohort,
    fold: IntArray,
    predictors: Sequence[Predictor],
    *,
    seed: int,
    jobs: int,
    version: str = "",
    prior_alone: Sequence[Predictor] | None = None,
    learners: Sequence[dict[str, Any]] = (),
    watch: Watch = unwatched,
) -> dict[str, Any]:
    """Audit predictors on the patients that each was fitted without.

    Parameters
    ----------
    fold : (n_patients,) from 0; predictors[k] was fitted without the patients whose fold is k
    seed : of the patients drawn for the intervals
    jobs : processes to share the work; the result does not depend on it
    version : of the model that is audited, for the reader
    prior_alone : one per fold, like `predictors`, that know the published effects and nothing else: a further baseline
    learners : what was compared before, shown as it is: `name`, `label`, `n_parameters`, `log_likelihood`,
        `per_patient` and `difference_to_best` {value, standard_error}, `chosen`
    watch : sees each part of the work as it is done

    Returns
    -------
    The document of audit.json: plain values, months throughout, no NaN; what could not be computed is None.
    """
    study, outcomes = cohort.study, cohort.outcomes
    supported_until = min(each.supported_until_month for each in predictors)
    landmarks = audited_landmarks(study, supported_until=supported_until)
    parallel = runner(jobs, watch)
    held_out = [fold == k for k in range(len(predictors))]
    closed = np.array([each.grid.onset_edge[-1] for each in predictors])
    predictions = _predict_landmarks(
        parallel, cohort, held_out, predictors, prior_alone=prior_alone, landmarks=landmarks
    )
    visits = parallel(
        "folds predicted visit by visit",
        (
            delayed(predict_every_visit)(predictor, cohort.histories, outcomes, np.flatnonzero(out))
            for predictor, out in zip(predictors, held_out, strict=True)
        ),
    )
    document = {
        "study": study.name,
        "version": version,
        "time_unit": "months",
        **_what_is_audited(cohort),
        "rules": {
            "folds": len(predictors),
            "seed": seed,
            "draws": N_DRAWS,
            "min_events": MIN_EVENTS,
            "min_followed": MIN_FOLLOWED,
            "supported_until": supported_until,
            "landmarks": landmarks,
            "horizons": list(study.horizon_months),
            "strata": _strata(study),
            "min_expected": MIN_EXPECTED,
        },
        "learners": [dict(each) for each in learners],
        **held_against(cohort, predictions, visits, closed=closed[fold], seed=seed, parallel=parallel),
        "truth": [],
    }
    return {**document, "verdict": verdict(document)}


def held_against(
    cohort: Cohort,
    predictions: Sequence[LandmarkPredictions],
    visits: Sequence[Mapping[int, DetectionSteps]],
    *,
    closed: FloatArray | float = np.inf,
    seed: int,
    parallel: Runner,
) -> dict[str, list[Row]]:
    """Hold predictions against what happened: every list of rows in the document that is about them.

    Parameters
    ----------
    predictions : of every audited landmark
    visits : of every fold, for each cause found by tests, what its visits were given
    closed : (n_patients,) month after which visits were not predicted: what is found later is not looked at
    """
    study, outcomes = cohort.study, cohort.outcomes
    count = patient_weights(len(cohort), seed=seed)
    rows = parallel(
        "landmarks and horizons judged",
        (
            delayed(_rows_at)(study, at_landmark, outcomes, count, horizon)
            for at_landmark in predictions
            for horizon in range(len(study.horizon_months))
        ),
    )
    found = replace(outcomes, cause=np.where(outcomes.exit_month <= closed, outcomes.cause, 0))
    steps = {k: [part[k] for part in visits] for k in range(1, len(study.event) + 1) if study.found_by_test(k)}
    of_visits = [(study.event_names[k - 1], k, parts, found, count) for k, parts in steps.items()]
    with threadpool_limits(limits=1):
        return {
            "one_step": [row for each in of_visits for row in audit_one_step(*each)],
            "one_step_calibration": [one_step_calibration(*each) for each in of_visits],
            **{key: _in_order([row for found in rows for row in found[key]], study) for key in BY_CELL},
            "fairness": audit_subgroups(
                study, groupings(cohort), steps=steps, predictions=predictions, outcomes=found, count=count
            ),
        }


def audited_landmarks(study: Study, *, supported_until: float) -> list[float]:
    """Pick the landmarks of the study's grid that are nearest to AUDITED_MONTHS, as far as answers are given."""
    grid = np.array(study.landmark_months)
    nearest = {float(grid[np.abs(grid - month).argmin()]) for month in AUDITED_MONTHS}
    return sorted(month for month in nearest if month <= supported_until)


def _predict_landmarks(
    parallel: Runner,
    cohort: Cohort,
    held_out: Sequence[BoolArray],
    predictors: Sequence[Predictor],
    *,
    prior_alone: Sequence[Predictor] | None,
    landmarks: Sequence[float],
) -> list[LandmarkPredictions]:
    """Predict everybody at risk at each landmark, every fold (n_patients,) by the predictor fitted without it."""
    priors: Sequence[Predictor | None] = [None] * len(predictors) if prior_alone is None else prior_alone
    parts = parallel(
        "landmarks and folds predicted",
        (
            delayed(predict_at_landmark)(predictor, cohort.histories, cohort.outcomes, out, landmark, prior_alone=prior)
            for landmark in landmarks
            for predictor, out, prior in zip(predictors, held_out, priors, strict=True)
        ),
    )
    n = len(predictors)
    return [LandmarkPredictions.join(parts[start : start + n]) for start in range(0, len(parts), n)]


def _what_is_audited(cohort: Cohort) -> dict[str, Any]:
    """Count the cohort and name the events."""
    study, cause = cohort.study, cohort.outcomes.cause
    return {
        "cohort": {
            "patients": len(cohort),
            "visits": int(np.isfinite(cohort.histories.visit_month).sum()),
            "events": {name: int((cause == k).sum()) for k, name in enumerate(study.event_names, 1)},
        },
        "events": [
            {"name": event.name, "label": event.label or event.name, "role": event.role, "observed": event.observed}
            for event in study.event
        ],
    }


def _strata(study: Study) -> list[dict[str, Any]]:
    """Say by which columns patients are sorted, for the reader."""
    label_of = {each.name: each.label or each.name for each in study.baseline}
    return [
        {"column": by.column, "label": label_of[by.column], "cuts": list(by.cuts), "source": by.source}
        for by in study.strata
    ]


def _rows_at(
    study: Study, predictions: LandmarkPredictions, outcomes: Outcomes, count: FloatArray, horizon: int
) -> dict[str, list[Row]]:
    """All rows of one landmark and one horizon, by key of the document."""
    with threadpool_limits(limits=1):
        found = [audit_cell(cell) for cell in cells_at(study, predictions, outcomes, count, horizon=horizon)]
        return {key: [row for rows in found for row in rows.get(key, [])] for key in BY_CELL}


def _in_order(rows: list[Row], study: Study) -> list[Row]:
    """Sort by event as in the study, then landmark, then horizon; ties keep their order."""
    return sorted(rows, key=lambda row: (study.event_names.index(row["event"]), row["landmark"], row["horizon"]))
