"""Predicted onsets against true ones, where the truth is known: patients of a simulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from model.audit.judged import MIN_EVENTS
from model.audit.metrics import (
    brier_of_everyone_alike,
    brier_score,
    cumulative_dynamic_auc,
    observed_incidence,
    observed_over_expected,
    scaled_brier,
)
from model.audit.resampling import numbers, patient_weights
from model.errors import BadInputError, Problem
from model.tables.cohort_rules import months, unknown_columns
from model.tables.columns import ColumnRule, check_columns
from model.tables.table_file import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from model.predictor import Predictor
    from model.tables.cohort import Cohort
    from model.types import BoolArray, FloatArray, Histories

Row = dict[str, Any]
FIGURES = ("onset_oe", "ipa", "auc")


@dataclass(frozen=True)
class Truth:
    """What is true of patients, in months since the origin.

    Attributes
    ----------
    onset_month : (n_patients, n_targets) from when each target event could be found, in the order of `study.targets`;
        inf = never
    death_month : (n_patients,)
    warnings : columns that are not read
    """

    onset_month: FloatArray
    death_month: FloatArray
    warnings: tuple[str, ...] = ()

    def happened(self, target: int, by_month: float) -> BoolArray:
        """Whether the first onset was of this target, came by then and before death, (n_patients,)."""
        first = self.onset_month.min(axis=1)
        ours = self.onset_month[:, target] == first
        return np.asarray(ours & (first <= by_month) & (first < self.death_month))


def read_truth(path: Path, cohort: Cohort) -> Truth:
    """Read `patient_id`, `onset_<event>` of every target event and `death_time`; raises BadInputError.

    Times are in the study's unit since the origin; a blank onset never comes. Patients of other cohorts may be there.
    """
    study, table = cohort.study, read_table(path)
    onset = [f"onset_{study.event_names[k - 1]}" for k in study.targets]
    rules = [
        ColumnRule("patient_id", "text", required=True, unique=True),
        *(ColumnRule(name, "number") for name in onset),
        ColumnRule("death_time", "number", required=True),
    ]
    frame, problems = check_columns(table, rules)
    absent = [name for name in onset if name not in table.frame]
    problems += [Problem(table.file, 1, name, "this column is required and missing") for name in absent]
    row = dict(zip(frame["patient_id"], range(len(frame)), strict=True))
    unknown = sum(name not in row for name in cohort.patient_id)
    if unknown and not problems:
        rule = f"{unknown} of the cohort's {len(cohort)} patients have no row here"
        problems.append(Problem(table.file, None, "patient_id", rule))
    if problems:
        raise BadInputError(problems)
    here = frame.iloc[[row[name] for name in cohort.patient_id]]
    month = np.column_stack([months(here[name], study).to_numpy(dtype=float) for name in onset])
    known = [*rules, *(ColumnRule(name.replace("onset", "lesion", 1), "number") for name in onset)]
    return Truth(
        np.where(np.isnan(month), np.inf, month),
        months(here["death_time"], study).to_numpy(dtype=float),
        tuple(unknown_columns(table, known)),
    )


def audit_truth(
    predictor: Predictor, cohort: Cohort, truth: Truth, landmarks: Sequence[float], *, seed: int, jobs: int
) -> list[Row]:
    """Hold predicted against true onsets among patients in whom nothing was found by each landmark.

    Returns
    -------
    Rows {event, landmark, horizon, n, onsets, onset_oe, ipa, auc, too_few}, months; what is censored in the tables is
    known here, so that no weights are needed. No figure from fewer onsets than MIN_EVENTS.
    """
    study = cohort.study
    count = patient_weights(len(cohort), seed=seed)
    at_risk = [np.flatnonzero(cohort.outcomes.exit_month > landmark) for landmark in landmarks]
    incidence = Parallel(n_jobs=jobs)(
        delayed(_predicted)(predictor, cohort.histories.select(who), landmark)
        for who, landmark in zip(at_risk, landmarks, strict=True)
    )
    with threadpool_limits(limits=1):
        return [
            {"event": study.event_names[k - 1], "landmark": landmark, "horizon": horizon}
            | _figures(
                predicted[:, k - 1, index],
                truth.happened(target, landmark + horizon)[who],
                count[:, who],
            )
            for target, k in enumerate(study.targets)
            for landmark, who, predicted in zip(landmarks, at_risk, incidence, strict=True)
            for index, horizon in enumerate(study.horizon_months)
        ]


def _predicted(predictor: Predictor, histories: Histories, landmark: float) -> FloatArray:
    """Incidence at every horizon, (n_patients, n_causes, n_horizons)."""
    with threadpool_limits(limits=1):
        forecast = predictor.predict(histories, np.full(len(histories), landmark))
        return np.stack([forecast.at(horizon) for horizon in predictor.study.horizon_months], axis=-1)


def _figures(predicted: FloatArray, happened: BoolArray, count: FloatArray) -> Row:
    onsets = int(happened.sum())
    counts: Row = {"n": len(happened), "onsets": onsets}
    if onsets < MIN_EVENTS:
        return counts | dict.fromkeys(FIGURES) | {"too_few": f"too few onsets ({onsets})"}
    null = brier_of_everyone_alike(happened, count)
    figures = {
        "onset_oe": observed_over_expected(predicted, observed_incidence(happened, count), count),
        "ipa": scaled_brier(brier_score(predicted, happened, count), null),
        "auc": cumulative_dynamic_auc(predicted, happened, count),
    }
    return counts | numbers(figures) | {"too_few": None}
